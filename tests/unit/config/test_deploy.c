/* test_deploy.c: deploy actions as they are read: which lists certificates have, what each kind needs, what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "memory.h"

#define HEAD "cas: [{ name: t, directory: \"https://ca.test/dir\" }]\n"

static const char text[] = HEAD
	"deploy_groups:\n"
	"  - { name: web, deploy: [{ systemd: { unit: nginx.service }, probe: { connect: \"127.0.0.1:443\" } }] }\n"
	"defaults: { deploy: [{ copy: { to: \"/srv/{name}\", mode: 0640, group: ssl-cert } }, { group: web }] }\n"
	"certificates:\n"
	"  - { names: a.example }\n"
	"  - { names: b.example, deploy: [] }\n"
	"  - { names: c.example, deploy: [{ group: web }, { command: [run, it], once: true, timeout: 5s }] }\n"
	"  - { names: d.example, deploy: [{ pem: { to: d.pem, order: [cert, key] }, optional: true },\n"
	"      { copy: { key: /k, fullchain: /f, combined: /c } }, { probe: { connect: \"[::1]:25\", sni: x } }] }\n"
	"  - { names: e.example, deploy: [{ certbot_hooks: { directory: hooks, shell: \"a b\" } }, { lego_hook: /x },\n"
	"      { pkcs12: { to: /p, password_file: /w } }, { kubernetes: { secret: s } }, { shell: \"x; y\" }] }\n";

static const struct config_deploy_list *list_of(const struct config *c, const char *name)
{
	const struct config_cert *cert = config_find_cert(c, name);
	assert_non_null(cert);
	return cert->deploy;
}

static void load(struct config **ret)
{
	struct err e = {0};
	if (memory_load(text, NULL, ret, &e))
		fail_msg("%s", e.msg);
}

static void lists(void **state)
{
	AUTO(config_freep) struct config *c = NULL;
	(void)state;
	load(&c);
	const struct config_deploy_list *a = list_of(c, "a.example"), *other = list_of(c, "c.example");
	assert_int_equal(a->n, 2);
	assert_string_equal(a->v[0]->label, "copy /srv/{name}/privkey.pem /srv/{name}/fullchain.pem");
	assert_int_equal(a->v[0]->mode, 0640);
	assert_int_equal(a->v[0]->cert_mode, 0644);
	assert_string_equal(a->v[0]->make_dir, "/srv/{name}");
	assert_string_equal(a->v[0]->group, "ssl-cert");
	assert_null(a->v[0]->owner);
	assert_string_equal(a->v[1]->label, "systemd reload nginx.service");
	assert_true(a->v[1]->once);
	assert_string_equal(a->v[1]->probe_connect, "127.0.0.1:443");
	assert_int_equal(a->v[1]->probe_timeout_ms, 30000);
	assert_null(list_of(c, "b.example"));
	assert_int_equal(other->n, 2);
	assert_ptr_equal(other->v[0], a->v[1]);
	assert_string_equal(other->v[1]->label, "command run it");
	assert_true(other->v[1]->once);
	assert_int_equal(other->v[1]->timeout_ms, 5000);
	assert_string_not_equal(other->v[0]->id, other->v[1]->id);
}

static void kinds(void **state)
{
	AUTO(config_freep) struct config *c = NULL;
	(void)state;
	load(&c);
	const struct config_deploy_list *d = list_of(c, "d.example"), *more = list_of(c, "e.example");
	assert_string_equal(d->v[0]->files[0].to, "/etc/perdure/d.pem");
	assert_string_equal(d->v[0]->parts.v[0], "cert");
	assert_true(d->v[0]->optional);
	/* Files with the key come first, whatever their order in the configuration. */
	assert_int_equal(d->v[1]->n_files, 3);
	assert_string_equal(d->v[1]->files[0].part, "privkey.pem");
	assert_string_equal(d->v[1]->files[1].part, "combined.pem");
	assert_string_equal(d->v[1]->files[2].to, "/f");
	assert_int_equal(d->v[2]->kind, CONFIG_DEPLOY_PROBE);
	assert_string_equal(d->v[2]->probe_sni, "x");
	assert_int_equal(more->n, 5);
	assert_string_equal(more->v[0]->directory, "/etc/perdure/hooks");
	assert_string_equal(more->v[1]->argv.v[0], "/x");
	assert_int_equal(more->v[1]->timeout_ms, 120000);
	assert_int_equal(more->v[2]->mode, 0600);
	assert_false(more->v[2]->legacy);
	assert_null(more->v[3]->server);
	assert_string_equal(more->v[4]->shell, "x; y");
	for (size_t i = 0; i < more->n; i++)
		assert_int_equal(strlen(more->v[i]->id), 16);
	assert_string_equal(config_deploy_kind_name(more->v[3]->kind), "kubernetes");
}

