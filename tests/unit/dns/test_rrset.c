/* test_rrset.c: one RRset out of a resolver's answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "dns/message.h"
#include "dns/rrset.h"

#define QUESTION                                                                                                       \
	"\x02_v\x01"                                                                                                   \
	"a\x04test\x00\x00\x10\x00\x01"
#define QNAME "\xc0\x0c"
#define A_TEST "\xc0\x0f" /* a.test */
#define B_TEST                                                                                                         \
	"\x01"                                                                                                         \
	"b\xc0\x11"
#define C_TEST                                                                                                         \
	"\x01"                                                                                                         \
	"c\xc0\x11"
#define RR(type, ttl, len) "\x00" type "\x00\x01\x00\x00\x00" ttl "\x00" len
#define TXT(ttl, text) RR("\x10", ttl, "\x03") "\x02" text
#define CNAME(ttl) RR("\x05", ttl, "\x04")
#define SOA(ttl, minimum)                                                                                              \
	RR("\x06", ttl, "\x18")                                                                                        \
	"\xc0\x11\xc0\x11\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x04"                             \
	"\x00\x00\x00" minimum

static void test_take(void **state)
{
	static const struct {
		const char *counts, *body;
		size_t n_body;
		const char *chain, *texts;
		uint32_t ttl;
	} cases[] = {
#define CASE(an, ns, body, ...) {"\x00" an "\x00" ns "\x00\x00", body, sizeof(body) - 1, __VA_ARGS__}
		CASE("\x01", "\x00", QNAME TXT("\x3c", "xx"), "", "xx", 60),
		/* Sorted, each once; the least TTL counts. */
		CASE("\x03", "\x00", QNAME TXT("\x3c", "zz") QNAME TXT("\x32", "aa") QNAME TXT("\x3c", "aa"), "",
			"aa zz", 50),
		/* Along a chain, whatever the order; the least TTL on the way. */
		CASE("\x03", "\x00", QNAME CNAME("\x28") B_TEST C_TEST TXT("\x3c", "cc") B_TEST CNAME("\x1e") C_TEST,
			"b.test c.test", "cc", 30),
		/* Records of other names and types are none of it. */
		CASE("\x02", "\x00", A_TEST TXT("\x3c", "no") QNAME RR("\x01", "\x3c", "\x04") "\xc0\x00\x02\x01", "",
			"", 0),
		/* A circle ends the chain. */
		CASE("\x02", "\x00", QNAME CNAME("\x28") B_TEST B_TEST CNAME("\x1e") B_TEST, "b.test", "", 40),
		/* Nothing there: for as long as the SOA says. */
		CASE("\x00", "\x01", A_TEST SOA("\x3c", "\x1e"), "", "", 30),
		CASE("\x00", "\x01", A_TEST SOA("\x14", "\x1e"), "", "", 20),
		CASE("\x00", "\x00", "", "", "", 0),
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		static const char head[] = "\x12\x34\x81\x80\x00\x01";
		uint8_t packet[512];
		size_t n = 0;
		memcpy(packet, head, 6);
		memcpy(packet + 6, cases[i].counts, 6);
		n = 12;
		memcpy(packet + n, QUESTION, sizeof(QUESTION) - 1);
		n += sizeof(QUESTION) - 1;
		memcpy(packet + n, cases[i].body, cases[i].n_body);
		n += cases[i].n_body;
		struct message m;
		struct err e = {0};
		struct dns_rrset s;
		if (message_decode(packet, n, &m, &e))
			fail_msg("case %zu: %s", i, e.msg);
		rrset_take(&m, "_v.a.test", DNS_TYPE_TXT, &s);
		message_done(&m); /* nothing is borrowed from it */
		AUTO(xfreep) char *chain = strv_join(&s.chain, " ");
		AUTO(strv_done) struct strv texts = {0};
		assert_int_equal(s.n_rr, s.n_txt);
		for (size_t k = 0; k < s.n_txt; k++)
			strv_add_take(&texts, xstrndup((const char *)s.txt[k].strings[0].p, s.txt[k].strings[0].n));
		AUTO(xfreep) char *got = strv_join(&texts, " ");
		assert_string_equal(chain, cases[i].chain);
		assert_string_equal(got, cases[i].texts);
		assert_int_equal(s.ttl, cases[i].ttl);
		assert_string_equal(s.owner, "_v.a.test");
		rrset_done(&s);
	}
}

static void test_none(void **state)
{
	struct dns_rrset s;
	(void)state;
	rrset_none("example.test", DNS_TYPE_CAA, &s);
	assert_string_equal(s.owner, "example.test");
	assert_int_equal(s.type, DNS_TYPE_CAA);
	assert_int_equal(s.n_rr + s.n_txt + s.chain.n, 0);
	rrset_done(&s);
	assert_null(s.owner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
