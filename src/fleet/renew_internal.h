/* renew_internal.h: what the files of a run share: its queues, and what it asks of the world. */
#ifndef PERDURE_FLEET_RENEW_INTERNAL_H
#define PERDURE_FLEET_RENEW_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "base/err.h"
#include "fleet/limits.h"
#include "fleet/renew.h"

struct job;
struct presenter;
struct windows;

/* One certificate that is due. */
struct due {
	const struct config_cert *cert; /* borrowed */
	int64_t urgency; /* the least is the first; UNIX seconds */
	bool placed; /* the CA has taken an order in an earlier run: it takes nothing of the budget */
	bool replacing; /* the order will name the certificate it replaces */
	bool fallback; /* at another CA than its first: only with the records for that in place */
	int64_t shut_until; /* of its budget, when the CA was asked for the order */
};

/* Those that are due at one CA. */
struct queue {
	struct site_ca *ca;
	struct due *due;
	size_t n, cap, next;
	bool opened;
	size_t n_jobs; /* at work */
	size_t n_at_ca;
	size_t n_waiting; /* for the DNS: placed, but nothing is asked of the CA */
	int lost_contact; /* consecutive jobs that ended for want of a connection */
	struct err paused; /* set: nothing more is started at this CA */
	struct limits limits;
	struct budget later[LIMITS_N_]; /* what is parked for want of budget has its turns from here */
	bool has_later[LIMITS_N_];
	TAILQ_HEAD(, job) line; /* of its jobs, those that were not at the CA yet, in their order */
};

struct renew {
	struct site *site;
	const struct renew_options *o;
	const struct renew_ops *ops;
	const struct renew_hooks *hooks;
	void *ctx;
	struct queue *queues; /* one for each CA */
	LIST_HEAD(, job) jobs; /* at work */
	size_t n_jobs;
	struct windows *windows; /* being asked for */
	struct loop_timer *next_step; /* the first, the last, and when the budget allows another order */
	int64_t waiting_until; /* UNIX milliseconds: for the budget; 0 for not */
	struct presenter *presenter; /* NULL without a state */
	bool swept; /* all is issued; what is left in the DNS is being taken out */
	bool finished;
	struct err failure;
	renew_done_fn done;
	void *done_ctx;
	struct renew_summary sum;
};

/* ERR_USAGE when a name in `only` (NULL for all) is not configured. */
int renew_check_selection(const struct site *s, const struct strv *only, struct err *e);
/* Looks at every certificate, tells the hooks, and puts what is due into the queues, the most urgent first. ERR_STORE.
 */
int renew_plan(struct renew *r, struct err *e);
/* Puts one more at the end of the queue. */
void renew_enqueue(struct queue *q, const struct due *d);
/* The queue of the CA of that name, or NULL. */
struct queue *renew_queue(const struct renew *r, const char *ca);
/* Something may be due at that moment (UNIX seconds; 0 for nothing): the summary keeps the first. */
void renew_note_next(struct renew *r, int64_t at);

#endif
