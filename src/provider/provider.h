/*
 * provider.h: one DNS provider as the publisher sees it: find a zone, read an RRset, change it by adding and deleting
 * values, wait until the provider says it is served. What differs between providers is said by provider_caps; the rest
 * is the same everywhere. All calls are asynchronous on the loop. No ACME here, and no decision which records to have.
 *
 * Names are lower case without a dot at the end (dns/name.h). Record data is text in master-file form
 * (provider/rdata.h): a TXT value is its character-strings in quotes, so that values of others come back exactly as
 * they were.
 *
 * Every driver keeps these promises:
 * - Values that are not named in `del` survive, whoever wrote them and whenever; where the provider can only replace a
 *   whole RRset, the driver compares it with `expect` as late as it can, and reads back what it wrote.
 * - A change is PROVIDER_CHANGED or PROVIDER_UNCHANGED only when the provider holds it; a server that says yes and does
 *   nothing is an error.
 * - Adding a value that is there, or deleting one that is not, is no error.
 * - Credentials are in no error, no log line, no URL and no argument of a process.
 */
#ifndef PERDURE_PROVIDER_PROVIDER_H
#define PERDURE_PROVIDER_PROVIDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strv.h"

struct buf;
struct config_provider;
struct err;
struct loop;
struct provider;
struct provider_driver;
struct provider_op;

enum provider_type { PROVIDER_CNAME = 5, PROVIDER_TXT = 16, PROVIDER_CAA = 257 };
/* "TXT", "CNAME", "CAA". */
const char *provider_type_name(enum provider_type t);
/* The type of that name. ERR_PARSE. */
int provider_type_find(const char *name, enum provider_type *ret, struct err *e);

/* --- what a provider can do --- */

enum provider_write {
	PROVIDER_VALUES, /* values are added and deleted one by one; those of others are not touched */
	PROVIDER_RRSET, /* an RRset is replaced as a whole */
};

/* How the provider's interface takes a TXT value. */
enum provider_txt {
	PROVIDER_TXT_RAW, /* the octets as they are */
	PROVIDER_TXT_QUOTED, /* in quotes; the provider splits what is longer than 255 octets */
	PROVIDER_TXT_SPLIT, /* strings of at most 255 octets, split by us */
};

enum { PROVIDER_CAN_CNAME = 1, PROVIDER_CAN_CAA = 2 };

struct provider_caps {
	enum provider_write write;
	bool cas; /* a change is refused by the provider itself when the RRset is not as expected */
	/* Two changes of one RRset at the same moment may undo each other, or do the same twice: one of a host at a
	 * time */
	bool alone;
	enum provider_txt txt;
	unsigned types; /* PROVIDER_CAN_… beside TXT */
	size_t batch; /* how many RRsets of one zone one call changes; at least 1 */
	bool batch_atomic; /* all of a batch or nothing */
	size_t values_max; /* of one RRset; 0 when no limit is known */
	size_t value_max; /* octets of one TXT value; 0 when no limit is known */
	int64_t ttl_min; /* seconds */
	int64_t ttl_max; /* 0 when no limit is known */
	const int64_t *ttl_steps; /* the only ones allowed, ascending, 0 at the end; NULL for any */
	const char *ownership; /* where a mark of ours is kept ("comment"); NULL when there is no place */
	unsigned rate_calls; /* so many calls in rate_ms; 0 when no limit is known ahead */
	int64_t rate_ms;
	bool sync; /* the provider tells when its servers have a change: provider_sync() */
	/*
	 * Nothing can be read or deleted: a name has the values_max values that were written last, whoever wrote them.
	 * What is to stay beside a value that is added is added with it, before it.
	 */
	bool rolls;
};

/* The TTL to write when `wanted` is asked for: the next one allowed that is not below it, else the largest. */
int64_t provider_ttl(const struct provider_caps *c, int64_t wanted);

/* --- what went wrong --- */

