/* test_message.c: queries octet by octet, and answers good, damaged and hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "dns/message.h"

/* Pieces of packets. The question is always _v.a.test TXT; its name begins at offset 12, "a.test" at 15. */
#define HEAD(an, ns, ar) "\x12\x34\x84\x00\x00\x01" an ns ar
#define QUESTION                                                                                                       \
	"\x02_v\x01"                                                                                                   \
	"a\x04test\x00\x00\x10\x00\x01"
#define QNAME "\xc0\x0c"
#define FIXED(type, len) "\x00" type "\x00\x01\x00\x00\x00\x3c\x00" len
#define TXT_RR QNAME FIXED("\x10", "\x06") "\x02hi\x02yo"
#define NONE "\x00\x00"
#define ONE "\x00\x01"
/* A packet in memory of exactly its size, so that AddressSanitizer sees every octet too much. */
#define PACKET(literal) exact(literal, sizeof(literal) - 1), sizeof(literal) - 1

static uint8_t *exact(const char *p, size_t n)
{
	return xmemdup(p, n);
}

static int decode(uint8_t *p, size_t n, struct message *ret, struct err *e)
{
	int rc = message_decode(p, n, ret, e);
	free(p);
	return rc;
}

static void test_query(void **state)
{
	static const char want[] = "\xab\xcd\x00\x00\x00\x01\x00\x00\x00\x00\x00\x01" QUESTION
				   "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00";
	uint8_t out[MESSAGE_QUERY_MAX];
	size_t n = 0;
	struct err e = {0};
	(void)state;
	assert_int_equal(message_query(out, "_v.a.test", MESSAGE_TXT, 0xabcd, MESSAGE_EDNS, &n, &e), 0);
	assert_int_equal(n, sizeof(want) - 1);
	assert_memory_equal(out, want, n);
	assert_int_equal(message_query(out, "", MESSAGE_NS, 1, MESSAGE_RD, &n, &e), 0);
	assert_int_equal(n, 17);
	assert_memory_equal(out, "\x00\x01\x01\x20\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01", 17);
}

static void test_query_bad_names(void **state)
{
	char label64[65 + 5], long_name[300];
	const char *names[] = {"a..b", ".", label64, long_name};
	uint8_t out[MESSAGE_QUERY_MAX];
	(void)state;
	memset(label64, 'a', 64);
	memcpy(label64 + 64, ".test", 6);
	for (size_t i = 0; i < sizeof(long_name) - 1; i++)
		long_name[i] = i % 2 ? '.' : 'a';
	long_name[sizeof(long_name) - 2] = 'a';
	long_name[sizeof(long_name) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct err e = {0};
		size_t n = 77;
		int rc = message_query(out, names[i], MESSAGE_TXT, 1, MESSAGE_EDNS, &n, &e);
		/* "." alone is the root written out; anything else here is no name. */
		if (strcmp(names[i], ".") == 0) {
			assert_int_equal(rc, 0);
			continue;
		}
		assert_int_equal(rc, -1);
		assert_int_equal(e.kind, ERR_PARSE);
		assert_int_equal(n, 77);
		err_done(&e);
	}
}

static void test_txt(void **state)
{
	struct message m;
	struct err e = {0};
	(void)state;
	assert_int_equal(decode(PACKET(HEAD(ONE, NONE, NONE) QUESTION TXT_RR), &m, &e), 0);
	assert_int_equal(m.id, 0x1234);
	assert_true(m.aa && !m.tc && !m.ra && m.has_question);
	assert_string_equal(m.qname, "_v.a.test");
	assert_int_equal(m.qtype, MESSAGE_TXT);
	assert_int_equal(m.n_rr, 1);
	assert_string_equal(m.rr[0].owner, "_v.a.test");
	assert_int_equal(m.rr[0].ttl, 60);
	assert_int_equal(m.rr[0].section, MESSAGE_ANSWER);
	assert_int_equal(m.rr[0].txt.n, 2);
	assert_int_equal(m.rr[0].txt.strings[1].n, 2);
	assert_memory_equal(m.rr[0].txt.strings[1].p, "yo", 2);
	message_done(&m);
}

static void test_txt_octets(void **state)
{
	struct message m;
	struct err e = {0};
	(void)state;
	assert_int_equal(
		decode(PACKET(HEAD(ONE, NONE, NONE) QUESTION QNAME FIXED("\x10", "\x06") "\x00\x04\x00\xff\"\\"), &m,
			&e),
		0);
	assert_int_equal(m.rr[0].txt.n, 2);
	assert_int_equal(m.rr[0].txt.strings[0].n, 0);
	assert_int_equal(m.rr[0].txt.strings[1].n, 4);
	assert_memory_equal(m.rr[0].txt.strings[1].p, "\x00\xff\"\\", 4);
	message_done(&m);
}

