/* test_load.c: what good configurations become: values, defaults, presets, merged files, names files, paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "memory.h"

static struct config *load(const char *yaml, const char *names)
{
	struct err e = {0};
	struct config *c = NULL;
	if (memory_load(yaml, names, &c, &e))
		fail_msg("%s\n%s", yaml, e.msg);
	return c;
}

static void assert_list(const struct strv *s, const char *joined)
{
	AUTO(xfreep) char *is = strv_join(s, " ");
	assert_string_equal(is, joined);
}

static void empty_files(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "# nothing\n", "---\n", "\xef\xbb\xbf", "{}\n", "cas: []\n"};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		AUTO(config_freep) struct config *c = load(texts[i], NULL);
		assert_int_equal(c->n_cas, 0);
		assert_int_equal(c->n_certs, 0);
		assert_int_equal(c->keep, 5);
		assert_int_equal(c->record_ttl, 3600);
		assert_int_equal(c->dns.mode, CONFIG_DNS_AUTHORITATIVE);
		assert_int_equal(c->dns.timeout_ms, 2000);
		assert_int_equal(c->dns.pace, 500);
		assert_int_equal(c->dns.per_server, 32);
		assert_int_equal(c->state_dir[0], '/');
		assert_null(config_find_cert(c, "x"));
		assert_null(config_find_ca(c, "google"));
	}
}

static void everything(void **state)
{
	(void)state;
	AUTO(config_freep)
	struct config *c = load(
		"state_dir: ../lib\n"
		"archive: {keep: 0}\n"
		"cas:\n"
		"  - letsencrypt-staging\n"
		"  - name: mine\n"
		"    directory: https://acme.example:14000/dir\n"
		"    issuer: [ca.example, other.example]\n"
		"    level: \"02\"\n"
		"    ca_bundle: roots.pem\n"
		"    max_orders: 1\n"
		"    eab: {kid: 0123, hmac_key_file: secret/eab, alg: HS512}\n"
		"    account: {url: https://acme.example:14000/acct/1, thumbprints: "
		"[NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs]}\n"
		"    account_key: ed25519\n"
		"    contact: [a@b.example, mailto:c@d.example]\n"
		"    account_uri_any: true\n"
		"    profile: short\n"
		"    preferred_chain: Some Root\n"
		"dns:\n"
		"  mode: resolver\n"
		"  stubs:\n"
		"    - {zone: Corp.Example., servers: [192.0.2.53, '2001:db8::53'], port: 5353}\n"
		"    - {zone: ., servers: 192.0.2.54}\n"
		"  resolvers: [192.0.2.1, '2001:db8::1@53']\n"
		"  hints: 198.41.0.4\n"
		"  timeout: 1m\n"
		"  per_server: 4\n"
		"  pace: 50\n"
		"  validate: false\n"
		"  trust_anchor: keys/root.key\n"
		"  ca_bundle: doh.pem\n"
		"  vantage: [192.0.2.1, 'tcp://2001:db8::1@53', 'https://dns.example/dns-query{?dns}']\n"
		"defaults: {ca: [mine, letsencrypt-staging], validation: dns-persist-01, key: rsa3072, must_staple: "
		"true, "
		"reuse_key: true, profile: classic, preferred_chain: Root, record_ttl: 2h}\n"
		"certificates:\n"
		"  - {names: [Z.example, '*.z.example']}\n"
		"  - {name: other, names: a.example, ca: google, key: ec384, must_staple: false, reuse_key: false, "
		"profile: p, preferred_chain: C, validation: auto, persist_until: 2027-11-21T00:00:00Z}\n",
		NULL);
	assert_string_equal(c->state_dir, "/etc/perdure/../lib");
	assert_int_equal(c->keep, 0);
	assert_int_equal(c->record_ttl, 7200);
	assert_int_equal(c->n_cas, 3);
	const struct config_ca *ca = config_find_ca(c, "mine");
	assert_non_null(ca);
	assert_string_equal(ca->directory, "https://acme.example:14000/dir");
	assert_list(&ca->issuers, "ca.example other.example");
	assert_int_equal(ca->preset_issuers.n, 0);
	assert_int_equal(ca->level, 2);
	assert_string_equal(ca->ca_bundle, "/etc/perdure/roots.pem");
	assert_int_equal(ca->max_orders, 1);
	assert_string_equal(ca->eab_kid, "0123");
	assert_string_equal(ca->eab_hmac_key_file, "/etc/perdure/secret/eab");
	assert_string_equal(ca->eab_alg, "HS512");
	assert_string_equal(ca->account_url, "https://acme.example:14000/acct/1");
	assert_list(&ca->account_thumbprints, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
	assert_string_equal(ca->account_key, "ed25519");
	assert_list(&ca->contact, "mailto:a@b.example mailto:c@d.example");
	assert_true(ca->account_uri_any);
	assert_string_equal(ca->profile, "short");
	assert_string_equal(ca->preferred_chain, "Some Root");
	assert_int_equal(ca->mark.line, 5);
	assert_int_equal(ca->mark.column, 5);
	assert_int_equal(c->dns.mode, CONFIG_DNS_RESOLVER);
	assert_int_equal(c->dns.n_stubs, 2);
	assert_string_equal(c->dns.stubs[0].zone, "corp.example");
	assert_list(&c->dns.stubs[0].servers, "192.0.2.53 2001:db8::53");
	assert_int_equal(c->dns.stubs[0].port, 5353);
	assert_string_equal(c->dns.stubs[1].zone, "");
	assert_int_equal(c->dns.stubs[1].port, 53);
	assert_list(&c->dns.resolvers, "192.0.2.1 2001:db8::1@53");
	assert_list(&c->dns.hints, "198.41.0.4");
	assert_int_equal(c->dns.timeout_ms, 60000);
	assert_int_equal(c->dns.pace, 50);
	assert_int_equal(c->dns.per_server, 4);
	assert_false(c->dns.validate);
	assert_string_equal(c->dns.trust_anchor, "/etc/perdure/keys/root.key");
	assert_string_equal(c->dns.ca_bundle, "/etc/perdure/doh.pem");
	assert_list(&c->dns.vantage, "192.0.2.1 tcp://2001:db8::1@53 https://dns.example/dns-query{?dns}");
	assert_int_equal(c->n_certs, 2);
	const struct config_cert *z = config_find_cert(c, "z.example");
	assert_non_null(z);
	assert_ptr_equal(z, &c->certs[1]); /* sorted */
	assert_list(&z->names, "z.example *.z.example");
	assert_list(&z->cas, "mine letsencrypt-staging");
	assert_string_equal(z->key, "rsa3072");
	assert_true(z->must_staple);
	assert_true(z->reuse_key);
	assert_string_equal(z->profile, "classic");
	assert_string_equal(z->preferred_chain, "Root");
	assert_int_equal(z->validation, CONFIG_VALIDATION_PERSIST);
	assert_int_equal(z->persist_until, 0);
	const struct config_cert *o = config_find_cert(c, "other");
	assert_non_null(o);
	assert_list(&o->cas, "google");
	assert_string_equal(o->key, "ec384");
	assert_false(o->must_staple);
	assert_false(o->reuse_key);
	assert_string_equal(o->profile, "p");
	assert_string_equal(o->preferred_chain, "C");
	assert_int_equal(o->validation, CONFIG_VALIDATION_AUTO);
	assert_int_equal(o->persist_until, 1826755200);
	assert_null(config_find_cert(c, "a.example"));
	assert_int_equal(c->warnings.n, 0);
}

