/* ct_read.c: files of certificates seen in the logs. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "watch/ct_priv.h"
#include "json/json.h"

enum { ARRAY_MAX = 256 << 20, LINE_OCTETS_MAX = 16 << 20, NAMES_MAX = 10000 };

static void close_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

/* --- one entry --- */

/* What can be no DNS name (an e-mail address, the name of a person) is none of ours. */
static void add_name(struct ct_entry *t, const char *p, size_t n)
{
	AUTO(xfreep) char *name = xstrndup(p, n);
	for (char *c = name; *c; c++) {
		*c = (char)tolower((unsigned char)*c);
		if (!isalnum((unsigned char)*c) && !strchr("-._*", *c))
			return;
	}
	if (n && name[n - 1] == '.')
		name[n - 1] = '\0';
	if (*name && !strv_has(&t->names, name))
		strv_add_take(&t->names, TAKE(name));
}

static int read_time(const struct json *obj, const char *member, int64_t *ret, struct err *e)
{
	const char *s;
	if (json_opt_str(obj, member, &s, e))
		return -1;
	*ret = 0;
	if (!s || !*s)
		return 0;
	/* crt.sh leaves the zone out and means UTC. */
	bool zone = strpbrk(s, "Zz+") || (strlen(s) > 19 && strchr(s + 19, '-'));
	AUTO(xfreep) char *text = xasprintf("%s%s", s, zone ? "" : "Z");
	return clock_parse_rfc3339(text, ret, e) ? err_ctx(e, "member \"%s\"", member) : 0;
}

static int read_serial(const struct json *obj, const char *member, struct ct_entry *t, struct err *e)
{
	const char *s;
	if (json_need_str(obj, member, &s, e))
		return -1;
	t->serial = ct_serial(s);
	return t->serial ? 0 : err_set(e, ERR_PARSE, "member \"%s\": \"%s\" is no hexadecimal number", member, s);
}

/* A number or a text, as they come. */
static char *read_id(const struct json *obj)
{
	const struct json *id = json_get(obj, "id");
	int64_t n;
	if (id && json_int(id, &n))
		return xasprintf("%lld", (long long)n);
	const char *s = id ? json_str(id) : NULL;
	return xstrdup(s ? s : "");
}

static int read_crtsh(const struct json *obj, struct ct_entry *t, struct err *e)
{
	const char *names, *issuer, *cn;
	if (json_need_str(obj, "name_value", &names, e) || json_need_str(obj, "issuer_name", &issuer, e) ||
		json_opt_str(obj, "common_name", &cn, e) || read_serial(obj, "serial_number", t, e))
		return -1;
	for (const char *p = names; *p;) {
		size_t n = strcspn(p, "\n");
		add_name(t, p, n);
		p += n + (p[n] != '\0');
	}
	if (cn)
		add_name(t, cn, strlen(cn));
	t->issuer = xstrdup(issuer);
	return 0;
}

static int read_ours(const struct json *obj, struct ct_entry *t, struct err *e)
{
	AUTO(strv_done) struct strv names = {0};
	const struct json *list;
	const char *issuer;
	if (json_need_array(obj, "names", &list, e) || json_opt_strv(obj, "names", NAMES_MAX, &names, e) ||
		json_need_str(obj, "issuer", &issuer, e) || read_serial(obj, "serial", t, e))
		return -1;
	for (size_t i = 0; i < names.n; i++)
		add_name(t, names.v[i], strlen(names.v[i]));
	t->issuer = xstrdup(issuer);
	return 0;
}

static int read_entry(struct ct *c, const struct json *obj, struct err *e)
{
	if (c->n == c->cap) {
		c->cap = c->cap ? c->cap * 2 : 64;
		c->v = xreallocarray(c->v, c->cap, sizeof(*c->v));
	}
	/* It counts from now on, so that it is released whatever it lacks. */
	struct ct_entry *t = &c->v[c->n++];
	*t = (struct ct_entry){0};
	if (!json_is_object(obj))
		return err_set(e, ERR_PARSE, "an object is needed for each certificate");
	int rc = json_get(obj, "serial_number") ? read_crtsh(obj, t, e) : read_ours(obj, t, e);
	if (rc || read_time(obj, "not_before", &t->not_before, e) || read_time(obj, "not_after", &t->not_after, e)) {
		e->kind = ERR_PARSE;
		return -1;
	}
	t->id = read_id(obj);
	return 0;
}

