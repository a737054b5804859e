/*
 * dehydrated.c: config and conf.d/ *.sh (shell scripts of assignments), domains.txt, accounts/BASE64(URL)/, certs/NAME/
 * with a config of its own.
 */
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

struct where {
	struct migrate_found *f;
	struct assign conf;
	char *base; /* where certs/ and accounts/ are */
	char *certs;
	char *directory; /* URL of the CA's directory */
};

static void where_done(struct where *w)
{
	assign_done(&w->conf);
	xfreep(&w->base);
	xfreep(&w->certs);
	xfreep(&w->directory);
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);
	return n > m && !strcmp(s + n - m, end);
}

static void read_conf(struct where *w, const char *path)
{
	struct err e = {0};
	if (fs_exists(path) && assign_read(path, &w->conf, &w->f->notes, &e)) {
		found_note(w->f, "%s", e.msg);
		err_done(&e);
	}
}

static void read_conf_d(struct where *w)
{
	AUTO(strv_done) struct strv files = {0};
	AUTO(xfreep) char *own = xasprintf("%s/conf.d", w->f->path);
	const char *dir = assign_get(&w->conf, "CONFIG_D") ? assign_get(&w->conf, "CONFIG_D") : own;
	struct err e = {0};
	if (!source_is_dir(dir))
		return;
	if (source_list(dir, &files, &e)) {
		found_note(w->f, "%s", e.msg);
		err_done(&e);
	}
	for (size_t i = 0; i < files.n; i++) {
		AUTO(xfreep) char *path = xasprintf("%s/%s", dir, files.v[i]);
		if (ends_with(files.v[i], ".sh"))
			read_conf(w, path);
	}
}

/* The names that dehydrated has for CAs. */
static const char *directory_of(const char *ca)
{
	static const char *const cas[][2] = {{"letsencrypt", "https://acme-v02.api.letsencrypt.org/directory"},
		{"letsencrypt-test", "https://acme-staging-v02.api.letsencrypt.org/directory"},
		{"zerossl", "https://acme.zerossl.com/v2/DV90"},
		{"google", "https://dv.acme-v02.api.pki.goog/directory"},
		{"google-test", "https://dv.acme-v02.test-api.pki.goog/directory"},
		{"buypass", "https://api.buypass.com/acme/directory"},
		{"buypass-test", "https://api.test4.buypass.no/acme/directory"}};
	if (!ca || !*ca)
		ca = "letsencrypt";
	for (size_t i = 0; i < ARRAY_LEN(cas); i++)
		if (!strcmp(ca, cas[i][0]))
			return cas[i][1];
	return ca;
}

/* ---- accounts ---- */

static void read_json(struct where *w, const char *path, struct json **ret)
{
	AUTO(buf_done) struct buf text = buf_make(BUF_MAX_SMALL_FILE);
	struct err e = {0};
	if (fs_read_regular(path, &text, &e) || json_parse(buf_str(&text), text.n, path, ret, &e)) {
		found_note(w->f, "%s; the CA can be asked for the account by its key", e.msg);
		err_done(&e);
	}
}

static void read_account(struct where *w, const char *top, const char *id)
{
	AUTO(xfreep) char *key = xasprintf("%s/%s/account_key.pem", top, id);
	AUTO(xfreep) char *id_path = xasprintf("%s/%s/account_id.json", top, id);
	AUTO(xfreep) char *info_path = xasprintf("%s/%s/registration_info.json", top, id);
	AUTO(json_freep) struct json *ids = NULL;
	AUTO(json_freep) struct json *info = NULL;
	AUTO(strv_done) struct strv contact = {0};
	AUTO(buf_done) struct buf url = buf_make(4096);
	struct err e = {0};
	const char *account = NULL;
	if (codec_b64url_decode(&url, id, strlen(id), &e) || url.n < 8 || memcmp(url.p, "http", 4) != 0) {
		err_done(&e);
		found_note(w->f, "%s/%s: its name is not that of a CA; passed over", top, id);
		return;
	}
	struct migrate_account *a = found_account(w->f, id);
	AUTO(xfreep) char *directory = xstrndup(buf_str(&url), strcspn(buf_str(&url), "\n"));
	found_set(&a->directory, directory);
	read_json(w, id_path, &ids);
	read_json(w, info_path, &info);
	if (ids && json_opt_str(ids, "url", &account, &e))
		err_done(&e);
	found_set(&a->url, account);
	if (info && !json_opt_strv(info, "contact", 10, &contact, &e))
		for (size_t i = 0; i < contact.n; i++)
			found_contact(a, contact.v[i]);
	err_done(&e);
	source_account_key(a, key, false);
}

