/* test_refused.c: wrong configurations, and the place and words that each is refused with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "memory.h"

#define CA "cas: [google]\n"
#define PROVIDER_OF(s) "providers: [{name: p, type: " s "}]\n"
#define CERT CA "certificates:\n  - "

struct refused {
	const char *yaml;
	int line;
	int column;
	const char *msg;
	const char *hint; /* "" for any */
};

/* YAML itself. */
static const struct refused syntax[] = {
	{"a: [", 2, 1, "flow", ""},
	{"cas: [google\nx: 1\n", 2, 2, "did not find expected", ""},
	{"cas:\n\t- google\n", 2, 1, "token", "tabs"},
	{"state_dir: \"abc\n", 2, 1, "quoted scalar", ""},
	{"certificates:\n  - names: [*.example.com]\n", 2, 13, "quotes", "\"*.example.com\""},
	{"certificates:\n  - names: *x\n", 2, 12, "aliases are not allowed", "quotes"},
	{"certificates:\n  - &a names: x\n", 2, 5, "anchors are not allowed", "'&'"},
	{"cas: &x [google]\n", 1, 6, "anchors", ""},
	{"dns: &x {mode: none}\n", 1, 6, "anchors", ""},
	{"archive: {keep: !!int 5}\n", 1, 17, "tags are not allowed", "'!'"},
	{"cas: !list [google]\n", 1, 6, "tags", ""},
	{"cas: [google]\n---\ncas: [google]\n", 2, 1, "second YAML document", "conf.d"},
	{"state_dir: \"/a\\0b\"\n", 1, 12, "NUL", ""},
	{"state_dir: /a\x01", 1, 14, "control characters", "UTF-8"},
	{"# gr\xc3\xbc\xc3\x9f\xff", 1, 7, "invalid leading", "UTF-8"},
	{"a: b\nstate_dir: \xc3(\n", 2, 13, "invalid trailing", "UTF-8"},
	{"a: [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]\n", 1, 19, "nested too deeply", ""},
	{"state_dir: a: b\n", 1, 13, "mapping values", ""},
	{"- cas\n", 1, 1, "the file must be a map, not a list", "state_dir"},
	{"cas\n", 1, 1, "the file must be a map, not a single value", ""},
	{"? [a]\n: b\n", 1, 3, "a key must be a word", ""},
};

