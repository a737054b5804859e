/*
 * acmesh.c: ~/.acme.sh: DOMAIN[_ecc]/DOMAIN.{conf,cer,key}, ca.cer, fullchain.cer; ca/HOST/PATH/{account.key,
 * account.json,ca.conf}; account.conf. The .conf files are shell scripts of assignments.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "migrate/assign.h"
#include "migrate/found.h"
#include "migrate/source.h"
#include "json/json.h"

enum { DEPTH_MAX = 8, VALUE_MAX = 64 << 10 };

/* Values with characters that a shell minds are wrapped. Heap string, "" when it is absent. */
static char *unwrap(const struct assign *a, const char *name)
{
	static const char head[] = "__ACME_BASE64__START_", tail[] = "__ACME_BASE64__END_";
	const char *v = assign_get(a, name);
	size_t n = v ? strlen(v) : 0;
	if (n < sizeof(head) + sizeof(tail) - 2 || memcmp(v, head, sizeof(head) - 1) != 0 ||
		strcmp(v + n - (sizeof(tail) - 1), tail) != 0)
		return xstrdup(v ? v : "");
	struct err e = {0};
	AUTO(buf_done) struct buf out = buf_make(VALUE_MAX);
	if (codec_b64_decode(&out, v + sizeof(head) - 1, n - (sizeof(head) - 1) - (sizeof(tail) - 1), &e)) {
		err_done(&e);
		return xstrdup(v);
	}
	return xstrdup(buf_str(&out));
}

/* ca/HOST/PATH of a directory URL: its host without the port, and its path. */
static char *account_of(const char *directory)
{
	const char *host = strstr(directory, "://");
	host = host ? host + 3 : directory;
	size_t n = strcspn(host, ":/");
	const char *path = strchr(host, '/');
	return xasprintf("%.*s%s", (int)n, host, path ? path : "");
}

/* ---- a certificate ---- */

static const char *key_type_of(const char *length)
{
	static const char *const types[][2] = {{"ec-256", "ec256"}, {"ec-384", "ec384"}, {"2048", "rsa2048"},
		{"3072", "rsa3072"}, {"4096", "rsa4096"}};
	for (size_t i = 0; length && i < ARRAY_LEN(types); i++)
		if (!strcmp(length, types[i][0]))
			return types[i][1];
	return NULL;
}

static void read_hooks(struct migrate_lineage *l, const struct assign *a, const char *path)
{
	static const char *const hooks[][2] = {{"Le_PreHook", "before"}, {"Le_ReloadCmd", "deploy"},
		{"Le_RenewHook", "deploy"}, {"Le_PostHook", "after"}};
	static const char *const copies[][2] = {{"Le_RealKeyPath", "privkey.pem"}, {"Le_RealCertPath", "cert.pem"},
		{"Le_RealCACertPath", "chain.pem"}, {"Le_RealFullChainPath", "fullchain.pem"}};
	for (size_t i = 0; i < ARRAY_LEN(hooks); i++) {
		AUTO(xfreep) char *command = unwrap(a, hooks[i][0]);
		found_hook(l, hooks[i][1], command, path);
	}
	for (size_t i = 0; i < ARRAY_LEN(copies); i++) {
		AUTO(xfreep) char *to = unwrap(a, copies[i][0]);
		found_copy(l, copies[i][1], to);
	}
	AUTO(xfreep) char *deploy = unwrap(a, "Le_DeployHook");
	if (*deploy)
		found_lineage_note(
			l, "acme.sh's own deploy hook \"%s\" installs it; its settings are in %s", deploy, path);
}