/* Names: letters lower-cased, special octets escaped, pointers followed; sections told apart; class CH left out. */
static void test_records(void **state)
{
	struct message m;
	struct err e = {0};
	(void)state;
	assert_int_equal(
		decode(PACKET(HEAD("\x00\x02", "\x00\x02", "\x00\x03") QUESTION QNAME FIXED("\x05",
			       "\x05") "\x02WW\xc0\x0f"
				       "\x03"
				       "a.b\xc0\x11" FIXED("\x27",
					       "\x01") "\x00"
						       "\xc0\x0f" FIXED("\x02",
							       "\x02") "\xc0\x0f"
								       "\x00" FIXED("\x06",
									       "\x18") "\xc0\x0f\xc0\x0f"
										       "12345678901234567890"
										       "\xc0\x0f" FIXED("\x01",
											       "\x04") "\xc0\x00\x02"
												       "\x01" QNAME
												       "\x00\x10\x00"
												       "\x03\x00\x00"
												       "\x00\x3c\x00"
												       "\x02"
												       "\x01x"
												       "\x00\x00\x29"
												       "\x04\xd0\x01"
												       "\x00\x00\x00"
												       "\x00\x00"),
			&m, &e),
		0);
	assert_int_equal(m.n_rr, 5);
	assert_string_equal(m.rr[0].target, "ww.a.test");
	assert_string_equal(m.rr[1].owner, "a\\.b.test");
	assert_string_equal(m.rr[1].target, "");
	assert_int_equal(m.rr[2].section, MESSAGE_AUTHORITY);
	assert_string_equal(m.rr[2].target, "a.test");
	assert_string_equal(m.rr[3].owner, "");
	assert_int_equal(m.rr[4].section, MESSAGE_ADDITIONAL);
	assert_int_equal(m.rr[4].n_data, 4);
	assert_memory_equal(m.rr[4].data, "\xc0\x00\x02\x01", 4);
	/* The upper bits of the rcode come from the OPT record: BADVERS. */
	assert_int_equal(m.rcode, MESSAGE_BADVERS);
	message_done(&m);
}

static void test_ttl_with_the_top_bit(void **state)
{
	struct message m;
	struct err e = {0};
	(void)state;
	assert_int_equal(
		decode(PACKET(HEAD(ONE, NONE, NONE) QUESTION QNAME "\x00\x10\x00\x01\x80\x00\x00\x00\x00\x02\x01x"), &m,
			&e),
		0);
	assert_int_equal(m.rr[0].ttl, 0);
	message_done(&m);
}

static void test_without_question(void **state)
{
	struct message m;
	struct err e = {0};
	(void)state;
	assert_int_equal(decode(PACKET("\x12\x34\x80\x01\x00\x00\x00\x00\x00\x00\x00\x00"), &m, &e), 0);
	assert_false(m.has_question);
	assert_int_equal(m.rcode, MESSAGE_FORMERR);
	message_done(&m);
}

#define REFUSED(name, literal)                                                                                         \
	{                                                                                                              \
		name, literal, sizeof(literal) - 1                                                                     \
	}

