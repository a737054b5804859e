/* test_reply.c: what answers mean, from messages put together by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "dns/message.h"
#include "dns/reply.h"

#define NAME "_v.www.example.test"
#define ZONE "example.test"

#define AN MESSAGE_ANSWER
#define NS MESSAGE_AUTHORITY

/* SOA of root names; serial 7, minimum 60. */
static uint8_t soa_data[] = {0, 0, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 60};
/* A signature's fields before the signer's name; type TXT or CNAME, labels 4 or 2. */
static uint8_t sig_txt4[] = {0, 16, 13, 4, 0, 0, 1, 44, 1, 2, 3, 4, 1, 2, 3, 4, 0, 9, 0};
static uint8_t sig_txt2[] = {0, 16, 13, 2, 0, 0, 1, 44, 1, 2, 3, 4, 1, 2, 3, 4, 0, 9, 0};
static uint8_t sig_cname2[] = {0, 5, 13, 2, 0, 0, 1, 44, 1, 2, 3, 4, 1, 2, 3, 4, 0, 9, 0};
static uint8_t sig_short[] = {0, 16, 13, 2};

#define TEXT(s) ((char *)(uintptr_t)(s))
#define TXT(o, t)                                                                                                      \
	{                                                                                                              \
		.owner = TEXT(o), .section = AN, .type = DNS_TYPE_TXT, .ttl = (t)                                      \
	}
#define ALIAS(o, to, t)                                                                                                \
	{                                                                                                              \
		.owner = TEXT(o), .section = AN, .type = DNS_TYPE_CNAME, .ttl = (t), .target = TEXT(to)                \
	}
#define DNAME(o, to, t)                                                                                                \
	{                                                                                                              \
		.owner = TEXT(o), .section = AN, .type = DNS_TYPE_DNAME, .ttl = (t), .target = TEXT(to)                \
	}
#define SIG(o, d)                                                                                                      \
	{                                                                                                              \
		.owner = TEXT(o), .section = AN, .type = DNS_TYPE_RRSIG, .ttl = 1, .data = (d), .n_data = sizeof(d)    \
	}
#define SERVER(o, s)                                                                                                   \
	{                                                                                                              \
		.owner = TEXT(o), .section = (s), .type = DNS_TYPE_NS, .ttl = 50, .target = TEXT("ns.test")            \
	}
#define START(o, t)                                                                                                    \
	{                                                                                                              \
		.owner = TEXT(o), .section = NS, .type = DNS_TYPE_SOA, .ttl = (t), .data = soa_data,                   \
		.n_data = sizeof(soa_data)                                                                             \
	}

struct want {
	enum reply_kind kind;
	enum dns_health health;
	const char *target, *dname, *zone;
	uint32_t ttl;
	int labels;
	bool has_soa;
};

struct sample {
	const char *what;
	bool not_aa;
	uint16_t rcode;
	uint16_t type; /* 0: TXT */
	const char *name; /* NULL: NAME */
	struct message_rr rr[4];
	struct want want;
};

#define UNSIGNED .labels = REPLY_UNSIGNED
#define BAD(h) .kind = REPLY_BAD, .health = (h)

