/*
 * judge.c: would a CA accept this validation record? An example that needs libperdure and nothing else:
 *
 *   cc judge.c -o judge $(pkg-config --cflags --libs perdure)
 *   ./judge example.com pki.goog https://ca.example/acct/123 'pki.goog;accounturi=https://ca.example/acct/123'
 *
 * Arguments: the name ("*." in front for a wildcard), the CA's issuer domain name, the account URL, and the TXT values
 * that stand at the record's name, one each. It prints where the record belongs, the verdict, and the record that would
 * help if there is one. Exit status: 0 accepted, 5 refused, 2 wrong arguments.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <perdure/hash.h>
#include <perdure/persist.h>

enum { MAX_RECORDS = 32 };

int main(int argc, char **argv)
{
	char fqdn[PERDURE_NAME_SIZE], owner[PERDURE_NAME_SIZE];
	bool wildcard;
	if (argc < 4 || argc - 4 > MAX_RECORDS) {
		fprintf(stderr, "usage: judge NAME ISSUER ACCOUNT-URL [TXT-VALUE...]\n");
		return 2;
	}

	/* The name as people write it becomes the name that certificates and records use. */
	enum perdure_status s = perdure_name_normalize(argv[1], fqdn, &wildcard);
	if (s == PERDURE_OK)
		s = perdure_owner_name(argv[1], owner);
	if (s != PERDURE_OK) {
		fprintf(stderr, "judge: %s: %s\n", argv[1], perdure_strerror(s));
		return 2;
	}
	printf("record name: %s.\n", owner);

	/* Each TXT RR is a list of character-strings; a value from the command line is one string. */
	struct perdure_text strings[MAX_RECORDS];
	struct perdure_rr records[MAX_RECORDS];
	size_t n = (size_t)argc - 4;
	for (size_t i = 0; i < n; i++) {
		strings[i] = (struct perdure_text){.p = argv[4 + i], .n = strlen(argv[4 + i])};
		records[i] = (struct perdure_rr){.strings = &strings[i], .n = 1};
	}

	/* What the CA knows. Level 01: the record names the account URL in clear. */
	const char *issuers[] = {argv[2]}, *urls[] = {argv[3]};
	struct perdure_hash hash = {.fn = perdure_hash_openssl};
	struct perdure_question q = {.level = PERDURE_LEVEL_01,
		.dialect = PERDURE_DIALECT_DRAFT,
		.identifier = fqdn,
		.wildcard = wildcard,
		.issuers = issuers,
		.n_issuers = 1,
		.account_urls = urls,
		.n_account_urls = 1,
		.hash = &hash, /* only level 02 asks it */
		.now = time(NULL)};
	struct perdure_verdict v;
	s = perdure_judge(&q, records, n, &v);
	if (s != PERDURE_OK) {
		fprintf(stderr, "judge: %s\n", perdure_strerror(s));
		return 2;
	}

	char *why;
	if (perdure_verdict_explain(&q, &v, &why) == PERDURE_OK) {
		printf("%s: %s\n", v.valid ? "valid" : v.problem, why);
		perdure_free(why);
	}
	struct perdure_built fix;
	if (perdure_verdict_fix(&q, &v, 3600, &fix) == PERDURE_OK) {
		printf("publish: %s\n", fix.zone_line);
		perdure_built_done(&fix);
	}
	return v.valid ? 0 : 5;
}