/* Keys, types and ranges. */
static const struct refused values[] = {
	{"casx: 1\n", 1, 1, "unknown key 'casx' in the file; did you mean 'cas'?", "state_dir, cas, dns"},
	{"zzzzzzzz: 1\n", 1, 1, "unknown key 'zzzzzzzz' in the file", "allowed here: state_dir"},
	{"<<: {a: b}\n", 1, 1, "unknown key '<<'", ""},
	{"dns:\n  mod: none\n", 2, 3, "did you mean 'mode'", "mode, stubs, resolvers"},
	{CERT "{names: a.example, wildcards: true}\n", 3, 24, "did you mean 'wildcard'", "names_file"},
	{"state_dir: /a\nstate_dir: /b\n", 2, 1, "'state_dir' is given twice, first in line 1", ""},
	{"dns: {mode: none, mode: none}\n", 1, 19, "'mode' is given twice", ""},
	{"dns: {mode: none}\ndns: {timeout: 5s}\n", 2, 1, "'dns' is given twice", ""},
	{"cas: [google]\ncas: [zerossl]\n", 2, 1, "'cas' is given twice", ""},
	{"dns:\ncas: []\n", 1, 5, "dns must be a map, not nothing", "mode"},
	{"cas:\n", 1, 5, "cas must be a list, not nothing", "preset"},
	{"cas: google\n", 1, 6, "cas must be a list, not a single value", ""},
	{"certificates: {names: [a.example]}\n", 1, 15, "certificates must be a list, not a map", ""},
	{CERT "a.example\n", 3, 5, "an element of certificates must be a map", "names"},
	{"state_dir: [a]\n", 1, 12, "state_dir must be text, not a list", "path"},
	{"state_dir:\n", 1, 11, "state_dir must be text, not nothing", ""},
	{"state_dir: ~\n", 1, 12, "not nothing", ""},
	{"state_dir: null\n", 1, 12, "not nothing", ""},
	{"state_dir: ''\n", 1, 12, "is empty", ""},
	{"state_dir: |\n  a\n  b\n", 1, 12, "line break", ""},
	{"archive: {keep: -1}\n", 1, 17, "'-1' is not a whole number", "0 to 1000"},
	{"archive: {keep: 5.0}\n", 1, 17, "not a whole number", ""},
	{"archive: {keep: 0x5}\n", 1, 17, "not a whole number", ""},
	{"archive: {keep: 05}\n", 1, 17, "not a whole number", ""},
	{"archive: {keep: 1_0}\n", 1, 17, "not a whole number", ""},
	{"archive: {keep: +5}\n", 1, 17, "not a whole number", ""},
	{"archive: {keep: \"5\"}\n", 1, 17, "in quotes", ""},
	{"archive: {keep: 1001}\n", 1, 17, "out of range", "archive.keep: whole number, 0 to 1000"},
	{"archive: {keep: 99999999999999999999}\n", 1, 17, "not a whole number", ""},
	{"archive: {keep: [5]}\n", 1, 17, "must be a single value, not a list", ""},
	{"defaults: {reuse_key: yes}\n", 1, 23, "'yes' is neither true nor false", "true or false"},
	{"defaults: {reuse_key: True}\n", 1, 23, "neither true nor false", ""},
	{"defaults: {reuse_key: \"true\"}\n", 1, 23, "in quotes", ""},
	{"defaults: {reuse_key: 1}\n", 1, 23, "neither true nor false", ""},
	{"defaults: {key: rsa1024}\n", 1, 17, "'rsa1024' is not known here", "ec256, ec384"},
	{"defaults: {key: ed25519}\n", 1, 17, "not known here", ""},
	{"defaults: {key: \"ec256 ec384\"}\n", 1, 17, "not known here", ""},
	{"defaults: {validation: tls-alpn-01}\n", 1, 24, "'tls-alpn-01' is not known here", "auto"},
	{CERT "{names: a.example, validation: http-01}\n", 3, 36, "nothing says how it is answered", "webroot"},
	{"http: {webroot: /w}\n" CERT "{names: \"*.a.example\", validation: http-01}\n", 4, 5,
		"*.a.example cannot be validated by http-01", "dns-persist-01"},
	{"http: {webroot: /w, listen: systemd}\n", 1, 29, "both webroot and listen", ""},
	{"http: {listen: www.example}\n", 1, 16, "'www.example' is not an IP address", "0.0.0.0@80"},
	{"http: {listen: \"0.0.0.0@99999\"}\n", 1, 16, "port", ""},
	{CERT "{names: a.example, validation: delegation}\n", 3, 36, "no validation zone",
		"delegation: { zone: ZONE }"},
	{"delegation: {zone: a.example, name: b.example}\n", 1, 37, "not below the zone a.example", ""},
	{"delegation: {shared: true}\n", 1, 22, "neither zone nor name", ""},
	{"delegation: {shared: false, name: b.example}\n", 1, 22, "shared is false", ""},
	{"delegation: {provider: nobody}\n", 1, 24, "no provider 'nobody' of type acme-dns", "zone:"},
	{PROVIDER_OF("rfc2136, server: 192.0.2.1") "delegation: {provider: p}\n", 2, 24, "of type acme-dns", ""},
	{PROVIDER_OF("acme-dns, url: \"https://a.example\", zones: a.example, accounts_file: /f") "delegation: "
												  "{provider: p, zone: "
												  "z.example}\n",
		2, 24, "zone and name do not go with it", ""},
	{PROVIDER_OF("acme-dns, url: \"https://a.example\", accounts_file: /f"), 1, 13, "needs zones", ""},
	{PROVIDER_OF("acme-dns, url: \"https://a.example\", zones: a.example"), 1, 13, "needs accounts_file", ""},
	{"dns: {mode: Resolver}\n", 1, 13, "not known here", "authoritative, resolver, none"},
	{"dns: {timeout: 2 s}\n", 1, 16, "not a duration", "10s, 5m, 2h or 30d"},
	{"dns: {timeout: 500ms}\n", 1, 16, "not a duration", ""},
	{"dns: {timeout: 0s}\n", 1, 16, "out of range", "1s to 1m"},
	{"dns: {timeout: 2m}\n", 1, 16, "out of range", ""},
	{"dns: {timeout: s}\n", 1, 16, "not a duration", ""},
	{"dns: {timeout: 999999999999d}\n", 1, 16, "not a duration", ""},
	{"dns: {resolvers: [192.0.2.1, ns.example.com]}\n", 1, 30, "'ns.example.com' is not an IP address", ""},
	{"dns: {resolvers: 192.0.2.1@0}\n", 1, 18, "port", ""},
	{"dns: {hints: 192.0.2.1@53}\n", 1, 14, "not an IP address", ""},
	{"dns: {vantage: [192.0.2.1, ns.example.com]}\n", 1, 28, "not an IP address", ""},
	{"dns: {vantage: \"udp://192.0.2.1\"}\n", 1, 16, "not an IP address", ""},
	{"dns: {vantage: \"tcp://192.0.2.1@0\"}\n", 1, 16, "no port from 1", ""},
	{"dns: {vantage: \"http://dns.example/\"}\n", 1, 16, "not an IP address", ""},
	{"dns: {vantage: \"https://\"}\n", 1, 16, "without a host", ""},
	{"dns: {vantage: \"https://dns.example/{?dns}x\"}\n", 1, 16, "a character", ""},
	{"dns: {validate: maybe}\n", 1, 17, "neither true nor false", ""},
	{"dns: {hints: []}\n", 1, 14, "the list has 0 elements", ""},
	{"dns: {mode: resolver}\n", 1, 13, "dns.resolvers is missing", ""},
	{"dns: {stubs: [{servers: 192.0.2.1}]}\n", 1, 15, "dns.stubs[].zone is missing", ""},
	{"dns: {stubs: [{zone: x.example}]}\n", 1, 15, "dns.stubs[].servers is missing", ""},
	{"dns: {stubs: [{zone: a b, servers: 192.0.2.1}]}\n", 1, 22, "not the name of a zone", ""},
	{"dns: {stubs: [{zone: x.example, servers: 192.0.2.1, port: 65536}]}\n", 1, 59, "out of range", ""},
	{"dns:\n  stubs:\n    - {zone: x.example, servers: 192.0.2.1}\n    - {zone: X.example., servers: 192.0.2.2}\n",
		4, 7, "has a stub already", ""},
};