static void presets(void **state)
{
	(void)state;
	AUTO(config_freep)
	struct config *c = load("cas:\n"
				"  - google\n"
				"  - {name: zerossl, eab: {kid: k, hmac_key_file: /s}, max_orders: 2}\n"
				"  - {name: letsencrypt, directory: https://proxy.example/d}\n"
				"defaults: {ca: google-staging}\n",
		NULL);
	assert_int_equal(c->n_cas, 4);
	const struct config_ca *google = config_find_ca(c, "google");
	assert_string_equal(google->directory, "https://dv.acme-v02.api.pki.goog/directory");
	assert_list(&google->preset_issuers, "pki.goog");
	assert_int_equal(google->issuers.n, 0);
	assert_int_equal(google->level, CONFIG_LEVEL_UNSET);
	assert_int_equal(google->max_orders, 8);
	assert_string_equal(google->account_key, "ec256");
	assert_string_equal(google->eab_alg, "HS256");
	assert_null(google->eab_kid);
	assert_null(google->account_url);
	assert_null(google->ca_bundle);
	assert_null(google->profile);
	assert_false(google->account_uri_any);
	const struct config_ca *zerossl = config_find_ca(c, "zerossl");
	assert_string_equal(zerossl->directory, "https://acme.zerossl.com/v2/DV90");
	assert_string_equal(zerossl->eab_hmac_key_file, "/s");
	assert_int_equal(zerossl->max_orders, 2);
	assert_string_equal(config_find_ca(c, "letsencrypt")->directory, "https://proxy.example/d");
	const struct config_ca *staging = config_find_ca(c, "google-staging");
	assert_non_null(staging);
	assert_int_equal(staging->mark.line, 5);
	size_t n;
	const struct config_preset *p = config_presets(&n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(strncmp(p[i].directory, "https://", 8), 0);
		assert_ptr_equal(config_find_preset(p[i].name), &p[i]);
	}
	assert_int_equal(config_find_preset("google")->level, 1);
	assert_null(config_find_preset("goog"));
}

