/*
 * powerdns_internal.h: what powerdns.c (the driver), powerdns_change.c (changes) and powerdns_json.c (what it sends and
 * gets) share.
 */
#ifndef PERDURE_PROVIDER_POWERDNS_INTERNAL_H
#define PERDURE_PROVIDER_POWERDNS_INTERNAL_H

#include "provider/driver.h"
#include "provider/rest.h"

struct json_out;

enum { POWERDNS_PATH_MAX = 2048, POWERDNS_UNPROCESSABLE = 422 };

struct powerdns {
	struct provider p; /* first */
	struct rest *rest;
	char *server; /* its path: "/api/v1/servers/localhost" */
	bool asked; /* the version is known, as far as the server tells it */
	bool no_extend; /* it knows no EXTEND */
	struct strv uncut; /* names at which no zone begins */
};

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

/* Asks for what the operation's zone holds at a name. */
struct rest_call *powerdns_get_name(
	struct powerdns *d, const struct provider_op *op, const char *name, const char *what, rest_fn fn, void *ctx);
/* What at the name itself keeps its RRset from being changed. PROVIDER_DELEGATED, PROVIDER_CNAME_THERE. */
int powerdns_check_name(const struct provider *p, const struct powerdns_held *h, struct err *e);

struct powerdns_work;
void powerdns_change(struct provider *p, struct provider_op *op);
void powerdns_change_drop(struct powerdns_work *w);

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