/*
 * The cause of an error of kind ERR_PROVIDER, in its `code`. The message names the provider, what was tried on which
 * name, and the provider's own words; the hint says what to do. Troubles below (ERR_NET, ERR_TIMEOUT, ERR_TLS, …) keep
 * their kind.
 */
enum provider_cause {
	PROVIDER_OTHER = 1, /* the provider said no for a reason without a word here */
	PROVIDER_KEY, /* the credentials are wrong, unknown or expired */
	PROVIDER_CLOCK, /* this machine's clock, or theirs, is wrong */
	PROVIDER_POLICY, /* the credentials are good but not for this */
	PROVIDER_NO_ZONE, /* the provider holds no zone for the name, or the configuration excludes it */
	PROVIDER_DELEGATED, /* the name is below a delegation: it would be kept but never served */
	PROVIDER_CNAME_THERE, /* a CNAME (or DNAME above) is in the way, or other data in the way of a CNAME */
	PROVIDER_RATE, /* too many calls, and waiting was not enough; retry_at may say when */
	PROVIDER_SIZE, /* a value too long, too many values, a TTL out of range */
	PROVIDER_BUSY, /* locked, in maintenance, a change before this one is still under way */
	PROVIDER_REPLY, /* an answer that makes no sense */
	PROVIDER_IGNORED, /* the provider said yes and changed nothing */
};
/* The cause, or 0 when e is of another kind. */
enum provider_cause provider_cause(const struct err *e);
/* "key", "clock", "policy", …: for --json. */
const char *provider_cause_name(enum provider_cause c);

/* --- values --- */

struct provider_zone {
	char *name; /* of the apex */
	char *id; /* the provider's own; "" where it has none. Not for display */
};
void provider_zone_done(struct provider_zone *z);
void provider_zone_copy(struct provider_zone *dst, const struct provider_zone *src);

/* One record. Of a value that was not read, data alone is set. */
struct provider_value {
	char *data; /* master-file form */
	char *id; /* the driver's: a record id, the exact form at the provider; may be NULL */
	char *mark; /* the mark kept with it (provider_caps.ownership), or NULL */
};

struct provider_rrset {
	char *name;
	enum provider_type type;
	int64_t ttl; /* seconds; 0 when there are no values */
	struct provider_value *values; /* in no order */
	size_t n; /* 0: there is no such RRset */
	char *version; /* opaque, for provider_change(); may be NULL */
};
void provider_rrset_init(struct provider_rrset *s, const char *name, enum provider_type type);
void provider_rrset_done(struct provider_rrset *s);
void provider_rrset_copy(struct provider_rrset *dst, const struct provider_rrset *src);
/* All three strings are copied; id and mark may be NULL. */
void provider_rrset_add(struct provider_rrset *s, const char *data, const char *id, const char *mark);
/* The value that means the same (rdata_same), or NULL. */
const struct provider_value *provider_rrset_find(const struct provider_rrset *s, const char *data);
/* Whether both hold the same values, order and TTL aside. */
bool provider_rrset_same(const struct provider_rrset *a, const struct provider_rrset *b);

/* What one RRset shall become: `expect` without del, with add. */
struct provider_change {
	const char *name;
	enum provider_type type;
	int64_t ttl; /* of the RRset afterwards; the core gives the old one while values of others are there */
	const struct strv *add; /* record data; NULL for none */
	const struct strv *del; /* NULL for none */
	const struct provider_rrset *expect; /* as provider_read() or an earlier change gave it; never NULL */
	const char *mark; /* to be kept with the values added, where the provider can; NULL for none */
};
/* Fills *ret (initialised by it) with what the change makes of its `expect`, values keeping their ids. */
void provider_change_wanted(const struct provider_change *c, struct provider_rrset *ret);
/* Whether s has all that was to be added and nothing of what was to be deleted, whatever else is there. */
bool provider_change_is_done(const struct provider_change *c, const struct provider_rrset *s);
/* Whether the change would change nothing: values and TTL are in `expect` as wanted. */
bool provider_change_is_empty(const struct provider_change *c);

