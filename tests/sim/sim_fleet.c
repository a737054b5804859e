/*
 * sim_fleet.c: a fleet over years on a fake clock. Real: what is due, in which order, at which CA, budgets, back-off,
 * fail-over, what is deployed when (fleet/renewal.h) and the database (state/store.h). Made up: the CAs, the work on
 * one certificate, and the services that are to take it. Usage: sim_fleet [CERTIFICATES [DAYS]]. Status 0 when
 * everything held that must hold.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "fleet/renewal.h"
#include "inventory/site.h"
#include "loop/loop.h"
#include "sim_deploys.h"
#include "state/deployrows.h"
#include "state/store.h"

enum { SECOND = 1000, MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400 };
/* Of one action in four days of failing: doubling from a minute to a day takes eleven tries. Of a renewal: every hour
 * is looked at, and the work of one takes less. */
enum { TRIES_MAX = 16, LATE_MAX = 2 * HOUR_S };
enum { CAS = 3, EXCHANGE_MS = 2 * SECOND, PATIENCE_MS = 60 * SECOND };
/* The CA "first" takes so many new orders at once and one more every 36 seconds, and nobody has told us; "known" the
 * same, and we know; "second" takes everything. Three of a hundred certificates at once: 300 in three hours for ten
 * thousand. */
enum { FIRST, SECOND_CA, KNOWN };
static const char *const ca_names[CAS] = {"first", "second", "known"};

struct ca {
	int64_t tat_ms; /* of its limit for new orders; those that replace one are exempt */
	size_t refused; /* times it had to refuse: many in the same minute are one */
	int64_t refused_at; /* UNIX seconds */
	size_t orders;
};

struct sim {
	struct sim_deploys deploys; /* the first, see there */
	int64_t start_ms, now_ms; /* UNIX */
	struct clk clk;
	struct site site;
	struct ca cas[CAS];
	int64_t burst; /* of their limits */
	int64_t outage_from, outage_to; /* of "first"; UNIX seconds */
	int64_t surge_at, surge_done; /* all windows are in the past from then on; when the last was renewed */
	size_t surge_left;
	uint64_t random;
	uint64_t serial;
	uint32_t *hours; /* renewals of each hour */
	size_t n_new, renewals, issued, expired, failures;
	size_t needless; /* renewals of what was not due */
	int64_t latest; /* seconds from the moment a renewal was due; failures, outage and surge aside */
	size_t undeployed;
	struct renewal *run;
	struct loop_timer *tick;
	int64_t next_look_ms; /* UNIX */
};

/* Not struct issue_job of the real thing: nobody but us looks into it. */
struct issue_job {
	struct sim *s;
	const struct config_cert *cert;
	struct site_ca *ca;
	const struct issue_hooks *hooks;
	void *ctx;
	struct loop_timer *timer;
	bool at_ca;
};

static void die(const struct err *e)
{
	(void)fprintf(stderr, "sim_fleet: %s\n", e->msg);
	exit(1);
}

