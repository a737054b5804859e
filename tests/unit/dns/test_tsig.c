/* test_tsig.c: keys and the files they come in; signatures against messages that dnspython 2.3 signed at a fixed time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "dns/message.h"
#include "dns/tsig.h"
#include "dns/update.h"

/* Key "perdure-key", secret 00 01 … 1f, query "example.com SOA" with id 0x1234 at this time, fudge 300. */
#define SECRET "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
enum { THEN = 1700000000, MSG_MAX = 1024 };

static const char query_sha256[] = "\x12\x34\x00\x00\x00\x01\x00\x00\x00\x00\x00\x01\x07\x65\x78\x61\x6d\x70\x6c\x65"
				   "\x03\x63\x6f\x6d\x00\x00\x06\x00\x01\x0b\x70\x65"
				   "\x72\x64\x75\x72\x65\x2d\x6b\x65\x79\x00\x00\xfa\x00\xff\x00\x00\x00\x00\x00\x3d"
				   "\x0b\x68\x6d\x61\x63\x2d\x73\x68\x61\x32\x35\x36"
				   "\x00\x00\x00\x65\x53\xf1\x00\x01\x2c\x00\x20\x45\x0e\x1a\xcc\xfa\xbe\x0e\xd0\x49"
				   "\x67\x30\xd2\xab\x26\x27\xa9\x78\x45\x4f\xc1\xae"
				   "\x67\xae\x67\x80\x3c\x84\x89\x19\x04\x0d\xa5\x12\x34\x00\x00\x00\x00";
static const char answer[] = "\x12\x34\x84\x00\x00\x01\x00\x00\x00\x00\x00\x01\x07\x65\x78\x61\x6d\x70\x6c\x65\x03\x63"
			     "\x6f\x6d\x00\x00\x06\x00\x01\x0b\x70\x65"
			     "\x72\x64\x75\x72\x65\x2d\x6b\x65\x79\x00\x00\xfa\x00\xff\x00\x00\x00\x00\x00\x3d\x0b\x68"
			     "\x6d\x61\x63\x2d\x73\x68\x61\x32\x35\x36"
			     "\x00\x00\x00\x65\x53\xf1\x00\x01\x2c\x00\x20\x31\xc4\x9e\x21\x2c\x83\xc8\xe2\xac\x70\xbf"
			     "\xdf\x97\xbd\xab\x93\x34\x4d\x02\x46\x6d"
			     "\x29\x28\x20\x18\x1e\xe4\x0b\x83\xa0\xe2\xc0\x12\x34\x00\x00\x00\x00";
static const char badtime[] =
	"\x12\x34\x80\x09\x00\x01\x00\x00\x00\x00\x00\x01\x07\x65\x78\x61\x6d\x70\x6c\x65\x03\x63\x6f\x6d\x00\x00\x06"
	"\x00\x01\x0b\x70\x65"
	"\x72\x64\x75\x72\x65\x2d\x6b\x65\x79\x00\x00\xfa\x00\xff\x00\x00\x00\x00\x00\x43\x0b\x68\x6d\x61\x63\x2d\x73"
	"\x68\x61\x32\x35\x36"
	"\x00\x00\x00\x65\x53\xf1\x00\x01\x2c\x00\x20\x4f\x2b\x0a\x5a\x2c\x6e\x34\x25\x2e\x48\x88\xef\xaf\xdd\xf0\x4b"
	"\xd4\xc9\xdf\xb5\xfe"
	"\x41\x93\x7c\x16\x68\x9f\xb0\x2d\xd7\x7b\x5b\x12\x34\x00\x12\x00\x06\x00\x00\x65\x54\x0d\x20";
static const char first[] = "\x12\x34\x84\x00\x00\x01\x00\x00\x00\x00\x00\x01\x07\x65\x78\x61\x6d\x70\x6c\x65\x03\x63"
			    "\x6f\x6d\x00\x00\x06\x00\x01\x0b\x70\x65"
			    "\x72\x64\x75\x72\x65\x2d\x6b\x65\x79\x00\x00\xfa\x00\xff\x00\x00\x00\x00\x00\x3d\x0b\x68"
			    "\x6d\x61\x63\x2d\x73\x68\x61\x32\x35\x36"
			    "\x00\x00\x00\x65\x53\xf1\x00\x01\x2c\x00\x20\x31\xc4\x9e\x21\x2c\x83\xc8\xe2\xac\x70\xbf"
			    "\xdf\x97\xbd\xab\x93\x34\x4d\x02\x46\x6d"
			    "\x29\x28\x20\x18\x1e\xe4\x0b\x83\xa0\xe2\xc0\x12\x34\x00\x00\x00\x00";