static void test_refused(void **state)
{
	static const struct {
		const char *name, *p;
		size_t n;
	} cases[] = {
		REFUSED("nothing", ""),
		REFUSED("a query", "\x12\x34\x04\x00\x00\x01" NONE NONE NONE QUESTION),
		REFUSED("opcode UPDATE", "\x12\x34\xac\x00\x00\x01" NONE NONE NONE QUESTION),
		REFUSED("two questions", "\x12\x34\x84\x00\x00\x02" NONE NONE NONE QUESTION QUESTION),
		REFUSED("65535 questions", "\x12\x34\x84\x00\xff\xff" NONE NONE NONE QUESTION),
		REFUSED("answer missing", HEAD(ONE, NONE, NONE) QUESTION),
		REFUSED("65535 answers", HEAD("\xff\xff", NONE, NONE) QUESTION TXT_RR),
		REFUSED("65535 additional", HEAD(ONE, NONE, "\xff\xff") QUESTION TXT_RR),
		REFUSED("owner points to itself",
			HEAD(ONE, NONE, NONE) QUESTION "\xc0\x1b" FIXED("\x10", "\x02") "\x01x"),
		REFUSED("owner points forward",
			HEAD(ONE, NONE, NONE) QUESTION "\xc0\x1d" FIXED("\x10", "\x02") "\x01x"),
		REFUSED("owner points into the header",
			HEAD(ONE, NONE, NONE) QUESTION "\xc0\x02" FIXED("\x10", "\x02") "\x01x"),
		REFUSED("owner points past the end",
			HEAD(ONE, NONE, NONE) QUESTION "\xff\xff" FIXED("\x10", "\x02") "\x01x"),
		REFUSED("half a pointer", HEAD(ONE, NONE, NONE) QUESTION "\xc0"),
		REFUSED("two pointers in a circle",
			HEAD(ONE, NONE, NONE) QUESTION "\x01x\xc0\x1b" FIXED("\x10", "\x02") "\x01x"),
		REFUSED("label kind 0x40", HEAD(ONE, NONE, NONE) QUESTION "\x41x\x00" FIXED("\x10", "\x02") "\x01x"),
		REFUSED("label kind 0x80", HEAD(ONE, NONE, NONE) QUESTION "\x81x\x00" FIXED("\x10", "\x02") "\x01x"),
		REFUSED("record data longer than the packet",
			HEAD(ONE, NONE, NONE) QUESTION QNAME FIXED("\x10", "\x03") "\x01x"),
		REFUSED("string longer than its data",
			HEAD(ONE, NONE, NONE) QUESTION QNAME FIXED("\x10", "\x02") "\x02xy"),
		REFUSED("TXT without a string", HEAD(ONE, NONE, NONE) QUESTION QNAME FIXED("\x10", "\x00")),
		REFUSED("A of 3 octets", HEAD(ONE, NONE, NONE) QUESTION QNAME FIXED("\x01", "\x03") "\x7f\x00\x00"),
		REFUSED("AAAA of 4 octets",
			HEAD(ONE, NONE, NONE) QUESTION QNAME FIXED("\x1c", "\x04") "\x7f\x00\x00\x01"),
		REFUSED("CNAME of nothing", HEAD(ONE, NONE, NONE) QUESTION QNAME FIXED("\x05", "\x00")),
		REFUSED("CNAME past its data", HEAD(ONE, NONE, NONE) QUESTION QNAME FIXED("\x05", "\x01") "\x01x\x00"),
		REFUSED("CNAME with octets behind",
			HEAD(ONE, NONE, NONE) QUESTION QNAME FIXED("\x05", "\x03") "\xc0\x0cx"),
		REFUSED("NS points to itself", HEAD(ONE, NONE, NONE) QUESTION QNAME FIXED("\x02", "\x02") "\xc0\x27"),
		REFUSED("SOA cut off",
			HEAD(ONE, NONE, NONE) QUESTION QNAME FIXED("\x06", "\x06") "\xc0\x0c\xc0\x0c\x00\x00"),
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct message m = {.id = 42};
		struct err e = {0};
		if (decode(exact(cases[i].p, cases[i].n), cases[i].n, &m, &e) != -1)
			fail_msg("accepted: %s", cases[i].name);
		assert_int_equal(e.kind, ERR_PARSE);
		assert_int_equal(m.id, 42);
		err_done(&e);
	}
}

/* A packet whose last record is cut off anywhere is refused, never read past its end. */
static void test_every_prefix(void **state)
{
	static const char whole[] = HEAD(ONE, ONE, ONE) QUESTION TXT_RR
		"\xc0\x0f" FIXED("\x02", "\x05") "\x02ns\xc0\x0f"
						 "\x02ns\xc0\x0f" FIXED("\x01", "\x04") "\x7f\x00\x00\x01";
	size_t n = sizeof(whole) - 1;
	struct message m;
	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct err e = {0};
		assert_int_equal(decode(exact(whole, i), i, &m, &e), -1);
		err_done(&e);
	}
	struct err e = {0};
	assert_int_equal(decode(exact(whole, n), n, &m, &e), 0);
	assert_int_equal(m.n_rr, 3);
	message_done(&m);
}

/* Every octet of a good packet set to hostile values: refused or read, but never more than that. */
static void test_every_octet(void **state)
{
	static const char whole[] = HEAD(ONE, ONE, ONE) QUESTION TXT_RR
		"\xc0\x0f" FIXED("\x02", "\x05") "\x02ns\xc0\x0f"
						 "\x02ns\xc0\x0f" FIXED("\x01", "\x04") "\x7f\x00\x00\x01";
	static const uint8_t values[] = {0, 1, 0x0c, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff};
	size_t n = sizeof(whole) - 1, good = 0;
	(void)state;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < sizeof(values); k++) {
			struct message m;
			struct err e = {0};
			uint8_t *p = exact(whole, n);
			p[i] = values[k];
			if (!decode(p, n, &m, &e)) {
				good++;
				assert_true(m.n_rr <= 3);
				message_done(&m);
			}
			err_done(&e);
		}
	}
	assert_true(good > 0);
}

