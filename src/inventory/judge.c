/*
 * judge.c: verdicts on a stream of described RRsets.
 */
#include "inventory/judge.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "perdure/hash.h"
#include "perdure/persist.h"
#include "json/json.h"

enum {
	MAX_NAMES = 1024, /* elements of any list of strings in a line */
	FIX_TTL = 3600
};

/* A list of borrowed strings whose memory is used again for the next line. */
struct list {
	const char **v;
	size_t n, cap;
};

struct judge {
	enum perdure_dialect dialect;
	struct perdure_hash hash;
	int64_t now;
	size_t line; /* number of the current one, from 1 */
	size_t unusable; /* lines that got an error */
	struct buf in, out;
	struct list issuers, thumbprints, algs;
	struct perdure_text *strings;
	size_t n_strings, cap_strings;
	struct perdure_rr *rrs;
	size_t n_rrs, cap_rrs;
	char *octets; /* strings with code points above 0x7F, decoded */
	size_t n_octets, cap_octets;
	char identifier[PERDURE_NAME_SIZE], fqdn[PERDURE_NAME_SIZE];
	size_t at, have; /* of chunk */
	char chunk[64 << 10];
};

static void judge_done(struct judge *j)
{
	perdure_hash_openssl_free(j->hash.ctx);
	buf_done(&j->in);
	buf_done(&j->out);
	free(j->issuers.v);
	free(j->thumbprints.v);
	free(j->algs.v);
	free(j->strings);
	free(j->rrs);
	free(j->octets);
}

static void list_add(struct list *l, const char *s)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 16;
		l->v = xreallocarray(l->v, l->cap, sizeof(*l->v));
	}
	l->v[l->n++] = s;
}

/* Adds the strings of an optional member to the list. */
static int list_read(struct list *l, const struct json *obj, const char *member, struct err *e)
{
	const struct json *arr = json_get(obj, member);
	if (!arr || json_is_null(arr))
		return 0;
	if (!json_is_array(arr) || json_len(arr) > MAX_NAMES)
		return err_set(e, ERR_PARSE, "\"%s\" is no list of at most %d strings", member, MAX_NAMES);
	for (size_t i = 0; i < json_len(arr); i++) {
		const char *s = json_str(json_at(arr, i));
		if (!s)
			return err_set(e, ERR_PARSE, "\"%s\" holds something other than strings", member);
		list_add(l, s);
	}
	return 0;
}

/* One character-string: code points below U+0100 are octets. Plain ASCII is used where it lies. */
static int octets_of(struct judge *j, const struct json *v, struct perdure_text *ret, struct err *e)
{
	size_t n = 0;
	const char *s = json_strn(v, &n);
	if (!s)
		return err_set(e, ERR_PARSE, "\"txt\" is no list of lists of strings");
	size_t i = 0;
	while (i < n && (unsigned char)s[i] < 0x80)
		i++;
	if (i == n) {
		*ret = (struct perdure_text){.p = s, .n = n};
		return 0;
	}
	char *to = j->octets + j->n_octets;
	size_t len = 0;
	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		if (c > 0xC3)
			return err_set(e, ERR_PARSE, "\"txt\" holds a code point above U+00FF, which is no octet");
		if (c >= 0xC0)
			c = (unsigned char)(c << 6 | ((unsigned char)s[++i] & 0x3F));
		to[len++] = (char)c;
	}
	j->n_octets += len;
	*ret = (struct perdure_text){.p = to, .n = len};
	return 0;
}

static int read_rr(struct judge *j, const struct json *rr, struct err *e)
{
	if (!json_is_array(rr))
		return err_set(e, ERR_PARSE, "\"txt\" is no list of lists of strings");
	size_t n = json_len(rr);
	if (j->n_rrs == j->cap_rrs) {
		j->cap_rrs = j->cap_rrs ? j->cap_rrs * 2 : 16;
		j->rrs = xreallocarray(j->rrs, j->cap_rrs, sizeof(*j->rrs));
	}
	for (size_t i = 0; i < n; i++) {
		if (j->n_strings == j->cap_strings) {
			j->cap_strings = j->cap_strings ? j->cap_strings * 2 : 64;
			j->strings = xreallocarray(j->strings, j->cap_strings, sizeof(*j->strings));
		}
		if (octets_of(j, json_at(rr, i), &j->strings[j->n_strings], e))
			return -1;
		j->n_strings++;
	}
	j->rrs[j->n_rrs++].n = n;
	return 0;
}

static int read_txt(struct judge *j, const struct json *obj, struct err *e)
{
	const struct json *txt;
	if (json_need_array(obj, "txt", &txt, e))
		return -1;
	j->n_rrs = j->n_strings = j->n_octets = 0;
	if (j->in.n > j->cap_octets) {
		j->cap_octets = j->in.n;
		j->octets = xreallocarray(j->octets, j->cap_octets, 1);
	}
	for (size_t i = 0; i < json_len(txt); i++)
		if (read_rr(j, json_at(txt, i), e))
			return -1;
	/* The array of strings does not move any more. */
	size_t at = 0;
	for (size_t i = 0; i < j->n_rrs; i++) {
		j->rrs[i].strings = j->strings + at;
		at += j->rrs[i].n;
	}
	return 0;
}

