/*
 * fuzz_issuevalue.c: any octets as a TXT value: parsing, the record behind it, writing it again, and the verdict in
 * every dialect. The octet 0x1E separates the character-strings of an RR, 0x1F separates RRs.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "perdure/hash.h"
#include "perdure/persist.h"

enum { MAX_RRS = 16, MAX_STRINGS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void one_value(const char *p, size_t n)
{
	struct perdure_issuevalue v;
	enum perdure_status s = perdure_issuevalue_parse(p, n, &v);
	require(s == PERDURE_OK || (s == PERDURE_EMALFORMED && v.fault != PERDURE_FAULT_NONE && v.fault_at <= n));
	for (size_t i = 0; i < v.n_params; i++)
		require(v.params[i].tag_at < n && v.params[i].value_at <= n && v.params[i].tag.n > 0);
	perdure_issuevalue_done(&v);

	struct perdure_record r, back;
	enum perdure_fault fault = PERDURE_FAULT_NONE;
	size_t at = 0;
	s = perdure_record_read(p, n, &r, &fault, &at);
	require(s == PERDURE_OK || (s == PERDURE_EMALFORMED && fault != PERDURE_FAULT_NONE && at <= n));
	char *value, *again, *text;
	if (s == PERDURE_OK && perdure_record_format(&r, &value) == PERDURE_OK) {
		require(perdure_record_read(value, strlen(value), &back, NULL, NULL) == PERDURE_OK);
		require(perdure_record_equal(&r, &back) && perdure_record_covers(&r, &back));
		require(perdure_record_format(&back, &again) == PERDURE_OK && !strcmp(value, again));
		perdure_free(value);
		perdure_free(again);
	}
	if (perdure_txt_present(p, n, &text) == PERDURE_OK)
		perdure_free(text);
}

static void judge(const struct perdure_rr *rrs, size_t n, struct perdure_question *q)
{
	struct perdure_verdict v;
	struct perdure_built fix;
	char *why;
	require(perdure_judge(q, rrs, n, &v) == PERDURE_OK);
	require(v.valid == (v.problem == NULL) && v.valid == (v.reason == PERDURE_REASON_OK) && v.rr < (ssize_t)n);
	require(perdure_verdict_explain(q, &v, &why) == PERDURE_OK);
	perdure_free(why);
	if (perdure_verdict_fix(q, &v, 60, &fix) == PERDURE_OK)
		perdure_built_done(&fix);
}

/* Cuts the input into RRs and strings. */
static size_t cut(const char *p, size_t n, struct perdure_text *strings, struct perdure_rr *rrs)
{
	size_t n_rrs = 0, n_strings = 0, from = 0;
	rrs[0] = (struct perdure_rr){.strings = strings, .n = 0};
	for (size_t i = 0; i <= n; i++) {
		bool end = i == n || p[i] == 0x1F;
		if ((!end && p[i] != 0x1E) || n_strings == MAX_STRINGS || n_rrs == MAX_RRS)
			continue;
		strings[n_strings++] = (struct perdure_text){.p = p + from, .n = i - from};
		rrs[n_rrs].n++;
		from = i + 1;
		if (end && ++n_rrs < MAX_RRS)
			rrs[n_rrs] = (struct perdure_rr){.strings = strings + n_strings, .n = 0};
	}
	return n_rrs;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const issuers[] = {"authority.example", "ca.example.net"};
	static const char *const urls[] = {"https://ca.example/acct/123"};
	static const char *const keys[] = {
		"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s"};
	static const char *const algs[] = {"sha-256", "sha-512"};
	const struct perdure_hash hash = {.fn = perdure_hash_openssl};
	const char *p = (const char *)data;
	one_value(p, size);
	struct perdure_text strings[MAX_STRINGS];
	struct perdure_rr rrs[MAX_RRS];
	size_t n = cut(p, size, strings, rrs);
	for (int i = 0; i < 3 * PERDURE_DIALECT_N_ * 2; i++) {
		struct perdure_question q = {.level = (enum perdure_level)(i % 3),
			.dialect = (enum perdure_dialect)(i / 3 % PERDURE_DIALECT_N_),
			.identifier = i & 1 ? "www.example.com" : "example.com",
			.wildcard = i / 3 / PERDURE_DIALECT_N_,
			.fqdn = "example.com",
			.issuers = issuers,
			.n_issuers = 2,
			.account_urls = urls,
			.n_account_urls = 1,
			.thumbprints = keys,
			.n_thumbprints = 2,
			.account_hash_prefix = "https://ca.example/account-hash/",
			.hash_algs = algs,
			.n_hash_algs = 2,
			.hash = &hash,
			.now = 1795219200};
		judge(rrs, n, &q);
	}
	return 0;
}
