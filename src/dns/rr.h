/* rr.h: resource records as values: type, TTL, data. The data compares octet by octet. */
#ifndef PERDURE_DNS_RR_H
#define PERDURE_DNS_RR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* https://www.iana.org/assignments/dns-parameters; any other number may be asked for as well. */
enum dns_type {
	DNS_TYPE_A = 1,
	DNS_TYPE_NS = 2,
	DNS_TYPE_CNAME = 5,
	DNS_TYPE_SOA = 6,
	DNS_TYPE_MX = 15,
	DNS_TYPE_TXT = 16,
	DNS_TYPE_AAAA = 28,
	DNS_TYPE_DNAME = 39,
	DNS_TYPE_OPT = 41,
	DNS_TYPE_DS = 43,
	DNS_TYPE_RRSIG = 46,
	DNS_TYPE_DNSKEY = 48,
	DNS_TYPE_CAA = 257,
};

/* One TXT RR: its character-strings in order, raw octets. */
struct dns_string {
	uint8_t *p;
	size_t n;
};
struct dns_txt {
	struct dns_string *strings;
	size_t n;
};

struct dns_rr {
	uint16_t type;
	uint32_t ttl;
	uint8_t *data; /* RDATA; names in NS, CNAME, DNAME and SOA uncompressed and lower-case (RFC 4034 section 6.2) */
	size_t n;
};

/* RFC 8659 section 4.1. Pointers into the record. */
struct dns_caa {
	uint8_t flags; /* 128: critical */
	const char *tag; /* as published: letters' case has no meaning */
	size_t n_tag;
	const uint8_t *value;
	size_t n_value;
};

struct dns_soa {
	uint32_t serial;
	uint32_t minimum;
};

void dns_txt_done(struct dns_txt *t);
/* Order of two TXT records by their octets, for sorting and comparing: negative, 0, positive. */
int dns_txt_cmp(const struct dns_txt *a, const struct dns_txt *b);
void dns_txt_copy(struct dns_txt *dst, const struct dns_txt *src);

/* Order by type, then by data; the TTL is left out. Negative, 0, positive. */
int dns_rr_cmp(const struct dns_rr *a, const struct dns_rr *b);
/* The data as in a zone file; RFC 3597's form ("\# 3 abcdef") for types that are unknown or data that is damaged. */
char *dns_rr_text(const struct dns_rr *r);
/* The name in the data of NS, CNAME, DNAME (and the primary of SOA) as text like that of name.h; NULL for others. */
char *dns_rr_name(const struct dns_rr *r);
/* False for another type or damaged data. */
bool dns_rr_caa(const struct dns_rr *r, struct dns_caa *ret);
bool dns_rr_soa(const struct dns_rr *r, struct dns_soa *ret);
/* "TXT", "TYPE65400". */
const char *dns_type_name(uint16_t type, char buf[static 16]);

#endif