static void read_pair(struct migrate_lineage *l, const char *dir, const char *domain)
{
	AUTO(xfreep) char *key_at = xasprintf("%s/%s.key", dir, domain);
	AUTO(xfreep) char *cert_at = xasprintf("%s/%s.cer", dir, domain);
	AUTO(xfreep) char *chain_at = xasprintf("%s/ca.cer", dir);
	AUTO(xfreep) char *full_at = xasprintf("%s/fullchain.cer", dir);
	/* The key last: a reader that opens both in between finds them to match all the same, being the same pair. */
	AUTO(xfreep) char *full = source_place(l, full_at, "fullchain.pem");
	AUTO(xfreep) char *cert = source_place(l, cert_at, "cert.pem");
	AUTO(xfreep) char *chain = source_place(l, chain_at, "chain.pem");
	AUTO(xfreep) char *key = source_place(l, key_at, "privkey.pem");
	struct source_pair p = {.key = key, .fullchain = full, .cert = cert, .chain = chain};
	source_pair(l, &p);
}

/* Names of other forms than DNS in Le_Alt ("no" is none). */
static void read_names(struct migrate_lineage *l, const struct assign *a)
{
	const char *first = assign_get(a, "Le_Domain"), *more = assign_get(a, "Le_Alt");
	found_names(l, first ? first : "");
	if (more && strcmp(more, "no") != 0)
		found_names(l, more);
}

static void read_domain(struct migrate_found *f, const char *dir, const char *id, const char *domain)
{
	AUTO(assign_done) struct assign a = {0};
	AUTO(xfreep) char *path = xasprintf("%s/%s.conf", dir, domain);
	struct migrate_lineage *l = found_lineage(f, id, strncmp(domain, "*.", 2) ? domain : domain + 2);
	struct err e = {0};
	if (assign_read(path, &a, &f->notes, &e)) {
		found_set_error(&l->problem, &e);
		return;
	}
	AUTO(xfreep) char *chain = unwrap(&a, "Le_Preferred_Chain");
	AUTO(xfreep) char *method = unwrap(&a, "Le_Webroot");
	found_set(&l->directory, assign_get(&a, "Le_API"));
	AUTO(xfreep) char *account = account_of(l->directory);
	found_set(&l->account, account);
	found_set(&l->preferred_chain, chain);
	found_set(&l->profile, assign_get(&a, "Le_CertificateProfile"));
	found_set(&l->method, method);
	l->key_type = key_type_of(assign_get(&a, "Le_Keylength"));
	l->reuse_key = assign_get(&a, "Le_ForceNewDomainKey") && !strcmp(assign_get(&a, "Le_ForceNewDomainKey"), "0");
	l->must_staple = assign_get(&a, "Le_OCSP_Staple") && !strcmp(assign_get(&a, "Le_OCSP_Staple"), "1");
	read_names(l, &a);
	read_hooks(l, &a, path);
	read_pair(l, dir, domain);
}

/* DOMAIN_ecc holds DOMAIN.conf. */
static int read_domains(struct migrate_found *f, struct err *e)
{
	AUTO(strv_done) struct strv entries = {0};
	if (source_list(f->path, &entries, e))
		return -1;
	for (size_t i = 0; i < entries.n; i++) {
		const char *id = entries.v[i];
		size_t n = strlen(id);
		AUTO(xfreep) char *dir = xasprintf("%s/%s", f->path, id);
		AUTO(xfreep) char *whole = xasprintf("%s/%s.conf", dir, id);
		AUTO(xfreep) char *bare = xstrndup(id, n > 4 && !strcmp(id + n - 4, "_ecc") ? n - 4 : n);
		AUTO(xfreep) char *conf = xasprintf("%s/%s.conf", dir, bare);
		if (fs_exists(whole))
			read_domain(f, dir, id, id);
		else if (fs_exists(conf))
			read_domain(f, dir, id, bare);
	}
	return 0;
}

/* ---- an account ---- */

static void read_contact(struct migrate_account *a, const char *dir)
{
	AUTO(xfreep) char *path = xasprintf("%s/account.json", dir);
	AUTO(buf_done) struct buf text = buf_make(BUF_MAX_SMALL_FILE);
	AUTO(json_freep) struct json *o = NULL;
	AUTO(strv_done) struct strv contact = {0};
	struct err ignored = {0};
	/* Only contacts are in it, which the CA knows too. */
	if (!fs_read_regular(path, &text, &ignored) && !json_parse(buf_str(&text), text.n, path, &o, &ignored) &&
		!json_opt_strv(o, "contact", 10, &contact, &ignored))
		for (size_t i = 0; i < contact.n; i++)
			found_contact(a, contact.v[i]);
	err_done(&ignored);
}

