/* daemon.c: the life of the daemon: runs of renewal, one after the other, until a signal. */
#include "daemon/daemon.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acme/session.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "daemon/auditor.h"
#include "daemon/control.h"
#include "daemon/daemon_internal.h"
#include "daemon/sdnotify.h"
#include "daemon/telling.h"
#include "fleet/renewal.h"
#include "inventory/site.h"
#include "loop/loop.h"
#include "state/certfiles.h"

/* Between the end of one run and the beginning of the next, unless somebody asks. */
enum { REST_MS = 10000 };

/* A certificate whose record is missing is looked at again so often: publishing it must not need a second command. */
enum { HELD_S = 600 };

/* A jump of the clock that may make a difference. */
enum { JUMP_MS = 86400000 };

/* After a run that failed as a whole, as with a full disk, or met damage, the state is opened anew so soon. */
enum { AGAIN_S = 60 };

static int64_t now_s(const struct daemon *d)
{
	return clk_wall(d->site->clk) / 1000;
}

static void start_run(struct daemon *d);
static void look_again(struct daemon *d);

/* When the next run begins: at the moment that the last one said, but not at once, and not later than the interval. */
static void sleep_until_next(struct daemon *d)
{
	int64_t now = now_s(d), next = d->last.next_at, latest = now + d->site->config->daemon.interval_ms / 1000;
	char when[CLOCK_TEXT_MAX];
	if (d->last.held && (!next || next > now + HELD_S))
		next = now + HELD_S;
	if (!next || next > latest)
		next = latest;
	if (d->last_failed)
		next = now + AGAIN_S;
	int64_t wait = (next - now) * 1000;
	if (wait < REST_MS)
		wait = REST_MS;
	d->next_at = now + wait / 1000;
	loop_timer_start(d->next, wait);
	clock_rfc3339(d->next_at, when);
	sdnotify("STATUS=%zu certificates; the next look at them at %s", d->last.looked, when);
}

static void run_done(const struct renew_summary *sum, const struct err *e, void *ctx)
{
	struct daemon *d = ctx;
	d->last = *sum;
	d->last_end = now_s(d);
	d->last_failed = e || store_met_damage(d->site->store);
	if (e)
		telling_run_failed(d->telling, e);
	else
		telling_after_run(d->telling, !sum->failed, sum->clock_wrong);
	renewal_free(d->run);
	d->run = NULL;
	strv_done(&d->only);
	/* The run's own sum went with it. */
	if (d->last.due && d->hooks->summary)
		d->hooks->summary(&d->last, d->ctx);
	if (d->asked.n)
		start_run(d);
	else
		sleep_until_next(d);
}

/* Deploy actions may take hours: the certificates are looked at again meanwhile. */
static void renewed(const struct renew_summary *sum, void *ctx)
{
	struct daemon *d = ctx;
	d->last = *sum;
	d->last_failed = false;
	telling_after_run(d->telling, !sum->failed, sum->clock_wrong);
	if (d->asked.n)
		look_again(d);
	else
		sleep_until_next(d);
}

/* By a wall clock that has jumped everything may look due, or nothing: the CAs say whether it is right now. */
static void watch_clock(struct daemon *d)
{
	int64_t apart = clk_wall(d->site->clk) - clk_mono(d->site->clk), jump = apart - d->clock_ms;
	if (jump < JUMP_MS && jump > -JUMP_MS)
		return;
	d->clock_ms = apart;
	telling_jump(d->telling, jump / 1000);
	for (size_t i = 0; i < d->site->config->n_cas; i++)
		if (d->site->cas[i].session)
			acme_session_doubt_clock(d->site->cas[i].session);
}

/* With names that were asked for: those, due or not. */
static void take_asked(struct daemon *d)
{
	watch_clock(d);
	loop_timer_stop(d->next);
	strv_done(&d->only);
	d->only = d->asked;
	d->asked = (struct strv){0};
	d->options =
		(struct renew_options){.only = d->only.n ? &d->only : NULL, .force_renewal = d->only.n && d->force};
	d->force = false;
	d->next_at = 0;
}

static void look_again(struct daemon *d)
{
	struct err e = {0};
	take_asked(d);
	if (!renewal_again(d->run, &d->options, &e))
		return;
	log_error("%s", e.msg);
	err_done(&e);
	sleep_until_next(d);
}

static void start_run(struct daemon *d)
{
	struct err e = {0};
	take_asked(d);
	if (!renewal_start(d->site, &d->options, &renew_real, &d->run_hooks, d, run_done, d, &d->run, &e))
		return;
	d->last_failed = true;
	telling_run_failed(d->telling, &e);
	err_done(&e);
	strv_done(&d->only);
	sleep_until_next(d);
}

static int reload(struct daemon *d)
{
	struct err e = {0};
	if (!daemon_reload(d, &e))
		return 0;
	log_error("%s", e.msg);
	if (e.hint[0])
		log_error("hint: %s", e.hint);
	err_done(&e);
	return -1;
}

static void time_for_run(void *ctx)
{
	struct daemon *d = ctx;
	struct err e = {0};
	if (d->run) {
		/* Else it ends in this turn. */
		if (renewal_only_deploys(d->run))
			look_again(d);
		return;
	}
	if (!d->last_failed) {
		start_run(d);
		return;
	}
	/* What is open goes on; what cannot be opened again would end us. */
	if (certfiles_probe(d->site->config->state_dir, &e)) {
		log_warn("%s", e.msg);
		err_done(&e);
		sleep_until_next(d);
		return;
	}
	log_info("opens its state anew after the failure");
	/* Whoever is changing the configuration just then is waited for. */
	if (reload(d))
		sleep_until_next(d);
}