static void one_ca_is_the_default(void **state)
{
	(void)state;
	AUTO(config_freep) struct config *c = load("cas: [google]\ncertificates: [{names: a.example}]\n", NULL);
	assert_list(&c->certs[0].cas, "google");
	assert_null(c->certs[0].profile);
	assert_string_equal(c->certs[0].key, "ec256");
}

static void plain_scalars_as_text(void **state)
{
	(void)state;
	AUTO(config_freep)
	struct config *c = load("cas:\n  - name: google\n    profile: true\n    preferred_chain: 007\n  - name: "
				"zerossl\n    profile: 'null'\n",
		NULL);
	assert_string_equal(c->cas[0].profile, "true");
	assert_string_equal(c->cas[0].preferred_chain, "007");
	assert_string_equal(c->cas[1].profile, "null");
}

#define LISTED "cas: [google]\ncertificates: [{names_file: f.txt, wildcard: true, key: rsa2048}]\n"

static void names_files(void **state)
{
	(void)state;
	AUTO(config_freep)
	struct config *c = load(LISTED, "\xef\xbb\xbf"
					"b.example\r\n"
					"# comment\r\n"
					"\r\n"
					" a.example\t*.a.example www.a.example # two\n"
					"*.c.example\n"
					"B\xc3\xbc"
					"cher.example\r\n"
					"\tlast.example");
	assert_int_equal(c->n_certs, 5);
	const struct config_cert *a = config_find_cert(c, "a.example");
	assert_list(&a->names, "a.example *.a.example www.a.example *.www.a.example");
	assert_int_equal(a->mark.line, 4);
	assert_int_equal(a->mark.column, 2);
	assert_string_equal(a->mark.file, "/etc/perdure/f.txt");
	assert_list(&config_find_cert(c, "b.example")->names, "b.example *.b.example");
	assert_list(&config_find_cert(c, "c.example")->names, "*.c.example");
	assert_list(
		&config_find_cert(c, "xn--bcher-kva.example")->names, "xn--bcher-kva.example *.xn--bcher-kva.example");
	assert_int_equal(config_find_cert(c, "last.example")->mark.column, 2);
	assert_string_equal(a->key, "rsa2048");
	assert_int_equal(c->warnings.n, 1);
	assert_non_null(strstr(c->warnings.v[0], "/etc/perdure/f.txt:4:2: www.a.example is covered by *.a.example"));
	AUTO(config_freep)
	struct config *plain = load("cas: [google]\ncertificates: [{names_file: f.txt}]\n", "a.example b.example\n");
	assert_list(&plain->certs[0].names, "a.example b.example");
}

