/*
 * plan.h: the difference between the records that should stand and those that do, RRset by RRset, value by value, each
 * with the reason. Deciding is pure; planmake.h observes, apply.h carries out, planfile.h keeps a plan in a file.
 */
#ifndef PERDURE_INVENTORY_PLAN_H
#define PERDURE_INVENTORY_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strv.h"
#include "provider/provider.h"

struct ours;

enum plan_action {
	PLAN_ADD,
	PLAN_CHANGE, /* a record of the same account gives way to one that fits */
	PLAN_REMOVE, /* a record of ours that no certificate needs */
	PLAN_KEEP,
	PLAN_UNKNOWN, /* somebody else's: never touched */
	PLAN_BLOCKED, /* should be added, but cannot be here */
	PLAN_ACTION_N_
};
const char *plan_action_name(enum plan_action a);

struct plan_item {
	enum plan_action action;
	char *data; /* record data in master-file form: what is wanted; for KEEP, REMOVE and UNKNOWN what stands */
	char *old; /* CHANGE: what gives way. Else NULL */
	char *ca; /* the CA whose account it is for; "" when it is for none */
	char *reason; /* one sentence without a full stop */
};

struct plan_rrset {
	enum provider_type type; /* TXT or CNAME */
	char *owner; /* no dot at the end */
	char *fqdn; /* the domain that it is about */
	char *zone; /* "" while unknown */
	char *provider; /* name in the configuration; "" when there is none for it */
	int64_t ttl;
	int64_t cache_s; /* how long a cache may hold what stands now, or that nothing does; 0 when nobody was asked */
	bool observed; /* `standing` is what was seen; false: nobody could be asked */
	struct strv standing; /* record data in master-file form */
	char *servers; /* what is odd about who serves it: some say otherwise, or nothing; NULL when all agree */
	char *blocked; /* why nothing can be written here; NULL when it can */
	struct plan_item *items;
	size_t n;
};

struct plan {
	int64_t made; /* UNIX seconds */
	struct plan_rrset *v; /* sorted by owner */
	size_t n;
	size_t cap;
};
void plan_done(struct plan *p);
void plan_rrset_done(struct plan_rrset *r);
void plan_item_done(struct plan_item *it);
/* Appends an empty RRset; borrowed until the next one. */
struct plan_rrset *plan_add(struct plan *p, enum provider_type type, const char *owner, const char *fqdn, int64_t ttl);
/* Appends an item; everything is copied. */
void plan_item_add(struct plan_rrset *r, enum plan_action a, const char *data, const char *old, const char *ca,
	const char *reason);

/* Adds a warning to the reason of an item that adds or changes something. */
void plan_item_warn(struct plan_item *it, const char *warning);

enum plan_kind {
	PLAN_RECORD, /* a validation record */
	PLAN_DELEGATION, /* the CNAME of a name whose dns-01 tokens are in another zone */
	PLAN_TOKEN, /* a standing TXT with a secret value */
};
/* A value that should stand. */
struct plan_want {
	enum plan_kind kind;
	const char *ca; /* "" where it is for no CA */
	const char *value; /* TXT: joined; CNAME: the target, no dot at the end */
	bool wildcard; /* RECORD */
	int64_t until; /* RECORD: 0 for none */
};
/*
 * Decides what is to be done with an RRset of which `standing` is known, and fills its items. A record counts as there
 * when one stands that means the same or, unless exact, grants more; a record of the same account that does not count
 * gives way. A CNAME gives way only when it leads to a validation zone of ours.
 */
void plan_decide(
	struct plan_rrset *r, const struct plan_want *wants, size_t n_wants, const struct ours *ours, bool exact);
/* Whether the item is a validation record, and whether that is for every name below, too. */
bool plan_item_record(const struct plan_rrset *r, const struct plan_item *it, bool *ret_wildcard);
/* How many records of ours will stand when all is carried out, and how many of them are for every name below, too. */
size_t plan_count_records(const struct plan *p, size_t *ret_wildcard);
/* How many items have the action. */
size_t plan_count(const struct plan *p, enum plan_action a);
/* How many RRsets an item changes; remove: also by taking away what no certificate needs. */
size_t plan_count_changes(const struct plan *p, bool remove);
bool plan_rrset_changes(const struct plan_rrset *r, bool remove);
/* What the items add and take away. Appended; borrowed strings are copied. */
void plan_changes(const struct plan_rrset *r, bool remove, struct strv *add, struct strv *del);

#endif
