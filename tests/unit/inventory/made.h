/* made.h: observations made by hand, for the tests of what they mean: a world in which all is well, to be changed. */
#ifndef PERDURE_TESTS_MADE_H
#define PERDURE_TESTS_MADE_H

#include <stdint.h>

#include "dns/resolvers.h"
#include "dns/validate.h"
#include "dns/view.h"
#include "inventory/explain.h"
#include "inventory/observe.h"

#define URL "https://ca.test/acct/1"
#define GOOD "ca.test;accounturi=" URL
#define PREFIX "https://ca.test/hash/"
#define KEY "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
#define OLD_KEY "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s"
#define NAME "shop.example.test"
#define OWNER "_validation-persist." NAME

enum { NOW = 1795219200, DAY = 86400, SERVERS = 3, RECORDS = 4, NAMES = 3 };

/* One view with up to three servers, made of storage of its own. */
struct made {
	struct dns_view v;
	struct dns_answer answers[SERVERS];
	struct dns_group groups[SERVERS];
	struct dns_hop hops[DNS_VIEW_HOPS_MAX + 1];
	char *targets[DNS_VIEW_HOPS_MAX + 1];
	struct dns_txt txt[SERVERS][RECORDS];
	struct dns_string strings[SERVERS][RECORDS][2];
	struct dns_rr rr[SERVERS][RECORDS];
	uint8_t data[SERVERS][RECORDS][256];
};

struct world {
	struct observation o;
	struct explain_question q;
	struct strv issuers, thumbprints;
	struct made txt, ns, challenge, cname, caa_views[NAMES];
	struct observed_caa caa[NAMES], *caa_at[NAMES];
	struct dns_validated txt_trust, caa_trust;
	struct dns_vantage vantage[2];
	struct dns_vantages vantages;
	struct dns_txt vantage_txt;
	struct dns_string vantage_string;
};

/* Text of the tests that structures for many want writable. */
#define TEXT(s) ((char *)(uintptr_t)(s))

/* The servers by number, each with an address. */
extern const char *const made_hosts[SERVERS], *const made_addresses[SERVERS];

/* Adds a server with this answer. */
struct dns_answer *made_answer(struct made *m, enum dns_result result, uint32_t ttl);
/* Adds a TXT record to the answer of a server; its two character-strings are parted by `|`. */
void made_add_txt(struct made *m, size_t server, const char *value);
/* Adds CAA, "FLAGS TAG VALUE". */
void made_add_caa(struct made *m, size_t server, const char *text);
/* Adds NS. */
void made_add_ns(struct made *m, size_t server, const char *host);
/* Adds an alias to the chain. */
void made_hop(struct made *m, const char *owner, const char *target);
/* One group: all that answered say the same. */
void made_agree(struct made *m);
/* The last server says something else than those before it. */
void made_last_differs(struct made *m);
/* Other TXT records at all servers; up to NULL. */
void made_records(struct made *m, const char *const *values);
/* One other TXT record at all servers. */
void made_record(struct made *m, const char *value);

/* All is well: nothing is to be said of it. Needs made_world_free(). */
struct world *made_world(void);
void made_world_free(struct world *w);

#endif
