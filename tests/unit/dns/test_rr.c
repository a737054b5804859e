/* test_rr.c: records as values, and what the answers of many servers come to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "dns/answer.h"
#include "dns/view.h"

static struct dns_rr rr_of(uint16_t type, const char *data, size_t n)
{
	return (struct dns_rr){.type = type, .ttl = 60, .data = xmemdup(data, n ? n : 1), .n = n};
}
#define RR(type, literal) rr_of(type, literal, sizeof(literal) - 1)

static void test_text(void **state)
{
	struct {
		struct dns_rr rr;
		const char *text;
	} cases[] = {
		{RR(DNS_TYPE_TXT, "\x02hi\x04 \"\\\xff"), "\"hi\" \" \\\"\\\\\\255\""},
		{RR(DNS_TYPE_A, "\xc0\x00\x02\x01"), "192.0.2.1"},
		{RR(DNS_TYPE_CNAME, "\x01"
				    "a\x04test\x00"),
			"a.test."},
		{RR(DNS_TYPE_CAA, "\x80\x05issueca.test"), "128 issue \"ca.test\""},
		{RR(DNS_TYPE_DS, "\x00\x01\x0d\x02\xab\xcd"), "1 13 2 abcd"},
		{RR(65400, "\x01\xab"), "\\# 2 01ab"},
		{RR(65400, ""), "\\# 0"},
		/* Damaged. */
		{RR(DNS_TYPE_A, "\xc0\x00\x02"), "\\# 3 c00002"},
		{RR(DNS_TYPE_TXT, "\x05hi"), "\\# 3 056869"},
		{RR(DNS_TYPE_CNAME, "\x3f"
				    "a"),
			"\\# 2 3f61"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(xfreep) char *text = dns_rr_text(&cases[i].rr);
		assert_string_equal(text, cases[i].text);
		free(cases[i].rr.data);
	}
}

static void test_fields(void **state)
{
	struct dns_caa caa;
	struct dns_soa soa;
	struct dns_rr good = RR(DNS_TYPE_CAA, "\x80\x05issue;"), empty = RR(DNS_TYPE_CAA, "\x00\x05issue");
	struct dns_rr tagless = RR(DNS_TYPE_CAA, "\x00\x00x"), cut = RR(DNS_TYPE_CAA, "\x00\x06issue");
	struct dns_rr start = RR(DNS_TYPE_SOA, "\x00\x00\x00\x00\x00\x07\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00"
					       "\x01\x00\x00\x01\x00");
	struct dns_rr ns = RR(DNS_TYPE_NS, "\x02n.\x04test\x00"), txt = RR(DNS_TYPE_TXT, "\x01x");
	(void)state;
	assert_true(dns_rr_caa(&good, &caa));
	assert_int_equal(caa.flags, 128);
	assert_int_equal(caa.n_tag, 5);
	assert_memory_equal(caa.tag, "issue", 5);
	assert_int_equal(caa.n_value, 1);
	assert_memory_equal(caa.value, ";", 1);
	assert_true(dns_rr_caa(&empty, &caa));
	assert_int_equal(caa.n_value, 0);
	assert_false(dns_rr_caa(&tagless, &caa));
	assert_false(dns_rr_caa(&cut, &caa));
	assert_false(dns_rr_caa(&txt, &caa));
	assert_true(dns_rr_soa(&start, &soa));
	assert_int_equal(soa.serial, 7);
	assert_int_equal(soa.minimum, 256);
	start.n--;
	assert_false(dns_rr_soa(&start, &soa));
	AUTO(xfreep) char *name = dns_rr_name(&ns);
	assert_string_equal(name, "n\\..test");
	assert_null(dns_rr_name(&txt));
	struct dns_rr *all[] = {&good, &empty, &tagless, &cut, &start, &ns, &txt};
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		free(all[i]->data);
}