static int read_level(const struct json *obj, const char *prefix, enum perdure_level *ret, struct err *e)
{
	const char *draft;
	if (json_opt_str(obj, "draft", &draft, e))
		return -1;
	if (!draft)
		*ret = prefix ? PERDURE_LEVEL_02 : PERDURE_LEVEL_01;
	else if (!strcmp(draft, "00"))
		*ret = PERDURE_LEVEL_00;
	else if (!strcmp(draft, "01"))
		*ret = PERDURE_LEVEL_01;
	else if (!strcmp(draft, "02"))
		*ret = PERDURE_LEVEL_02;
	else
		return err_set(e, ERR_PARSE, "\"draft\" is \"%s\"; known are \"00\", \"01\" and \"02\"", draft);
	return 0;
}

static int read_names(struct judge *j, const struct json *obj, struct perdure_question *q, struct err *e)
{
	const char *identifier, *fqdn;
	bool star = false;
	if (json_need_str(obj, "identifier", &identifier, e) || json_opt_str(obj, "validated_fqdn", &fqdn, e) ||
		json_opt_bool(obj, "wildcard", false, &q->wildcard, e))
		return -1;
	enum perdure_status s = perdure_name_normalize(identifier, j->identifier, &star);
	if (s != PERDURE_OK)
		return err_set(e, ERR_PARSE, "\"identifier\": %s", perdure_strerror(s));
	s = perdure_name_normalize(fqdn ? fqdn : j->identifier, j->fqdn, NULL);
	if (s != PERDURE_OK)
		return err_set(e, ERR_PARSE, "\"validated_fqdn\": %s", perdure_strerror(s));
	q->wildcard |= star;
	q->identifier = j->identifier;
	q->fqdn = j->fqdn;
	return 0;
}

static int read_keys(struct judge *j, const struct json *obj, struct perdure_question *q, struct err *e)
{
	const char *current;
	j->thumbprints.n = j->algs.n = 0;
	if (json_opt_str(obj, "account_hash_prefix", &q->account_hash_prefix, e) ||
		json_opt_str(obj, "account_thumbprint", &current, e))
		return -1;
	if (current)
		list_add(&j->thumbprints, current);
	if (list_read(&j->thumbprints, obj, "retained_thumbprints", e) || list_read(&j->algs, obj, "hash_algs", e))
		return -1;
	q->thumbprints = j->thumbprints.v;
	q->n_thumbprints = j->thumbprints.n;
	q->hash_algs = j->algs.v;
	q->n_hash_algs = j->algs.n;
	return 0;
}

/* account_url is where the one URL of q stands. */
static int read_question(
	struct judge *j, const struct json *obj, struct perdure_question *q, const char **account_url, struct err *e)
{
	const char *status;
	j->issuers.n = 0;
	*q = (struct perdure_question){.dialect = j->dialect, .hash = &j->hash};
	if (read_names(j, obj, q, e) || read_keys(j, obj, q, e) ||
		read_level(obj, q->account_hash_prefix, &q->level, e) ||
		list_read(&j->issuers, obj, "issuer_domain_names", e) ||
		json_need_str(obj, "account_uri", account_url, e) || json_opt_str(obj, "account_status", &status, e) ||
		json_opt_int(obj, "now", j->now, &q->now, e))
		return -1;
	if (!j->issuers.n)
		return err_set(e, ERR_PARSE, "\"issuer_domain_names\" is missing or empty");
	if (q->level == PERDURE_LEVEL_02 && (!q->n_thumbprints || !q->account_hash_prefix))
		return err_set(e, ERR_PARSE, "draft 02 needs \"account_thumbprint\" and \"account_hash_prefix\"");
	q->issuers = j->issuers.v;
	q->n_issuers = j->issuers.n;
	q->account_urls = account_url;
	q->n_account_urls = 1;
	q->deactivated = status && strcmp(status, "valid") != 0;
	q->via_alias = json_len(json_get(obj, "cname_chain")) > 1;
	return 0;
}

static void put_id(struct json_out *w, const struct json *obj)
{
	const struct json *id = json_get(obj, "id");
	int64_t number;
	if (json_int(id, &number))
		json_out_int(w, "id", number);
	else
		json_out_str(w, "id", json_str(id));
}

static int put_verdict(struct judge *j, const struct json *obj, const struct perdure_question *q,
	const struct perdure_verdict *v, struct err *e)
{
	char *reason = NULL;
	struct perdure_built fix = {0};
	if (perdure_verdict_explain(q, v, &reason) != PERDURE_OK)
		return err_set(e, ERR_SYS, "out of memory");
	bool fixable = perdure_verdict_fix(q, v, FIX_TTL, &fix) == PERDURE_OK;
	struct json_out w = json_out_make(&j->out);
	json_out_object(&w, NULL);
	put_id(&w, obj);
	json_out_str(&w, "verdict", v->valid ? "valid" : "invalid");
	json_out_str(&w, "problem", v->problem);
	json_out_str(&w, "reason", reason);
	json_out_str(&w, "fix", fixable ? fix.zone_line : NULL);
	json_out_end_object(&w);
	perdure_built_done(&fix);
	perdure_free(reason);
	return 0;
}

