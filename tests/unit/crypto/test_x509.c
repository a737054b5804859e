/* test_x509.c: certificates issued, chains in every order, and what must not replace a certificate in use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "crypto/issue.h"
#include "crypto/key.h"
#include "crypto/x509.h"
#include "fixtures.h"
#include "fixtures_x509.h"

enum { NOW = 1800000000, DAY = 86400 };
static const struct issue_validity years = {NOW - 1000 * DAY, NOW + 1000 * DAY};
static const struct issue_validity days = {NOW - DAY, NOW + 89 * DAY};

/* A root, two intermediates below it, a leaf of the lower one, and a key of somebody else. */
struct world {
	struct key *root_key, *mid_key, *low_key, *leaf_key, *foreign_key;
	struct issue_ca *root, *mid, *low;
	char *pem[4]; /* leaf, low, mid, root */
	struct strv names;
};

static struct key *new_key(void)
{
	struct err e = {0};
	struct key *k = NULL;
	assert_int_equal(key_generate(KEY_EC256, &k, &e), 0);
	return k;
}

static char *leaf_pem(const struct issue_ca *ca, const struct key *k, const struct strv *names, struct issue_validity v)
{
	struct err e = {0};
	struct buf b = buf_make(10000);
	if (issue_leaf(ca, k, names, &v, &b, &e))
		fail_msg("%s", e.msg);
	return buf_take(&b);
}

static char *ca_pem(const struct issue_ca *ca)
{
	struct buf b = buf_make(10000);
	issue_ca_pem(ca, &b);
	return buf_take(&b);
}

static int setup(void **state)
{
	struct err e = {0};
	struct world *w = xcalloc(1, sizeof(*w));
	w->root_key = new_key();
	w->mid_key = new_key();
	assert_int_equal(key_generate(KEY_EC384, &w->low_key, &e), 0);
	w->leaf_key = new_key();
	w->foreign_key = new_key();
	strv_add(&w->names, "example.org");
	strv_add(&w->names, "*.example.org");
	assert_int_equal(issue_ca_new(NULL, w->root_key, "Test Root", &years, &w->root, &e), 0);
	assert_int_equal(issue_ca_new(w->root, w->mid_key, "Test Middle", &years, &w->mid, &e), 0);
	assert_int_equal(issue_ca_new(w->mid, w->low_key, "Test Lower", &years, &w->low, &e), 0);
	w->pem[0] = leaf_pem(w->low, w->leaf_key, &w->names, days);
	w->pem[1] = ca_pem(w->low);
	w->pem[2] = ca_pem(w->mid);
	w->pem[3] = ca_pem(w->root);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	for (size_t i = 0; i < ARRAY_LEN(w->pem); i++)
		free(w->pem[i]);
	issue_ca_free(w->low);
	issue_ca_free(w->mid);
	issue_ca_free(w->root);
	key_free(w->root_key);
	key_free(w->mid_key);
	key_free(w->low_key);
	key_free(w->leaf_key);
	key_free(w->foreign_key);
	strv_done(&w->names);
	free(w);
	return 0;
}

static struct x509_chain *parse(const char *pem)
{
	struct err e = {0};
	struct x509_chain *c = NULL;
	if (x509_chain_parse(pem, strlen(pem), &c, &e))
		fail_msg("%s", e.msg);
	return c;
}

static void parse_fails(const char *pem, size_t n, const char *says)
{
	struct err e = {0};
	struct x509_chain *c = NULL;
	if (x509_chain_parse(pem, n, &c, &e) != -1)
		fail_msg("accepted where \"%s\" was to be said", says);
	assert_null(c);
	assert_int_equal(e.kind, ERR_PROTO);
	if (!strstr(e.msg, says))
		fail_msg("\"%s\" does not say \"%s\"", e.msg, says);
	err_done(&e);
}