static void many_names(void **state)
{
	(void)state;
	enum { N = 100000 };
	AUTO(buf_done) struct buf b = buf_make(BUF_MAX_NAMES_FILE);
	for (int i = 0; i < N; i++)
		buf_printf(&b, "name%d.io.github.io\n", i);
	AUTO(config_freep) struct config *c = load(LISTED, buf_str(&b));
	assert_int_equal(c->n_certs, N);
	const struct config_cert *last = config_find_cert(c, "name99999.io.github.io");
	assert_int_equal(last->mark.line, N);
}

/* The same names in several certificates: told once for each name and certificate, unless keys or CAs tell them apart.
 */
static void names_of_several(void **state)
{
	(void)state;
	static const struct {
		const char *more; /* of certificate x */
		const char *certs; /* beside x: a.example, *.a.example, b.example */
		const char *says[3];
	} rows[] = {
		{"", "  - {names: [c.example]}\n", {NULL}},
		{"", "  - {name: y, names: [a.example]}\n", {":4:5: a.example is in the certificates x and y"}},
		{"", "  - {name: w, names: [B.example., \"*.a.example\"]}\n",
			{":3:5: *.a.example is in the certificates w and x", "b.example is in"}},
		{"", "  - {name: y, names: [b.example]}\n  - {name: z, names: [b.example]}\n",
			{"certificates x and y", "certificates x and z"}},
		{", key: rsa2048", "  - {name: y, names: [b.example]}\n  - {name: z, names: [b.example]}\n",
			{"certificates y and z"}},
		{", ca: google", "  - {name: y, names: [b.example], ca: letsencrypt}\n", {NULL}},
		{", ca: [google, letsencrypt]", "  - {name: y, names: [b.example], ca: letsencrypt}\n",
			{"certificates x and y"}},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(xfreep)
		char *yaml = xasprintf("defaults: {ca: google}\ncertificates:\n"
				       "  - {name: x, names: [a.example, \"*.a.example\", b.example]%s}\n%s",
			rows[i].more, rows[i].certs);
		AUTO(config_freep) struct config *c = load(yaml, NULL);
		size_t before = c->warnings.n;
		config_overlaps(c, &c->warnings);
		size_t n = 0;
		for (; n < ARRAY_LEN(rows[i].says) && rows[i].says[n]; n++)
			if (before + n >= c->warnings.n || !strstr(c->warnings.v[before + n], rows[i].says[n]))
				fail_msg("row %zu: not told: %s", i, rows[i].says[n]);
		assert_int_equal(c->warnings.n - before, n);
	}
}

static void warnings_are_limited(void **state)
{
	(void)state;
	AUTO(buf_done) struct buf b = buf_make(BUF_MAX_NAMES_FILE);
	for (int i = 0; i < 150; i++)
		buf_printf(&b, "a%d.example *.github.io\n", i);
	AUTO(config_freep) struct config *c = load("cas: [google]\ncertificates: [{names_file: f.txt}]\n", buf_str(&b));
	assert_int_equal(c->warnings.n, 101);
	assert_string_equal(c->warnings.v[0],
		"/etc/perdure/f.txt:1:12: *.github.io is a wildcard of a suffix whose names "
		"have different owners; the CA may refuse it");
	assert_non_null(strstr(c->warnings.v[100], "50 more"));
}

/* --- with files --- */

static int make_dir(void **state)
{
	char path[] = "/tmp/perdure-config-XXXXXX";
	if (!mkdtemp(path))
		return -1;
	*state = xstrdup(path);
	return 0;
}

static int remove_dir(void **state)
{
	struct err e = {0};
	int r = fs_remove_tree(*state, &e);
	free(*state);
	return r;
}

