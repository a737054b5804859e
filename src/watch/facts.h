/*
 * facts.h: one name as it was found in the DNS or in a zone, in the form that the rules look at. Where it was found
 * makes no difference to a rule: what could not be seen there is marked as not known.
 *
 * Strings are borrowed from whoever filled the facts in, unless said otherwise.
 */
#ifndef PERDURE_WATCH_FACTS_H
#define PERDURE_WATCH_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <perdure/persist.h>

#include "base/strv.h"

struct audit_context;
struct audit_want;

enum facts_known { FACTS_UNKNOWN, FACTS_NO, FACTS_YES };

/* Whose account a record names. */
enum facts_account {
	FACTS_ACCOUNT_NONE, /* the record could not be read that far, or no account of ours is known to compare with */
	FACTS_ACCOUNT_OURS, /* with the current key at level 02 */
	FACTS_ACCOUNT_OLD_KEY, /* ours, over a key that the account had before */
	FACTS_ACCOUNT_ALLOWED, /* on the list */
	FACTS_ACCOUNT_OTHER_NAME, /* level 02: our account's digest, but over another name of the inventory */
	FACTS_ACCOUNT_ILL_FORMED, /* a hashed URI that no CA can read */
	FACTS_ACCOUNT_FOREIGN,
};

/* One TXT RR. */
struct facts_rr {
	char *p; /* the joined value, owned; NUL behind it */
	size_t n;
	struct perdure_text *strings; /* point into p; owned */
	size_t n_strings;
	bool again; /* an equal RR is in an earlier set */
	bool everywhere; /* an equal RR is in each set */
	/* What facts_read() makes of it. */
	bool readable;
	struct perdure_record rec; /* points into p */
	enum perdure_fault fault;
	size_t at;
	struct perdure_text issuer; /* as far as it can be told, also of a value that is not readable */
	bool issuer_known; /* a CA's, or allowed */
	ssize_t ca; /* the CA whose issuer it is, or -1 */
	bool hashed; /* the account URI is of level 02 */
	bool any_domain; /* its digest is over "*" */
	enum facts_account account;
	ssize_t account_ca; /* whose account it is, -1 for none */
	const char *other_name; /* with FACTS_ACCOUNT_OTHER_NAME */
};

/* One RRset, and who serves it. */
struct facts_set {
	struct facts_rr *rr; /* owned */
	size_t n;
	const char *server; /* the first that serves it; NULL in a zone */
	size_t n_servers;
	uint32_t ttl;
	bool truncated; /* had to be fetched over TCP */
};

enum facts_answer { FACTS_ANSWERED, FACTS_LAME, FACTS_SILENT };
struct facts_server {
	const char *server; /* "ns1.example.com (192.0.2.1)" */
	enum facts_answer answer;
	const char *text; /* why, unless answered */
};

enum facts_dnssec { FACTS_DNSSEC_UNKNOWN, FACTS_SECURE, FACTS_INSECURE, FACTS_BOGUS };
enum facts_end { FACTS_END_UNKNOWN, FACTS_END_FOUND, FACTS_END_MISSING, FACTS_END_LOOP };

/* A name that leads to another one: CNAMEs from `name` on. */
struct facts_alias {
	const struct strv *chain; /* NULL or empty: there is none */
	const char *target_zone; /* "" or NULL when not known */
	enum facts_end end;
	const char *text; /* what went wrong, or "" */
};

struct facts_delegation {
	bool looked;
	struct facts_alias alias; /* of _acme-challenge */
	enum facts_known target_served; /* whether somebody serves the target's zone */
	bool beside; /* other data beside the CNAME */
	uint32_t cname_ttl;
	size_t n_txt; /* values that stand at the end of the chain now, or at the label itself without one */
	uint32_t txt_ttl;
};

struct facts_caa {
	bool looked;
	const char *failure; /* NULL or "" when it could be found out */
	const char *owner; /* where the relevant RRset stands; "" when there is none */
	const struct perdure_text *rdata;
	size_t n;
};

struct facts {
	const char *fqdn; /* as given, when it is no name that can carry a record */
	const char *owner;
	const char *name_fault; /* why the name cannot carry a record; NULL when it can */
	bool literal_wildcard; /* the owner is below a label "*" */
	bool public_suffix;
	const char *bad_line; /* a zone line about the owner that cannot be read; NULL for none */
	const char *failure; /* why the record could not be looked at; NULL when it was */
	bool from_zone; /* found in a zone's data: no servers were asked */
	const char *zone; /* NULL or "" when not known */
	struct facts_set *sets; /* the different RRsets, that of most servers first; owned */
	size_t n_sets;
	struct facts_server *servers; /* owned */
	size_t n_servers;
	struct facts_alias alias;
	bool synthesised; /* a wildcard made the answer */
	enum facts_dnssec dnssec;
	const char *dnssec_text;
	struct facts_delegation delegation;
	struct facts_caa caa;
	const struct strv *ns; /* as the zone's own servers say; NULL when not looked at */
	const struct strv *parent_ns; /* as the parent says; NULL when not looked at */
	const struct strv *ns_before; /* of the baseline; NULL without one */
	enum facts_known served; /* whether the name has any other data */
	const struct strv *zones_below; /* delegated zones below the name; NULL when not known */
	const struct strv *aliases_below; /* "name to target" for names below that lead out of the zone */
	/* What facts_read() looks up. */
	const struct audit_want *wants;
	size_t n_wants;
};

/* Adds an RRset served by n_servers; returns it. It holds until the next one is added. */
struct facts_set *facts_add_set(struct facts *f, const char *server, size_t n_servers, uint32_t ttl);
/* Adds an RR, given as its character-strings, which are copied. */
void facts_add_rr(struct facts_set *s, const struct perdure_text *strings, size_t n);
/* Adds a server. */
void facts_add_server(struct facts *f, const char *server, enum facts_answer answer, const char *text);
/* Releases what f owns. */
void facts_done(struct facts *f);

/*
 * Reads the records in the light of the context: syntax, issuer, account. Must come before the rules; needs fqdn, alias
 * and the sets.
 */
void facts_read(struct facts *f, const struct audit_context *c);

#endif