static const char second[] = "\x12\x34\x84\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07\x65\x78\x61\x6d\x70\x6c\x65\x03\x63"
			     "\x6f\x6d\x00\x00\x06\x00\x01";
static const char third[] = "\x12\x34\x84\x00\x00\x01\x00\x00\x00\x00\x00\x01\x07\x65\x78\x61\x6d\x70\x6c\x65\x03\x63"
			    "\x6f\x6d\x00\x00\x06\x00\x01\x0b\x70\x65"
			    "\x72\x64\x75\x72\x65\x2d\x6b\x65\x79\x00\x00\xfa\x00\xff\x00\x00\x00\x00\x00\x3d\x0b\x68"
			    "\x6d\x61\x63\x2d\x73\x68\x61\x32\x35\x36"
			    "\x00\x00\x00\x65\x53\xf1\x00\x01\x2c\x00\x20\xf9\xbb\x1a\x95\x75\x46\xf8\x84\x57\x59\x3c"
			    "\x54\x0b\x3c\xa9\x55\x4d\x10\xde\x9b\x8d"
			    "\x59\x50\x52\x16\x53\xdd\xa4\xa5\x54\x61\x18\x12\x34\x00\x00\x00\x00";
static const char query_sha512[] = "\x12\x34\x00\x00\x00\x01\x00\x00\x00\x00\x00\x01\x07\x65\x78\x61\x6d\x70\x6c\x65"
				   "\x03\x63\x6f\x6d\x00\x00\x06\x00\x01\x0b\x70\x65"
				   "\x72\x64\x75\x72\x65\x2d\x6b\x65\x79\x00\x00\xfa\x00\xff\x00\x00\x00\x00\x00\x5d"
				   "\x0b\x68\x6d\x61\x63\x2d\x73\x68\x61\x35\x31\x32"
				   "\x00\x00\x00\x65\x53\xf1\x00\x01\x2c\x00\x40\x00\xb8\x78\x85\x95\x44\xf5\xf0\xc2"
				   "\x0e\x8f\xbd\xce\xa7\x56\x81\x51\x2c\xf6\xc1\x97"
				   "\x30\x92\x71\x3e\x3a\xdd\x3a\xab\xbe\x85\xda\x51\xfe\xda\xb0\x1d\xc4\xef\x48\xcd"
				   "\x6f\x5f\xd1\x20\x14\x17\x76\xf8\x05\x50\xc6\x70"
				   "\xf6\x39\x76\x47\x07\xa5\xad\x7d\x23\x56\x85\x12\x34\x00\x00\x00\x00";
static const char query_sha384[] = "\x12\x34\x00\x00\x00\x01\x00\x00\x00\x00\x00\x01\x07\x65\x78\x61\x6d\x70\x6c\x65"
				   "\x03\x63\x6f\x6d\x00\x00\x06\x00\x01\x0b\x70\x65"
				   "\x72\x64\x75\x72\x65\x2d\x6b\x65\x79\x00\x00\xfa\x00\xff\x00\x00\x00\x00\x00\x4d"
				   "\x0b\x68\x6d\x61\x63\x2d\x73\x68\x61\x33\x38\x34"
				   "\x00\x00\x00\x65\x53\xf1\x00\x01\x2c\x00\x30\x63\x75\xd5\xb6\x86\x9a\xbc\xca\x79"
				   "\x57\x71\x13\x1d\xbc\xc1\x74\x5f\xa4\x1c\xf6\x0e"
				   "\x3d\x67\x24\x91\x5c\xd1\x99\x3d\x47\xf7\x48\x98\x3f\xc3\xbe\x98\x82\xcb\x25\x6b"
				   "\x95\xbe\x85\xb7\x58\xd7\x2a\x12\x34\x00\x00\x00"
				   "\x00";
