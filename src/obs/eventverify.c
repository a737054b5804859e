/* eventverify.c: reading the event log. */
#include "obs/eventverify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "crypto/detached.h"
#include "obs/eventline.h"
#include "obs/eventlog.h"
#include "json/json.h"

/* --- lines of files --- */

struct walk {
	const char *dir;
	const char *file; /* its name */
	int64_t line;
	/* p has n octets, the line feed included unless the line is torn. */
	int (*fn)(struct walk *w, const char *p, size_t n, bool torn, void *ctx, struct err *e);
	void *ctx;
};

/* The first `size` octets of a file; f is closed. */
static int walk_file(struct walk *w, FILE *f, off_t size, struct err *e)
{
	AUTO(xfreep) char *line = NULL;
	size_t cap = 0;
	ssize_t n = 0;
	int r = 0;
	w->line = 0;
	for (off_t at = 0; !r && at < size && (n = getline(&line, &cap, f)) > 0; at += n) {
		w->line++;
		r = w->fn(w, line, (size_t)n, line[n - 1] != '\n' || at + n > size, w->ctx, e);
	}
	if (!r && ferror(f))
		r = err_sys(e, "read %s/%s", w->dir, w->file);
	fclose(f);
	return r;
}

static int walk_ended(struct walk *w, const char *file, struct err *e)
{
	AUTO(xfreep) char *path = xasprintf("%s/%s", w->dir, file);
	FILE *f = fopen(path, "re");
	w->file = file;
	if (f)
		return walk_file(w, f, INT64_MAX, e);
	if (errno != ENOENT)
		return err_sys(e, "open %s", path);
	err_set(e, ERR_BUSY, "%s was removed while the event log was read", path);
	err_hint(e, "files older than events.keep go when a new one begins: run it again");
	return -1;
}

static int walk_all(struct walk *w, struct err *e)
{
	AUTO(eventlog_view_done) struct eventlog_view v = {.fd = -1};
	int r = eventlog_view(w->dir, &v, e);
	for (size_t i = 0; !r && i < v.ended.n; i++)
		r = walk_ended(w, v.ended.v[i], e);
	if (r || v.fd < 0)
		return r;
	FILE *f = fdopen(v.fd, "re");
	if (!f)
		return err_sys(e, "open %s/events.jsonl", w->dir);
	v.fd = -1;
	w->file = "events.jsonl";
	return walk_file(w, f, v.size, e);
}

/* NULL for what is no JSON. */
static struct json *parse(const char *p, size_t n)
{
	struct json *j = NULL;
	struct err ignored = {0};
	if (json_parse(p, n, "line", &j, &ignored))
		err_done(&ignored);
	return j;
}

struct each {
	int (*fn)(const char *line, size_t n, const struct json *j, void *ctx, struct err *e);
	void *ctx;
};

static int each_line(struct walk *w, const char *p, size_t n, bool torn, void *ctx, struct err *e)
{
	const struct each *each = ctx;
	(void)w;
	if (torn)
		return 0;
	AUTO(json_freep) struct json *j = parse(p, n);
	return each->fn(p, n - 1, j, each->ctx, e);
}

int eventverify_each(const char *dir,
	int (*fn)(const char *line, size_t n, const struct json *j, void *ctx, struct err *e), void *ctx, struct err *e)
{
	struct each each = {.fn = fn, .ctx = ctx};
	struct walk w = {.dir = dir, .fn = each_line, .ctx = &each};
	return walk_all(&w, e);
}

/* --- verification --- */

static const char *const kinds[] = {
	[EVENTVERIFY_CHANGED] = "changed",
	[EVENTVERIFY_REMOVED] = "removed",
	[EVENTVERIFY_REORDERED] = "reordered",
	[EVENTVERIFY_SIGNATURE] = "signature",
	[EVENTVERIFY_UNKNOWN_KEY] = "unknown-key",
	[EVENTVERIFY_TRUNCATED] = "truncated",
	[EVENTVERIFY_BEGINNING] = "beginning",
	[EVENTVERIFY_TORN] = "torn",
	[EVENTVERIFY_UNSIGNED] = "unsigned",
};
_Static_assert(ARRAY_LEN(kinds) == EVENTVERIFY_KIND_N_, "a name for each kind");