static void test_order(void **state)
{
	struct dns_rr v[] = {
		RR(DNS_TYPE_A, "\x02"), RR(DNS_TYPE_TXT, ""), RR(DNS_TYPE_TXT, "\x01"), RR(DNS_TYPE_TXT, "\x01\x00")};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		for (size_t k = 0; k < ARRAY_LEN(v); k++) {
			int c = dns_rr_cmp(&v[i], &v[k]);
			assert_true(i < k ? c < 0 : i > k ? c > 0 : c == 0);
		}
	}
	v[0].ttl = 1;
	assert_int_equal(
		dns_rr_cmp(&v[0], &(struct dns_rr){.type = DNS_TYPE_A, .ttl = 9, .data = v[0].data, .n = 1}), 0);
	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		free(v[i].data);
}

/* --- many servers --- */

struct said {
	const char *server;
	enum dns_result result;
	const char *octets; /* of the one A record */
	uint32_t ttl;
};

static struct dns_view *view_of(const struct said *s, size_t n)
{
	struct dns_view *v = xcalloc(1, sizeof(*v));
	v->answers = xcalloc(n, sizeof(*v->answers));
	v->n = n;
	v->at = 1000;
	for (size_t i = 0; i < n; i++) {
		struct dns_answer *a = &v->answers[i];
		answer_init(a, s[i].server, "192.0.2.1");
		a->result = s[i].result;
		a->ttl = s[i].ttl;
		if (s[i].octets) {
			a->store_ = xcalloc(1, sizeof(struct dns_rr) + 4);
			a->rr = a->store_;
			a->n_rr = 1;
			a->rr[0] = (struct dns_rr){.type = DNS_TYPE_A, .data = (uint8_t *)(a->rr + 1), .n = 4};
			memcpy(a->rr[0].data, s[i].octets, 4);
		}
	}
	answer_group(v);
	return v;
}

static void test_groups(void **state)
{
	static const struct said said[] = {
		{"ns1", DNS_FOUND, "\1\1\1\1", 30},
		{"ns2", DNS_FOUND, "\2\2\2\2", 20},
		{"ns2", DNS_FOUND, "\2\2\2\2", 40},
		{"ns3", DNS_TIMEOUT, NULL, 0},
		{"ns4", DNS_FOUND, "\2\2\2\2", 20},
		{"ns5", DNS_NXDOMAIN, NULL, 900},
		{"ns6", DNS_FAILED, NULL, 0},
		{"ns7", DNS_NODATA, NULL, 5},
	};
	static const int groups[] = {1, 0, 0, DNS_VIEW_NO_GROUP, 0, 2, DNS_VIEW_NO_GROUP, 3};
	struct dns_view *v = view_of(said, ARRAY_LEN(said));
	(void)state;
	assert_int_equal(v->n_groups, 4);
	assert_int_equal(v->n_answered, 6);
	for (size_t i = 0; i < v->n; i++)
		assert_int_equal(v->answers[i].group, groups[i]);
	assert_int_equal(v->groups[0].addresses, 3);
	assert_int_equal(v->groups[0].servers, 2);
	assert_int_equal(v->groups[0].first, 1);
	assert_int_equal(v->groups[1].servers, 1);
	assert_false(dns_view_agree(v));
	assert_ptr_equal(dns_view_any(v), &v->answers[0]);
	/* The longest that anything may be remembered, absence too. */
	assert_int_equal(dns_view_stale_until(v), 1900);
	dns_view_free(v);
}

static void test_agreement(void **state)
{
	static const struct said same[] = {{"ns1", DNS_FOUND, "\1\1\1\1", 30}, {"ns2", DNS_FOUND, "\1\1\1\1", 90}};
	static const struct said none[] = {{"ns1", DNS_FAILED, NULL, 0}};
	struct dns_view *v = view_of(same, 2), *w = view_of(none, 1);
	(void)state;
	assert_true(dns_view_agree(v));
	assert_int_equal(v->groups[0].servers, 2);
	v->hops = xcalloc(1, sizeof(*v->hops));
	v->hops[0].ttl = 86400;
	v->n_hops = 1;
	assert_int_equal(dns_view_stale_until(v), 1000 + 86400);
	assert_true(dns_view_agree(w));
	assert_null(dns_view_any(w));
	assert_int_equal(dns_view_stale_until(w), 1000);
	dns_view_free(v);
	dns_view_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_agreement),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