void daemon_ask(struct daemon *d, const struct strv *names, bool force)
{
	for (size_t i = 0; i < names->n; i++)
		if (!strv_has(&d->asked, names->v[i]))
			strv_add(&d->asked, names->v[i]);
	d->force |= force;
	if (!d->run || renewal_only_deploys(d->run))
		loop_timer_start(d->next, 0);
}

/* ---- the hooks of a run go on with the caller's context ---- */

static void planned(const struct config_cert *cert, const struct store_cert *row, enum schedule_verdict v, void *ctx)
{
	const struct daemon *d = ctx;
	if (d->hooks->renew.planned)
		d->hooks->renew.planned(cert, row, v, d->ctx);
}

static void stepped(const char *cert, const char *what, void *ctx)
{
	const struct daemon *d = ctx;
	if (d->hooks->renew.step)
		d->hooks->renew.step(cert, what, d->ctx);
}

static void reported(const struct issue_report *r, void *ctx)
{
	const struct daemon *d = ctx;
	if (d->hooks->renew.report)
		d->hooks->renew.report(r, d->ctx);
}

static void deployed(const struct deploy_report *r, void *ctx)
{
	const struct daemon *d = ctx;
	if (d->hooks->renew.deployed)
		d->hooks->renew.deployed(r, d->ctx);
}

static void progressed(size_t done, size_t in_flight, size_t due, void *ctx)
{
	struct daemon *d = ctx;
	d->done = done;
	d->in_flight = in_flight;
	d->due = due;
}

/* ---- the end ---- */

static void on_stop(int signo, void *ctx)
{
	struct daemon *d = ctx;
	log_info("%s: orders in flight are parked", signo ? strsignal(signo) : "asked to stop");
	d->end = DAEMON_STOPPED;
	loop_stop(d->site->loop);
}

void daemon_stop(struct daemon *d)
{
	on_stop(0, d);
}

int daemon_reload(struct daemon *d, struct err *e)
{
	if (d->hooks->try_config(d->ctx, e)) {
		telling_refused(d->telling, e);
		err_ctx(e, "the new configuration is not taken, the old one holds");
		return -1;
	}
	d->end = DAEMON_RELOAD;
	loop_stop(d->site->loop);
	return 0;
}

static void on_reload(int signo, void *ctx)
{
	(void)signo;
	(void)reload(ctx);
}

static void alive(void *ctx)
{
	struct daemon *d = ctx;
	sdnotify("WATCHDOG=1");
	loop_timer_start(d->watchdog, d->watchdog_ms);
}

static void ready(struct daemon *d)
{
	log_info("looks after %zu certificates of %s (process %ld)", d->site->config->n_certs, d->site->config->path,
		(long)getpid());
	sdnotify("READY=1\nMAINPID=%ld\nSTATUS=looking at %zu certificates", (long)getpid(), d->site->config->n_certs);
	if (d->watchdog_ms)
		alive(d);
	start_run(d);
}

static int park(struct daemon *d, struct err *e)
{
	struct renew_summary sum;
	sdnotify(d->end == DAEMON_RELOAD ? "RELOADING=1\nMONOTONIC_USEC=%" PRId64 : "STOPPING=1", clk_real_mono_us());
	if (d->run) {
		renewal_park(d->run, &sum);
		renewal_free(d->run);
	}
	return store_commit(d->site->store, e);
}

int daemon_run(struct site *s, const struct daemon_hooks *hooks, void *ctx, enum daemon_end *ret, struct err *e)
{
	struct daemon d = {.site = s,
		.hooks = hooks,
		.ctx = ctx,
		.started = clk_wall(s->clk) / 1000,
		.clock_ms = clk_wall(s->clk) - clk_mono(s->clk),
		.run_hooks = {.planned = planned,
			.step = stepped,
			.report = reported,
			.progress = progressed,
			.deployed = deployed,
			.renewed = renewed},
		.watchdog_ms = sdnotify_watchdog_ms()};
	if (control_open(&d, e))
		return -1;
	if (telling_start(s, &d.last_failed, &d.telling, e)) {
		lines_free(d.control);
		return -1;
	}
	d.next = loop_timer_new(s->loop, time_for_run, &d);
	d.watchdog = loop_timer_new(s->loop, alive, &d);
	d.auditor = auditor_new(&d);
	loop_on_stop_signal(s->loop, on_stop, &d);
	loop_on_reload_signal(s->loop, on_reload, &d);
	ready(&d);
	int r = loop_run(s->loop, e);
	struct err late = {0};
	if (park(&d, &late) && d.last_failed) {
		log_warn("%s", late.msg);
	} else if (err_is(&late)) {
		if (!r)
			err_move(e, &late);
		r = -1;
	}
	err_done(&late);
	auditor_free(d.auditor);
	telling_end(d.telling);
	lines_free(d.control);
	loop_timer_free(d.watchdog);
	loop_timer_free(d.next);
	strv_done(&d.only);
	strv_done(&d.asked);
	*ret = d.end;
	return r;
}
