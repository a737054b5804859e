/* control.c: the daemon's control socket. */
#include "daemon/control.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "daemon/auditor.h"
#include "daemon/daemon_internal.h"
#include "inventory/site.h"
#include "json/json.h"

enum { NAMES_MAX = 100000 };

static void put_time(struct json_out *w, const char *member, int64_t secs)
{
	char text[CLOCK_TEXT_MAX];
	if (secs)
		clock_rfc3339(secs, text);
	json_out_str(w, member, secs ? text : NULL);
}

static void put_last(const struct daemon *d, struct json_out *w)
{
	json_out_object(w, "last_run");
	put_time(w, "ended", d->last_end);
	json_out_bool(w, "failed", d->last_failed);
	json_out_int(w, "certificates", (int64_t)d->last.looked);
	json_out_int(w, "due", (int64_t)d->last.due);
	json_out_int(w, "waiting", (int64_t)d->last.waiting);
	json_out_int(w, "issued", (int64_t)d->last.issued);
	json_out_int(w, "renewed", (int64_t)d->last.renewed);
	json_out_int(w, "held", (int64_t)d->last.held);
	json_out_int(w, "parked", (int64_t)d->last.parked);
	json_out_int(w, "failed_certificates", (int64_t)d->last.failed);
	json_out_end_object(w);
}

static int do_status(struct daemon *d, const struct json *request, struct json_out *w, struct err *e)
{
	(void)request;
	(void)e;
	json_out_int(w, "process", getpid());
	json_out_str(w, "version", PERDURE_VERSION);
	json_out_str(w, "config", d->site->config->path);
	json_out_str(w, "state_dir", d->site->config->state_dir);
	put_time(w, "since", d->started);
	json_out_bool(w, "running", d->run != NULL);
	json_out_int(w, "due", d->run ? (int64_t)d->due : 0);
	json_out_int(w, "done", d->run ? (int64_t)d->done : 0);
	json_out_int(w, "in_flight", d->run ? (int64_t)d->in_flight : 0);
	put_time(w, "next_run", d->next_at);
	put_time(w, "next_audit", auditor_next_at(d->auditor));
	put_last(d, w);
	return 0;
}

static int do_renew(struct daemon *d, const struct json *request, struct json_out *w, struct err *e)
{
	AUTO(strv_done) struct strv names = {0};
	bool force;
	if (json_opt_strv(request, "names", NAMES_MAX, &names, e) || json_opt_bool(request, "force", false, &force, e))
		return -1;
	for (size_t i = 0; i < names.n; i++)
		if (!config_find_cert(d->site->config, names.v[i])) {
			err_set(e, ERR_USAGE, "there is no certificate \"%s\" in %s", names.v[i],
				d->site->config->path);
			err_hint(e, "\"perdure status\" lists them; after a change: perdure control reload");
			return -1;
		}
	daemon_ask(d, &names, force);
	json_out_int(w, "asked", (int64_t)names.n);
	return 0;
}

static int do_reload(struct daemon *d, const struct json *request, struct json_out *w, struct err *e)
{
	(void)request;
	(void)w;
	return daemon_reload(d, e);
}

static int do_stop(struct daemon *d, const struct json *request, struct json_out *w, struct err *e)
{
	(void)request;
	(void)w;
	(void)e;
	daemon_stop(d);
	return 0;
}

static int run(struct daemon *d, const char *line, size_t n, struct json_out *w, struct err *e)
{
	static const struct {
		const char *name;
		int (*fn)(struct daemon *d, const struct json *request, struct json_out *w, struct err *e);
	} verbs[] = {{"status", do_status}, {"renew", do_renew}, {"reload", do_reload}, {"stop", do_stop}};
	AUTO(json_freep) struct json *request = NULL;
	const char *name;
	if (json_parse(line, n, "request", &request, e) || json_need_str(request, "do", &name, e))
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (!strcmp(name, verbs[i].name))
			return verbs[i].fn(d, request, w, e);
	err_set(e, ERR_USAGE, "\"%.40s\" is nothing that the daemon does", name);
	err_hint(e, "status, renew, reload, stop");
	return -1;
}

static void answer(const char *line, size_t n, struct buf *out, void *ctx)
{
	AUTO(buf_done) struct buf good = buf_make(out->max);
	struct json_out w = json_out_make(&good);
	struct err e = {0};
	json_out_object(&w, NULL);
	json_out_bool(&w, "ok", true);
	if (!run(ctx, line, n, &w, &e)) {
		json_out_end_object(&w);
		buf_puts(out, buf_str(&good));
		return;
	}
	struct json_out bad = json_out_make(out);
	json_out_object(&bad, NULL);
	json_out_bool(&bad, "ok", false);
	json_out_str(&bad, "error", e.msg);
	json_out_str(&bad, "hint", e.hint[0] ? e.hint : NULL);
	json_out_end_object(&bad);
	err_done(&e);
}

int control_open(struct daemon *d, struct err *e)
{
	AUTO(xfreep) char *path = site_control_path(d->site->config->state_dir);
	return lines_listen(d->site->loop, path, answer, d, &d->control, e);
}