static uint64_t chance(struct sim *s)
{
	/* splitmix64: the same years every time. */
	uint64_t z = s->random += 0x9e3779b97f4a7c15;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static int64_t now_s(const struct sim *s)
{
	return s->now_ms / SECOND;
}

static int64_t clock_of(void *ctx)
{
	const struct sim *s = ctx;
	return s->now_ms;
}

static void skip(void *ctx, int64_t ms)
{
	struct sim *s = ctx;
	s->now_ms += ms;
}

/* By its name: nine of ten live 90 days, some 47, a few six. */
static int64_t lifetime_of(const char *name)
{
	long n = strtol(name + 1, NULL, 10) % 100;
	return (int64_t)(n < 80 ? 90 : n < 95 ? 47 : 6) * DAY_S;
}

/* ---- the CAs ---- */

static int ca_of(const struct site_ca *ca)
{
	for (int i = 0; i < CAS; i++)
		if (!strcmp(ca->conf->name, ca_names[i]))
			return i;
	abort();
}

/* 0 when it takes an order now, else until when (milliseconds) it takes none. */
static int64_t limit(struct sim *s, int i)
{
	static const int64_t every = 36 * SECOND;
	struct ca *ca = &s->cas[i];
	int64_t burst = s->burst;
	if (i == SECOND_CA)
		return 0;
	int64_t tat = ca->tat_ms > s->now_ms ? ca->tat_ms : s->now_ms;
	if (tat - s->now_ms > (burst - 1) * every) {
		if (now_s(s) - ca->refused_at > MINUTE_S)
			ca->refused++;
		ca->refused_at = now_s(s);
		return tat - (burst - 1) * every;
	}
	ca->tat_ms = tat + every;
	return 0;
}

static void refuse(struct err *e, int64_t until_ms)
{
	err_set(e, ERR_ACME, "rateLimited: too many new orders from this account");
	e->problem = err_problem_new();
	free(e->problem->type);
	e->problem->type = xstrdup("urn:ietf:params:acme:error:rateLimited");
	err_retry(e, RETRY_LATER, until_ms);
}

/* What becomes of an order at that CA: clean, or why not. */
static void order(struct sim *s, const struct issue_job *j, bool replacing, struct err *e)
{
	int i = ca_of(j->ca);
	if (i == FIRST && now_s(s) >= s->outage_from && now_s(s) < s->outage_to) {
		err_set(e, ERR_NET, "no connection");
		err_retry(e, RETRY_LATER, 0);
		return;
	}
	int64_t until = replacing ? 0 : limit(s, i);
	if (until) {
		refuse(e, until);
		return;
	}
	s->cas[i].orders++;
	if (chance(s) % 100 == 0) {
		err_set(e, ERR_ACME, "serverInternal: try again");
		err_retry(e, RETRY_LATER, 0);
	}
}

/* ---- the work on one certificate ---- */

/* How late it begins, where nothing but ourselves can be why. */
static void note_late(struct sim *s, const struct store_cert *row)
{
	int64_t late = now_s(s) - schedule_due_at(row);
	bool outage = now_s(s) > s->outage_from && now_s(s) < s->outage_to + 2 * DAY_S;
	s->needless += late < 0;
	if (!outage && !row->failures && !row->window.start && late > s->latest)
		s->latest = late;
}

static void issued(struct sim *s, const struct issue_job *j, struct store_cert *row)
{
	int64_t generation = row->generation;
	bool renewal = generation > 0;
	if (renewal) {
		note_late(s, row);
		s->hours[(now_s(s) - s->start_ms / SECOND) / HOUR_S]++;
		s->renewals++;
		s->expired += row->not_after < now_s(s);
	} else {
		s->issued++;
	}
	if (s->surge_left && renewal && row->window.start && !--s->surge_left)
		s->surge_done = now_s(s);
	store_cert_done(row);
	*row = (struct store_cert){.name = xstrdup(j->cert->name),
		.ca = xstrdup(j->ca->conf->name),
		.generation = generation + 1,
		.not_before = now_s(s),
		.not_after = now_s(s) + lifetime_of(j->cert->name),
		.serial = xasprintf("%016" PRIx64, chance(s)),
		.ari_id = xasprintf("id.%" PRIu64, ++s->serial),
		.issued_at = now_s(s)};
	strv_copy(&row->names, &j->cert->names);
	row->window.ask_at = INT64_MAX / 2; /* windows come by surge() alone */
}

static void work_done(void *ctx)
{
	struct issue_job *j = ctx;
	struct sim *s = j->s;
	struct store_cert row = {0};
	struct err e = {0}, bad = {0};
	bool found;
	if (!j->at_ca) {
		j->hooks->ready(j, j->ctx);
		return;
	}
	if (store_cert_get(s->site.store, j->cert->name, &row, &found, &e))
		die(&e);
	if (!found)
		row = (struct store_cert){.name = xstrdup(j->cert->name), .ari_id = xstrdup(""), .ca = xstrdup("")};
	order(s, j, schedule_replaces(&row, j->ca->conf->name, &j->cert->names), &bad);
	bool renewal = row.generation > 0;
	if (err_is(&bad)) {
		s->failures++;
		schedule_failed(&row, &bad, now_s(s), chance(s));
	} else {
		issued(s, j, &row);
	}
	if (store_cert_put(s->site.store, &row, &e))
		die(&e);
	struct issue_report rep = {.name = j->cert->name,
		.names = &j->cert->names,
		.ca = j->ca->conf->name,
		.result = err_is(&bad) ? ISSUE_PARKED
			  : renewal    ? ISSUE_RENEWED
				       : ISSUE_ISSUED,
		.e = &bad,
		.placed = !err_is(&bad) || (bad.kind == ERR_ACME && !bad.retry_at),
		.next_at = row.next_at,
		.look_at = err_is(&bad) ? 0 : schedule_due_at(&row)};
	if (!err_is(&bad) && j->hooks->served)
		j->hooks->served(j, j->ctx);
	store_cert_done(&row);
	j->hooks->done(j, &rep, j->ctx);
	err_done(&bad);
}

static struct issue_job *job_start(const struct issue_request *r, const struct issue_hooks *hooks, void *ctx)
{
	struct issue_job *j = xcalloc(1, sizeof(*j));
	*j = (struct issue_job){
		.s = (struct sim *)r->site->clk->ctx, .cert = r->cert, .ca = r->ca, .hooks = hooks, .ctx = ctx};
	j->timer = loop_timer_new(r->site->loop, work_done, j);
	loop_timer_start(j->timer, 0);
	return j;
}

static void job_go(struct issue_job *j)
{
	const struct sim *s = j->s;
	bool out = ca_of(j->ca) == FIRST && now_s(s) >= s->outage_from && now_s(s) < s->outage_to;
	j->at_ca = true;
	loop_timer_start(j->timer, out ? PATIENCE_MS : EXCHANGE_MS);
}

static void job_free(struct issue_job *j)
{
	loop_timer_free(j->timer);
	free(j);
}

static int open_ca(struct site *s, struct site_ca *ca, struct err *e)
{
	(void)s;
	(void)ca;
	(void)e;
	return 0;
}

static bool live(const struct site *s, const char *cert)
{
	(void)s;
	(void)cert;
	return true;
}

static const struct renew_ops ops = {
	.open = open_ca, .live = live, .start = job_start, .go = job_go, .free = job_free, .deploy = &sim_deploy_ops};

/* ---- the fleet ---- */

static struct config *configure(const char *dir, size_t n)
{
	struct err e = {0};
	struct config *c = NULL;
	AUTO(xfreep) char *path = xasprintf("%s/perdure.yaml", dir);
	FILE *f = fopen(path, "we");
	if (!f)
		abort();
	AUTO(xfreep)
	char *limits = xasprintf(
		", limits: { orders: %zu, per: %zus, replacing_exempt: true }", n * 3 / 100, n * 3 / 100 * 36);
	(void)fprintf(f, "state_dir: %s/state\nevents: { enabled: false }\n", dir);
	(void)fprintf(f, "defaults: { deploy: [ { command: [reload] } ] }\ncas:\n");
	for (int i = 0; i < CAS; i++)
		(void)fprintf(f,
			"  - { name: %s, directory: \"https://%s.test/directory\", issuer: %s.test, max_orders: 100%s "
			"}\n",
			ca_names[i], ca_names[i], ca_names[i], i == KNOWN ? limits : "");
	(void)fprintf(f, "certificates:\n");
	/* Those of six days have another CA to go to: five days without one would be their end. */
	for (size_t i = 0; i < n; i++) {
		AUTO(xfreep) char *name = xasprintf("n%06zu.bench.test", i);
		(void)fprintf(f, "  - { names: [%s], ca: [%s] }\n", name,
			lifetime_of(name) < 10 * DAY_S ? "first, second"
			: i % 2                        ? "first"
						       : "known");
	}
	(void)fclose(f);
	if (config_load(path, &c, &e))
		die(&e);
	return c;
}

/* Nine of ten have a certificate, of any age at which it is not due. */
static void settle(struct sim *s)
{
	struct err e = {0};
	const struct config *c = s->site.config;
	for (size_t i = 0; i < c->n_certs; i++) {
		const struct config_cert *cert = &c->certs[i];
		if (i / 3 % 10 == 0) {
			s->n_new++;
			continue;
		}
		int64_t lifetime = lifetime_of(cert->name);
		int64_t age = (int64_t)(chance(s) % (uint64_t)(schedule_renew_at(0, lifetime) - lifetime / 8));
		struct store_cert row = {.name = cert->name,
			.ca = cert->cas.v[0],
			.names = cert->names,
			.generation = 1,
			.not_before = now_s(s) - age,
			.not_after = now_s(s) - age + lifetime,
			.serial = xasprintf("%016" PRIx64, chance(s)),
			.ari_id = xasprintf("id.%" PRIu64, ++s->serial),
			.window = {.ask_at = INT64_MAX / 2}};
		if (store_cert_put(s->site.store, &row, &e))
			die(&e);
		free(row.serial);
		free(row.ari_id);
	}
	if (store_commit(s->site.store, &e))
		die(&e);
}

/* All CAs wish everything renewed by yesterday. */
static int surge_one(const struct store_cert *row, void *ctx, struct err *e)
{
	struct sim *s = ctx;
	struct store_cert copy = *row;
	if (!row->generation || schedule_take_window(&copy, now_s(s) - 2 * DAY_S, now_s(s) - DAY_S, chance(s), e)) {
		err_done(e);
		return 0;
	}
	s->surge_left++;
	return store_cert_put_window(s->site.store, row->name, &copy.window, e);
}

static void surge(struct sim *s)
{
	struct err e = {0};
	s->surge_at = now_s(s);
	if (store_cert_each(s->site.store, surge_one, s, &e) || store_commit(s->site.store, &e))
		die(&e);
}

/* ---- the years ---- */

static const struct renew_options options;

static void over(const struct renew_summary *sum, const struct err *e, void *ctx)
{
	const struct sim *s = ctx;
	(void)sum;
	if (e)
		die(e);
	loop_timer_stop(s->tick);
	loop_stop(s->site.loop);
}

/* Services that hang do not keep the hour from being looked at. */
static void renewed(const struct renew_summary *sum, void *ctx)
{
	const struct sim *s = ctx;
	(void)sum;
	loop_timer_start(s->tick, s->next_look_ms - s->now_ms);
}

static void look_again(void *ctx)
{
	struct sim *s = ctx;
	struct err e = {0};
	if (!renewal_only_deploys(s->run))
		return;
	s->next_look_ms = s->now_ms + HOUR_S * SECOND;
	if (renewal_again(s->run, &options, &e))
		die(&e);
}

static void one_run(struct sim *s)
{
	static const struct renew_hooks hooks = {.renewed = renewed};
	struct err e = {0};
	s->next_look_ms = s->now_ms + HOUR_S * SECOND;
	if (renewal_start(&s->site, &options, &ops, &hooks, s, over, s, &s->run, &e) || loop_run(s->site.loop, &e))
		die(&e);
	renewal_free(s->run);
}

/* As a timer of every hour: what the daemon would do in the hour is done at its end. */
static void years(struct sim *s, int64_t days)
{
	int64_t end = now_s(s) + days * DAY_S;
	bool surged = false;
	while (now_s(s) < end) {
		if (!surged && now_s(s) >= s->surge_at) {
			surge(s);
			surged = true;
		}
		one_run(s);
		if (s->now_ms < s->next_look_ms)
			s->now_ms = s->next_look_ms;
	}
}

static int end_of(const struct store_cert *row, void *ctx, struct err *e)
{
	struct sim *s = ctx;
	(void)e;
	s->expired += row->not_after < now_s(s);
	return 0;
}

static int deployed(const char *cert, const char *action, void *ctx, struct err *e)
{
	struct sim *s = ctx;
	(void)cert;
	(void)e;
	s->undeployed += !action[0];
	return 0;
}

/* ---- what must hold ---- */

static bool bad;

static void must(bool holds, const char *what)
{
	(void)printf("%-70s %s\n", what, holds ? "holds" : "DOES NOT HOLD");
	bad |= !holds;
}

/* The busiest hour before the surge, which makes everything of one age; the outage and the two days after it aside. */
static double peak(const struct sim *s, int64_t days)
{
	uint32_t most = 0;
	double sum = 0;
	size_t n = 0;
	for (size_t i = 0; i < (size_t)days * 24; i++) {
		int64_t at = s->start_ms / SECOND + (int64_t)i * HOUR_S;
		if (at + HOUR_S > s->surge_at)
			break;
		if (at + HOUR_S > s->outage_from && at < s->outage_to + 2 * DAY_S)
			continue;
		most = s->hours[i] > most ? s->hours[i] : most;
		sum += s->hours[i];
		n++;
	}
	return most / (sum / (double)n);
}

static void judge(struct sim *s, size_t n, int64_t days)
{
	struct err e = {0};
	if (store_cert_each(s->site.store, end_of, s, &e) || store_deploy_each_live(s->site.store, deployed, s, &e))
		die(&e);
	double ratio = peak(s, days);
	(void)printf("%zu certificates, %" PRId64 " days: %zu issued, %zu renewed, %zu tries failed\n", n, days,
		s->issued, s->renewals, s->failures);
	(void)printf(
		"the busiest hour has %.1f times the mean; refusals: first %zu, known %zu; surge over after %" PRId64
		" minutes\n",
		ratio, s->cas[FIRST].refused, s->cas[KNOWN].refused,
		s->surge_done ? (s->surge_done - s->surge_at) / MINUTE_S : -1);
	(void)printf("%zu deployed, %zu tries failed, at most %" PRId64
		     " in a row; no renewal began later than %" PRId64 " minutes after it was due\n",
		s->deploys.done, s->deploys.failed, s->deploys.most_tries, s->latest / MINUTE_S);
	must(!s->expired, "no certificate has expired");
	must(s->issued == s->n_new, "every certificate exists");
	must(s->cas[FIRST].refused == 1, "a limit that is not known is met once");
	must(!s->cas[KNOWN].refused, "a limit that is known is never met");
	must(s->cas[SECOND_CA].orders > 0 || n < 100, "the second CA helped out");
	must(s->surge_done && s->surge_done - s->surge_at < DAY_S,
		"mass revocation: everything is renewed within a day");
	must(s->deploys.failed && !s->deploys.hasty, "what could not be deployed waits, longer each time");
	must(s->deploys.most_tries <= TRIES_MAX, "four days of failing are sixteen tries at most");
	must(!s->needless, "nothing is renewed because it could not be deployed");
	must(s->latest <= LATE_MAX, "no service keeps a certificate from being renewed");
	must(!s->undeployed, "everything is deployed in the end");
	if (n >= 10000)
		must(ratio <= 3, "the busiest hour has at most three times the mean");
}

static void tidy(const char *dir)
{
	static const char *const files[] = {
		"perdure.yaml", "state/perdure.db", "state/perdure.db-wal", "state/perdure.db-shm", "state"};
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		AUTO(xfreep) char *path = xasprintf("%s/%s", dir, files[i]);
		(void)remove(path);
	}
	(void)rmdir(dir);
}