/* CAs. */
static const struct refused cas[] = {
	{"cas: [gogle]\n", 1, 7, "'gogle' is not a preset", "presets: google, google-staging"},
	{"cas: [google, google]\n", 1, 15, "'google' is given already, at /etc/perdure/p.yaml:1:7", ""},
	{"cas:\n  - google\n  - name: google\n", 3, 5, "given already", "another name"},
	{"cas:\n  - directory: https://a.example/d\n", 2, 5, "has no name", ""},
	{"cas:\n  - name: mine\n", 2, 5, "the CA 'mine' has no directory", "directory"},
	{"cas: [{name: ../x, directory: https://a.example/d}]\n", 1, 14, "may only hold", "letters"},
	{"cas: [{name: .x, directory: https://a.example/d}]\n", 1, 14, "must not begin", ""},
	{"cas: [{name: m, directory: http://a.example/d}]\n", 1, 28, "is not an https URL", "https"},
	{"cas: [{name: m, directory: HTTPS://a.example/d}]\n", 1, 28, "is not an https URL", ""},
	{"cas: [{name: m, directory: 'https://a:secret@a.example/d'}]\n", 1, 28,
		"cas[].directory is a URL with a user name", ""},
	{"cas: [{name: m, directory: 'https:///d'}]\n", 1, 28, "without a host", ""},
	{"cas: [{name: m, directory: 'https://u:p@a.example/d'}]\n", 1, 28, "user name", ""},
	{"cas: [{name: m, directory: 'https://a.example/d e'}]\n", 1, 28, "character", ""},
	{"cas: [{name: google, issuer: [pki.goog, 'a b']}]\n", 1, 41, "not an issuer domain name", ""},
	{"cas: [{name: google, issuer: pki.goog.}]\n", 1, 30, "not an issuer domain name", ""},
	{"cas: [{name: google, issuer: [a, b, c, d, e, f, g, h, i, j, k]}]\n", 1, 30, "11 elements", ""},
	{"cas: [{name: google, level: 3}]\n", 1, 29, "not known here", "00, 01, 02"},
	{"cas: [{name: google, max_orders: 0}]\n", 1, 34, "out of range", "1 to 1000"},
	{"cas: [{name: google, eab: {kid: abc}}]\n", 1, 27, "needs both kid and hmac_key_file", ""},
	{"cas: [{name: google, eab: {kid: abc, hmac_key: xyz}}]\n", 1, 38, "did you mean 'hmac_key_file'", ""},
	{"cas: [{name: google, eab: {kid: a, hmac_key_file: f, alg: HS1}}]\n", 1, 59, "not known", "HS256"},
	{"cas: [{name: google, account: {thumbprints: abc}}]\n", 1, 45, "not a thumbprint", "43"},
	{"cas: [{name: google, account: {}}]\n", 1, 31, "needs url", "--public"},
	{"cas: [{name: google, contact: tel:+1234}]\n", 1, 31, "not a mail address", ""},
	{"cas: [{name: google, contact: [a@b.example, 'x y@b.example']}]\n", 1, 45, "mail address", ""},
	{"cas: [{name: google, account_uri_any: on}]\n", 1, 39, "neither", ""},
	{"defaults: {ca: mine}\n", 1, 16, "there is no CA 'mine'", "presets: google"},
	{"cas: [{name: m, directory: 'https://a.example/d'}]\ndefaults: {ca: [m, n]}\n", 2, 20, "no CA 'n'",
		"in cas: m; presets: google"},
	{"defaults: {ca: [google, google]}\n", 1, 25, "listed twice", ""},
};