/* --- files --- */

static int read_array(struct ct *c, const char *path, FILE *f, struct err *e)
{
	AUTO(buf_done) struct buf text = buf_make(ARRAY_MAX);
	AUTO(json_freep) struct json *list = NULL;
	char piece[65536];
	size_t n;
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_put(&text, piece, n);
	if (buf_check(&text, path, e) || json_parse(buf_str(&text), text.n, path, &list, e))
		return -1;
	for (size_t i = 0; i < json_len(list); i++)
		if (read_entry(c, json_at(list, i), e))
			return err_ctx(e, "%s: entry %zu", path, i + 1);
	return 0;
}

static int read_line(struct ct *c, const char *line, size_t n, struct err *e)
{
	AUTO(json_freep) struct json *obj = NULL;
	if (n > LINE_OCTETS_MAX)
		return err_set(e, ERR_LIMIT, "the line is longer than %d octets", LINE_OCTETS_MAX);
	return json_parse(line, n, "JSON", &obj, e) ? -1 : read_entry(c, obj, e);
}

static int read_known_line(struct ct *c, const char *line, size_t n, struct err *e)
{
	AUTO(json_freep) struct json *obj = NULL;
	const char *serial = line;
	AUTO(xfreep) char *word = NULL;
	if (*line == '{') {
		if (json_parse(line, n, "JSON", &obj, e) || json_opt_str(obj, "serial", &serial, e))
			return -1;
	} else {
		serial = word = xstrndup(line, strcspn(line, " \t\r\n#"));
	}
	if (!serial || !*serial)
		return 0;
	char *s = ct_serial(serial);
	if (!s)
		return err_set(e, ERR_PARSE, "\"%.80s\" is no hexadecimal number", serial);
	strv_add_take(&c->known, s);
	return 0;
}

static int each_line(struct ct *c, const char *path, FILE *f,
	int (*fn)(struct ct *c, const char *line, size_t n, struct err *e), struct err *e)
{
	AUTO(xfreep) char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	for (size_t number = 1; (n = getline(&line, &cap, f)) >= 0; number++) {
		size_t from = strspn(line, " \t\r\n");
		if (line[from] && fn(c, line + from, (size_t)n - from, e)) {
			e->kind = e->kind == ERR_LIMIT ? ERR_LIMIT : ERR_PARSE;
			return err_ctx(e, "%s: line %zu", path, number);
		}
	}
	return 0;
}

static FILE *open_file(const char *path, struct err *e)
{
	FILE *f = fopen(path, "re");
	if (!f)
		err_sys(e, "open %s", path);
	return f;
}

int ct_read(struct ct *c, const char *path, struct err *e)
{
	AUTO(close_file) FILE *f = open_file(path, e);
	int first;
	if (!f)
		return -1;
	while ((first = getc(f)) == ' ' || first == '\t' || first == '\r' || first == '\n')
		;
	if (first != EOF)
		ungetc(first, f);
	int rc = first == '[' ? read_array(c, path, f, e) : each_line(c, path, f, read_line, e);
	if (!rc && ferror(f))
		return err_sys(e, "read %s", path);
	if (rc && e->kind == ERR_PARSE)
		err_hint(e, "JSON as crt.sh gives it, or a line {\"names\": [\"example.com\"], \"issuer\": \"O=CA\", "
			    "\"serial\": \"03ab\"} for each certificate");
	return rc;
}

int ct_read_known(struct ct *c, const char *path, struct err *e)
{
	AUTO(close_file) FILE *f = open_file(path, e);
	if (!f)
		return -1;
	int rc = each_line(c, path, f, read_known_line, e);
	return !rc && ferror(f) ? err_sys(e, "read %s", path) : rc;
}
