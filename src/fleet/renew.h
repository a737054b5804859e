/*
 * renew.h: everything that is due, at once: many orders in flight on one loop, as many per CA as it takes.
 */
#ifndef PERDURE_FLEET_RENEW_H
#define PERDURE_FLEET_RENEW_H

#include <stdbool.h>
#include <stddef.h>

#include "fleet/deploy.h"
#include "fleet/issue.h"
#include "fleet/schedule.h"

struct config_cert;
struct err;
struct fallback;
struct renew_summary;
struct site;
struct site_ca;
struct store_cert;
struct windows;

struct renew_options {
	const struct strv *only; /* lineage names; NULL for all of the configuration. Their back-off is ignored */
	bool force_renewal; /* due or not */
	bool force_record; /* go on where the record would be refused */
	bool dry_run; /* only tell what is due */
	bool no_deploy; /* of renew_run(): what is new is not deployed */
};

/* What the first issuance, or a renewal, of what is due takes at one CA. */
struct renew_forecast {
	const char *ca;
	size_t due;
	size_t counted; /* new orders that count against its limit */
	size_t exempt; /* orders that replace a certificate, where they do not count */
	int64_t burst; /* orders at once, then one every every_ms; 0: no limit is known */
	int64_t every_ms;
	size_t at_once; /* of those that count, now */
	int64_t last_at; /* UNIX seconds: the turn of the last one; 0 when all go at once */
	int64_t override_at; /* the same with a limit ten times as high */
	int64_t requests_per_second; /* it is asked no quicker; 0: as quickly as it answers */
	int64_t requests; /* about so many for all that are due, when each name must be proved */
};

struct renew_hooks {
	/* One for every certificate looked at, before anything begins; row is NULL when nothing is known of it. */
	void (*planned)(
		const struct config_cert *cert, const struct store_cert *row, enum schedule_verdict v, void *ctx);
	/* One for every CA with something due, after that; may be NULL. */
	void (*forecast)(const struct renew_forecast *f, void *ctx);
	void (*step)(const char *cert, const char *what, void *ctx);
	void (*report)(const struct issue_report *r, void *ctx);
	/* Now and then, for a progress line: of `due` certificates `done` are finished and `in_flight` at work. */
	void (*progress)(size_t done, size_t in_flight, size_t due, void *ctx);
	/* Of renew_run(). May be NULL. */
	void (*deployed)(const struct deploy_report *r, void *ctx);
	/* Of renewal_start(): nothing is left to renew, but deploy actions are at work. sum is of all so far. May be
	 * NULL. */
	void (*renewed)(const struct renew_summary *sum, void *ctx);
};

struct renew_summary {
	size_t looked, due, waiting, issued, renewed, held, parked, failed;
	bool stopped; /* by a signal: what was in work is parked */
	bool clock_wrong; /* a CA says so: nothing was ordered there, and what looks due or expired may not be */
	int64_t next_at; /* UNIX seconds: the first moment at which another run has something to do; 0: none is known */
	struct deploy_summary deploy; /* of renew_run() */
};

/* What a run asks of the world; simulations give their own, and may leave out dns, fallback_… and windows_…. */
struct renew_ops {
	int (*open)(struct site *s, struct site_ca *ca, struct err *e); /* site_account_session() */
	int (*dns)(struct site *s, struct err *e); /* site_dns() */
	/* Whether the lineage has its files. */
	bool (*live)(const struct site *s, const char *cert);
	/* issue_start(), issue_go(), issue_free(). */
	struct issue_job *(*start)(const struct issue_request *r, const struct issue_hooks *hooks, void *ctx);
	void (*go)(struct issue_job *j);
	void (*free)(struct issue_job *j);
	/* fallback_start(), fallback_free(). */
	struct fallback *(*fallback_start)(struct site *s, struct site_ca *ca, const struct config_cert *cert,
		void (*done)(bool good, const struct err *e, void *ctx), void *ctx);
	void (*fallback_free)(struct fallback *f);
	/* windows_start(), windows_free(). */
	struct windows *(*windows_start)(struct site *s, const struct strv *only, void (*done)(void *ctx), void *ctx);
	void (*windows_free)(struct windows *w);
	/* Of renewal_start(). */
	const struct deploy_ops *deploy;
};
extern const struct renew_ops renew_real;

/* done is called once, on the loop, never from inside renew_start(); renew_free() is allowed in it. e (borrowed) is
 * NULL, or why the run could not be done: ERR_STORE and what opening the DNS says. */
typedef void (*renew_done_fn)(const struct renew_summary *sum, const struct err *e, void *ctx);
struct renew;
/*
 * Asks the CAs for the windows that are not known any more (windows.h), looks at every certificate, then works on those
 * that are due, the most urgent first, until all have a result. What a CA's budget for new orders does not allow now is
 * parked until it does. The site's state must be open for writing (for a dry run: for reading). Everything is borrowed
 * until renew_free(). ERR_USAGE when a name in `only` is not configured; what fails for one certificate is in its
 * report.
 */
int renew_start(struct site *s, const struct renew_options *o, const struct renew_ops *ops,
	const struct renew_hooks *hooks, void *ctx, renew_done_fn done, void *done_ctx, struct renew **ret,
	struct err *e);
/* Stops the work: jobs in flight are parked. *ret is what the run came to; only renew_free() may follow. */
void renew_park(struct renew *r, struct renew_summary *ret);
/* Ends it; the orders of jobs in flight are in the state. NULL is fine. */
void renew_free(struct renew *r);

/* A whole run on the site's loop: new certificates are deployed as soon as they are live, then those that earlier runs
 * did not deploy. SIGINT and SIGTERM park what is in flight. */
int renew_run(struct site *s, const struct renew_options *o, const struct renew_hooks *hooks, void *ctx,
	struct renew_summary *ret, struct err *e);

/* Exit status of the program for such a summary (0, 1, 4 or 75): an action that failed makes it 4 unless it is 1. */
int renew_exit_status(const struct renew_summary *s);

#endif