const char *eventverify_kind_name(enum eventverify_kind k)
{
	return kinds[k];
}

/* A line that is known to have been there. */
struct known {
	int64_t seq; /* 0 for none */
	const char *hash; /* NULL when not known */
	const char *from;
	bool seen;
};

enum { KNOWN_GIVEN, KNOWN_FILE, KNOWN_N };

struct verify {
	const struct eventverify_options *o;
	struct eventverify_result *r;
	struct known known[KNOWN_N];
	char file_hash[EVENTLOG_HASH_MAX];
};

__attribute__((format(printf, 5, 6))) static void tell(
	struct verify *v, const struct walk *w, enum eventverify_kind kind, int64_t seq, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	struct eventverify_finding f = {
		.kind = kind, .file = w ? w->file : "", .line = w ? w->line : 0, .seq = seq, .text = text};
	v->r->findings++;
	if (v->o->finding)
		v->o->finding(&f, v->o->ctx);
}

/* Where ,"signature":"…"} begins, with which the line ends; 0 when it does not. What is in front is what is signed. */
static size_t signed_part(const char *p, size_t n, const char *sig)
{
	AUTO(xfreep) char *end = xasprintf(",\"signature\":\"%s\"}\n", sig);
	size_t end_n = strlen(end);
	return n > end_n && !memcmp(p + n - end_n, end, end_n) ? n - end_n : 0;
}

static const struct key *find_key(const struct eventverify_options *o, const char *id)
{
	for (size_t i = 0; i < o->n_keys; i++) {
		AUTO(xfreep) char *own = NULL;
		struct err ignored = {0};
		if (detached_key_id(o->keys[i], &own, &ignored))
			err_done(&ignored);
		else if (!strcmp(own, id))
			return o->keys[i];
	}
	return NULL;
}

/* Whether the line's signature holds; without keys, whether there is one. */
static bool check_signature(
	struct verify *v, const struct walk *w, const char *p, size_t n, const struct json *j, int64_t seq)
{
	const char *sig = json_str(json_get(j, "signature")), *id = json_str(json_get(j, "fingerprint"));
	size_t part = sig ? signed_part(p, n, sig) : 0;
	struct err why = {0};
	v->r->signed_lines++;
	if (!id || !part) {
		tell(v, w, EVENTVERIFY_SIGNATURE, seq, "the line should end with a signature and does not");
		return false;
	}
	if (!v->o->n_keys)
		return true;
	const struct key *k = find_key(v->o, id);
	if (!k) {
		tell(v, w, EVENTVERIFY_UNKNOWN_KEY, seq, "signed by the key %.64s, which was not given", id);
		return false;
	}
	if (!detached_verify(k, p, part, sig, &why))
		return true;
	tell(v, w, EVENTVERIFY_SIGNATURE, seq, "%s", why.msg);
	err_done(&why);
	return false;
}

static void check_known(struct verify *v, const struct walk *w, int64_t seq, const char *hash)
{
	for (size_t i = 0; i < KNOWN_N; i++) {
		struct known *k = &v->known[i];
		if (!k->seq || k->seq != seq)
			continue;
		k->seen = true;
		if (k->hash && strcmp(k->hash, hash) != 0)
			tell(v, w, EVENTVERIFY_CHANGED, seq, "the line is not the one that %s", k->from);
	}
}

/* Whether the line follows the one before. */
static void check_chain(struct verify *v, const struct walk *w, int64_t seq, const char *prev, bool is_head)
{
	const struct eventverify_result *r = v->r;
	if (!r->first) {
		if (seq != 1 && !is_head)
			tell(v, w, EVENTVERIFY_BEGINNING, seq,
				"the log begins with line %" PRId64
				", which is not signed: lines before it are missing",
				seq);
		else if (seq == 1 && strcmp(prev, EVENTLOG_NO_HASH) != 0)
			tell(v, w, EVENTVERIFY_CHANGED, seq, "the first line names one before it");
		return;
	}
	if (seq <= r->last)
		tell(v, w, EVENTVERIFY_REORDERED, seq, "line %" PRId64 " comes after line %" PRId64, seq, r->last);
	else if (seq != r->last + 1)
		tell(v, w, EVENTVERIFY_REMOVED, seq, "%" PRId64 " lines are missing before line %" PRId64,
			seq - r->last - 1, seq);
	else if (strcmp(prev, r->last_hash) != 0)
		tell(v, w, EVENTVERIFY_CHANGED, r->last,
			"line %" PRId64 " is not what it was when line %" PRId64 " was written", r->last, seq);
}

