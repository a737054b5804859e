/*
 * update.h: UPDATE messages (RFC 2136): a zone, what must hold of it, what shall change. All of it is done or nothing.
 * Record data is in wire form, names in it uncompressed.
 */
#ifndef PERDURE_DNS_UPDATE_H
#define PERDURE_DNS_UPDATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct err;

enum {
	UPDATE_NOTIMP = 4,
	UPDATE_REFUSED = 5,
	UPDATE_YXDOMAIN = 6, /* a name exists that must not */
	UPDATE_YXRRSET = 7, /* an RRset exists that must not */
	UPDATE_NXRRSET = 8, /* an RRset is not there, or not with these values */
	UPDATE_NOTAUTH = 9, /* the server does not serve the zone, or TSIG failed */
	UPDATE_NOTZONE = 10, /* a name is not in the zone */
};

struct update {
	struct buf wire;
	uint16_t n_prerequisites;
	uint16_t n_updates;
	struct err *failed; /* the first thing that could not be written; owned */
};

/* Begins a message for zone. Needs update_done(). Names that are none are told by update_end(). */
void update_begin(struct update *u, const char *zone, uint16_t id);
void update_done(struct update *u);

/* What must hold (section 2.4); all of it before the first change. */
/* One value of an RRset that must have exactly the values required for it. */
void update_require_value(struct update *u, const char *name, uint16_t type, const void *data, size_t n);
void update_require_no_rrset(struct update *u, const char *name, uint16_t type);
void update_require_no_name(struct update *u, const char *name);
void update_require_name(struct update *u, const char *name);

/* What shall change (section 2.5), in this order. */
void update_add(struct update *u, const char *name, uint16_t type, uint32_t ttl, const void *data, size_t n);
void update_delete(struct update *u, const char *name, uint16_t type, const void *data, size_t n);
void update_delete_rrset(struct update *u, const char *name, uint16_t type);

/* The finished message, borrowed. ERR_PARSE, ERR_LIMIT. */
int update_end(struct update *u, const uint8_t **ret, size_t *ret_n, struct err *e);

#endif
