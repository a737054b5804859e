/* cmd_events.c: perdure events show, verify, key: the event log and its chain. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/pick.h"
#include "cli/verbs.h"
#include "crypto/detached.h"
#include "crypto/key.h"
#include "obs/eventread.h"
#include "obs/eventverify.h"

/* Where the log is: as given (NULL: it was not), else as the configuration says. Heap strings. */
static int find_log(const struct cli *c, const char *given, char **ret_dir, char **ret_key, struct err *e)
{
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	*ret_key = NULL;
	if (given) {
		*ret_dir = xstrdup(given);
		return 0;
	}
	if (pick_site(c, SITE_STATE_NONE, &s, e))
		return -1;
	*ret_dir = xstrdup(s.config->events.dir);
	*ret_key = xasprintf("%s/events.key", s.config->state_dir);
	return 0;
}

static int need_log(const char *dir, struct err *e)
{
	if (fs_exists(dir))
		return 0;
	err_set(e, ERR_USAGE, "there is no event log in %s", dir);
	err_hint(e, "it begins with the first event; --dir names another place");
	return -1;
}

/* ---- show ---- */

struct show {
	const struct cli *c;
	int64_t since; /* UNIX seconds; 0 for all */
	const char *name;
	const struct strv *types;
	enum events_form form;
};

/* "order" is every "order.…". */
static bool type_wanted(const struct strv *types, const char *event)
{
	for (size_t i = 0; i < types->n; i++) {
		size_t n = strlen(types->v[i]);
		if (!strncmp(types->v[i], event, n) && (!event[n] || event[n] == '.'))
			return true;
	}
	return !types->n;
}

static bool wanted(const struct show *s, const struct json *j)
{
	const char *event = json_str(json_get(j, "event")), *time = json_str(json_get(j, "time"));
	const char *name = json_str(json_get(j, "name"));
	struct err ignored = {0};
	int64_t at = 0;
	if (!event || !time || !type_wanted(s->types, event) || (s->name && (!name || strcmp(name, s->name) != 0)))
		return false;
	if (s->since && (clock_parse_rfc3339(time, &at, &ignored) || at < s->since)) {
		err_done(&ignored);
		return false;
	}
	return true;
}

static void show_text(const struct eventread *r)
{
	AUTO(buf_done) struct buf words = buf_make(BUF_MAX_SMALL_FILE), shown = buf_make(BUF_MAX_SMALL_FILE);
	char time[CLOCK_TEXT_MAX];
	eventline_words(&r->event, &words);
	log_escape(&shown, buf_str(&words));
	clock_rfc3339(r->stamp.time_ms / 1000, time);
	out_text("%s  %-22s %s\n", time, event_kind(r->event.type)->name, buf_str(&shown));
}

static int show_line(const char *line, size_t n, const struct json *j, void *ctx, struct err *e)
{
	const struct show *s = ctx;
	struct eventread r;
	(void)e;
	if (!j || !wanted(s, j))
		return 0;
	if (s->form == EVENTS_JSON && s->c->json) {
		out_text("%.*s\n", (int)n, line);
		return 0;
	}
	/* Of a later version, perhaps. */
	if (eventread(j, &r))
		return 0;
	if (s->form == EVENTS_JSON) {
		show_text(&r);
	} else {
		AUTO(buf_done) struct buf out = buf_make(BUF_MAX_SMALL_FILE);
		eventline_form(s->form, &r.event, &r.stamp, false, &out);
		out_text("%s\n", buf_str(&out));
	}
	eventread_done(&r);
	return 0;
}