/* All orders of four certificates give the one that links. */
static void test_order(void **state)
{
	const struct world *w = *state;
	struct err e = {0};
	char *want = xasprintf("%s%s%s%s", w->pem[0], w->pem[1], w->pem[2], w->pem[3]);
	for (unsigned code = 0; code < 256; code++) {
		unsigned a = code & 3, b = code >> 2 & 3, c = code >> 4 & 3, d = code >> 6;
		if ((1u << a | 1u << b | 1u << c | 1u << d) != 15)
			continue;
		char *mixed = xasprintf("%s\r\n%s%s \n%s\n\n", w->pem[a], w->pem[b], w->pem[c], w->pem[d]);
		struct x509_chain *chain = parse(mixed);
		struct buf all = buf_make(100000);
		x509_chain_pem_all(chain, &all);
		assert_string_equal(buf_str(&all), want);
		if (x509_chain_check(chain, w->leaf_key, NULL, &w->names, NOW, &e))
			fail_msg("%s", e.msg);
		buf_done(&all);
		x509_chain_free(chain);
		free(mixed);
	}
	struct x509_chain *chain = parse(want);
	struct buf leaf = buf_make(10000), rest = buf_make(10000);
	x509_chain_pem_leaf(chain, &leaf);
	x509_chain_pem_rest(chain, &rest);
	assert_string_equal(buf_str(&leaf), w->pem[0]);
	assert_string_equal(buf_str(&rest), want + strlen(w->pem[0]));
	buf_done(&leaf);
	buf_done(&rest);
	x509_chain_free(chain);
	x509_chain_free(NULL);
	free(want);
}

/* What is shared with an earlier chain is whole, also when that one has gone. */
static void test_like(void **state)
{
	const struct world *w = *state;
	struct err e = {0};
	struct x509_chain *again = NULL;
	AUTO(xfreep) char *pem = xasprintf("%s%s", w->pem[0], w->pem[1]);
	struct x509_chain *known = x509_chain_ref(parse(pem));
	x509_chain_free(known);
	assert_int_equal(x509_chain_parse_like(pem, strlen(pem), known, &again, &e), 0);
	assert_string_equal(x509_chain_info(again)->sha256, x509_chain_info(known)->sha256);
	x509_chain_free(known);
	AUTO(buf_done) struct buf all = buf_make(BUF_MAX_CHAIN);
	x509_chain_pem_all(again, &all);
	assert_string_equal(buf_str(&all), pem);
	x509_chain_free(again);
}

/* Keys of every type can stand in a chain, above and below. */
static void test_types(void **state)
{
	const struct world *w = *state;
	static const enum key_type types[] = {KEY_ED25519, KEY_RSA2048, KEY_EC384};
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct err e = {0};
		struct key *ca_key = NULL, *leaf_key = NULL;
		struct issue_ca *ca = NULL;
		assert_int_equal(key_generate(types[i], &ca_key, &e), 0);
		assert_int_equal(key_generate(types[i], &leaf_key, &e), 0);
		if (issue_ca_new(NULL, ca_key, "Test Root", &years, &ca, &e))
			fail_msg("%s", e.msg);
		AUTO(xfreep) char *leaf = leaf_pem(ca, leaf_key, &w->names, days);
		AUTO(xfreep) char *above = ca_pem(ca);
		AUTO(xfreep) char *pem = xasprintf("%s%s", leaf, above);
		struct x509_chain *c = parse(pem);
		if (x509_chain_check(c, leaf_key, NULL, &w->names, NOW, &e))
			fail_msg("%s", e.msg);
		assert_int_equal(x509_chain_check(c, w->foreign_key, NULL, &w->names, NOW, &e), -1);
		err_done(&e);
		x509_chain_free(c);
		issue_ca_free(ca);
		key_free(ca_key);
		key_free(leaf_key);
	}
}

