/* baseline.c: the file of an earlier audit read, and what has changed since. */
#include "watch/baseline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "watch/baseline_priv.h"
#include "watch/rules_priv.h"
#include "json/json.h"

enum { FILE_MAX = 1 << 30, TEXT_MAX = 256 << 10 };

int baseline_load(const char *path, struct baseline **ret, struct err *e)
{
	struct baseline *b = xcalloc(1, sizeof(*b));
	*b = (struct baseline){.path = xstrdup(path), .text = buf_make(FILE_MAX)};
	if (fs_read(path, &b->text, e)) {
		if (e->code == ENOENT)
			err_hint(e, "--update-baseline writes a first one");
		baseline_free(b);
		return err_ctx(e, "baseline");
	}
	size_t cap = 0, number = 0;
	for (char *p = b->text.p, *end; p && *p; p = end + 1) {
		end = strchrnul(p, '\n');
		number++;
		char *name = p + strlen(BASELINE_NAME), *quote = NULL;
		bool is_name = !strncmp(p, BASELINE_NAME, strlen(BASELINE_NAME)) &&
			       (quote = memchr(name, '"', (size_t)(end - name)));
		if (number == 1 && strncmp(p, BASELINE_HEAD, strlen(BASELINE_HEAD)) != 0) {
			err_set(e, ERR_PARSE, "%s is no baseline of this version", path);
			err_hint(e, "name another file, or remove it and write a new one with --update-baseline");
			baseline_free(b);
			return -1;
		}
		if (is_name) {
			if (b->n == cap) {
				cap = cap ? cap * 2 : 256;
				b->v = xreallocarray(b->v, cap, sizeof(*b->v));
			}
			b->v[b->n++] = (struct baseline_line){
				.p = p, .n = (size_t)(end - p), .name_n = (size_t)(quote - name)};
		} else {
			strv_add_take(&b->others, xstrndup(p, (size_t)(end - p)));
		}
		if (!*end)
			break;
	}
	*ret = b;
	return 0;
}

void baseline_free(struct baseline *b)
{
	if (!b)
		return;
	free(b->path);
	buf_done(&b->text);
	free(b->v);
	strv_done(&b->others);
	free(b);
}

void baseline_freep(struct baseline **b)
{
	baseline_free(*b);
}

static int compare(const char *a, size_t n, const char *b, size_t m)
{
	int d = memcmp(a, b, n < m ? n : m);
	return d ? d : n < m ? -1 : n > m;
}

