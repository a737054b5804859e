/*
 * export.h: records to publish, as other tools want to read them: RRsets with their zone, what others keep there, and a
 * table of formats.
 */
#ifndef PERDURE_INVENTORY_EXPORT_H
#define PERDURE_INVENTORY_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct dns_view;
struct err;

enum export_type { EXPORT_TXT, EXPORT_CAA, EXPORT_CNAME, EXPORT_N_ };
/* "TXT", "CAA", "CNAME". */
const char *export_type_name(enum export_type t);

struct export_value {
	char *text; /* TXT: the joined value, printable ASCII; CAA: the property's value; CNAME: the target, no dot at
		       the end */
	unsigned flags; /* CAA */
	char *tag; /* CAA; else NULL */
	bool stands; /* published already */
};
struct export_rrset {
	char *zone; /* apex, no dot at the end; NULL until it is known */
	char *owner; /* no dot at the end */
	enum export_type type;
	uint32_t ttl;
	bool exists; /* something stands there, ours or not */
	bool automated; /* the value is changed by every renewal: to be made once, then left alone */
	struct export_value *ours;
	size_t n_ours;
	struct export_value *foreign; /* what others keep at the name: tools that own a whole RRset must repeat it */
	size_t n_foreign;
	size_t order; /* in which they were added */
};
struct export_set {
	struct export_rrset *v;
	size_t n;
	size_t cap;
};
void export_set_done(struct export_set *s);

/* Adds one value of ours as an RRset of its own; export_merge() puts them together. tag is NULL except for CAA.
 * Everything is copied. Returns the RRset, borrowed until the next call. */
struct export_rrset *export_add(struct export_set *s, const char *owner, enum export_type type, uint32_t ttl,
	const char *text, unsigned flags, const char *tag);
/* One RRset for each owner and type, each value once, in the order in which they were added. */
void export_merge(struct export_set *s);
/*
 * Tells r what is published now: its zone, the values of others, which of ours stand (validation records are compared
 * by what they mean). ERR_DNS for a value of somebody else's that could not be repeated (octets outside printable
 * ASCII).
 */
int export_observed(struct export_rrset *r, const struct dns_view *v, struct err *e);
/* Sets the zones from a list of apexes: the longest that holds the owner. */
void export_zones(struct export_set *s, const char *const *zones, size_t n);
/* By zone, then owner, then type. ERR_USAGE naming the first owner whose zone nobody knows. */
int export_sort(struct export_set *s, struct err *e);
/* The owner relative to its zone, "@" for the apex; the result may be in out. */
const char *export_relative(const struct export_rrset *r, char out[static 256]);

struct export_format {
	const char *name;
	const char *summary; /* for help */
	bool whole; /* the tool owns the RRset: values of others are written, too */
	void (*write)(const struct export_set *s, struct buf *out);
};
/* All formats; *ret_n of them. */
const struct export_format *export_formats(size_t *ret_n);
/* The format of that name. ERR_USAGE with the list of names. */
int export_format_find(const char *name, const struct export_format **ret, struct err *e);

#endif