static int judge_object(struct judge *j, const struct json *obj, struct err *e)
{
	struct perdure_question q;
	struct perdure_verdict v;
	const char *account_url;
	if (!json_is_object(obj))
		return err_set(e, ERR_PARSE, "an object is needed");
	if (read_txt(j, obj, e) || read_question(j, obj, &q, &account_url, e))
		return -1;
	enum perdure_status s = perdure_judge(&q, j->rrs, j->n_rrs, &v);
	if (s != PERDURE_OK)
		return err_set(e, ERR_PARSE, "no verdict: %s", perdure_strerror(s));
	return put_verdict(j, obj, &q, &v, e);
}

/* Words for a line that could not be used: the parser counts lines within it, we count them in the stream. */
static void put_error(struct judge *j, const struct json *obj, const struct err *e)
{
	char text[sizeof(e->msg) + 64];
	const char *column = obj ? NULL : strstr(e->msg, "column ");
	if (column)
		snprintf(text, sizeof(text), "line %zu, %s", j->line, column);
	else
		snprintf(text, sizeof(text), "line %zu, column 1: %s", j->line, e->msg);
	buf_clear(&j->out);
	struct json_out w = json_out_make(&j->out);
	json_out_object(&w, NULL);
	put_id(&w, obj);
	json_out_str(&w, "error", text);
	json_out_end_object(&w);
	j->unusable++;
}

static int judge_line(struct judge *j, bool too_long, FILE *out, struct err *e)
{
	struct json *obj = NULL;
	struct err line_err = {0};
	buf_clear(&j->out);
	int r;
	if (too_long)
		r = err_set(&line_err, ERR_LIMIT, "column %d: the line is longer than %d octets", JUDGE_MAX_LINE + 1,
			JUDGE_MAX_LINE);
	else
		r = json_parse_nul(j->in.p, j->in.n, "JSON", &obj, &line_err);
	if (!r)
		r = judge_object(j, obj, &line_err);
	if (r)
		put_error(j, obj, &line_err);
	err_done(&line_err);
	json_free(obj);
	buf_putc(&j->out, '\n');
	if (fwrite(j->out.p, 1, j->out.n, out) != j->out.n)
		return err_sys(e, "cannot write a verdict");
	return 0;
}

/* Fills j->chunk when it is used up. 1, 0 at the end of the stream, -1. */
static int refill(struct judge *j, FILE *in, struct err *e)
{
	if (j->at < j->have)
		return 1;
	j->at = 0;
	j->have = fread(j->chunk, 1, sizeof(j->chunk), in);
	if (!j->have && ferror(in))
		return err_sys(e, "cannot read line %zu", j->line + 1);
	return j->have > 0;
}

/* Reads one line without its end. 1, 0 at the end of the stream, -1. Of a line that is too long the rest is passed
 * over. */
static int read_line(struct judge *j, FILE *in, bool *ret_too_long, struct err *e)
{
	int r;
	bool any = false;
	buf_clear(&j->in);
	while ((r = refill(j, in, e)) > 0) {
		const char *from = j->chunk + j->at;
		const char *end = memchr(from, '\n', j->have - j->at);
		size_t n = end ? (size_t)(end - from) : j->have - j->at;
		any = true;
		buf_put(&j->in, from, n);
		j->at += n + (end != NULL);
		if (end)
			break;
	}
	*ret_too_long = j->in.bad;
	j->line += any;
	return r < 0 ? -1 : any;
}

static bool is_blank(const struct buf *b)
{
	return !b->bad && (!b->n || strspn(b->p, " \t\r") == b->n);
}

int judge_stream(FILE *in, FILE *out, const char *dialect, struct err *e)
{
	enum perdure_dialect d;
	if (perdure_dialect_find(dialect ? dialect : "draft", &d) != PERDURE_OK)
		return err_set(e, ERR_USAGE,
			"no dialect \"%s\"; known are draft, boulder, pebble, acme2certifier, ucm, adcs", dialect);
	struct judge j = {.dialect = d,
		.hash = {.fn = perdure_hash_openssl, .ctx = perdure_hash_openssl_new()},
		.now = time(NULL),
		.in = buf_make(JUDGE_MAX_LINE),
		.out = buf_make(JUDGE_MAX_LINE)};
	bool too_long = false;
	int r;
	while ((r = read_line(&j, in, &too_long, e)) > 0) {
		if (is_blank(&j.in))
			continue;
		r = judge_line(&j, too_long, out, e);
		if (r)
			break;
	}
	if (!r && fflush(out))
		r = err_sys(e, "cannot write verdicts");
	if (!r && j.unusable)
		r = err_set(e, ERR_PARSE, "%zu of %zu lines could not be used", j.unusable, j.line);
	judge_done(&j);
	return r;
}
