/*
 * context.h: what an audit measures by: our CAs and accounts, the names that certificates need, what is allowed, and
 * what the operator wants to hear nothing about.
 */
#ifndef PERDURE_WATCH_CONTEXT_H
#define PERDURE_WATCH_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <perdure/persist.h>

#include "base/strv.h"

struct err;

/* A CA with our account there. All is owned. */
struct audit_ca {
	char *name; /* "" for an account that was given on the command line and may be any CA's */
	struct strv issuers; /* issuer domain names; empty for any */
	int levels[2]; /* of the draft, as in inventory/cafacts.h */
	int n_levels; /* 0: not known */
	char *prefix; /* accountHashPrefix, or NULL */
	char *account_url; /* NULL when not known */
	struct strv thumbprints; /* current first */
	int64_t account_since; /* UNIX seconds when the account was made; 0 when not known */
	bool dead; /* the account is deactivated or revoked */
	/* What the directory says; asked is false when it could not be had. */
	bool asked;
	struct strv directory_issuers;
	struct strv caa_identities;
	/* The digests' constant half: the account's digests over "*", one for each thumbprint (32 octets each); owned.
	 */
	uint8_t *any_digests;
};

/* One FQDN that certificates need at one CA. */
struct audit_want {
	char *fqdn;
	size_t ca; /* index into cas */
	bool base; /* the name itself is wanted */
	bool wildcard;
	bool below; /* names below it are wanted, at this CA or another */
	int64_t renew_at; /* UNIX seconds of the next renewal; 0 when not known */
};

struct audit_ignore {
	char *rule; /* its id; "" for all rules */
	char *name; /* an FQDN, or "*.x" for all below x; "" for all names */
};

struct audit_context {
	int64_t now; /* UNIX seconds */
	int64_t expiry_s; /* a persistUntil nearer than this to now (or to the renewal) is near */
	uint32_t ttl; /* for suggested zone lines */
	struct audit_ca *cas;
	size_t n_cas, cas_cap;
	struct audit_want *wants; /* sorted by fqdn, then ca */
	size_t n_wants, wants_cap;
	bool has_inventory; /* the wants are all there are: other names are in no inventory */
	struct strv issuers; /* allowed beside those of the CAs */
	struct strv accounts; /* account URLs that are allowed beside ours */
	struct strv zones; /* under our control */
	struct strv validation_zones; /* likewise; our delegations of dns-01 lead into them */
	struct ct *ct; /* owned; NULL when no certificates from the logs are at hand */
	struct strv ct_issuers; /* of certificates; empty: any */
	struct audit_ignore *ignores;
	size_t n_ignores, ignores_cap;
	struct perdure_hash hash;
};

/* An empty context. Needs context_done(). */
struct audit_context *context_new(int64_t now);
void context_free(struct audit_context *c);
void context_freep(struct audit_context **c);

/* Adds an empty CA; the pointer holds until the next one is added. */
struct audit_ca *context_add_ca(struct audit_context *c, const char *name);
/* name is an FQDN, "*." in front for the wildcard. Call context_ready() after the last. */
void context_add_want(struct audit_context *c, const char *name, size_t ca, int64_t renew_at);
/* ERR_CONFIG when there is no rule of that id. Either may be NULL. */
int context_add_ignore(struct audit_context *c, const char *rule, const char *name, struct err *e);
/* Sorts the wants, merging base name and wildcard, and computes what all names share. ERR_CONFIG for a bad thumbprint.
 */
int context_ready(struct audit_context *c, struct err *e);

/* The wants of an FQDN, *ret_n of them; NULL when it has none. */
const struct audit_want *context_wants(const struct audit_context *c, const char *fqdn, size_t *ret_n);
/* Whether any issuer is allowed by name; without one nothing can be said of issuers. */
bool context_judges_issuers(const struct audit_context *c);
/* Whether the issuer (n octets, exactly) is a CA's or allowed; *ret_ca (may be NULL) is the CA's index or -1. */
bool context_issuer(const struct audit_context *c, const char *issuer, size_t n, ssize_t *ret_ca);
/* The allowed issuer that is written most like this one, when it is like one and not equal; else NULL. */
const char *context_lookalike(const struct audit_context *c, const char *issuer, size_t n);
/* Whether a name is within a zone into which our delegations lead. */
bool context_validation_name(const struct audit_context *c, const char *name);
/* Whether a name is within a zone under our control, or below a name of the inventory. */
bool context_own_name(const struct audit_context *c, const char *name);
bool context_ignored(const struct audit_context *c, const char *rule, const char *name);

#endif
