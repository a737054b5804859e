/*
 * driver.h: what a driver implements, and what it gets for it. A driver is one file: a `struct provider_driver`, listed
 * in registry.c. The zone cache, the `zones` of the configuration, copies of arguments, the list of operations,
 * callbacks in a turn of their own: that is provider.c's business, for all of them.
 *
 * How a driver is made: its state embeds struct provider as the first member; open() allocates it with xcalloc, sets
 * caps and reads the credentials (provider_secret()). A call gets a struct provider_op with the copied arguments in it;
 * the driver hangs its own state on op->state and ends with exactly one of the provider_op_…() calls below, now or
 * later.
 */
#ifndef PERDURE_PROVIDER_DRIVER_H
#define PERDURE_PROVIDER_DRIVER_H

#include <sys/queue.h>

#include "base/err.h"
#include "base/secret.h"
#include "provider/provider.h"

struct loop_timer;
struct rest_kind;

enum provider_call { PROVIDER_CALL_ZONE, PROVIDER_CALL_READ, PROVIDER_CALL_CHANGE, PROVIDER_CALL_SYNC };

struct provider_driver {
	const char *type; /* as in the configuration */
	const char *title; /* "RFC 2136 dynamic update (BIND, Knot, PowerDNS, …)" */
	int (*open)(struct loop *l, const struct config_provider *conf, struct provider **ret, struct err *e);
	const struct rest_kind *kind; /* of HTTP interfaces (restdriver.h) */
	/* Releases the driver's state, struct provider included; no operation is under way any more. */
	void (*free)(struct provider *p);
	/*
	 * At least one of the three.
	 * find_zone: the zone that holds op->name, by the provider's own search; asked for each name.
	 * has_zone: whether the provider has a zone of exactly the name op->candidate; asked from the longest candidate
	 * to the shortest, and never twice. Both end with provider_op_zone(), with name NULL for "no". list_zones: all
	 * zones, each through provider_op_list(), ends with provider_op_listed(); asked once. Where there are both of
	 * the last two, the list is asked for, which is one call for any number of names; if that is refused
	 * (PROVIDER_POLICY), or costs too much (PROVIDER_SIZE), and the configuration names the zones, has_zone is.
	 */
	void (*find_zone)(struct provider *p, struct provider_op *op);
	void (*has_zone)(struct provider *p, struct provider_op *op);
	void (*list_zones)(struct provider *p, struct provider_op *op);
	/* op->zone, op->name, op->type; ends with provider_op_rrset(). */
	void (*read)(struct provider *p, struct provider_op *op);
	/*
	 * op->zone, op->changes, op->n, op->results; fills the results as far as it can, ends with
	 * provider_op_changed(), or with provider_op_fail() when some are PROVIDER_FAILED (as all are at first).
	 * Changes that change nothing, of types or sizes that caps exclude, never come here; n is at most caps.batch.
	 */
	void (*change)(struct provider *p, struct provider_op *op);
	/* op->zone, op->ticket; ends with provider_op_synced(). NULL where caps.sync is false. */
	void (*sync)(struct provider *p, struct provider_op *op);
	/* Stops what op->state stands for and releases it: on cancel, and after each end. May be NULL. */
	void (*drop)(struct provider *p, struct provider_op *op);
	/* See provider_policy(); owners is never NULL. */
	void (*policy)(const struct config_provider *conf, const struct strv *owners, struct buf *out);
};

LIST_HEAD(provider_ops, provider_op);
LIST_HEAD(provider_zones, provider_known);

/* The first member of a driver's state. open() calls provider_init() and sets caps. */
struct provider {
	struct provider_caps caps;
	const struct provider_driver *driver;
	const struct config_provider *conf;
	struct loop *loop;
	uint64_t calls; /* counted by the driver or rest.c */
	/* provider.c's own */
	struct provider_ops ops;
	struct provider_zones known;
	bool listed; /* all zones are known */
	bool unlisted; /* they will not be: each is asked for by its name */
};

struct provider_op {
	struct provider *p;
	enum provider_call call;
	void *state; /* the driver's */
	char *name; /* find_zone, read */
	const char *candidate; /* has_zone: a suffix of name */
	enum provider_type type; /* read */
	struct provider_zone zone; /* read, change, sync */
	struct provider_change *changes; /* change; copies */
	struct provider_result *results; /* change; one for each, PROVIDER_FAILED at first */
	size_t n;
	char *ticket; /* sync */
	/* provider.c's own */
	struct err e;
	struct provider_zone found;
	struct provider_rrset rrset;
	struct provider_changes *all; /* as the caller gave them */
	union {
		provider_zone_fn zone;
		provider_read_fn read;
		provider_change_fn change;
		provider_sync_fn sync;
	} fn;
	void *ctx;
	struct loop_timer *turn;
	bool asking; /* the driver is at work for it */
	bool ended;
	LIST_ENTRY(provider_op) link;
};

/* open() calls it first on its zeroed state: sets what provider.c needs, and caps.batch to 1. */
void provider_init(
	struct provider *p, const struct provider_driver *d, struct loop *l, const struct config_provider *conf);

/* The ends of an operation. err is moved (clean afterwards); what it was given for is then ignored. */
void provider_op_fail(struct provider_op *op, struct err *e);
/* name and id are copied; name NULL: has_zone says no, find_zone found none. */
void provider_op_zone(struct provider_op *op, const char *name, const char *id);
/* For list_zones: one of the zones; then the end. */
void provider_op_list(struct provider_op *op, const char *name, const char *id);
/* For list_zones: one that cannot be used, and what it is ("a private zone"): said where no other holds a name. */
void provider_op_pass(struct provider_op *op, const char *name, const char *why);
void provider_op_listed(struct provider_op *op);
/* The set is moved. */
void provider_op_rrset(struct provider_op *op, struct provider_rrset *s);
/* All of op->results are set. */
void provider_op_changed(struct provider_op *op);
void provider_op_synced(struct provider_op *op);

/*
 * An error of a cause, worded "provider NAME (TYPE): …"; has the value -1. Put the provider's own words at the end of
 * it. Follow it with err_hint() where more can be said than provider_hint(), which says what is true for each provider.
 */
#define provider_err(e, p, cause, ...)                                                                                 \
	(__extension__({                                                                                               \
		provider_err_((e), (p), (cause), __VA_ARGS__);                                                         \
		-1;                                                                                                    \
	}))
void provider_err_(struct err *e, const struct provider *p, enum provider_cause cause, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void provider_hint(struct err *e, const struct provider *p);
/* Puts "provider NAME (TYPE): " before an error that came from below. */
void provider_err_name(struct err *e, const struct provider *p);

/*
 * Reads the secret file that the configuration names under key ("token_file"). ERR_CONFIG when the key is not there,
 * when the file is empty, readable by others, or holds more than one line. ret needs secret_done().
 */
int provider_secret(const struct config_provider *conf, const char *key, struct secret *ret, struct err *e);

#endif
