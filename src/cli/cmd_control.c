/* cmd_control.c: perdure control status, renew, reload, stop: what the daemon is asked. */
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/pick.h"
#include "cli/verbs.h"
#include "config/config.h"
#include "loop/lines.h"
#include "json/json.h"

enum { ANSWER_MAX = 16 << 20 };

static int refused(const struct json *answer, struct err *e)
{
	const char *why = json_str(json_get(answer, "error")), *hint = json_str(json_get(answer, "hint"));
	err_set(e, ERR_USAGE, "the daemon refuses: %s", why ? why : "no reason given");
	if (hint)
		err_hint(e, "%s", hint);
	return -1;
}

/* Sends the request; *ret is the answer of a daemon that agreed. */
static int ask(const struct cli *c, const struct buf *request, struct buf *text, struct json **ret, struct err *e)
{
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	bool ok = false;
	if (pick_site(c, SITE_STATE_NONE, &s, e))
		return -1;
	AUTO(xfreep) char *path = site_control_path(s.config->state_dir);
	if (lines_ask(path, buf_str(request), text, e)) {
		err_hint(e, "no daemon seems to run on %s: perdure run, or systemctl start perdure",
			s.config->state_dir);
		return -1;
	}
	if (json_parse(buf_str(text), text->n, "the daemon's answer", ret, e) ||
		json_opt_bool(*ret, "ok", false, &ok, e))
		return -1;
	return ok ? 0 : refused(*ret, e);
}

/* With the names of the command line as `names`. */
static int request(const struct cli *c, const char *what, struct buf *text, struct json **ret, struct err *e)
{
	AUTO(buf_done) struct buf b = buf_make(ANSWER_MAX);
	struct json_out w = json_out_make(&b);
	json_out_object(&w, NULL);
	json_out_str(&w, "do", what);
	if (!strcmp(what, "renew")) {
		json_out_strv(&w, "names", &c->args);
		json_out_bool(&w, "force", cli_flag(c, "force-renewal"));
	}
	json_out_end_object(&w);
	if (ask(c, &b, text, ret, e))
		return -1;
	if (c->json)
		out_text("%s\n", buf_str(text));
	return 0;
}

static const char *text_of(const struct json *v, const char *member)
{
	const char *s = json_str(json_get(v, member));
	return s ? s : "-";
}

static long long int_of(const struct json *v, const char *member)
{
	int64_t n = 0;
	(void)json_int(json_get(v, member), &n);
	return n;
}

static int run_status(struct cli *c, struct err *e)
{
	AUTO(buf_done) struct buf text = buf_make(ANSWER_MAX);
	AUTO(json_freep) struct json *v = NULL;
	if (request(c, "status", &text, &v, e))
		return -1;
	if (c->json)
		return EXIT_DONE;
	const struct json *last = json_get(v, "last_run");
	out_text("process %lld, version %s, since %s\nconfiguration %s\n", int_of(v, "process"), text_of(v, "version"),
		text_of(v, "since"), text_of(v, "config"));
	if (json_str(json_get(v, "next_run")))
		out_text("asleep; looks at the certificates next at %s\n", text_of(v, "next_run"));
	else
		out_text("at work: %lld due, %lld done, %lld in flight\n", int_of(v, "due"), int_of(v, "done"),
			int_of(v, "in_flight"));
	out_text("last run ended %s: %lld certificates, %lld due, %lld waiting; %lld issued, %lld renewed, %lld held, "
		 "%lld "
		 "parked, %lld failed\n",
		text_of(last, "ended"), int_of(last, "certificates"), int_of(last, "due"), int_of(last, "waiting"),
		int_of(last, "issued"), int_of(last, "renewed"), int_of(last, "held"), int_of(last, "parked"),
		int_of(last, "failed_certificates"));
	out_text("next audit: %s\n", text_of(v, "next_audit"));
	return EXIT_DONE;
}

static int simple(struct cli *c, const char *what, const char *done, struct err *e)
{
	AUTO(buf_done) struct buf text = buf_make(ANSWER_MAX);
	AUTO(json_freep) struct json *v = NULL;
	if (request(c, what, &text, &v, e))
		return -1;
	if (!c->json && !c->quiet)
		out_text("%s\n", done);
	return EXIT_DONE;
}

static int run_renew(struct cli *c, struct err *e)
{
	return simple(c, "renew", "asked; \"perdure status\" tells what came of it", e);
}

static int run_reload(struct cli *c, struct err *e)
{
	return simple(c, "reload", "the new configuration is good and taken", e);
}

static int run_stop(struct cli *c, struct err *e)
{
	return simple(c, "stop", "asked to stop", e);
}

const struct cli_verb verb_control_status = {
	.name = "control status",
	.args = "",
	.summary = "what the daemon does",
	.about = "Exit status 1 when none answers.",
	.examples = "  perdure control status\n  perdure control status --json",
	.run = run_status,
};

static const struct cli_option renew_options[] = {
	{"force-renewal", 0, NULL, false, "renew whether due or not"},
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb verb_control_renew = {
	.name = "control renew",
	.args = "[CERT…]",
	.max_args = -1,
	.summary = "let the daemon renew now",
	.about = "Without names it looks at everything at once; with names it tries those even where a failure would "
		 "let them wait.",
	.options = renew_options,
	.examples = "  perdure control renew example.com\n  perdure control renew example.com --force-renewal",
	.run = run_renew,
};

const struct cli_verb verb_control_reload = {
	.name = "control reload",
	.args = "",
	.summary = "let the daemon read its configuration again",
	.about = "One that is wrong is refused with the reason, and the old one holds.",
	.examples = "  perdure control reload",
	.run = run_reload,
};

const struct cli_verb verb_control_stop = {
	.name = "control stop",
	.args = "",
	.summary = "end the daemon",
	.about = "Orders in flight are parked; the next run goes on with them.",
	.examples = "  perdure control stop",
	.run = run_stop,
};