/* Certificates and names. */
static const struct refused certs[] = {
	{"certificates:\n  - names: a.example\n", 2, 5, "has no CA", "defaults: { ca: NAME }"},
	{"cas: [google, zerossl]\ncertificates:\n  - names: a.example\n", 3, 5, "has no CA", ""},
	{CERT "{ca: google}\n", 3, 5, "neither names nor names_file", "names"},
	{CERT "{names: a.example, names_file: f}\n", 3, 5, "both names and names_file", ""},
	{CERT "{names: a.example, ca: mine}\n", 3, 28, "there is no CA 'mine'", "google"},
	{CERT "{names: []}\n", 3, 13, "0 elements", ""},
	{CERT "{names: [a.example, '*.*.example']}\n", 3, 25, "whole first label", ""},
	{CERT "{names: [a.example, A.example.]}\n", 3, 25, "listed twice", ""},
	{CERT "{names: 192.0.2.1}\n", 3, 13, "IP address", ""},
	{CERT "{names: 10}\n", 3, 13, "one label", ""},
	{CERT "{names: '*.co.uk'}\n", 3, 13, "wildcard of a public suffix", ""},
	{CERT "{names: co.uk}\n", 3, 13, "'co.uk' is a public suffix", ""},
	{CERT "{names: b\xc3\xbc.xn--bcher-kva.example}\n", 3, 13, "mixes", ""},
	{CERT "{names: \xc3\xbc.example, key: x}\n", 3, 29, "not known here", ""},
	{CERT "{names: a.example, wildcard: true}\n", 3, 34, "with names_file only", "quotes"},
	{CERT "{names_file: f, name: x}\n", 3, 27, "does not go with names_file", ""},
	{CERT "{names: a.example, name: a/b}\n", 3, 30, "may only hold", ""},
	{CERT "{names: a.example, name: ..}\n", 3, 30, "must not begin", ""},
	{CERT "{names: a.example, persist_until: 2027-11-21}\n", 3, 39, "not a time", "2027-11-21T00:00:00Z"},
	{CERT "{names: a.example, persist_until: 2027}\n", 3, 39, "out of range", ""},
	{CERT "{names: a.example}\n  - {names: ['*.a.example']}\n", 4, 5,
		"'a.example' is given already, at /etc/perdure/p.yaml:3:5", "name:"},
	{CERT "{names: b.example, name: a.example}\n  - {names: a.example}\n", 4, 5, "given already", ""},
};