enum provider_outcome {
	PROVIDER_CHANGED,
	PROVIDER_UNCHANGED, /* it was so already */
	PROVIDER_LOST, /* the RRset is not as expected: somebody else was quicker. Read again, think again */
	PROVIDER_FAILED, /* e says why */
};
/* Of one change of a batch. */
struct provider_result {
	enum provider_outcome outcome;
	struct provider_rrset after; /* what the provider holds now as far as it said; name NULL when it did not */
	char *ticket; /* for provider_sync(); NULL when there is nothing to wait for */
	char *note; /* what the operator should be told of it though it is no error; NULL for nothing */
};

/* --- calls --- */

/*
 * Each is called once, on the loop, never from inside the call that started it; it may start and cancel others but not
 * free the provider. On success *e is clean. On failure the other argument is NULL. All are borrowed.
 */
typedef void (*provider_zone_fn)(const struct provider_zone *z, const struct err *e, void *ctx);
typedef void (*provider_read_fn)(const struct provider_rrset *s, const struct err *e, void *ctx);
/*
 * results has one element for each change, in their order, also on failure (those before the failure may have been made
 * where batches are not atomic); *e is the first failure, clean when no outcome is PROVIDER_FAILED.
 */
typedef void (*provider_change_fn)(const struct provider_result *results, size_t n, const struct err *e, void *ctx);
typedef void (*provider_sync_fn)(const struct err *e, void *ctx);

/*
 * The zone that holds name: the closest above it that the provider has (and `zones` of the configuration allows).
 * Found zones are remembered. PROVIDER_NO_ZONE.
 */
struct provider_op *provider_find_zone(struct provider *p, const char *name, provider_zone_fn fn, void *ctx);
/*
 * The RRset as the provider holds it, past all caches; an absent one has no values. PROVIDER_CNAME_THERE when a CNAME
 * stands at the name (and is not what is asked for) and the provider tells; PROVIDER_DELEGATED when it tells.
 */
struct provider_op *provider_read(struct provider *p, const struct provider_zone *z, const char *name,
	enum provider_type type, provider_read_fn fn, void *ctx);
/* At most caps.batch changes, of different RRsets. What the arguments point to is copied. */
struct provider_op *provider_change(struct provider *p, const struct provider_zone *z, const struct provider_change *c,
	size_t n, provider_change_fn fn, void *ctx);
/* Waits until the provider says that its servers have what the ticket is for. ERR_TIMEOUT after ten minutes. */
struct provider_op *provider_sync(
	struct provider *p, const struct provider_zone *z, const char *ticket, provider_sync_fn fn, void *ctx);
/* Ends it without a callback; what was sent may still be done by the provider. NULL is fine. */
void provider_cancel(struct provider_op *op);

/* --- opening --- */

/*
 * Opens a provider of the configuration (borrowed, must outlive it): reads its credentials. ERR_CONFIG for files that
 * are missing, readable by others or malformed.
 */
int provider_open(struct loop *l, const struct config_provider *conf, struct provider **ret, struct err *e);
/* Ends what is under way without callbacks. Not from inside a callback of its own; NULL is fine. */
void provider_free(struct provider *p);
const struct provider_caps *provider_caps(const struct provider *p);
const struct config_provider *provider_conf(const struct provider *p);
/* How many calls went to the provider so far (queries, updates, HTTP requests), tries included. */
uint64_t provider_calls(const struct provider *p);

/* --- what needs no credentials --- */

/* The driver for a `type` of the configuration, or NULL. */
const struct provider_driver *provider_driver_find(const char *type);
/* All drivers; *ret_n of them. */
const struct provider_driver *const *provider_drivers(size_t *ret_n);
/* The type's name, and one line about it. */
const char *provider_driver_type(const struct provider_driver *d);
const char *provider_driver_title(const struct provider_driver *d);
/*
 * Appends the least rights that this provider's credentials need, in the provider's own words and ready to paste, for
 * the validation records of these names (owner names, sorted; none: of every name of the zones).
 */
void provider_policy(const struct config_provider *conf, const struct strv *owners, struct buf *out);

#endif
