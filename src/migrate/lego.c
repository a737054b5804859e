/*
 * lego.c: .lego: accounts/HOST/ID/account.json with the key beside it (version 5) or in keys/ (version 4),
 * certificates/NAME.{json,crt,key,issuer.crt}. HOST has "_" for ":"; only version 5 keeps the directory's URL.
 */
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "migrate/found.h"
#include "migrate/source.h"
#include "json/json.h"

/* ---- accounts ---- */

static int read_registration(struct migrate_account *a, const char *path, struct err *e)
{
	AUTO(buf_done) struct buf text = buf_make(BUF_MAX_SMALL_FILE);
	AUTO(json_freep) struct json *o = NULL;
	AUTO(strv_done) struct strv contact = {0};
	const char *server, *email, *uri, *location;
	if (fs_read_regular(path, &text, e) || json_parse(buf_str(&text), text.n, path, &o, e))
		return -1;
	if (json_opt_str(o, "server", &server, e) || json_opt_str(o, "email", &email, e))
		return err_ctx(e, "%s", path);
	found_set(&a->directory, server);
	found_contact(a, email);
	const struct json *reg = json_get(o, "registration");
	if (reg && json_is_object(reg)) {
		if (json_opt_str(reg, "uri", &uri, e) || json_opt_str(reg, "accountURL", &location, e))
			return err_ctx(e, "%s", path);
		found_set(&a->url, uri ? uri : location);
		const struct json *body = json_get(reg, "body");
		if (body && json_is_object(body) && json_opt_strv(body, "contact", 10, &contact, e))
			return err_ctx(e, "%s", path);
	}
	for (size_t i = 0; i < contact.n; i++)
		found_contact(a, contact.v[i]);
	return 0;
}

static void read_account(struct migrate_found *f, const char *server, const char *id)
{
	AUTO(xfreep) char *dir = xasprintf("%s/accounts/%s/%s", f->path, server, id);
	AUTO(xfreep) char *json = xasprintf("%s/account.json", dir);
	AUTO(xfreep) char *beside = xasprintf("%s/%s.key", dir, id);
	AUTO(xfreep) char *below = xasprintf("%s/keys/%s.key", dir, id);
	if (!source_is_dir(dir))
		return;
	struct migrate_account *a = found_account(f, id);
	struct err e = {0};
	found_set(&a->server, server);
	if (read_registration(a, json, &e)) {
		found_note(f, "%s; the CA can be asked for the account by its key", e.msg);
		err_done(&e);
	}
	source_account_key(a, fs_exists(beside) ? beside : below, false);
}

static int read_accounts(struct migrate_found *f, struct err *e)
{
	AUTO(strv_done) struct strv servers = {0};
	AUTO(xfreep) char *top = xasprintf("%s/accounts", f->path);
	if (!source_is_dir(top))
		return 0;
	if (source_list(top, &servers, e))
		return -1;
	for (size_t i = 0; i < servers.n; i++) {
		AUTO(strv_done) struct strv ids = {0};
		AUTO(xfreep) char *dir = xasprintf("%s/%s", top, servers.v[i]);
		if (!source_is_dir(dir))
			continue;
		if (source_list(dir, &ids, e))
			return -1;
		for (size_t k = 0; k < ids.n; k++)
			read_account(f, servers.v[i], ids.v[k]);
	}
	return 0;
}

/* ---- certificates ---- */

/* The host of a URL as lego writes it in names of folders. */
static char *server_of(const char *url)
{
	const char *host = strstr(url, "://");
	host = host ? host + 3 : url;
	char *s = xstrndup(host, strcspn(host, "/"));
	for (char *p = s; *p; p++)
		if (*p == ':')
			*p = '_';
	return s;
}

