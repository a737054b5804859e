/*
 * wishes.h: the RRsets that a plan is about: what should stand at each owner name, of whatever kind, and names that are
 * only to be looked at.
 */
#ifndef PERDURE_INVENTORY_WISHES_H
#define PERDURE_INVENTORY_WISHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inventory/plan.h"

struct config;
struct config_cert;
struct config_provider;
struct desired;
struct err;
struct ours;
struct strv;

/* One value that should stand, or with value NULL nothing but a look. All strings are owned. See struct plan_want. */
struct wish {
	enum provider_type type;
	char *owner; /* lower case, no dot at the end */
	char *fqdn; /* the domain that it is about */
	int64_t ttl;
	enum plan_kind kind;
	char *ca;
	char *value;
	bool wildcard;
	int64_t until;
	int64_t place_ttl; /* of a CNAME: TTL of the TXT record behind it, where renewals write; 0: no record of ours */
};
struct wishes {
	struct wish *v;
	size_t n;
	size_t cap;
};
void wishes_done(struct wishes *w);
/* Copies everything; want may be NULL: the RRset is only looked at. */
void wishes_add(struct wishes *w, enum provider_type type, const char *owner, const char *fqdn, int64_t ttl,
	const struct plan_want *want);
/* The validation records. */
void wishes_records(struct wishes *w, const struct desired *d, int64_t ttl);
/* Whether names of the certificate need a validation record, and a delegation of dns-01. Where both would do (auto), a
 * delegation is needed only for a CA that is known not to offer dns-persist-01. */
bool wishes_need_record(const struct config_cert *cert);
bool wishes_need_delegation(const struct config *c, const struct config_cert *cert);
/*
 * The CNAMEs of all certificates that need one: of the names (A-labels, "*." kept; NULL: all) at the CA (NULL: any).
 * ERR_CONFIG for a name that is too long.
 */
int wishes_delegations(
	struct wishes *w, const struct config *c, const struct strv *names, const char *ca, struct err *e);
/*
 * The domains whose delegation leads to an account at p, a provider of type acme-dns, added to ret, none twice;
 * *ret_one says whether one account is for all. ERR_CONFIG when the configuration says both.
 */
int wishes_accounts(
	const struct config *c, const struct config_provider *p, struct strv *ret, bool *ret_one, struct err *e);
/*
 * Appends "FILE:LINE:COLUMN: …" for each certificate whose names all lead to one account at an acme-dns server, which
 * keeps fewer values than there are names.
 */
void wishes_crowded(const struct config *c, struct strv *ret);
/* Says which validation zones are ours. */
void wishes_zones(struct ours *o, const struct config *c);
/* Leaves those about these domains. */
void wishes_keep(struct wishes *w, const struct strv *fqdns);
/* By owner, then type. */
void wishes_sort(struct wishes *w);

#endif