struct baseline_line *baseline_line(const struct baseline *b, const char *fqdn)
{
	size_t lo = 0, hi = b->n, len = strlen(fqdn);
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		struct baseline_line *l = &b->v[mid];
		int d = compare(l->p + strlen(BASELINE_NAME), l->name_n, fqdn, len);
		if (!d)
			return l;
		if (d < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static void json_done(struct json **j)
{
	json_free(*j);
}

int baseline_find(struct baseline *b, const char *fqdn, struct baseline_name *ret, bool *ret_found, struct err *e)
{
	struct baseline_line *l = baseline_line(b, fqdn);
	AUTO(json_done) struct json *j = NULL;
	struct baseline_name n = {0};
	*ret_found = l != NULL;
	if (!l)
		return 0;
	l->seen = true;
	if (json_parse(l->p, l->n, b->path, &j, e) || json_opt_strv(j, "ns", 1000, &n.ns, e) ||
		json_opt_strv(j, "records", 100000, &n.records, e) ||
		json_opt_strv(j, "findings", 1000000, &n.findings, e)) {
		baseline_name_done(&n);
		e->kind = ERR_PARSE;
		return err_ctx(e, "the line of %s in the baseline %s", fqdn, b->path);
	}
	*ret = n;
	return 0;
}

void baseline_name_done(struct baseline_name *n)
{
	strv_done(&n->ns);
	strv_done(&n->records);
	strv_done(&n->findings);
}

void baseline_fingerprint(const struct finding *f, char out[static BASELINE_PRINT])
{
	snprintf(out, BASELINE_PRINT, "%s-%016" PRIx64, f->rule->id, f->fingerprint);
}

bool baseline_knows(const struct baseline_name *n, const struct finding *f)
{
	char text[BASELINE_PRINT];
	baseline_fingerprint(f, text);
	return strv_has(&n->findings, text);
}

void baseline_rest(struct baseline *b, void (*fn)(const char *fqdn, void *ctx), void *ctx)
{
	for (size_t i = 0; i < b->n; i++) {
		if (b->v[i].seen)
			continue;
		AUTO(xfreep) char *name = xstrndup(b->v[i].p + strlen(BASELINE_NAME), b->v[i].name_n);
		fn(name, ctx);
	}
}

/* --- what has changed --- */

/* The octets of TXT data in zone-file form, its character-strings joined. Heap string of *ret_n octets. */
static char *octets(const char *text, size_t *ret_n)
{
	char *out = xmalloc(strlen(text) + 1);
	size_t n = 0;
	bool inside = false;
	for (const char *p = text; *p; p++) {
		if (*p == '"')
			inside = !inside;
		else if (*p == '\\' && p[1] >= '0' && p[1] <= '9' && p[2] && p[3]) {
			out[n++] = (char)((p[1] - '0') * 100 + (p[2] - '0') * 10 + (p[3] - '0'));
			p += 3;
		} else if (*p == '\\' && p[1])
			out[n++] = *++p;
		else if (inside)
			out[n++] = *p;
	}
	out[n] = '\0';
	*ret_n = n;
	return out;
}

static bool same_text(struct perdure_text a, struct perdure_text b)
{
	return a.n == b.n && !memcmp(a.p, b.p, a.n);
}

/* The record of the list for the same issuer and account that `not` does not have; NULL when there is none. */
static const char *counterpart(const struct perdure_record *rec, const struct strv *list, const struct strv * not )
{
	for (size_t i = 0; i < list->n; i++) {
		size_t n;
		struct perdure_record other;
		if (strv_has(not, list->v[i]))
			continue;
		AUTO(xfreep) char *p = octets(list->v[i], &n);
		if (perdure_record_read(p, n, &other, NULL, NULL) == PERDURE_OK &&
			same_text(rec->issuer, other.issuer) && same_text(rec->account_uri, other.account_uri))
			return list->v[i];
	}
	return NULL;
}

void baseline_records(const struct facts *f, struct strv *ret)
{
	EACH_RR(f, s, rr)
	{
		char *text;
		if (perdure_txt_present(rr->p, rr->n, &text))
			continue;
		strv_add(ret, text);
		perdure_free(text);
	}
	strv_sort_unique(ret);
}

struct change {
	const struct facts *f;
	const struct audit_context *c;
	finding_fn tell;
	void *ctx;
};

static void change(const struct change *g, const char *id, struct about a, const char *text, const char *more)
{
	if (context_ignored(g->c, id, g->f->fqdn))
		return;
	a.owner = g->f->owner;
	found_elsewhere(g->tell, g->ctx, rules_find(id), g->f->fqdn, a, "%s%s", text, more);
}

static void removed(const struct change *g, const struct strv *before, const struct strv *now)
{
	for (size_t i = 0; i < before->n; i++) {
		struct perdure_record rec;
		size_t n;
		if (strv_has(now, before->v[i]))
			continue;
		AUTO(xfreep) char *p = octets(before->v[i], &n);
		bool readable = perdure_record_read(p, n, &rec, NULL, NULL) == PERDURE_OK;
		/* What has taken its place is told as altered. */
		if (!readable || !counterpart(&rec, now, before))
			change(g, "PD902", (struct about){.key = before->v[i]}, before->v[i], "");
	}
}

static void added(const struct change *g, const struct facts_set *s, const struct facts_rr *rr,
	const struct strv *before, const struct strv *now)
{
	char *text;
	if (perdure_txt_present(rr->p, rr->n, &text))
		return;
	if (!strv_has(before, text)) {
		const char *old = rr->readable ? counterpart(&rr->rec, before, now) : NULL;
		AUTO(xfreep) char *was = old ? xasprintf(", was %s", old) : xstrdup("");
		change(g, old ? "PD903" : "PD901", (struct about){.rr = rr, .server = facts_only_at(g->f, s, rr)}, text,
			was);
	}
	perdure_free(text);
}

void baseline_compare(
	const struct baseline_name *n, const struct facts *f, const struct audit_context *c, finding_fn tell, void *ctx)
{
	AUTO(strv_done) struct strv now = {0};
	struct change g = {f, c, tell, ctx};
	if (f->failure)
		return;
	baseline_records(f, &now);
	EACH_RR(f, s, rr)
	added(&g, s, rr, &n->records, &now);
	removed(&g, &n->records, &now);
}

void baseline_compare_ca(
	const struct baseline *b, const struct audit_ca *a, const struct audit_context *c, finding_fn tell, void *ctx)
{
	AUTO(buf_done) struct buf now = buf_make(TEXT_MAX), head = buf_make(TEXT_MAX);
	baseline_ca_text(a, &now);
	buf_put(&head, now.p, (size_t)(strchr(buf_str(&now), ',') - buf_str(&now)) + 1);
	for (size_t i = 0; i < b->others.n; i++) {
		const char *was = b->others.v[i];
		if (strncmp(was, head.p, head.n) != 0 || !strcmp(was, buf_str(&now)) ||
			context_ignored(c, "PD801", a->name))
			continue;
		found_elsewhere(tell, ctx, rules_find("PD801"), a->name,
			(struct about){.ca = a->name, .key = buf_str(&now)}, "now %s, before %s",
			buf_str(&now) + head.n, was + head.n);
	}
}