/* Whether all is as the row says; tells what is not. */
static bool check(const struct refused *r)
{
	struct err e = {0};
	struct config *c = NULL;
	if (!memory_load(r->yaml, NULL, &c, &e)) {
		print_error("taken:\n%s", r->yaml);
		config_free(c);
		return false;
	}
	char place[64];
	snprintf(place, sizeof(place), "/etc/perdure/p.yaml:%d:%d: ", r->line, r->column);
	bool good = !c && e.kind == ERR_CONFIG && !strncmp(e.msg, place, strlen(place)) && strstr(e.msg, r->msg) &&
		    strstr(e.hint, r->hint);
	if (!good)
		print_error("%s\nsays: %s\nhint: %s\nnot:  %s…%s… hint …%s…\n", r->yaml, e.msg, e.hint, place, r->msg,
			r->hint);
	err_done(&e);
	return good;
}

#define TABLE(name)                                                                                                    \
	static void test_##name(void **state)                                                                          \
	{                                                                                                              \
		(void)state;                                                                                           \
		size_t failed = 0;                                                                                     \
		for (size_t i = 0; i < ARRAY_LEN(name); i++)                                                           \
			failed += !check(&name[i]);                                                                    \
		assert_int_equal(failed, 0);                                                                           \
	}
TABLE(syntax)
TABLE(values)
TABLE(cas)
TABLE(certs)

static const struct {
	const char *content;
	int line; /* 0: the place is where the file was named */
	int column;
	const char *msg;
} files[] = {
	{"", 0, 0, "lists no certificate"},
	{"\n\n# nothing\r\n  \t\n", 0, 0, "lists no certificate"},
	{"\xef\xbb\xbf", 0, 0, "lists no certificate"},
	{"a.example\n b.example  bad_name.example\n", 2, 13, "'_'"},
	{"\xef\xbb\xbf-x.example\n", 1, 1, "'-'"},
	{"a.example\r\n\xc3\xbc.example \t *x.example\r\n", 2, 13, "whole first label"},
	{"a.example,b.example\n", 1, 1, "','"},
	{"a.example\nco.uk\n", 2, 1, "public suffix"},
	{"a.example\n*.a.example\n", 2, 1, "'a.example' is given already"},
	{"# c\na.example # b.example\n\nb.example#c\n", 4, 1, "'#'"},
};

static void test_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct err e = {0};
		struct config *c = NULL;
		assert_int_equal(memory_load(CERT "{names_file: f.txt}\n", files[i].content, &c, &e), -1);
		char place[64] = "/etc/perdure/p.yaml:3:18: ";
		if (files[i].line)
			snprintf(place, sizeof(place), "/etc/perdure/f.txt:%d:%d: ", files[i].line, files[i].column);
		if (e.kind != ERR_CONFIG || strncmp(e.msg, place, strlen(place)) != 0 || !strstr(e.msg, files[i].msg))
			fail_msg("%s\nsays: %s\nnot:  %s…%s", files[i].content, e.msg, place, files[i].msg);
		err_done(&e);
	}
}

static void missing_names_file(void **state)
{
	(void)state;
	struct err e = {0};
	struct config *c = NULL;
	assert_int_equal(memory_load(CERT "{names_file: f.txt}\n", NULL, &c, &e), -1);
	assert_int_equal(e.kind, ERR_SYS);
	assert_int_equal(strncmp(e.msg, "/etc/perdure/p.yaml:3:18: ", 26), 0);
	assert_non_null(strstr(e.msg, "/etc/perdure/f.txt"));
	err_done(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_cas),
		cmocka_unit_test(test_certs),
		cmocka_unit_test(test_files),
		cmocka_unit_test(missing_names_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