static const char query_sha1[] = "\x12\x34\x00\x00\x00\x01\x00\x00\x00\x00\x00\x01\x07\x65\x78\x61\x6d\x70\x6c\x65\x03"
				 "\x63\x6f\x6d\x00\x00\x06\x00\x01\x0b\x70\x65"
				 "\x72\x64\x75\x72\x65\x2d\x6b\x65\x79\x00\x00\xfa\x00\xff\x00\x00\x00\x00\x00\x2f\x09"
				 "\x68\x6d\x61\x63\x2d\x73\x68\x61\x31\x00\x00"
				 "\x00\x65\x53\xf1\x00\x01\x2c\x00\x14\x9c\x1a\x7a\x2f\x39\x30\x73\x2f\xe4\x39\x30\x04"
				 "\xd0\x97\xad\x31\x45\x59\x32\x6f\x12\x34\x00"
				 "\x00\x00\x00";

struct bytes {
	uint8_t p[MSG_MAX];
	size_t n;
};

/* A copy that checking may change. */
static void load(struct bytes *b, const char *text, size_t size)
{
	b->n = size - 1; /* the NUL of the literal */
	memcpy(b->p, text, b->n);
}
#define LOAD(b, text) load(&(b), (text), sizeof(text))

static void make_key(struct tsig_key *k, const char *algorithm)
{
	struct err e = {0};
	assert_int_equal(tsig_key_parse(SECRET, "perdure-key", algorithm, k, &e), 0);
}

/* The query as it was before it was signed, signed again by us. */
static void sign(struct tsig *t, const struct tsig_key *k, struct bytes *ret)
{
	struct err e = {0};
	tsig_init(t, k);
	assert_int_equal(message_query(ret->p, "example.com", MESSAGE_SOA, 0x1234, 0, &ret->n, &e), 0);
	assert_int_equal(tsig_sign(t, ret->p, &ret->n, MSG_MAX, THEN, &e), 0);
}

static void queries_as_others_sign_them(void **state)
{
	static const struct {
		const char *algorithm, *wire;
		size_t n;
	} table[] = {
		{"hmac-sha1", query_sha1, sizeof(query_sha1) - 1},
		{"hmac-sha256", query_sha256, sizeof(query_sha256) - 1},
		{"hmac-sha384", query_sha384, sizeof(query_sha384) - 1},
		{"hmac-sha512", query_sha512, sizeof(query_sha512) - 1},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct tsig_key k;
		struct tsig t;
		struct bytes b;
		make_key(&k, table[i].algorithm);
		sign(&t, &k, &b);
		assert_int_equal(b.n, table[i].n);
		assert_memory_equal(b.p, table[i].wire, b.n);
		assert_true(b.n <= sizeof(query_sha256) - 1 + TSIG_OCTETS_MAX);
		tsig_done(&t);
		tsig_key_done(&k);
	}
}

static enum tsig_result check(struct bytes *b, int64_t now, int64_t *ret_seconds)
{
	struct tsig_key k;
	struct tsig t;
	struct bytes query;
	make_key(&k, NULL);
	sign(&t, &k, &query);
	enum tsig_result r = tsig_check(&t, b->p, &b->n, true, now, ret_seconds);
	tsig_done(&t);
	tsig_key_done(&k);
	return r;
}

static void answers(void **state)
{
	static const struct {
		int64_t now;
		enum tsig_result result;
		int64_t seconds;
	} table[] = {
		{THEN, TSIG_GOOD, 0},
		{THEN + 300, TSIG_GOOD, -300},
		{THEN - 300, TSIG_GOOD, 300},
		{THEN + 301, TSIG_STALE, -301},
		{THEN - 301, TSIG_STALE, 301},
	};
	int64_t seconds;
	struct bytes b;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		LOAD(b, answer);
		assert_int_equal(check(&b, table[i].now, &seconds), table[i].result);
		assert_int_equal(seconds, table[i].seconds);
		/* What is left is the message alone: header and question. */
		assert_int_equal(b.n, 12 + 13 + 4);
		assert_int_equal(b.p[11], 0);
	}
	LOAD(b, badtime);
	assert_int_equal(check(&b, THEN, &seconds), TSIG_BAD_TIME);
	assert_int_equal(seconds, 7200);
}

/* No octet of a signed answer can be changed, and none left out, without being noticed; and nothing is read past the
 * end. */
