/*
 * validator.h: libunbound, set up and running: what validate.c asks. libunbound works in a thread of its own and hands
 * its results over through a pipe; nothing of it is made before the first question.
 */
#ifndef PERDURE_DNS_VALIDATOR_H
#define PERDURE_DNS_VALIDATOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "dns/anchor.h"
#include "dns/dns.h"

struct err;
struct dns_validation;
struct loop;
struct loop_fd;
struct loop_timer;
struct ub_ctx;

TAILQ_HEAD(dns_validations, dns_validation);

struct validator {
	struct loop *loop;
	int64_t deadline_ms;
	bool on;
	enum dns_mode mode;
	struct strv forwards; /* "ADDRESS@PORT" */
	struct strv hints;
	struct strv stub_zones;
	struct strv stub_servers; /* "ADDRESS@PORT", each for the zone of the same index */
	char *configured; /* trust anchor, or NULL */
	char *state_dir; /* or NULL */
	bool has_anchor; /* anchor has been looked for */
	struct anchor anchor;
	struct ub_ctx *ctx; /* NULL before the first question */
	struct loop_fd *fd;
	pid_t refresher; /* 0 for none */
	char *broken; /* why libunbound does not start; NULL when it does */
	unsigned active_max;
	bool prompt; /* DNS_VALIDATE_PROMPT */
	unsigned n_ahead; /* questions whose keys were asked for ahead */
	bool heard; /* some question was answered */
	int64_t silent_until; /* monotonic ms: nothing answers, so nobody waits for it */

	struct dns_validations waiting;
	struct dns_validations active;
	struct dns_validations doubted; /* bogus, if the keys can be had */
	struct dns_validations ended; /* their callbacks are due */
	unsigned n_active;
	struct loop_timer *turn; /* begins and ends validations */
};

/* Only copies what it needs of the options. */
struct validator *validator_new(struct loop *l, const struct dns_options *o, int64_t deadline_ms, unsigned active_max);
/* Ends the thread and what is under way, without callbacks. NULL is fine. */
void validator_free(struct validator *v);

/* The trust anchor, looked for when first asked. */
const struct anchor *validator_anchor(struct validator *v);
/* The stub zone that name is in, or NULL. */
const char *validator_stub(const struct validator *v, const char *name);
/* Starts libunbound, with v->prompt as it is then; v->broken says why it cannot. */
bool validator_start(struct validator *v);
/*
 * Puts into ctx, which has no threads yet, where to ask. -1 with errno-like libunbound code turned into ERR_CONFIG.
 */
int validator_upstream(const struct validator *v, struct ub_ctx *ctx, struct err *e);
/* Waits for libunbound's results as long as some are due. */
void validator_listen(struct validator *v);

/* validate.c: the turn timer's callback, and the end of all validations without callbacks. */
void validations_turn(void *v);
void validations_drop(struct validator *v);

#endif