static void put(const char *dir, const char *name, const char *text)
{
	struct err e = {0};
	AUTO(xfreep) char *path = xasprintf("%s/%s", dir, name);
	AUTO(xfreep) char *up = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	assert_int_equal(fs_mkdirs(up, 0755, &e), 0);
	assert_int_equal(fs_write_atomic(path, text, strlen(text), 0644, &e), 0);
}

static void merged_files(void **state)
{
	const char *dir = *state;
	AUTO(xfreep) char *path = xasprintf("%s/p.yaml", dir);
	struct err e = {0};
	AUTO(config_freep) struct config *c = NULL;
	put(dir, "p.yaml", "cas: [google]\ndns: {timeout: 5s}\ncertificates: [{names: a.example}]\n");
	put(dir, "conf.d/20-b.yaml", "certificates: [{names_file: b.txt}]\ndefaults: {ca: google}\n");
	put(dir, "conf.d/b.txt", "b.example\n");
	put(dir, "conf.d/10-c.yaml", "cas: [zerossl]\ndns: {hints: 192.0.2.1}\ncertificates: [{names: c.example}]\n");
	put(dir, "conf.d/.hidden.yaml", "x: y\n");
	put(dir, "conf.d/other.txt", "x: y\n");
	if (config_load(path, &c, &e))
		fail_msg("%s", e.msg);
	assert_string_equal(c->path, path);
	assert_int_equal(c->n_cas, 2);
	assert_int_equal(c->n_certs, 3);
	assert_int_equal(c->dns.timeout_ms, 5000);
	assert_list(&c->dns.hints, "192.0.2.1");
	assert_list(&config_find_cert(c, "b.example")->cas, "google");
	assert_int_equal(c->files.n, 4);

	struct config *none = NULL;
	put(dir, "conf.d/30.yaml", "dns:\n  timeout: 6s\n");
	assert_int_equal(config_load(path, &none, &e), -1);
	AUTO(xfreep) char *both = xasprintf("%s/conf.d/30.yaml:2:3: dns.timeout is set already, at %s:2:16", dir, path);
	assert_string_equal(e.msg, both);
	err_done(&e);
	put(dir, "conf.d/30.yaml", "certificates:\n  - names: a.example\n");
	assert_int_equal(config_load(path, &none, &e), -1);
	assert_non_null(strstr(e.msg, "'a.example' is given already"));
	assert_non_null(strstr(e.msg, "conf.d/30.yaml:2:5"));
	assert_non_null(strstr(e.msg, "p.yaml:3:16"));
	err_done(&e);
	put(dir, "conf.d/30.yaml", "cas: [google]\n");
	assert_int_equal(config_load(path, &none, &e), -1);
	assert_non_null(strstr(e.msg, "conf.d/30.yaml:1:7: the CA 'google' is given already"));
	err_done(&e);
}

