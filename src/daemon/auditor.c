/* auditor.c: the inventory is audited now and then. */
#include "daemon/auditor.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "daemon/daemon_internal.h"
#include "inventory/site.h"
#include "loop/loop.h"
#include "loop/process.h"

enum { FIRST_MS = 60 * 1000, OUTPUT_MAX = 256 << 20, LONGEST_MS = 6 * 3600 * 1000 };

/* Exit statuses of perdure audit that tell of findings and not of trouble. */
enum { AUDIT_CLEAN = 0, AUDIT_FOUND = 5 };

struct auditor {
	struct daemon *d;
	struct loop_timer *timer;
	struct process *process; /* NULL between audits */
	int64_t next_at;
};

static void sleep_for(struct auditor *a, int64_t ms)
{
	a->next_at = (clk_wall(a->d->site->clk) + ms) / 1000;
	loop_timer_start(a->timer, ms);
}

static void tell_lines(const struct auditor *a, const char *out)
{
	const struct daemon *d = a->d;
	for (const char *end; d->hooks->audit_line && (end = strchr(out, '\n')); out = end + 1) {
		AUTO(xfreep) char *line = xstrndup(out, (size_t)(end - out));
		d->hooks->audit_line(line, d->ctx);
	}
}

static void ended(const struct process_result *r, void *ctx)
{
	struct auditor *a = ctx;
	bool good = r->end == PROCESS_EXITED && (r->status == AUDIT_CLEAN || r->status == AUDIT_FOUND);
	a->process = NULL;
	tell_lines(a, r->out);
	if (!good)
		log_warn("the audit did not come to its end (%s %d): %s",
			r->end == PROCESS_EXITED ? "exit status" : "signal or time-out", r->status, r->errors);
	sleep_for(a, a->d->site->config->daemon.audit_ms);
}

/* What the audit goes by of our own environment: where files are, and the way out. Nothing else, for it may hold
 * secrets. */
static const char **environment(struct strv *keep)
{
	static const char *const names[] = {"HOME", "XDG_STATE_HOME", "SSL_CERT_FILE", "SSL_CERT_DIR", "https_proxy",
		"HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"};
	strv_add(keep, "PATH=/usr/bin:/bin");
	strv_add(keep, "LC_ALL=C");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = getenv(names[i]);
		if (value)
			strv_add_take(keep, xasprintf("%s=%s", names[i], value));
	}
	const char **env = xcalloc(keep->n + 1, sizeof(*env));
	for (size_t i = 0; i < keep->n; i++)
		env[i] = keep->v[i];
	return env;
}

static void audit(void *ctx)
{
	struct auditor *a = ctx;
	const struct site *s = a->d->site;
	AUTO(xfreep) char *baseline = xasprintf("%s/audit-baseline.jsonl", s->config->state_dir);
	const char *argv[] = {"/proc/self/exe", "--config", s->config->path, "audit", "--json", "--baseline", baseline,
		"--update-baseline", NULL};
	AUTO(strv_done) struct strv keep = {0};
	const char **env = environment(&keep);
	struct process_request q = {.argv = argv, .env = env, .output_max = OUTPUT_MAX, .timeout_ms = LONGEST_MS};
	struct err e = {0};
	int started = process_start(s->loop, &q, ended, a, &a->process, &e);
	free(env);
	if (!started)
		return;
	log_warn("%s", e.msg);
	err_done(&e);
	sleep_for(a, s->config->daemon.audit_ms);
}

struct auditor *auditor_new(struct daemon *d)
{
	if (!d->site->config->daemon.audit_ms)
		return NULL;
	struct auditor *a = xcalloc(1, sizeof(*a));
	a->d = d;
	a->timer = loop_timer_new(d->site->loop, audit, a);
	int64_t period = d->site->config->daemon.audit_ms;
	sleep_for(a, period < FIRST_MS ? period : FIRST_MS);
	return a;
}

void auditor_free(struct auditor *a)
{
	if (!a)
		return;
	process_cancel(a->process);
	loop_timer_free(a->timer);
	free(a);
}

int64_t auditor_next_at(const struct auditor *a)
{
	return a ? a->next_at : 0;
}
