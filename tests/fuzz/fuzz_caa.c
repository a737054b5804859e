/*
 * fuzz_caa.c: any octets as a set of CAA RDATA: reading, presentation, the verdict, its words and its fix. The octet
 * 0x1F separates RRs.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "perdure/caa.h"

enum { MAX_RRS = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void one_record(struct perdure_text rr)
{
	struct perdure_caa c;
	char *text;
	if (perdure_caa_read(rr.p, rr.n, &c) == PERDURE_OK)
		require(c.tag.n && c.tag.n + c.value.n + 2 == rr.n && c.value.p + c.value.n == rr.p + rr.n);
	require(perdure_caa_present(rr.p, rr.n, &text) == PERDURE_OK);
	for (const char *p = text; *p; p++)
		require(*p >= 0x20 && *p <= 0x7E);
	perdure_free(text);
}

static void judge(const struct perdure_caa_question *q, const struct perdure_text *rrs, size_t n)
{
	struct perdure_caa_verdict v;
	struct perdure_caa_fix f;
	char *sentence;
	require(perdure_caa_judge(q, rrs, n, &v) == PERDURE_OK);
	require(v.reason < PERDURE_CAA_REASON_N_ && v.rr < (ssize_t)n && v.i_issuer < q->n_issuers);
	require(perdure_caa_explain(q, rrs, &v, &sentence) == PERDURE_OK);
	for (const char *p = sentence; *p; p++)
		require(*p >= 0x20 && *p <= 0x7E);
	perdure_free(sentence);
	enum perdure_status st = perdure_caa_fix(q, rrs, &v, "example.com", 60, &f);
	require(v.allowed ? st == PERDURE_EINVAL : st == PERDURE_OK);
	if (st == PERDURE_OK)
		perdure_caa_fix_done(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const issuers[] = {"ca.test", "ca2.test"};
	const char *p = (const char *)data;
	struct perdure_text rrs[MAX_RRS];
	size_t n = 0, from = 0;
	if (size > 65535)
		return 0;
	for (size_t i = 0; i <= size && n < MAX_RRS; i++) {
		if (i < size && p[i] != 0x1F)
			continue;
		rrs[n] = (struct perdure_text){.p = p + from, .n = i - from};
		one_record(rrs[n++]);
		from = i + 1;
	}
	for (int i = 0; i < 4; i++) {
		struct perdure_caa_question q = {.dialect = i & 1 ? PERDURE_DIALECT_BOULDER : PERDURE_DIALECT_DRAFT,
			.wildcard = i & 2,
			.issuers = issuers,
			.n_issuers = 2,
			.account_url = "https://ca.test/acct/1",
			.account_hash_prefix = "https://ca.test/account-hash/"};
		judge(&q, rrs, n);
	}
	return 0;
}