static void read_json(struct migrate_found *f, struct migrate_lineage *l, const char *path)
{
	AUTO(buf_done) struct buf text = buf_make(BUF_MAX_SMALL_FILE);
	AUTO(json_freep) struct json *o = NULL;
	struct err e = {0};
	const char *url = NULL, *type = NULL;
	if (fs_read_regular(path, &text, &e) || json_parse(buf_str(&text), text.n, path, &o, &e) ||
		json_opt_str(o, "certUrl", &url, &e) || json_opt_str(o, "keyType", &type, &e)) {
		found_note(f, "%s; which CA issued it is not known", e.msg);
		err_done(&e);
		return;
	}
	AUTO(xfreep) char *server = server_of(url ? url : "");
	found_set(&l->server, server);
	/* Which account it was is not kept; with several at one CA the first one counts. */
	for (size_t i = f->n_accounts; i-- > 0;)
		if (*server && !strcmp(f->accounts[i].server, server)) {
			found_set(&l->account, f->accounts[i].id);
			found_set(&l->directory, f->accounts[i].directory);
		}
}

static void read_certificate(struct migrate_found *f, const char *stem)
{
	AUTO(xfreep) char *base = xasprintf("%s/certificates/%s", f->path, stem);
	AUTO(xfreep) char *json = xasprintf("%s.json", base);
	AUTO(xfreep) char *full_at = xasprintf("%s.crt", base);
	AUTO(xfreep) char *chain_at = xasprintf("%s.issuer.crt", base);
	AUTO(xfreep) char *key_at = xasprintf("%s.key", base);
	AUTO(xfreep) char *both_at = xasprintf("%s.pem", base);
	AUTO(xfreep) char *pfx = xasprintf("%s.pfx", base);
	struct migrate_lineage *l = found_lineage(f, stem, strncmp(stem, "_.", 2) ? stem : stem + 2);
	read_json(f, l, json);
	AUTO(xfreep) char *full = source_place(l, full_at, "fullchain.pem");
	AUTO(xfreep) char *chain = source_place(l, chain_at, "chain.pem");
	AUTO(xfreep) char *both = fs_exists(both_at) ? source_place(l, both_at, "combined.pem") : NULL;
	AUTO(xfreep) char *key = source_place(l, key_at, "privkey.pem");
	if (fs_exists(pfx))
		found_lineage_note(l, "%s is made by lego (PKCS#12); nothing here will bring it up to date", pfx);
	struct source_pair p = {.key = key, .fullchain = full};
	source_pair(l, &p);
}

/* A certificate is what has a .json or a .crt, of which one may be lost. */
static int read_certificates(struct migrate_found *f, struct err *e)
{
	AUTO(strv_done) struct strv files = {0}, stems = {0};
	AUTO(xfreep) char *dir = xasprintf("%s/certificates", f->path);
	if (!source_is_dir(dir))
		return 0;
	if (source_list(dir, &files, e))
		return -1;
	for (size_t i = 0; i < files.n; i++) {
		const char *s = files.v[i], *dot = strrchr(s, '.');
		size_t n = dot ? (size_t)(dot - s) : 0;
		bool issuer = n > 7 && !memcmp(dot - 7, ".issuer", 7);
		if (n && !issuer && (!strcmp(dot, ".json") || !strcmp(dot, ".crt")))
			strv_add_take(&stems, xstrndup(s, n));
	}
	strv_sort_unique(&stems);
	for (size_t i = 0; i < stems.n; i++)
		read_certificate(f, stems.v[i]);
	return 0;
}

int lego_read(struct migrate_found *f, struct err *e)
{
	AUTO(xfreep) char *accounts = xasprintf("%s/accounts", f->path);
	AUTO(xfreep) char *certificates = xasprintf("%s/certificates", f->path);
	if (!source_is_dir(accounts) && !source_is_dir(certificates)) {
		err_set(e, ERR_USAGE, "%s is no folder of lego: it has neither accounts nor certificates", f->path);
		err_hint(e, "name the folder that lego was given with --path: perdure migrate lego PATH");
		return -1;
	}
	if (read_accounts(f, e) || read_certificates(f, e))
		return -1;
	if (f->n_lineages)
		found_note(f,
			"lego keeps neither hooks nor the way of validation: look for --run-hook, --renew-hook and "
			"--deploy-hook in the command that its timer runs");
	return 0;
}