/* What an action does is its identity, when and how long it runs is not. */
static void identity(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} table[] = {
		{"command: [x]", "command: [x], timeout: 9s", true},
		{"command: [x]", "command: [x], optional: true, probe: { connect: \"h:1\" }", true},
		{"command: [x]", "command: [x], once: true", false},
		{"command: [x]", "command: [x, y]", false},
		{"command: [x, y]", "command: [xy]", false},
		{"command: [x]", "shell: x", false},
		{"systemd: { unit: u }", "systemd: { unit: u, action: restart }", false},
		{"copy: { key: /k }", "copy: { key: /k, mode: 0400 }", false},
		{"copy: { key: /k }", "copy: { cert: /k }", false},
		{"probe: { connect: \"h:1\" }", "probe: { connect: \"h:2\" }", false},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		AUTO(config_freep) struct config *c = NULL;
		struct err e = {0};
		AUTO(xfreep)
		char *yaml = xasprintf(HEAD "certificates: [{ names: a.example, deploy: [{ %s }] }, "
					    "{ names: b.example, deploy: [{ %s }] }]\n",
			table[i].a, table[i].b);
		if (memory_load(yaml, NULL, &c, &e))
			fail_msg("%s: %s", yaml, e.msg);
		const char *a = list_of(c, "a.example")->v[0]->id, *b = list_of(c, "b.example")->v[0]->id;
		assert_int_equal(!strcmp(a, b), table[i].same);
	}
}

static void refused(void **state)
{
	static const struct {
		const char *list, *says;
	} table[] = {
		{"[{ command: [x], shell: y }]", "two things"},
		{"[{ timeout: 5s }]", "does nothing"},
		{"[{ group: web }]", "no deploy group 'web'"},
		{"[{ command: [bin/x] }]", "relative path"},
		{"[{ command: [x] }, { command: [x] }]", "stands twice"},
		{"[{ systemd: { action: reload } }]", "systemd needs unit"},
		{"[{ systemd: { unit: -x } }]", "not the name of a unit"},
		{"[{ systemd: { unit: x, action: stop } }]", "'stop'"},
		{"[{ systemd: { unit: x }, once: false }]", "once does not go with systemd"},
		{"[{ copy: { key: /k }, env: [HOME] }]", "env does not go with copy"},
		{"[{ copy: { owner: root } }]", "does not say where to"},
		{"[{ copy: { files: [privkey.pem], key: /k } }]", "no directory"},
		{"[{ copy: { to: /d, files: [key.pem] } }]", "no file 'key.pem'"},
		{"[{ copy: { key: /k, mode: 0644 } }]", "give everybody rights"},
		{"[{ copy: { key: /k, mode: rw } }]", "'rw' is not the rights"},
		{"[{ copy: { key: /k, mode: 01777 } }]", "is not the rights"},
		{"[{ pem: { to: /p, mode: 0604 } }]", "give everybody rights"},
		{"[{ pem: { to: /p, order: [key, key] } }]", "stands twice"},
		{"[{ pkcs12: { to: /p } }]", "pkcs12 needs password_file"},
		{"[{ kubernetes: { namespace: x } }]", "kubernetes needs secret"},
		{"[{ kubernetes: { secret: x, server: \"http://h\" } }]", "not an https URL"},
		{"[{ certbot_hooks: {} }]", "names no hook"},
		{"[{ probe: { sni: x } }]", "probe needs connect"},
		{"[{ probe: { connect: h } }]", "has no port"},
		{"[{ probe: { connect: \"::1:443\" } }]", "is not HOST:PORT"},
		{"{ command: [x] }", "must be a list"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		AUTO(config_freep) struct config *c = NULL;
		struct err e = {0};
		AUTO(xfreep)
		char *yaml = xasprintf(HEAD "certificates: [{ names: a.example, deploy: %s }]\n", table[i].list);
		if (!memory_load(yaml, NULL, &c, &e) || !strstr(e.msg, table[i].says))
			fail_msg("%s: %s", table[i].list, e.msg);
		assert_int_equal(e.kind, ERR_CONFIG);
		err_done(&e);
	}
}

static void pem_without_key(void **state)
{
	AUTO(config_freep) struct config *c = NULL;
	struct err e = {0};
	(void)state;
	/* Certificates are public. */
	if (memory_load(HEAD
		    "certificates: [{ names: a.example, deploy: [{ pem: { to: /p, order: [fullchain], mode: 644 } },"
		    " { copy: { cert: /c, mode: 0644 } }] }]\n",
		    NULL, &c, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(list_of(c, "a.example")->v[0]->mode, 0644);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),
		cmocka_unit_test(kinds),
		cmocka_unit_test(identity),
		cmocka_unit_test(refused),
		cmocka_unit_test(pem_without_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