static int verify_line(struct walk *w, const char *p, size_t n, bool torn, void *ctx, struct err *e)
{
	struct verify *v = ctx;
	struct eventverify_result *r = v->r;
	int64_t seq = 0;
	(void)e;
	if (torn) {
		tell(v, w, EVENTVERIFY_TORN, 0, "the last line is not whole; the next event puts it aside");
		return 0;
	}
	AUTO(json_freep) struct json *j = parse(p, n);
	const char *prev = json_str(json_get(j, "prev")), *event = json_str(json_get(j, "event"));
	char hash[EVENTLOG_HASH_MAX];
	eventlog_hash(p, n, hash);
	r->lines++;
	if (!j || !json_int(json_get(j, "seq"), &seq) || seq <= 0 || !prev || !event) {
		tell(v, w, EVENTVERIFY_CHANGED, 0, "this is no line of the log");
		memcpy(r->last_hash, hash, sizeof(hash));
		r->last++;
		return 0;
	}
	bool is_head = !strcmp(event, event_kind(EVENT_LOG_HEAD)->name);
	check_chain(v, w, seq, prev, is_head);
	check_known(v, w, seq, hash);
	if (!r->first)
		r->first = seq;
	r->last = seq;
	memcpy(r->last_hash, hash, sizeof(hash));
	if (is_head && check_signature(v, w, p, n, j, seq)) {
		r->head = seq;
		memcpy(r->head_hash, hash, sizeof(hash));
	}
	return 0;
}

/* head.json: the line that was signed last, as the writer remembers it. */
static void read_head_file(struct verify *v)
{
	AUTO(xfreep) char *path = xasprintf("%s/head.json", v->o->dir);
	AUTO(buf_done) struct buf b = buf_make(EVENTLINE_MAX + 2);
	struct err ignored = {0};
	struct known *k = &v->known[KNOWN_FILE];
	if (fs_read(path, &b, &ignored)) {
		err_done(&ignored);
		return;
	}
	AUTO(json_freep) struct json *j = parse(buf_str(&b), b.n);
	if (!json_int(json_get(j, "seq"), &k->seq))
		return;
	eventlog_hash(buf_str(&b), b.n, v->file_hash);
	k->hash = v->file_hash;
	k->from = "head.json has";
}

int eventverify_run(const struct eventverify_options *o, struct eventverify_result *ret, struct err *e)
{
	struct verify v = {.o = o, .r = ret};
	struct walk w = {.dir = o->dir, .fn = verify_line, .ctx = &v};
	*ret = (struct eventverify_result){.last_hash = EVENTLOG_NO_HASH, .head_hash = EVENTLOG_NO_HASH};
	v.known[KNOWN_GIVEN] = (struct known){.seq = o->head_seq, .hash = o->head_hash, .from = "was given"};
	read_head_file(&v);
	if (walk_all(&w, e))
		return -1;
	for (size_t i = 0; i < KNOWN_N; i++) {
		const struct known *k = &v.known[i];
		if (k->seq && !k->seen && (k->seq > ret->last || !ret->lines))
			tell(&v, NULL, EVENTVERIFY_TRUNCATED, k->seq,
				"the log ends with line %" PRId64 ", but line %" PRId64 " that %s was there", ret->last,
				k->seq, k->from);
		else if (k->seq && !k->seen && k->seq >= ret->first)
			tell(&v, NULL, EVENTVERIFY_REMOVED, k->seq, "line %" PRId64 " that %s is missing", k->seq,
				k->from);
	}
	if (ret->lines && !ret->signed_lines)
		tell(&v, NULL, EVENTVERIFY_UNSIGNED, 0,
			"no line is signed: whoever could write could have written it all");
	return 0;
}