static void damaged(void **state)
{
	int64_t seconds;
	(void)state;
	for (size_t i = 0; i < sizeof(answer) - 1; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			struct bytes b;
			LOAD(b, answer);
			b.p[i] ^= (uint8_t)(1U << bit);
			enum tsig_result r = check(&b, THEN, &seconds);
			/* Letters' case in the key's name and the algorithm's has no meaning, nor has the id: the
			 * original one is signed. */
			bool letter = bit == 5 && i >= 29;
			if (r == TSIG_GOOD && i >= 2 && !letter)
				fail_msg("octet %zu, bit %u", i, bit);
		}
		uint8_t *exact = xmemdup(answer, i + 1);
		size_t n = i;
		struct tsig_key k;
		struct tsig t;
		struct bytes query;
		make_key(&k, NULL);
		sign(&t, &k, &query);
		assert_true(tsig_check(&t, exact, &n, true, THEN, &seconds) != TSIG_GOOD);
		tsig_done(&t);
		tsig_key_done(&k);
		free(exact);
	}
}

/* RFC 8945 section 5.3.1: signed, not signed, signed. */
static void a_transfer(void **state)
{
	static const struct {
		bool leave_out; /* the message in the middle */
		bool last; /* of it */
		enum tsig_result second, third;
	} table[] = {
		{false, false, TSIG_GOOD, TSIG_GOOD},
		{true, false, TSIG_GOOD, TSIG_WRONG},
		{false, true, TSIG_UNSIGNED, TSIG_WRONG},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct tsig_key k;
		struct tsig t;
		struct bytes b;
		int64_t seconds;
		make_key(&k, NULL);
		sign(&t, &k, &b);
		LOAD(b, first);
		assert_int_equal(tsig_check(&t, b.p, &b.n, false, THEN, &seconds), TSIG_GOOD);
		LOAD(b, second);
		if (!table[i].leave_out)
			assert_int_equal(tsig_check(&t, b.p, &b.n, table[i].last, THEN, &seconds), table[i].second);
		LOAD(b, third);
		assert_int_equal(tsig_check(&t, b.p, &b.n, true, THEN, &seconds), table[i].third);
		tsig_done(&t);
		tsig_key_done(&k);
	}
}

static void key_files(void **state)
{
	static const struct {
		const char *text, *want; /* want: tsig.name */
		const char *name; /* NULL: refused */
		enum hmac_hash hash;
	} table[] = {
		{"key \"K.Example\" {\n\talgorithm hmac-sha512;\n\tsecret \"" SECRET "\";\n};\n", NULL, "k.example",
			HMAC_SHA512},
		{"# a comment\n// another \"key\"\n/* key \"x\" { } */ key k { secret " SECRET
		 "; algorithm HMAC-SHA1; };",
			NULL, "k", HMAC_SHA1},
		{"# hmac-sha256:acme:" SECRET "\nkey:\n- id: acme.\n  algorithm: hmac-sha256\n  secret: " SECRET "\n",
			NULL, "acme", HMAC_SHA256},
		{"hmac-sha384:acme:" SECRET "\n", NULL, "acme", HMAC_SHA384},
		{SECRET "\n", "Mine.", "mine", HMAC_SHA256},
		{"key a { algorithm hmac-sha256; secret \"AAAA\"; }; key b { algorithm hmac-sha1; secret \"" SECRET
		 "\"; };",
			"b", "b", HMAC_SHA1},
		{"key a { algorithm hmac-sha256; secret \"AAAA\"; }; key b { algorithm hmac-sha1; secret \"" SECRET
		 "\"; };",
			NULL, NULL, HMAC_SHA1},
		{"hmac-sha256:acme:" SECRET, "other", "acme", HMAC_SHA256},
		{"key a { algorithm hmac-sha256; secret \"AAAA\"; };", "other", NULL, HMAC_SHA1},
		{SECRET, NULL, NULL, HMAC_SHA1},
		{"key a { algorithm hmac-md5; secret \"" SECRET "\"; };", NULL, NULL, HMAC_SHA1},
		{"key a { algorithm hmac-sha256; secret \"not/base64!\"; };", NULL, NULL, HMAC_SHA1},
		{"key a { algorithm hmac-sha256; };", NULL, NULL, HMAC_SHA1},
		{"", "a", NULL, HMAC_SHA1},
		{"a b c d", NULL, NULL, HMAC_SHA1},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct tsig_key k;
		struct err e = {0};
		int rc = tsig_key_parse(table[i].text, table[i].want, NULL, &k, &e);
		if (rc != (table[i].name ? 0 : -1))
			fail_msg("%s: %s", table[i].text, e.msg);
		if (rc) {
			assert_int_equal(e.kind, ERR_CONFIG);
			assert_null(strstr(e.msg, "AAEC"));
			assert_null(strstr(e.msg, "base64!"));
			err_done(&e);
			continue;
		}
		assert_string_equal(k.name, table[i].name);
		assert_int_equal(k.hash, table[i].hash);
		assert_int_equal(k.secret.n, 32);
		assert_int_equal(k.secret.p[31], 31);
		tsig_key_done(&k);
	}
}