static int read_accounts(struct where *w, struct err *e)
{
	AUTO(strv_done) struct strv ids = {0};
	AUTO(xfreep) char *own = xasprintf("%s/accounts", w->base);
	const char *top = assign_get(&w->conf, "ACCOUNTDIR");
	if (!top || !source_is_dir(top))
		top = own;
	if (!source_is_dir(top))
		return 0;
	if (source_list(top, &ids, e))
		return -1;
	for (size_t i = 0; i < ids.n; i++)
		read_account(w, top, ids.v[i]);
	return 0;
}

/* ---- certificates ---- */

/* The certificate's own setting, else that for all. */
static const char *setting(const struct where *w, const struct assign *own, const char *name)
{
	const char *v = assign_get(own, name);
	return v ? v : assign_get(&w->conf, name);
}

static bool is_yes(const char *s)
{
	return s && !strcmp(s, "yes");
}

static const char *key_type_of(const char *algo, const char *size)
{
	if (!algo)
		return NULL;
	if (!strcmp(algo, "prime256v1"))
		return "ec256";
	if (!strcmp(algo, "secp384r1"))
		return "ec384";
	if (strcmp(algo, "rsa") != 0)
		return NULL;
	return !size || !strcmp(size, "4096") ? "rsa4096" : !strcmp(size, "3072") ? "rsa3072" : "rsa2048";
}

static void read_own(struct where *w, const char *dir, const char *alias, struct assign *ret)
{
	const char *domains_d = assign_get(&w->conf, "DOMAINS_D");
	AUTO(xfreep)
	char *path = domains_d && *domains_d ? xasprintf("%s/%s", domains_d, alias) : xasprintf("%s/config", dir);
	struct err e = {0};
	if (fs_exists(path) && assign_read(path, ret, &w->f->notes, &e)) {
		found_note(w->f, "%s", e.msg);
		err_done(&e);
	}
}

static void read_lineage(struct where *w, const char *names, const char *alias)
{
	AUTO(assign_done) struct assign own = {0};
	AUTO(xfreep) char *place = xasprintf("%s/%s", w->certs, alias);
	struct migrate_lineage *l = found_lineage(w->f, alias, strncmp(alias, "*.", 2) ? alias : alias + 2);
	AUTO(xfreep) char *dir = source_place(l, place, "");
	AUTO(xfreep) char *key = xasprintf("%s/privkey.pem", dir);
	AUTO(xfreep) char *full = xasprintf("%s/fullchain.pem", dir);
	AUTO(xfreep) char *cert = xasprintf("%s/cert.pem", dir);
	AUTO(xfreep) char *chain = xasprintf("%s/chain.pem", dir);
	read_own(w, dir, alias, &own);
	found_set(&l->directory, w->directory);
	found_names(l, names);
	l->key_type = key_type_of(setting(w, &own, "KEY_ALGO"), setting(w, &own, "KEYSIZE"));
	l->reuse_key = setting(w, &own, "PRIVATE_KEY_RENEW") && !is_yes(setting(w, &own, "PRIVATE_KEY_RENEW"));
	l->must_staple = is_yes(setting(w, &own, "OCSP_MUST_STAPLE"));
	found_set(&l->preferred_chain, setting(w, &own, "PREFERRED_CHAIN"));
	found_set(&l->method, setting(w, &own, "CHALLENGETYPE") ? setting(w, &own, "CHALLENGETYPE") : "http-01");
	if (assign_get(&own, "HOOK"))
		found_hook(l, "all", assign_get(&own, "HOOK"), place);
	struct source_pair p = {.key = key, .fullchain = full, .cert = cert, .chain = chain};
	source_pair(l, &p);
}