/* A chain of pointers, each to the one before: 32 of them in a name are read, more are not. */
static void test_pointer_chain(void **state)
{
	static const char head[] = HEAD(ONE, NONE, NONE) "\x00\x00\x10\x00\x01";
	(void)state;
	for (unsigned pointers = 30; pointers < 36; pointers++) {
		uint8_t p[512];
		struct message m;
		struct err e = {0};
		size_t n = sizeof(head) - 1, data = 0;
		memcpy(p, head, n);
		/* The pointers lie in the data of a record of an unknown type, the next record's owner uses the last.
		 */
		p[7] = 2;
		memcpy(p + n, "\x00\xff\xff\x00\x01\x00\x00\x00\x00\x00", 10);
		p[n + 10] = (uint8_t)(2 * (pointers - 1));
		n += 11;
		data = n;
		for (unsigned i = 0; i + 1 < pointers; i++, n += 2) {
			size_t to = i ? n - 2 : MESSAGE_HEADER;
			p[n] = (uint8_t)(0xc0 | to >> 8);
			p[n + 1] = (uint8_t)to;
		}
		assert_true(n > data);
		p[n] = (uint8_t)(0xc0 | (n - 2) >> 8);
		p[n + 1] = (uint8_t)(n - 2);
		n += 2;
		memcpy(p + n, FIXED("\x10", "\x02") "\x01x", 12);
		n += 12;
		int rc = decode(xmemdup(p, n), n, &m, &e);
		assert_int_equal(rc, pointers <= 32 ? 0 : -1);
		if (!rc)
			message_done(&m);
		err_done(&e);
	}
}

static void test_name_over_255(void **state)
{
	static const char head[] = HEAD(ONE, NONE, NONE);
	(void)state;
	/* Four labels of 63 and the root are 257 octets; three of 63 and one of 61 are 255. */
	for (unsigned last = 61; last <= 63; last++) {
		uint8_t p[400] = {0};
		struct message m;
		struct err e = {0};
		size_t n = sizeof(head) - 1;
		memcpy(p, head, n);
		p[7] = 0;
		for (unsigned i = 0; i < 4; i++) {
			unsigned len = i < 3 ? 63 : last;
			p[n++] = (uint8_t)len;
			memset(p + n, 'a', len);
			n += len;
		}
		memcpy(p + n, "\x00\x00\x10\x00\x01", 5);
		n += 5;
		int rc = decode(xmemdup(p, n), n, &m, &e);
		assert_int_equal(rc, last == 61 ? 0 : -1);
		if (!rc)
			message_done(&m);
		err_done(&e);
	}
}

static void test_too_many_records(void **state)
{
	enum { RECORD = 14 };
	static const char head[] = HEAD("\x11\x94", NONE, NONE) QUESTION; /* 4500 */
	static const char record[RECORD + 1] = QNAME FIXED("\x10", "\x02") "\x01x";
	size_t n = sizeof(head) - 1;
	uint8_t *p = xmalloc(n + 4500 * RECORD);
	struct message m;
	struct err e = {0};
	(void)state;
	memcpy(p, head, n);
	for (int i = 0; i < 4500; i++, n += RECORD)
		memcpy(p + n, record, RECORD);
	assert_int_equal(message_decode(p, n, &m, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	err_done(&e);
	p[6] = 0x10;
	p[7] = 0;
	assert_int_equal(decode(p, n, &m, &e), 0);
	assert_int_equal(m.n_rr, 4096);
	message_done(&m);
}

static void test_txt_order(void **state)
{
	uint8_t a[] = "a", b[] = "b", a_b[] = "ab";
	struct dns_string ab[] = {{a, 1}, {b, 1}}, joined[] = {{a_b, 2}};
	struct dns_txt two = {ab, 2}, one = {joined, 1}, first = {ab, 1}, none = {NULL, 0};
	(void)state;
	assert_int_equal(dns_txt_cmp(&two, &two), 0);
	assert_true(dns_txt_cmp(&two, &one) < 0 && dns_txt_cmp(&one, &two) > 0);
	assert_true(dns_txt_cmp(&first, &two) < 0 && dns_txt_cmp(&two, &first) > 0);
	assert_true(dns_txt_cmp(&none, &first) < 0);
	struct dns_txt copy;
	dns_txt_copy(&copy, &two);
	assert_int_equal(dns_txt_cmp(&copy, &two), 0);
	assert_ptr_not_equal(copy.strings[0].p, ab[0].p);
	dns_txt_done(&copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_query_bad_names),
		cmocka_unit_test(test_txt),
		cmocka_unit_test(test_txt_octets),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_ttl_with_the_top_bit),
		cmocka_unit_test(test_without_question),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_every_prefix),
		cmocka_unit_test(test_every_octet),
		cmocka_unit_test(test_pointer_chain),
		cmocka_unit_test(test_name_over_255),
		cmocka_unit_test(test_too_many_records),
		cmocka_unit_test(test_txt_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
