/*
 * zone.h: zones with their servers, and what the process remembers of the DNS: which zone a name belongs to, which
 * names do not exist, the addresses of servers.
 */
#ifndef PERDURE_DNS_ZONE_H
#define PERDURE_DNS_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/addr.h"
#include "dns/map.h"
#include "dns/rr.h"

enum { ZONE_HOSTS_MAX = 16, HOST_ADDRS_MAX = 8 };

/* One server at one address; a server without an address has one entry that says why. */
struct zone_server {
	char *host;
	bool has_addr;
	struct addr addr;
	char *why;
};

struct zone {
	unsigned refs;
	char *name;
	bool stub; /* configured, to be asked as it is */
	bool partial; /* some server was left out only because the look-up had become too long: not to be remembered */
	struct zone_server *servers;
	size_t n;
};

/* With one reference. */
struct zone *zone_new(const char *name);
struct zone *zone_ref(struct zone *z);
/* NULL is fine. */
void zone_unref(struct zone *z);
void zone_add(struct zone *z, const char *host, const struct addr *a);
void zone_add_missing(struct zone *z, const char *host, const char *why);
size_t zone_addresses(const struct zone *z);

/* The addresses of a host. */
struct host {
	int64_t expires; /* monotonic ms */
	size_t n;
	struct addr addrs[HOST_ADDRS_MAX];
	char why[160]; /* when there are none */
};

/* Who says that a name does not exist, and for how long that may be remembered. */
struct absence {
	char *server;
	char *address;
	uint32_t ttl; /* RFC 2308 section 5 */
	bool has_soa;
	uint32_t soa_ttl;
	struct dns_soa soa;
};

enum cut_kind {
	CUT_ZONE, /* the name is the apex of zone */
	CUT_WITHIN, /* the name is in zone, and no other zone begins between them */
	CUT_NXDOMAIN, /* absence says that the name does not exist in zone */
	CUT_BROKEN, /* the zone that begins here has no servers to ask: why */
};
struct cut {
	enum cut_kind kind;
	struct zone *zone; /* NULL for CUT_BROKEN */
	int64_t expires; /* monotonic ms */
	struct absence absence; /* for CUT_NXDOMAIN */
	char *why;
};

struct cuts {
	struct map names;
	struct map hosts;
};

void cuts_done(struct cuts *c);
/* What is known of this very name now, or NULL. */
const struct cut *cuts_get(const struct cuts *c, const char *name, int64_t now);
/* ttl_ms from now; INT64_MAX for ever. Takes a reference of its own. */
void cuts_put_zone(struct cuts *c, const char *name, struct zone *z, int64_t now, int64_t ttl_ms);
/* The absence is copied. */
void cuts_put_nxdomain(struct cuts *c, const char *name, struct zone *z, const struct absence *a, int64_t now);
struct absence absence_copy(const struct absence *a);
void absence_done(struct absence *a);
void cuts_put_broken(struct cuts *c, const char *name, const char *why, int64_t now);
/* Forgets what was learnt of name and the names above it, below zone. */
void cuts_forget(struct cuts *c, const char *name, const char *zone);
const struct host *cuts_host(const struct cuts *c, const char *name, int64_t now);
void cuts_put_host(struct cuts *c, const char *name, const struct host *h);
/* How long to remember something whose records have this TTL: at least half a minute, at most a quarter of an hour. */
int64_t cuts_ttl_ms(uint32_t ttl);

#endif