/* "names… [> alias] [# comment]" */
static void read_line(struct where *w, char *line, struct strv *aliases)
{
	line[strcspn(line, "#\r")] = '\0';
	char *gt = strchr(line, '>');
	if (gt)
		*gt++ = '\0';
	line += strspn(line, " \t");
	if (!*line)
		return;
	if (gt)
		gt += strspn(gt, " \t");
	AUTO(xfreep) char *first = xstrndup(line, strcspn(line, " \t"));
	AUTO(xfreep) char *alias = gt ? xstrndup(gt, strcspn(gt, " \t")) : xstrdup(first);
	if (!*alias || strchr(alias, '/') || *alias == '.' || strv_has(aliases, alias)) {
		found_note(
			w->f, "domains.txt: the line that begins with %s has no name of its own; passed over", first);
		return;
	}
	strv_add(aliases, alias);
	read_lineage(w, line, alias);
}

static int read_domains(struct where *w, struct err *e)
{
	AUTO(strv_done) struct strv aliases = {0}, dirs = {0};
	AUTO(buf_done) struct buf text = buf_make(BUF_MAX_NAMES_FILE);
	AUTO(xfreep) char *own = xasprintf("%s/domains.txt", w->f->path);
	AUTO(xfreep) char *based = xasprintf("%s/domains.txt", w->base);
	const char *set = assign_get(&w->conf, "DOMAINS_TXT");
	const char *path = set && fs_exists(set) ? set : fs_exists(own) ? own : based;
	if (!fs_exists(path))
		found_note(w->f, "%s is not there, so nothing says which certificates are renewed", path);
	else if (fs_read_regular(path, &text, e))
		return -1;
	AUTO(xfreep) char *copy = xstrndup(buf_str(&text), text.n);
	char *rest = copy, *line;
	while ((line = strsep(&rest, "\n")))
		read_line(w, line, &aliases);
	if (!source_is_dir(w->certs))
		return 0;
	if (source_list(w->certs, &dirs, e))
		return -1;
	for (size_t i = 0; i < dirs.n; i++)
		if (!strv_has(&aliases, dirs.v[i]) && !ends_with(dirs.v[i], ".before-perdure"))
			found_note(w->f,
				"%s/%s is not in domains.txt: dehydrated does not renew it, so it is not taken",
				w->certs, dirs.v[i]);
	return 0;
}

int dehydrated_read(struct migrate_found *f, struct err *e)
{
	AUTO(where_done) struct where w = {.f = f};
	AUTO(xfreep) char *config = xasprintf("%s/config", f->path);
	AUTO(xfreep) char *certs = xasprintf("%s/certs", f->path);
	AUTO(xfreep) char *accounts = xasprintf("%s/accounts", f->path);
	bool here = source_is_dir(certs) || source_is_dir(accounts);
	if (!fs_exists(config) && !here) {
		err_set(e, ERR_USAGE, "%s is no folder of dehydrated: it has neither config nor accounts nor certs",
			f->path);
		err_hint(e, "name the folder that holds dehydrated's config: perdure migrate dehydrated PATH");
		return -1;
	}
	read_conf(&w, config);
	read_conf_d(&w);
	const char *base = assign_get(&w.conf, "BASEDIR"), *dir = assign_get(&w.conf, "CERTDIR");
	w.base = xstrdup(here || !base || !source_is_dir(base) ? f->path : base);
	w.certs = dir && source_is_dir(dir) ? xstrdup(dir) : xasprintf("%s/certs", w.base);
	w.directory = xstrdup(directory_of(assign_get(&w.conf, "CA")));
	found_hook_all(f, "all", assign_get(&w.conf, "HOOK"), config);
	if (assign_get(&w.conf, "HOOK"))
		found_note(f,
			"the hook %s is called with the name of the step (deploy_challenge, deploy_cert, …) as "
			"its first word: what it does at deploy_cert is what is to be kept",
			assign_get(&w.conf, "HOOK"));
	return read_accounts(&w, e) || read_domains(&w, e) ? -1 : 0;
}
