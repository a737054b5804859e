/* powerdns_internal.h: what powerdns.c (the driver) and powerdns_json.c (what it sends and gets) share. */
#ifndef PERDURE_PROVIDER_POWERDNS_INTERNAL_H
#define PERDURE_PROVIDER_POWERDNS_INTERNAL_H

#include "provider/driver.h"

struct json_out;
struct rest_reply;

/* What the server holds at a name. */
struct powerdns_held {
	struct provider_rrset set; /* ids: the content as the server has it */
	struct strv disabled; /* contents that are kept but not served */
	char *cname; /* the target of a CNAME, when another type was asked for */
	bool others; /* other data, when a CNAME was asked for */
	bool cut; /* NS records: a zone begins here */
	bool dname;
	int64_t serial;
};
void powerdns_held_done(struct powerdns_held *h);

/* Reads the RRset of name and what is beside it out of a zone's answer. PROVIDER_REPLY. ret needs powerdns_held_done().
 */
int powerdns_take(const char *what, const struct provider *p, const char *zone, const struct rest_reply *r,
	const char *name, enum provider_type type, struct powerdns_held *ret, struct err *e);
/* The elements of `rrsets` that make `wanted` of c->expect, value by value, or as a whole with what is disabled. */
void powerdns_put_singles(struct json_out *j, const struct provider_change *c, const struct provider_rrset *wanted);
void powerdns_put_whole(struct json_out *j, const struct provider_change *c, const struct provider_rrset *wanted,
	const struct strv *disabled);
bool powerdns_knows_extend(const char *version);
void powerdns_policy(const struct config_provider *conf, const struct strv *owners, struct buf *out);

#endif
