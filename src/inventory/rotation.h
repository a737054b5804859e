/*
 * rotation.h: values that give way to others by the overlap rule: the new ones are published beside the old; when every
 * authoritative server has them, both stand for as long as a cache may hold what stood before, and until no order of
 * ours is in work for the name; then the old ones go. How far each RRset is stands in records/rotation.json of the
 * state directory, so that a run can end or be killed at any point and another goes on.
 */
#ifndef PERDURE_INVENTORY_ROTATION_H
#define PERDURE_INVENTORY_ROTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strv.h"
#include "inventory/plan.h"

struct apply_report;
struct err;
struct store;

enum rotation_phase {
	ROTATION_PUBLISH, /* the new values are to be published, and seen at every server */
	ROTATION_HOLD, /* both stand, until `until` at least */
	ROTATION_REMOVE, /* the old ones are to be taken away */
	ROTATION_DONE,
	ROTATION_PHASE_N_
};

struct rotation_rrset {
	enum provider_type type;
	char *owner;
	char *fqdn;
	int64_t ttl;
	int64_t cache_s; /* how long a cache may hold what stood before */
	struct strv add;
	struct strv del;
	enum rotation_phase phase;
	int64_t until; /* UNIX seconds, from HOLD on */
};

struct rotation {
	char *kind; /* "persist-until", "account", "token" */
	char *what; /* the moment, the token's name; "" for account */
	int64_t begun; /* UNIX seconds */
	struct rotation_rrset *v;
	size_t n;
};
void rotation_done(struct rotation *r);

/*
 * Fills *ret with what a plan would change: its additions, the old values of its changes, and its removals (only those
 * of accounts that are known when accounts_only). RRsets without a change are left out.
 */
void rotation_begin(struct rotation *ret, const char *kind, const char *what, int64_t now, const struct plan *p,
	bool accounts_only);
/* Reads what is in work; *ret_found tells whether there is anything. ERR_SYS, ERR_PARSE. */
int rotation_load(const char *state_dir, struct rotation *ret, bool *ret_found, struct err *e);
/* On disk when it returns. ERR_SYS. */
int rotation_save(const char *state_dir, const struct rotation *r, struct err *e);
/* Forgets it. ERR_SYS. */
int rotation_forget(const char *state_dir, struct err *e);

/* Appends the plan of a step: PUBLISH: the new values of what is in that phase. REMOVE: likewise the old ones. */
void rotation_plan(const struct rotation *r, enum rotation_phase phase, struct plan *ret);
/*
 * Takes what became of one RRset in a step: what is served everywhere goes to the next phase, what has nothing old to
 * take away is done. A new value that had to be published again begins its time anew.
 */
void rotation_took(struct rotation *r, const struct apply_report *report, int64_t now);
/*
 * What has stood beside the old for long enough goes from HOLD to PUBLISH, to be looked at once more: from there it
 * goes to REMOVE when it still stands everywhere. What an order in work may need (names of `ordered`, no "*.") stays;
 * its owner is appended to ret_held. Returns how many moved.
 */
size_t rotation_advance(struct rotation *r, int64_t now, const struct strv *ordered, struct strv *ret_held);
size_t rotation_count(const struct rotation *r, enum rotation_phase phase);
/* The earliest end of a HOLD; 0 when there is none. */
int64_t rotation_until(const struct rotation *r);
/* The names (no "*.") that orders in work are for. s may be NULL. ERR_STORE. */
int rotation_ordered(struct store *s, struct strv *ret, struct err *e);

#endif