/* A moment, or a span before now: "2026-11-22T00:00:00Z", "36h". */
static int parse_since(const char *s, int64_t *ret, struct err *e)
{
	static const struct {
		char unit;
		int64_t secs;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	char *end;
	int64_t n = strtoll(s, &end, 10);
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (end != s && *end == units[i].unit && !end[1] && n >= 0 && n < 100000) {
			*ret = clk_wall(clk_real()) / 1000 - n * units[i].secs;
			return 0;
		}
	if (!clock_parse_rfc3339(s, ret, e))
		return 0;
	err_done(e);
	err_set(e, ERR_USAGE, "--since %s is no moment", s);
	err_hint(e, "2026-11-22T08:00:00Z, or a span before now: 90m, 36h, 7d");
	return -1;
}

static int run_show(struct cli *c, struct err *e)
{
	AUTO(xfreep) char *dir = NULL, *key = NULL;
	const char *since = cli_value(c, "since"), *format = cli_value(c, "format");
	struct show s = {.c = c, .name = cli_value(c, "name"), .types = cli_values(c, "type"), .form = EVENTS_JSON};
	if (format && (events_form_from_name(format, &s.form) || s.form == EVENTS_JSON)) {
		err_set(e, ERR_USAGE, "--format %s: there is no such format", format);
		err_hint(e, "ecs, cef; --json for the lines as they are");
		return -1;
	}
	if ((since && parse_since(since, &s.since, e)) || find_log(c, cli_value(c, "dir"), &dir, &key, e) ||
		need_log(dir, e) || eventverify_each(dir, show_line, &s, e))
		return -1;
	return EXIT_DONE;
}

/* ---- verify ---- */

struct keys {
	struct key **v;
	size_t n;
};

static void keys_done(struct keys *k)
{
	for (size_t i = 0; i < k->n; i++)
		key_free(k->v[i]);
	free(k->v);
}

static int add_public(struct keys *ks, const char *path, struct err *e)
{
	AUTO(buf_done) struct buf b = buf_make(BUF_MAX_SMALL_FILE);
	struct key *k;
	if (fs_read(path, &b, e) || detached_key_from_pem(buf_str(&b), b.n, path, &k, e))
		return -1;
	ks->v = xreallocarray(ks->v, ks->n + 1, sizeof(*ks->v));
	ks->v[ks->n++] = k;
	return 0;
}

static int own_key(const char *path, struct key **ret, struct err *e)
{
	AUTO(secret_done) struct secret pem = {0};
	if (!path || !fs_exists(path)) {
		err_set(e, ERR_USAGE, "the key of the event log is not here");
		err_hint(e, "give its public part: --public-key FILE (\"perdure events key\" prints it where it is)");
		return -1;
	}
	return fs_read_secret(path, &pem, e) || key_from_pem(pem.p, pem.n, path, ret, e) ? -1 : 0;
}

/* Those given, else that of this installation. */
static int open_keys(const struct cli *c, const char *own, struct keys *ret, struct err *e)
{
	const struct strv *given = cli_values(c, "public-key");
	for (size_t i = 0; i < given->n; i++)
		if (add_public(ret, given->v[i], e))
			return -1;
	if (given->n)
		return 0;
	ret->v = xcalloc(1, sizeof(*ret->v));
	if (own_key(own, &ret->v[0], e))
		return -1;
	ret->n = 1;
	return 0;
}

/* "NUMBER:HASH", or the number alone. */
static int parse_head(const char *s, struct eventverify_options *o, struct err *e)
{
	char *end;
	o->head_seq = strtoll(s, &end, 10);
	if (end != s && o->head_seq > 0 && !*end)
		return 0;
	if (end != s && o->head_seq > 0 && *end == ':' && strlen(end + 1) == 64 &&
		strspn(end + 1, "0123456789abcdef") == 64) {
		o->head_hash = end + 1;
		return 0;
	}
	err_set(e, ERR_USAGE, "--head %s is no line", s);
	err_hint(e, "NUMBER:SHA256, as \"perdure events verify\" prints it");
	return -1;
}

static void print_finding(const struct eventverify_finding *f, void *ctx)
{
	const struct cli *c = ctx;
	if (c->json) {
		struct out_json j;
		out_json_begin(&j);
		json_out_object(&j.w, "finding");
		json_out_str(&j.w, "kind", eventverify_kind_name(f->kind));
		json_out_str(&j.w, "file", *f->file ? f->file : NULL);
		json_out_int(&j.w, "line", f->line);
		json_out_int(&j.w, "seq", f->seq);
		json_out_str(&j.w, "text", f->text);
		json_out_end_object(&j.w);
		out_json_end(&j);
	} else if (f->line) {
		out_text("%s:%" PRId64 ": %s%s%s: %s\n", f->file, f->line, out_colour_on(OUT_BAD),
			eventverify_kind_name(f->kind), out_colour_off(), f->text);
	} else {
		out_text("%s%s%s: %s\n", out_colour_on(OUT_BAD), eventverify_kind_name(f->kind), out_colour_off(),
			f->text);
	}
}

static void print_result(const struct cli *c, const struct eventverify_result *r)
{
	if (c->json) {
		struct out_json j;
		out_json_begin(&j);
		json_out_object(&j.w, "result");
		json_out_bool(&j.w, "good", !r->findings);
		json_out_int(&j.w, "lines", r->lines);
		json_out_int(&j.w, "signed", r->signed_lines);
		json_out_int(&j.w, "first", r->first);
		json_out_int(&j.w, "last", r->last);
		json_out_int(&j.w, "head", r->head);
		json_out_str(&j.w, "head_sha256", r->head ? r->head_hash : NULL);
		json_out_int(&j.w, "findings", r->findings);
		json_out_end_object(&j.w);
		out_json_end(&j);
		return;
	}
	out_text("%" PRId64 " lines, %" PRId64 " signed, %" PRId64 " findings\n", r->lines, r->signed_lines,
		r->findings);
	if (r->head && !c->quiet)
		out_text("the last signed line is %" PRId64 ":%s; %" PRId64 " lines come after it\n", r->head,
			r->head_hash, r->last - r->head);
}

static int run_verify(struct cli *c, struct err *e)
{
	AUTO(xfreep) char *dir = NULL, *key = NULL;
	AUTO(keys_done) struct keys keys = {0};
	const char *head = cli_value(c, "head");
	struct eventverify_options o = {.finding = print_finding, .ctx = c};
	struct eventverify_result r;
	if ((head && parse_head(head, &o, e)) || find_log(c, cli_value(c, "dir"), &dir, &key, e) || need_log(dir, e) ||
		open_keys(c, key, &keys, e))
		return -1;
	o.dir = dir;
	o.keys = keys.v;
	o.n_keys = keys.n;
	if (eventverify_run(&o, &r, e))
		return -1;
	print_result(c, &r);
	return r.findings ? EXIT_REFUSED : EXIT_DONE;
}

/* ---- key ---- */

static int run_key(struct cli *c, struct err *e)
{
	AUTO(xfreep) char *dir = NULL, *path = NULL, *id = NULL;
	AUTO(key_freep) struct key *k = NULL;
	AUTO(buf_done) struct buf pem = buf_make(BUF_MAX_SMALL_FILE);
	if (find_log(c, NULL, &dir, &path, e) || own_key(path, &k, e) || detached_public_pem(k, &pem, e) ||
		detached_key_id(k, &id, e))
		return -1;
	if (c->json) {
		struct out_json j;
		out_json_begin(&j);
		json_out_str(&j.w, "sha256", id);
		json_out_str(&j.w, "public_key", buf_str(&pem));
		out_json_end(&j);
	} else {
		out_text("%s", buf_str(&pem));
	}
	return EXIT_DONE;
}

#define DIR_OPTION                                                                                                     \
	{                                                                                                              \
		"dir", 0, "DIR", false, "the log is here; no configuration is read"                                    \
	}

static const struct cli_option show_options[] = {
	{"since", 0, "MOMENT", false, "only from then on: RFC 3339, or a span before now (90m, 36h, 7d)"},
	{"name", 0, "NAME", false, "only about this certificate or name"},
	{"type", 0, "TYPE", true, "only of this type (order.placed) or group of types (order)"},
	{"format", 0, "FORMAT", false, "ecs (Elastic Common Schema) or cef (Common Event Format)"},
	DIR_OPTION,
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb verb_events_show = {
	.name = "events show",
	.args = "",
	.min_args = 0,
	.max_args = 0,
	.summary = "what happened: the lines of the event log",
	.about = "With --json the lines as they are in the log, whose members docs/events.md describes.",
	.options = show_options,
	.examples = "  perdure events show --since 7d --type order\n"
		    "  perdure events show --name example.com --json\n"
		    "  perdure events show --format cef",
	.run = run_show,
};

static const struct cli_option verify_options[] = {
	{"public-key", 0, "FILE", true, "public key of whoever signed (default: that of this installation)"},
	{"head", 0, "NUMBER:SHA256", false, "a line that is known to have been there"},
	DIR_OPTION,
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb verb_events_verify = {
	.name = "events verify",
	.args = "",
	.min_args = 0,
	.max_args = 0,
	.summary = "check that the event log is as it was written",
	.about = "Finds lines that were changed, removed, put into another order, or cut off at the end. Exit status 5 "
		 "when there are any.\n"
		 "Whoever can read the signing key and write the files can write another log: keep the last signed "
		 "line elsewhere, and give it with --head.",
	.options = verify_options,
	.examples =
		"  perdure events verify\n"
		"  perdure events verify --dir /mnt/copy --public-key perdure-events.pem\n"
		"  perdure events verify --head 1042:5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
	.run = run_verify,
};

const struct cli_verb verb_events_key = {
	.name = "events key",
	.args = "",
	.min_args = 0,
	.max_args = 0,
	.summary = "print the public key that verifies the event log",
	.about = "It is made with the first line that is signed.",
	.examples = "  perdure events key > perdure-events.pem",
	.run = run_key,
};