static void names_on_the_wire(void **state)
{
	static const struct {
		const char *name, *wire;
		size_t n; /* 0: refused */
	} table[] = {
		{"", "\0", 1},
		{".", "\0", 1},
		{"a.bc", "\1a\2bc\0", 6},
		{"a.bc.", "\1a\2bc\0", 6},
		{"a\\.b.c", "\3a.b\1c\0", 7},
		{"\\065.c", "\1A\1c\0", 5},
		{"a..b", "", 0},
		{".a", "", 0},
		{"\\256.c", "", 0},
		{"\\25.c", "", 0},
		{"a\\", "", 0},
	};
	char long_label[70], long_name[300];
	uint8_t out[NAME_WIRE_MAX];
	size_t n;
	struct err e = {0};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		assert_int_equal(name_wire(table[i].name, out, &n, &e), table[i].n ? 0 : -1);
		err_done(&e);
		if (!table[i].n)
			continue;
		assert_int_equal(n, table[i].n);
		assert_memory_equal(out, table[i].wire, n);
	}
	for (size_t size = 62; size < 66; size++) {
		snprintf(long_label, sizeof(long_label), "%0*d", (int)size, 0);
		assert_int_equal(name_wire(long_label, out, &n, &e), size > 63 ? -1 : 0);
		err_done(&e);
	}
	for (size_t labels = 126; labels < 129; labels++) {
		for (size_t i = 0; i < labels; i++)
			memcpy(long_name + 2 * i, "a.", 2);
		long_name[2 * labels] = '\0';
		assert_int_equal(name_wire(long_name, out, &n, &e), labels > 127 ? -1 : 0);
		err_done(&e);
	}
}

/* RFC 2136 sections 2.4 and 2.5, octet by octet. */
static void an_update(void **state)
{
	static const char wire[] = "\x12\x34\x28\x00\x00\x01\x00\x03\x00\x03\x00\x00\x07"
				   "example\x00\x00\x06\x00\x01"
				   "\x01v\x00\x00\x10\x00\x01\x00\x00\x00\x00\x00\x02\x01x"
				   "\x01w\x00\x00\x10\x00\xfe\x00\x00\x00\x00\x00\x00"
				   "\x01u\x00\x00\xff\x00\xfe\x00\x00\x00\x00\x00\x00"
				   "\x01v\x00\x00\x10\x00\x01\x00\x01\x00\x02\x00\x02\x01y"
				   "\x01v\x00\x00\x10\x00\xfe\x00\x00\x00\x00\x00\x02\x01x"
				   "\x01t\x00\x00\x05\x00\xff\x00\x00\x00\x00\x00\x00";
	struct update u;
	struct err e = {0};
	const uint8_t *p;
	size_t n;
	(void)state;
	update_begin(&u, "example", 0x1234);
	update_require_value(&u, "v", MESSAGE_TXT, "\1x", 2);
	update_require_no_rrset(&u, "w", MESSAGE_TXT);
	update_require_no_name(&u, "u");
	update_add(&u, "v", MESSAGE_TXT, 65538, "\1y", 2);
	update_delete(&u, "v", MESSAGE_TXT, "\1x", 2);
	update_delete_rrset(&u, "t", MESSAGE_CNAME);
	assert_int_equal(update_end(&u, &p, &n, &e), 0);
	assert_int_equal(n, sizeof(wire) - 1);
	assert_memory_equal(p, wire, n);
	update_done(&u);
	update_begin(&u, "example", 1);
	update_add(&u, "two..dots", MESSAGE_TXT, 1, "\1y", 2);
	assert_int_equal(update_end(&u, &p, &n, &e), -1);
	assert_int_equal(e.kind, ERR_PARSE);
	err_done(&e);
	update_done(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queries_as_others_sign_them),
		cmocka_unit_test(answers),
		cmocka_unit_test(damaged),
		cmocka_unit_test(a_transfer),
		cmocka_unit_test(key_files),
		cmocka_unit_test(names_on_the_wire),
		cmocka_unit_test(an_update),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
