/* export_text.c: names, RDATA and quoting as the writers of export formats need them. */
#include <perdure/persist.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "inventory/export_priv.h"
#include "json/json.h"

const char *export_relative(const struct export_rrset *r, char out[static 256])
{
	size_t n = strlen(r->owner), n_zone = strlen(r->zone);
	if (n == n_zone)
		return "@";
	size_t keep = n_zone ? n - n_zone - 1 : n;
	if (keep > 255)
		keep = 255;
	memcpy(out, r->owner, keep);
	out[keep] = '\0';
	return out;
}

/* The value of a CAA property is one string, however long (RFC 8659 section 4.1.1). */
static void quoted_whole(struct buf *out, const char *s)
{
	buf_putc(out, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_putc(out, '\\');
		buf_putc(out, *s);
	}
	buf_putc(out, '"');
}

void export_rdata(struct buf *out, const struct export_rrset *r, const struct export_value *v)
{
	if (r->type == EXPORT_CNAME) {
		buf_printf(out, "%s.", v->text);
		return;
	}
	if (r->type == EXPORT_CAA) {
		buf_printf(out, "%u %s ", v->flags, v->tag);
		quoted_whole(out, v->text);
		return;
	}
	char *quoted = NULL;
	if (perdure_txt_present(v->text, strlen(v->text), &quoted) == PERDURE_OK)
		buf_puts(out, quoted);
	else
		out->bad = true; /* too long for a record; whoever asked for the text looks at the buffer */
	perdure_free(quoted);
}

void export_hcl(struct buf *out, const char *s)
{
	buf_putc(out, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_putc(out, '\\');
		if ((*s == '$' || *s == '%') && s[1] == '{')
			buf_putc(out, *s);
		buf_putc(out, *s);
	}
	buf_putc(out, '"');
}

void export_json(struct buf *out, const char *s)
{
	struct json_out w = json_out_make(out);
	json_out_str(&w, NULL, s);
}

void export_yaml(struct buf *out, const char *s)
{
	buf_putc(out, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			buf_putc(out, '\'');
		buf_putc(out, *s);
	}
	buf_putc(out, '\'');
}

void export_shell(struct buf *out, const char *s)
{
	buf_putc(out, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			buf_puts(out, "'\\'");
		buf_putc(out, *s);
	}
	buf_putc(out, '\'');
}

bool export_zone_begins(const struct export_set *s, size_t i)
{
	return !i || strcmp(s->v[i - 1].zone, s->v[i].zone) != 0;
}

size_t export_n_values(const struct export_rrset *r)
{
	return r->n_ours + r->n_foreign;
}

const struct export_value *export_value_at(const struct export_rrset *r, size_t i)
{
	return i < r->n_ours ? &r->ours[i] : &r->foreign[i - r->n_ours];
}