static void read_account(struct migrate_found *f, const char *dir, const char *id)
{
	AUTO(assign_done) struct assign conf = {0};
	AUTO(xfreep) char *key = xasprintf("%s/account.key", dir);
	AUTO(xfreep) char *path = xasprintf("%s/ca.conf", dir);
	struct migrate_account *a = found_account(f, id);
	struct err e = {0};
	free(a->directory);
	a->directory = xasprintf("https://%s", id);
	for (size_t i = 0; i < f->n_lineages; i++)
		if (!strcmp(f->lineages[i].account, id) && *f->lineages[i].directory)
			found_set(&a->directory, f->lineages[i].directory);
	if (assign_read(path, &conf, &f->notes, &e)) {
		found_note(f, "%s; the CA can be asked for the account by its key", e.msg);
		err_done(&e);
	}
	found_set(&a->url, assign_get(&conf, "ACCOUNT_URL"));
	found_contact(a, assign_get(&conf, "CA_EMAIL"));
	read_contact(a, dir);
	source_account_key(a, key, false);
}

static int read_accounts(struct migrate_found *f, const char *id, int depth, struct err *e)
{
	AUTO(strv_done) struct strv entries = {0};
	AUTO(xfreep) char *dir = xasprintf("%s/ca%s%s", f->path, *id ? "/" : "", id);
	AUTO(xfreep) char *key = xasprintf("%s/account.key", dir);
	AUTO(xfreep) char *conf = xasprintf("%s/ca.conf", dir);
	if (!source_is_dir(dir) || depth > DEPTH_MAX)
		return 0;
	if (fs_exists(key) || fs_exists(conf))
		read_account(f, dir, id);
	if (source_list(dir, &entries, e))
		return -1;
	for (size_t i = 0; i < entries.n; i++) {
		AUTO(xfreep) char *deeper = xasprintf("%s%s%s", id, *id ? "/" : "", entries.v[i]);
		if (read_accounts(f, deeper, depth + 1, e))
			return -1;
	}
	return 0;
}

static void read_main(struct migrate_found *f, const char *path)
{
	AUTO(assign_done) struct assign a = {0};
	struct err e = {0};
	if (assign_read(path, &a, &f->notes, &e)) {
		found_note(f, "%s", e.msg);
		err_done(&e);
	}
	for (size_t i = 0; i < a.names.n; i++)
		if (!strncmp(a.names.v[i], "SAVED_", 6))
			found_note(f,
				"%s: %s is a setting of a DNS provider's script; standing records need no DNS "
				"credentials here, so it is not taken",
				path, a.names.v[i]);
	if (assign_get(&a, "NOTIFY_HOOK"))
		found_note(f, "%s: notifications go through \"%s\", which is not taken", path,
			assign_get(&a, "NOTIFY_HOOK"));
}

int acmesh_read(struct migrate_found *f, struct err *e)
{
	AUTO(xfreep) char *main_conf = xasprintf("%s/account.conf", f->path);
	AUTO(xfreep) char *ca = xasprintf("%s/ca", f->path);
	if (!fs_exists(main_conf) && !source_is_dir(ca)) {
		err_set(e, ERR_USAGE, "%s is no folder of acme.sh: it has neither account.conf nor ca", f->path);
		err_hint(e, "name the folder that acme.sh keeps certificates in (its --home or --config-home): "
			    "perdure migrate acme.sh PATH");
		return -1;
	}
	if (fs_exists(main_conf))
		read_main(f, main_conf);
	return read_domains(f, e) || read_accounts(f, "", 0, e) ? -1 : 0;
}
