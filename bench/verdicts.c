/*
 * verdicts.c: how many verdicts per second libperdure gives on one core: for a mix of good and bad records with clear
 * account URLs in every dialect, and at level 02, where the digest sets the pace. The target holds for all of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "perdure/hash.h"
#include "perdure/persist.h"

#define ACCOUNT "https://ca.example/acme/acct/1234567890"
#define TARGET 1e6

static const char *const clear_values[] = {
	"authority.example;accounturi=" ACCOUNT ";policy=wildcard",
	"authority.example; accounturi=" ACCOUNT "; policy=wildcard; persistUntil=1893456000",
	"authority.example;accounturi=https://ca.example/acme/acct/1;policy=wildcard",
	"authority.example;accounturi=" ACCOUNT ";policy=wildcard;",
	"other.example;accounturi=" ACCOUNT,
	"authority.example;accounturi=" ACCOUNT ";persistUntil=1700000000",
};

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double run(
	const char *what, const struct perdure_question *q, const char *const *values, size_t n_values, size_t rounds)
{
	struct perdure_text texts[8];
	struct perdure_rr rrs[8];
	size_t valid = 0;
	for (size_t i = 0; i < n_values; i++) {
		texts[i] = (struct perdure_text){.p = values[i], .n = strlen(values[i])};
		rrs[i] = (struct perdure_rr){.strings = &texts[i], .n = 1};
	}
	double start = seconds();
	for (size_t i = 0; i < rounds; i++) {
		struct perdure_verdict v;
		if (perdure_judge(q, &rrs[i % n_values], 1, &v) != PERDURE_OK)
			abort();
		valid += v.valid;
	}
	double rate = (double)rounds / (seconds() - start);
	printf("%-34s %12.0f verdicts/s  %6.2f x target  (%zu of %zu valid)\n", what, rate, rate / TARGET, valid,
		rounds);
	return rate;
}

int main(int argc, char **argv)
{
	size_t rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 2000000;
	struct perdure_hash hash = {.fn = perdure_hash_openssl, .ctx = perdure_hash_openssl_new()};
	const char *issuers[] = {"authority.example"}, *urls[] = {ACCOUNT};
	const char *keys[] = {"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"};
	struct perdure_question q = {.level = PERDURE_LEVEL_01,
		.identifier = "www.example.com",
		.wildcard = true,
		.issuers = issuers,
		.n_issuers = 1,
		.account_urls = urls,
		.n_account_urls = 1,
		.thumbprints = keys,
		.n_thumbprints = 1,
		.account_hash_prefix = "https://ca.example/account-hash/",
		.hash = &hash,
		.now = 1795219200};
	double slowest = 0;
	for (int d = 0; d < PERDURE_DIALECT_N_; d++) {
		char what[64];
		q.dialect = (enum perdure_dialect)d;
		snprintf(what, sizeof(what), "level 01, dialect %s", perdure_dialect_name(q.dialect));
		double rate = run(what, &q, clear_values, sizeof(clear_values) / sizeof(clear_values[0]), rounds);
		slowest = d && slowest < rate ? slowest : rate;
	}
	q.level = PERDURE_LEVEL_02;
	q.dialect = PERDURE_DIALECT_DRAFT;
	struct perdure_recipe recipe = {.level = q.level,
		.domain = "*.www.example.com",
		.issuer = issuers[0],
		.account_url = ACCOUNT,
		.thumbprint = keys[0],
		.account_hash_prefix = q.account_hash_prefix,
		.hash = &hash};
	struct perdure_built b;
	if (perdure_record_build(&recipe, &b) != PERDURE_OK)
		return 1;
	const char *hashed[] = {b.value};
	double rate = run("level 02, one key, valid", &q, hashed, 1, rounds / 4);
	slowest = slowest < rate ? slowest : rate;
	perdure_built_done(&b);
	perdure_hash_openssl_free(hash.ctx);
	printf("slowest: %.2f x the target of %.0f verdicts/s on one core\n", slowest / TARGET, TARGET);
	return slowest >= TARGET ? 0 : 1;
}