static const struct sample samples[] = {
	{"found", .rr = {TXT(NAME, 90), TXT(NAME, 30)}, .want = {REPLY_FOUND, .ttl = 30, UNSIGNED}},
	{"found, with the zone's servers beside", .rr = {TXT(NAME, 90), SERVER("www." ZONE, NS)},
		.want = {REPLY_FOUND, .zone = "www." ZONE, .ttl = 90, UNSIGNED}},
	{"signed as it is", .rr = {TXT(NAME, 9), SIG(NAME, sig_txt4)}, .want = {REPLY_FOUND, .ttl = 9, .labels = 4}},
	{"signed as a wildcard", .rr = {SIG(NAME, sig_txt2), TXT(NAME, 9)},
		.want = {REPLY_FOUND, .ttl = 9, .labels = 2}},
	{"a signature over another type", .rr = {TXT(NAME, 9), SIG(NAME, sig_cname2)},
		.want = {REPLY_FOUND, .ttl = 9, UNSIGNED}},
	{"a signature of nothing", .rr = {TXT(NAME, 9), SIG(NAME, sig_short)},
		.want = {REPLY_FOUND, .ttl = 9, UNSIGNED}},
	{"records of other names", .rr = {TXT("x.test", 9)}, .want = {REPLY_NODATA, UNSIGNED}},
	{"an alias", .rr = {ALIAS(NAME, "x.test", 70)}, .want = {REPLY_ALIAS, .target = "x.test", .ttl = 70, UNSIGNED}},
	{"an alias by a wildcard", .rr = {ALIAS(NAME, "x.test", 70), SIG(NAME, sig_cname2)},
		.want = {REPLY_ALIAS, .target = "x.test", .ttl = 70, .labels = 2}},
	{"an alias that is asked for", .type = DNS_TYPE_CNAME, .rr = {ALIAS(NAME, "x.test", 70)},
		.want = {REPLY_FOUND, .ttl = 70, UNSIGNED}},
	{"an alias and a record", .rr = {ALIAS(NAME, "x.test", 70), TXT(NAME, 1)}, .want = {BAD(DNS_MALFORMED)}},
	{"a DNAME", .rr = {DNAME(ZONE, "far.test", 80), ALIAS(NAME, "_v.www.far.test", 0)},
		.want = {REPLY_ALIAS, .target = "_v.www.far.test", .dname = ZONE, .ttl = 80, UNSIGNED}},
	{"a DNAME to the root", .rr = {DNAME("www." ZONE, "", 80), ALIAS(NAME, "_v", 0)},
		.want = {REPLY_ALIAS, .target = "_v", .dname = "www." ZONE, .ttl = 80, UNSIGNED}},
	{"a DNAME with a false CNAME", .rr = {DNAME(ZONE, "far.test", 80), ALIAS(NAME, "_v.far.test", 0)},
		.want = {BAD(DNS_MALFORMED)}},
	{"a DNAME with a CNAME that goes on", .rr = {DNAME(ZONE, "far.test", 80), ALIAS(NAME, "_v.www.far.test.x", 0)},
		.want = {BAD(DNS_MALFORMED)}},
	{"a DNAME without its CNAME", .rr = {DNAME(ZONE, "far.test", 80)}, .want = {BAD(DNS_MALFORMED)}},
	{"a DNAME at the name itself", .type = DNS_TYPE_DNAME, .rr = {DNAME(NAME, "far.test", 80)},
		.want = {REPLY_FOUND, .ttl = 80, UNSIGNED}},
	{"a DNAME elsewhere", .rr = {DNAME("else.test", "far.test", 80), TXT(NAME, 9)},
		.want = {REPLY_FOUND, .ttl = 9, UNSIGNED}},
	{"no data: the minimum counts", .rr = {START(ZONE, 600)},
		.want = {REPLY_NODATA, .zone = ZONE, .ttl = 60, UNSIGNED, .has_soa = true}},
	{"no such name: the SOA's TTL counts", .rcode = MESSAGE_NXDOMAIN, .rr = {START(ZONE, 20)},
		.want = {REPLY_NXDOMAIN, .zone = ZONE, .ttl = 20, UNSIGNED, .has_soa = true}},
	{"no such name, without SOA", .rcode = MESSAGE_NXDOMAIN, .want = {REPLY_NXDOMAIN, UNSIGNED}},
	{"a referral", .not_aa = true, .rr = {SERVER("www." ZONE, NS)},
		.want = {REPLY_REFERRAL, .zone = "www." ZONE, .ttl = 50, UNSIGNED}},
	{"lame: its own zone again", .not_aa = true, .rr = {SERVER(ZONE, NS)}, .want = {BAD(DNS_LAME)}},
	{"lame: upwards", .not_aa = true, .rr = {SERVER("", NS)}, .want = {BAD(DNS_LAME)}},
	{"lame: no authority", .not_aa = true, .rr = {TXT(NAME, 9)}, .want = {BAD(DNS_LAME)}},
	{"lame: nothing", .not_aa = true, .want = {BAD(DNS_LAME)}},
	{"refused", .rcode = MESSAGE_REFUSED, .want = {BAD(DNS_REFUSING)}},
	{"servfail", .rcode = MESSAGE_SERVFAIL, .rr = {TXT(NAME, 9)}, .want = {BAD(DNS_ERROR)}},
};

static struct message message_of(const struct sample *s)
{
	struct message m = {.rcode = s->rcode, .aa = !s->not_aa, .rr = (struct message_rr *)(uintptr_t)s->rr};
	while (m.n_rr < ARRAY_LEN(s->rr) && s->rr[m.n_rr].owner)
		m.n_rr++;
	return m;
}

static void assert_text(const char *got, const char *want)
{
	assert_int_equal(got == NULL, want == NULL);
	if (got)
		assert_string_equal(got, want);
}

static void test_server(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		const struct sample *s = &samples[i];
		struct message m = message_of(s);
		struct reply r;
		print_message("%s\n", s->what);
		reply_read(&m, NAME, s->type ? s->type : (uint16_t)DNS_TYPE_TXT, ZONE, &r);
		assert_int_equal(r.kind, s->want.kind);
		if (r.kind == REPLY_BAD) {
			assert_int_equal(r.health, s->want.health);
			assert_true(r.text[0]);
			continue;
		}
		assert_int_equal(r.health, DNS_OK);
		if (r.kind == REPLY_ALIAS)
			assert_text(r.target, s->want.target);
		assert_text(r.dname, s->want.dname);
		assert_text(r.zone, s->want.zone);
		assert_int_equal(r.ttl, s->want.ttl);
		assert_int_equal(r.labels, s->want.labels);
		assert_int_equal(r.has_soa, s->want.has_soa);
		assert_int_equal(r.soa.serial, s->want.has_soa ? 7 : 0);
	}
}

/* A resolver follows by itself and has no authority. */
static void test_resolver(void **state)
{
	static const struct sample chain = {.not_aa = true, .rr = {ALIAS(NAME, "x.test", 70), TXT("x.test", 9)}};
	static const struct sample nothing = {.not_aa = true, .rr = {ALIAS(NAME, "x.test", 70), START("test", 600)}};
	struct message m = message_of(&chain);
	struct reply r;
	(void)state;
	m.ra = true;
	reply_read_resolver(&m, NAME, DNS_TYPE_TXT, &r);
	assert_int_equal(r.kind, REPLY_ALIAS);
	assert_string_equal(r.target, "x.test");
	reply_read_resolver(&m, "x.test", DNS_TYPE_TXT, &r);
	assert_int_equal(r.kind, REPLY_FOUND);
	m = message_of(&nothing);
	reply_read_resolver(&m, "x.test", DNS_TYPE_TXT, &r);
	assert_int_equal(r.kind, REPLY_BAD);
	assert_int_equal(r.health, DNS_LAME);
	m.ra = true;
	reply_read_resolver(&m, "x.test", DNS_TYPE_TXT, &r);
	assert_int_equal(r.kind, REPLY_NODATA);
	assert_int_equal(r.ttl, 60);
	assert_string_equal(r.zone, "test");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_server),
		cmocka_unit_test(test_resolver),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