static void files_that_cannot_be_read(void **state)
{
	const char *dir = *state;
	AUTO(xfreep) char *path = xasprintf("%s/p.yaml", dir);
	struct err e = {0};
	struct config *c = NULL;
	assert_int_equal(config_load(path, &c, &e), -1);
	assert_int_equal(e.kind, ERR_SYS);
	assert_int_equal(e.code, ENOENT);
	assert_non_null(strstr(e.msg, path));
	assert_non_null(strstr(e.hint, "perdure init"));
	err_done(&e);
	assert_int_equal(config_load(dir, &c, &e), -1);
	assert_int_equal(e.kind, ERR_SYS);
	err_done(&e);
	AUTO(buf_done) struct buf b = buf_make(BUF_MAX_CONFIG + 100);
	while (b.n <= BUF_MAX_CONFIG)
		buf_puts(&b, "# a long comment\n");
	put(dir, "p.yaml", buf_str(&b));
	assert_int_equal(config_load(path, &c, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	err_done(&e);
	assert_null(c);
}

static void relative_paths(void **state)
{
	const char *dir = *state;
	struct err e = {0};
	AUTO(config_freep) struct config *c = NULL;
	put(dir, "p.yaml", "state_dir: s\n");
	put(dir, "sub/p.yaml", "state_dir: s\n");
	AUTO(xfreep) char *cwd = getcwd(NULL, 0);
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(config_load("p.yaml", &c, &e), 0);
	AUTO(xfreep) char *want = xasprintf("%s/s", dir);
	assert_string_equal(c->state_dir, want);
	/* Programs that are started elsewhere are told of it. */
	AUTO(xfreep) char *itself = xasprintf("%s/p.yaml", dir);
	assert_string_equal(c->path, itself);
	AUTO(config_freep) struct config *sub = NULL;
	assert_int_equal(config_load("sub/p.yaml", &sub, &e), 0);
	AUTO(xfreep) char *want_sub = xasprintf("%s/sub/s", dir);
	assert_string_equal(sub->state_dir, want_sub);
	assert_int_equal(chdir(cwd), 0);
}

static void secrets_stay_closed(void **state)
{
	const char *dir = *state;
	AUTO(xfreep) char *path = xasprintf("%s/p.yaml", dir);
	struct err e = {0};
	AUTO(config_freep) struct config *c = NULL;
	/* The file does not exist, so a look at it would fail. */
	put(dir, "p.yaml", "cas: [{name: google, eab: {kid: k, hmac_key_file: gone}, ca_bundle: gone.pem}]\n");
	assert_int_equal(config_load(path, &c, &e), 0);
	AUTO(xfreep) char *want = xasprintf("%s/gone", dir);
	assert_string_equal(c->cas[0].eab_hmac_key_file, want);
}

static void default_paths(void **state)
{
	(void)state;
	setenv("HOME", "/home/u", 1);
	setenv("PERDURE_CONFIG", "rel/x.yaml", 1);
	AUTO(xfreep) char *given = config_default_path();
	assert_string_equal(given, "rel/x.yaml");
	unsetenv("PERDURE_CONFIG");
	setenv("XDG_CONFIG_HOME", "/home/u/conf", 1);
	setenv("XDG_STATE_HOME", "/home/u/state", 1);
	bool root = geteuid() == 0;
	/* As another user for a moment: the paths depend on the effective user. */
	if (root)
		assert_int_equal(seteuid(65534), 0);
	AUTO(xfreep) char *xdg = config_default_path();
	AUTO(xfreep) char *xdg_state = config_default_state_dir();
	setenv("XDG_CONFIG_HOME", "relative", 1);
	unsetenv("XDG_STATE_HOME");
	AUTO(xfreep) char *home = config_default_path();
	AUTO(xfreep) char *home_state = config_default_state_dir();
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_string_equal(xdg, "/home/u/conf/perdure/perdure.yaml");
	assert_string_equal(xdg_state, "/home/u/state/perdure");
	assert_string_equal(home, "/home/u/.config/perdure/perdure.yaml");
	assert_string_equal(home_state, "/home/u/.local/state/perdure");
	if (!root)
		return;
	AUTO(xfreep) char *etc = config_default_path();
	AUTO(xfreep) char *var = config_default_state_dir();
	assert_string_equal(etc, "/etc/perdure/perdure.yaml");
	assert_string_equal(var, "/var/lib/perdure");
}

static void webroots(void **state)
{
	(void)state;
	struct config *c = load("cas: [letsencrypt]\n"
				"http: {webroot: www, user: http}\n"
				"certificates:\n"
				"  - {names: a.example, validation: http-01}\n"
				"  - {names: b.example, http: {webroot: /srv/b}}\n",
		NULL);
	assert_string_equal(c->certs[0].webroot, "/etc/perdure/www");
	assert_int_equal(c->certs[0].validation, CONFIG_VALIDATION_HTTP);
	assert_string_equal(c->certs[1].webroot, "/srv/b");
	assert_string_equal(c->http.user, "http");
	config_free(c);
	c = load("cas: [letsencrypt]\nhttp: {listen: \"::@8080\"}\ncertificates:\n  - {names: a.example}\n", NULL);
	assert_null(c->certs[0].webroot);
	assert_string_equal(c->http.listen, "::@8080");
	assert_string_equal(c->http.user, "nobody");
	config_free(c);
}

static void delegations(void **state)
{
	(void)state;
	AUTO(config_freep)
	struct config *c = load(
		"cas: [letsencrypt]\n"
		"providers: [{name: p, type: rfc2136, server: 192.0.2.1}]\n"
		"delegation: {zone: Acme.Example.Net., txt_ttl: 60s}\n"
		"certificates:\n"
		"  - {names: a.example, validation: delegation}\n"
		"  - {names: b.example, delegation: {shared: true, keep: true}}\n"
		"  - {names: c.example, validation: dns-01, delegation: {name: _x.acme.example.net, cname_ttl: 1h}}\n"
		"  - {names: d.example, delegation: {zone: other.example, values: 4, wait: 5s, follow: true}}\n",
		NULL);
	const struct config_delegation *d = c->certs[0].delegation;
	assert_int_equal(c->certs[0].validation, CONFIG_VALIDATION_DELEGATION);
	assert_ptr_equal(d, &c->delegation);
	assert_string_equal(d->zone, "acme.example.net");
	assert_null(d->name);
	assert_int_equal(d->cname_ttl, 86400);
	assert_int_equal(d->txt_ttl, 60);
	assert_int_equal(d->values_max, 40);
	assert_int_equal(d->wait_ms, 600000);
	assert_false(d->keep);
	d = c->certs[1].delegation;
	assert_string_equal(d->name, "_acme.acme.example.net");
	assert_true(d->keep);
	assert_int_equal(d->txt_ttl, 60);
	d = c->certs[2].delegation;
	assert_int_equal(c->certs[2].validation, CONFIG_VALIDATION_DNS);
	assert_string_equal(d->name, "_x.acme.example.net");
	assert_int_equal(d->cname_ttl, 3600);
	d = c->certs[3].delegation;
	assert_string_equal(d->zone, "other.example");
	assert_int_equal(d->values_max, 4);
	assert_int_equal(d->wait_ms, 5000);
	assert_true(d->follow);
	assert_int_equal(c->warnings.n, 0);
}

static void delegations_to_accounts(void **state)
{
	(void)state;
	AUTO(config_freep)
	struct config *c = load("cas: [letsencrypt]\n"
				"providers: [{name: a, type: acme-dns, url: \"https://auth.example\", zones: "
				"auth.example, accounts_file: /f}]\n"
				"delegation: {provider: a, keep: true}\n"
				"certificates:\n"
				"  - {names: a.example, validation: delegation}\n"
				"  - {names: b.example, delegation: {shared: true}}\n"
				"  - {names: c.example, delegation: {zone: other.example}}\n",
		NULL);
	const struct config_delegation *d = c->certs[0].delegation;
	assert_ptr_equal(d->provider, &c->providers[0]);
	assert_false(d->one_account);
	assert_null(d->zone);
	d = c->certs[1].delegation;
	assert_ptr_equal(d->provider, &c->providers[0]);
	assert_true(d->one_account);
	assert_true(d->keep);
	d = c->certs[2].delegation;
	assert_null(d->provider);
	assert_string_equal(d->zone, "other.example");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_files),
		cmocka_unit_test(everything),
		cmocka_unit_test(presets),
		cmocka_unit_test(one_ca_is_the_default),
		cmocka_unit_test(plain_scalars_as_text),
		cmocka_unit_test(names_files),
		cmocka_unit_test(many_names),
		cmocka_unit_test(names_of_several),
		cmocka_unit_test(warnings_are_limited),
		cmocka_unit_test(delegations),
		cmocka_unit_test(delegations_to_accounts),
		cmocka_unit_test(webroots),
		cmocka_unit_test_setup_teardown(merged_files, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(files_that_cannot_be_read, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(relative_paths, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(secrets_stay_closed, make_dir, remove_dir),
		cmocka_unit_test(default_paths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