static void test_link(void **state)
{
	const struct world *w = *state;
	static const unsigned broken[][2] = {{0, 2}, {2, 0}, {1, 3}, {0, 0}, {3, 3}};
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		char *pem = xasprintf("%s%s", w->pem[broken[i][0]], w->pem[broken[i][1]]);
		if (broken[i][0] == 3) {
			/* A root is its own issuer, so this links; but it is for no name. */
			parse_fails(pem, strlen(pem), "no subjectAltName");
		} else {
			parse_fails(pem, strlen(pem), "does not link");
		}
		free(pem);
	}
}

static void test_content(void **state)
{
	const struct world *w = *state;
	struct buf many = buf_make(1 << 20);
	static const char begin[] = "-----BEGIN CERTIFICATE-----\n";
	struct {
		char *pem;
		const char *says;
	} cases[] = {
		{xasprintf("%s%s", w->pem[0], rfc8037_a1_pem), "PEM block \"PRIVATE KEY\""},
		{xasprintf("%s%s", rfc8037_a1_pem, w->pem[0]), "PEM block \"PRIVATE KEY\""},
		{xasprintf("%s%s", w->pem[0], csr_cn_pem), "PEM block \"CERTIFICATE REQUEST\""},
		{xasprintf("%s# text\n%s", w->pem[0], w->pem[1]), "something other than PEM certificates"},
		{xasprintf("subject=x\n%s", w->pem[0]), "octet 1"},
		{xasprintf("%s<html>", w->pem[0]), "something other than PEM certificates"},
		{xasprintf("%s", ""), "empty"},
		{xasprintf(" \r\n\t"), "empty"},
		{xasprintf("%s%sMIIB", w->pem[0], begin), "certificate 2 of the chain is cut off"},
		{xasprintf("%sMIIB\n-----END CERTIFICATE-----\n", begin), "certificate 1 of the chain cannot be read"},
		{xasprintf("%s-----END CERTIFICATE-----\n", begin), "cannot be read"},
		{xasprintf("%sProc-Type: 4,ENCRYPTED\n\n%s", begin, w->pem[0] + strlen(begin)), "cannot be read"},
		{xasprintf("-----BEGIN TRUSTED CERTIFICATE-----%s", w->pem[0] + strlen(begin) - 1),
			"PEM block \"TRUSTED CERTIFICATE\""},
		{xasprintf("%s", cert_no_san_pem), "no subjectAltName"},
		{xasprintf("%s", cert_ip_pem), "name 1 is an IP address"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		parse_fails(cases[i].pem, strlen(cases[i].pem), cases[i].says);
		free(cases[i].pem);
	}
	for (int i = 0; i < 11; i++)
		buf_puts(&many, w->pem[0]);
	parse_fails(many.p, many.n, "more than 10 certificates");
	while (many.n <= BUF_MAX_CHAIN)
		buf_puts(&many, w->pem[0]);
	parse_fails(many.p, many.n, "larger than 262144");
	parse_fails("\0", 1, "octet 1");
	buf_done(&many);
}

static void test_info(void **state)
{
	(void)state;
	struct x509_chain *c = parse(cert_ari_pem);
	const struct x509_info *i = x509_chain_info(c);
	assert_int_equal(i->names.n, 2);
	assert_string_equal(i->names.v[0], "www.example.com");
	assert_string_equal(i->names.v[1], "*.example.com");
	assert_int_equal(i->not_before, 1767323045);
	assert_int_equal(i->not_after, 1775099044);
	assert_string_equal(i->serial, "87654321");
	assert_string_equal(i->sha256, cert_ari_sha256);
	assert_string_equal(i->spki_sha256, csr_spki_sha256);
	assert_string_equal(i->ari_id, "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
	assert_string_equal(i->issuer, "C=XX, CN=Example \xc3\xa9 CA\\0A");
	x509_chain_free(c);
	c = parse(cert_no_aki_pem);
	assert_string_equal(x509_chain_info(c)->ari_id, "");
	assert_string_equal(x509_chain_info(c)->serial, "01");
	x509_chain_free(c);
}

static void test_issuer(void **state)
{
	const struct world *w = *state;
	char *pem = xasprintf("%s%s%s", w->pem[0], w->pem[1], w->pem[2]);
	struct x509_chain *c = parse(pem);
	/* The root is not in the chain but issued its last certificate. */
	static const char *const in[] = {"Test Lower", "Test Middle", "Test Root"};
	static const char *const out[] = {"Test", "test root", "Test Root ", "", "example.org"};
	for (size_t i = 0; i < ARRAY_LEN(in); i++)
		assert_true(x509_chain_has_issuer(c, in[i]));
	for (size_t i = 0; i < ARRAY_LEN(out); i++)
		assert_false(x509_chain_has_issuer(c, out[i]));
	x509_chain_free(c);
	free(pem);
}

static void check_fails(const struct x509_chain *c, const struct key *k, const char *spki, const struct strv *names,
	int64_t now, const char *says)
{
	struct err e = {0};
	if (x509_chain_check(c, k, spki, names, now, &e) != -1)
		fail_msg("accepted where \"%s\" was to be said", says);
	assert_int_equal(e.kind, ERR_CRYPTO);
	if (!strstr(e.msg, says))
		fail_msg("\"%s\" does not say \"%s\"", e.msg, says);
	err_done(&e);
}

static void test_check(void **state)
{
	const struct world *w = *state;
	struct err e = {0};
	char *pem = xasprintf("%s%s%s", w->pem[0], w->pem[1], w->pem[2]);
	struct x509_chain *c = parse(pem);
	const char *spki = x509_chain_info(c)->spki_sha256;
	struct strv other = {0};
	assert_int_equal(x509_chain_check(c, NULL, spki, &w->names, NOW, &e), 0);
	check_fails(c, w->foreign_key, NULL, &w->names, NOW, "not for our key");
	check_fails(c, w->low_key, NULL, &w->names, NOW, "not for our key");
	check_fails(c, w->foreign_key, spki, &w->names, NOW, "not for our key");
	check_fails(c, NULL, csr_spki_sha256, &w->names, NOW, "not for our key");
	check_fails(c, NULL, NULL, &w->names, NOW, "not for our key");
	strv_add(&other, "example.org");
	check_fails(c, w->leaf_key, NULL, &other, NOW, "other names: example.org *.example.org, ordered: example.org");
	strv_add(&other, "www.example.org");
	check_fails(c, w->leaf_key, NULL, &other, NOW, "other names");
	strv_add(&other, "*.example.org");
	check_fails(c, w->leaf_key, NULL, &other, NOW, "other names");
	/* The edges of its life, with an hour of clock difference at the beginning. */
	check_fails(
		c, w->leaf_key, NULL, &w->names, days.not_before - 3601, "certificate 1 of the chain is valid from");
	assert_int_equal(x509_chain_check(c, w->leaf_key, NULL, &w->names, days.not_before - 3600, &e), 0);
	assert_int_equal(x509_chain_check(c, w->leaf_key, NULL, &w->names, days.not_after, &e), 0);
	check_fails(c, w->leaf_key, NULL, &w->names, days.not_after + 1, "certificate 1 of the chain expired");
	strv_done(&other);
	x509_chain_free(c);
	free(pem);
}

/* An issuer of the right name and the wrong key; an intermediate that has expired; a root that has, which is no matter.
 */
static void test_check_issuers(void **state)
{
	const struct world *w = *state;
	struct err e = {0};
	struct issue_ca *namesake = NULL, *old = NULL, *old_root = NULL;
	static const struct issue_validity past = {NOW - 100 * DAY, NOW - DAY};
	assert_int_equal(issue_ca_new(NULL, w->foreign_key, "Test Lower", &years, &namesake, &e), 0);
	/* The authority key identifier tells the namesake apart already when linking. */
	char *namesake_pem = ca_pem(namesake);
	char *pem = xasprintf("%s%s", w->pem[0], namesake_pem);
	parse_fails(pem, strlen(pem), "does not link");
	free(pem);
	free(namesake_pem);
	assert_int_equal(issue_ca_new(w->root, w->mid_key, "Old", &past, &old, &e), 0);
	assert_int_equal(issue_ca_new(NULL, w->root_key, "Old Root", &past, &old_root, &e), 0);
	char *leaf = leaf_pem(old, w->leaf_key, &w->names, days), *ca = ca_pem(old);
	pem = xasprintf("%s%s", leaf, ca);
	struct x509_chain *c = parse(pem);
	check_fails(c, w->leaf_key, NULL, &w->names, NOW, "certificate 2 of the chain expired");
	x509_chain_free(c);
	free(pem);
	free(leaf);
	free(ca);
	leaf = leaf_pem(old_root, w->leaf_key, &w->names, days);
	ca = ca_pem(old_root);
	pem = xasprintf("%s%s", leaf, ca);
	c = parse(pem);
	assert_int_equal(x509_chain_check(c, w->leaf_key, NULL, &w->names, NOW, &e), 0);
	x509_chain_free(c);
	free(pem);
	free(leaf);
	free(ca);
	issue_ca_free(old_root);
	issue_ca_free(old);
	issue_ca_free(namesake);
}

/* A certificate whose signature was changed still links by name. */
static void test_check_signature(void **state)
{
	const struct world *w = *state;
	char *leaf = xstrdup(w->pem[0]);
	/* The last octets of the signature: four characters before the padding and the END line. */
	char *end = strstr(leaf, "\n-----END");
	while (end[-1] == '=')
		end--;
	end[-5] = end[-5] == 'A' ? 'B' : 'A';
	char *pem = xasprintf("%s%s", leaf, w->pem[1]);
	struct x509_chain *c = parse(pem);
	check_fails(c, w->leaf_key, NULL, &w->names, NOW, "certificate 1 of the chain is not signed by the next one");
	x509_chain_free(c);
	free(pem);
	free(leaf);
}

static void test_issue(void **state)
{
	const struct world *w = *state;
	struct err e = {0};
	char *again = leaf_pem(w->low, w->leaf_key, &w->names, days);
	struct x509_chain *a = parse(w->pem[0]), *b = parse(again);
	assert_int_equal(strlen(x509_chain_info(a)->serial), 32);
	assert_string_not_equal(x509_chain_info(a)->serial, x509_chain_info(b)->serial);
	assert_int_equal(x509_chain_info(a)->not_before, days.not_before);
	assert_int_equal(x509_chain_info(a)->not_after, days.not_after);
	x509_chain_free(a);
	x509_chain_free(b);
	free(again);
	/* A CA needs the private part; a leaf needs names. */
	struct key *pub = NULL;
	struct issue_ca *ca = NULL;
	struct buf out = buf_make(10000);
	struct strv none = {0};
	assert_int_equal(issue_csr_key(csr_cn_pem, strlen(csr_cn_pem), &pub, &e), 0);
	assert_int_equal(issue_ca_new(NULL, pub, "X", &years, &ca, &e), -1);
	err_done(&e);
	assert_int_equal(issue_leaf(w->low, pub, &none, &days, &out, &e), -1);
	err_done(&e);
	assert_int_equal(issue_leaf(w->low, pub, &w->names, &days, &out, &e), 0);
	a = parse(buf_str(&out));
	assert_string_equal(x509_chain_info(a)->spki_sha256, csr_spki_sha256);
	x509_chain_free(a);
	assert_int_equal(issue_csr_key("x", 1, &pub, &e), -1);
	err_done(&e);
	buf_done(&out);
	key_free(pub);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_like),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_content),
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_issuer),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_check_issuers),
		cmocka_unit_test(test_check_signature),
		cmocka_unit_test(test_issue),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