int main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
	int64_t days = argc > 2 ? strtoll(argv[2], NULL, 10) : 400;
	/* In memory where there is such a place: years are many commits. */
	AUTO(xfreep) char *dir = xasprintf("%s/sim-fleet-XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	struct err e = {0};
	if (n < 100 || days < 100) {
		(void)fprintf(stderr, "usage: sim_fleet [CERTIFICATES (100 or more) [DAYS (100 or more)]]\n");
		return 2;
	}
	struct sim s = {.start_ms = 1800000000000, .now_ms = 1800000000000};
	if (!mkdtemp(dir))
		return 1;
	log_set_level(LOG_LEVEL_ERROR);
	s.clk = (struct clk){clock_of, clock_of, &s};
	s.site = (struct site){.config = configure(dir, n), .clk = &s.clk, .lock = {.fd = -1}};
	s.burst = (int64_t)n * 3 / 100;
	s.deploys.well_from = now_s(&s) + (days - 12) * DAY_S;
	s.deploys.services = xcalloc(n, sizeof(*s.deploys.services));
	s.hours = xcalloc((size_t)days * 24 + 48, sizeof(*s.hours));
	s.outage_from = now_s(&s) + days / 3 * DAY_S;
	s.outage_to = s.outage_from + 5 * DAY_S;
	s.surge_at = now_s(&s) + days * 2 / 3 * DAY_S;
	if (loop_new(&s.clk, &s.site.loop, &e) || store_open(s.site.config->state_dir, false, &s.site.store, &e))
		die(&e);
	loop_set_skip(s.site.loop, skip, &s);
	store_attach(s.site.store, s.site.loop);
	s.tick = loop_timer_new(s.site.loop, look_again, &s);
	s.site.cas = xcalloc(CAS, sizeof(*s.site.cas));
	for (int i = 0; i < CAS; i++)
		s.site.cas[i].conf = &s.site.config->cas[i];
	settle(&s);
	years(&s, days);
	judge(&s, n, days);
	loop_timer_free(s.tick);
	site_close(&s.site);
	free(s.hours);
	free(s.deploys.services);
	tidy(dir);
	return bad;
}
