/* presenter_priv.h: what presenter.c (who wants which values) and presenterwrite.c (one name's writes) share. */
#ifndef PERDURE_INVENTORY_PRESENTER_PRIV_H
#define PERDURE_INVENTORY_PRESENTER_PRIV_H

#include <sys/queue.h>

#include "base/err.h"
#include "base/fs.h"
#include "inventory/presenter.h"

struct loop_timer;
struct publisher;
struct rrwrite;
struct rrwrite_at;
struct rrwrite_want;

enum value_state {
	VALUE_WANTED, /* to be written */
	VALUE_STANDING, /* written, as far as is known */
	VALUE_DONE, /* not needed any more: to be removed */
};

enum value_way { WAY_NONE, WAY_IN, WAY_OUT };

struct value {
	LIST_ENTRY(value) link;
	char *text;
	char *data; /* record data */
	char *cert;
	enum value_state state;
	bool keep; /* with VALUE_DONE: not for its own sake */
	bool in_use; /* an order of this run needs it */
	bool left; /* by an earlier run */
	enum value_way way; /* what the write under way does to it */
	struct presenter_request *request; /* waits for it; NULL */
};

struct target {
	LIST_ENTRY(target) link;
	struct presenter *p;
	char *owner;
	int64_t ttl, values_max, wait_ms;
	LIST_HEAD(, value) values;
	bool go; /* what is wanted may be written */
	bool committing; /* the rows of what is wanted are on their way to the disk */
	bool stuck; /* a removal has failed: not tried again before something is written */
	bool full; /* others take all the room */
	bool adding; /* the write under way */
	int64_t full_since; /* monotonic; 0: it is not full */
	struct fs_lock slots; /* where few values are kept (presenterroll.c): they are ours, until no order needs one */
	bool shut_out; /* they are another process's */
	struct rrwrite *write;
	struct loop_timer *timer; /* to look again whether there is room */
};

struct presenter_request {
	TAILQ_ENTRY(presenter_request) link;
	struct presenter *p;
	char *cert;
	size_t missing; /* values that are not served yet */
	struct err failed;
	presenter_ready_fn ready;
	presenter_step_fn step;
	void *ctx;
};

struct presenter {
	struct site *site;
	const struct presenter_hooks *hooks;
	void *ctx;
	struct publisher *publisher;
	struct httpanswers *http;
	LIST_HEAD(, target) targets;
	TAILQ_HEAD(, presenter_request) requests;
	struct loop_timer *gather; /* from the first value that is wanted until it is written at the latest */
	struct loop_timer *turn; /* to end requests, and to say that there is nothing to do, from the loop */
	struct loop_timer *tidy; /* while removals wait for those of other orders */
	bool holding; /* removals may wait */
	bool tidying; /* they have waited long enough */
	bool waiting; /* the timer runs */
	bool sweeping;
	bool told_ttl;
	unsigned pending; /* callbacks of the store that will still come */
	bool abandoned;
};

/* --- presenter.c --- */
/* A value is gone from the DNS, or was never there: forgets it, in the state too. */
void value_gone(struct target *t, struct value *v);
/* A value is served, or why it is not. */
void value_served(struct value *v, const struct err *failed);
/* Something has changed: requests may be ready, or all be done. */
void presenter_turn(struct presenter *p);

/* Whether a removal waits, so that others go with it: not for long. */
bool presenter_holds(struct presenter *p);

/* --- presenterwrite.c --- */
/* Starts the write that the target needs now, if any. */
void target_kick(struct target *t);
/* Whether something is to be done there, or being done. */
bool target_busy(const struct target *t);
/* Whether values stand there that orders of this run need. */
bool target_in_use(const struct target *t);
/* Ends what is under way. */
void target_stop(struct target *t);

/* --- presenterroll.c --- */
/*
 * What to write where the last values written are kept and no others (provider_caps.rolls). patient: values that orders
 * of a later run may need stay, too. -1 with ERR_BUSY: there is no room now.
 */
int target_roll(struct target *t, const struct rrwrite_at *at, bool patient, struct rrwrite_want *ret, struct err *e);

#endif
