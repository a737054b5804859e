/*
 * certbot.c: /etc/letsencrypt as certbot keeps it: accounts/SERVER/ID, renewal/NAME.conf (ConfigObj: keys, values, one
 * level of sections), live/NAME, renewal-hooks.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "migrate/found.h"
#include "migrate/source.h"
#include "json/json.h"

enum { DEPTH_MAX = 8 };

/* ---- renewal/NAME.conf ---- */

struct settings {
	struct strv names; /* values.v[i] is of names.v[i] */
	struct strv values;
};

static void settings_done(struct settings *s)
{
	strv_done(&s->names);
	strv_done(&s->values);
}

static const char *get(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->names.n; i++)
		if (!strcmp(s->names.v[i], name))
			return s->values.v[i];
	return NULL;
}

static bool is_true(const char *s)
{
	return s && !strcmp(s, "True");
}

/* Cuts blanks off both ends. */
static char *trim(char *s)
{
	s += strspn(s, " \t\r");
	size_t n = strlen(s);
	while (n && strchr(" \t\r", s[n - 1]))
		n--;
	s[n] = '\0';
	return s;
}

/* One pair of quotes around the whole value, or three of each where both kinds are in it. */
static char *unquote(char *s)
{
	size_t n = strlen(s);
	if (n >= 6 && (!strncmp(s, "'''", 3) || !strncmp(s, "\"\"\"", 3)) && !strncmp(s, s + n - 3, 3)) {
		s[n - 3] = '\0';
		return s + 3;
	}
	if (n >= 2 && (*s == '"' || *s == '\'') && s[n - 1] == *s && !memchr(s + 1, *s, n - 2)) {
		s[n - 1] = '\0';
		return s + 1;
	}
	return s;
}

/* Whether the value goes on in the next lines; then they are passed over. */
static bool skip_rest(char *value, char **text)
{
	size_t n = strlen(value);
	bool open = !strncmp(value, "'''", 3) || !strncmp(value, "\"\"\"", 3);
	char quotes[4] = {value[0], value[0], value[0], '\0'}, *line;
	if (!open || (n >= 6 && !strcmp(value + n - 3, quotes)))
		return false;
	while ((line = strsep(text, "\n")) && !strstr(line, quotes))
		;
	return true;
}

/* Sections inside [renewalparams] ([[webroot_map]]) are passed over: the names are in the certificate. */
static void read_settings(struct migrate_found *f, const char *path, char *text, struct settings *ret)
{
	char *line;
	bool nested = false;
	for (int number = 1; (line = strsep(&text, "\n")); number++) {
		char *s = trim(line);
		if (!*s || *s == '#')
			continue;
		if (*s == '[') {
			nested = s[1] == '[';
			continue;
		}
		char *eq = strchr(s, '=');
		if (!eq) {
			found_note(f, "%s:%d: neither a setting nor a section; it is passed over", path, number);
			continue;
		}
		*eq = '\0';
		char *value = trim(eq + 1);
		if (skip_rest(value, &text)) {
			found_note(f, "%s:%d: \"%s\" has several lines; it is passed over", path, number, trim(s));
			continue;
		}
		if (nested)
			continue;
		strv_add(&ret->names, trim(s));
		strv_add(&ret->values, unquote(value));
	}
}

static const char *key_type_of(const struct settings *s)
{
	const char *type = get(s, "key_type"), *size = get(s, "rsa_key_size"), *curve = get(s, "elliptic_curve");
	if (type && !strcmp(type, "ecdsa"))
		return curve && !strcmp(curve, "secp384r1") ? "ec384" : "ec256";
	if (type && !strcmp(type, "rsa"))
		return size && !strcmp(size, "4096")   ? "rsa4096"
		       : size && !strcmp(size, "3072") ? "rsa3072"
						       : "rsa2048";
	return NULL;
}

/* certbot writes lists with a comma at the end: "dns-01,". */
static void set_method(struct migrate_lineage *l, const struct settings *s)
{
	const char *plugin = get(s, "authenticator"), *challenge = get(s, "pref_challs");
	free(l->method);
	size_t n = challenge ? strlen(challenge) : 0;
	while (n && strchr(", ", challenge[n - 1]))
		n--;
	l->method = n ? xasprintf("%s, %.*s", plugin ? plugin : "", (int)n, challenge) : xstrdup(plugin ? plugin : "");
}

static void read_hooks(struct migrate_lineage *l, const struct settings *s, const char *path)
{
	static const char *const hooks[][2] = {{"pre_hook", "before"}, {"renew_hook", "deploy"},
		{"deploy_hook", "deploy"}, {"post_hook", "after"}, {"manual_auth_hook", "auth"},
		{"manual_cleanup_hook", "cleanup"}};
	for (size_t i = 0; i < ARRAY_LEN(hooks); i++)
		found_hook(l, hooks[i][1], get(s, hooks[i][0]), path);
}

static void read_live(struct migrate_found *f, struct migrate_lineage *l)
{
	AUTO(xfreep) char *place = xasprintf("%s/live/%s", f->path, l->id);
	AUTO(xfreep) char *dir = source_place(l, place, "");
	AUTO(xfreep) char *key = xasprintf("%s/privkey.pem", dir);
	AUTO(xfreep) char *full = xasprintf("%s/fullchain.pem", dir);
	AUTO(xfreep) char *cert = xasprintf("%s/cert.pem", dir);
	AUTO(xfreep) char *chain = xasprintf("%s/chain.pem", dir);
	struct source_pair p = {.key = key, .fullchain = full, .cert = cert, .chain = chain};
	source_pair(l, &p);
}

static void read_renewal(struct migrate_found *f, const char *file)
{
	AUTO(settings_done) struct settings s = {0};
	AUTO(buf_done) struct buf text = buf_make(BUF_MAX_SMALL_FILE);
	AUTO(xfreep) char *path = xasprintf("%s/renewal/%s", f->path, file);
	AUTO(xfreep) char *id = xstrndup(file, strlen(file) - strlen(".conf"));
	struct err e = {0};
	struct migrate_lineage *l = found_lineage(f, id, id);
	if (fs_read_regular(path, &text, &e)) {
		found_set_error(&l->problem, &e);
		return;
	}
	AUTO(xfreep) char *copy = xstrndup(buf_str(&text), text.n);
	read_settings(f, path, copy, &s);
	found_set(&l->directory, get(&s, "server"));
	/* certbot leaves its default out. */
	if (!*l->directory && get(&s, "account"))
		found_set(&l->directory, "https://acme-v02.api.letsencrypt.org/directory");
	found_set(&l->account, get(&s, "account"));
	found_set(&l->preferred_chain, get(&s, "preferred_chain"));
	if (!strcmp(l->preferred_chain, "None"))
		found_set(&l->preferred_chain, "");
	found_set(
		&l->profile, get(&s, "required_profile") ? get(&s, "required_profile") : get(&s, "preferred_profile"));
	l->key_type = key_type_of(&s);
	l->must_staple = is_true(get(&s, "must_staple"));
	l->reuse_key = is_true(get(&s, "reuse_key"));
	set_method(l, &s);
	read_hooks(l, &s, path);
	if (get(&s, "installer") && strcmp(get(&s, "installer"), "None") != 0)
		found_lineage_note(l,
			"certbot's installer \"%s\" has written the paths of the certificate into the "
			"server's configuration, and reloads that server",
			get(&s, "installer"));
	if (is_true(get(&s, "autorenew")) || !get(&s, "autorenew"))
		read_live(f, l);
	else
		found_set(&l->problem, "certbot does not renew it (autorenew = False)");
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);
	return n > m && !strcmp(s + n - m, end);
}

static int read_renewals(struct migrate_found *f, struct err *e)
{
	AUTO(strv_done) struct strv files = {0};
	AUTO(xfreep) char *dir = xasprintf("%s/renewal", f->path);
	if (!source_is_dir(dir))
		return 0;
	if (source_list(dir, &files, e))
		return -1;
	for (size_t i = 0; i < files.n; i++)
		if (ends_with(files.v[i], ".conf"))
			read_renewal(f, files.v[i]);
	return 0;
}

/* ---- accounts/SERVER/ID ---- */

/* The account's URL, from regr.json; old versions kept contacts there, too. */
static void read_registration(struct migrate_account *a, const char *dir, struct migrate_found *f)
{
	AUTO(xfreep) char *path = xasprintf("%s/regr.json", dir);
	AUTO(buf_done) struct buf text = buf_make(BUF_MAX_SMALL_FILE);
	AUTO(json_freep) struct json *o = NULL;
	AUTO(strv_done) struct strv contact = {0};
	struct err e = {0};
	const char *uri;
	if (fs_read_regular(path, &text, &e) || json_parse(buf_str(&text), text.n, path, &o, &e) ||
		json_need_str(o, "uri", &uri, &e)) {
		found_note(f, "%s; the CA can be asked for the account by its key", e.msg);
		err_done(&e);
		return;
	}
	found_set(&a->url, uri);
	if (json_get(o, "body") && !json_opt_strv(json_get(o, "body"), "contact", 10, &contact, &e))
		for (size_t i = 0; i < contact.n; i++)
			found_contact(a, contact.v[i]);
	err_done(&e);
}

static void read_account(struct migrate_found *f, const char *server, const char *dir, const char *id)
{
	AUTO(xfreep) char *key = xasprintf("%s/private_key.json", dir);
	struct migrate_account *a = found_account(f, id);
	free(a->directory);
	a->directory = xasprintf("https://%s", server);
	read_registration(a, dir, f);
	source_account_key(a, key, true);
}

/* SERVER is the directory URL without https://, of one folder a segment; below it one folder an account. certbot links
 * the accounts of an earlier server of the same CA, so links are followed. */
static int read_accounts(struct migrate_found *f, const char *server, int depth, struct err *e)
{
	AUTO(strv_done) struct strv entries = {0};
	AUTO(xfreep) char *dir = xasprintf("%s/accounts%s%s", f->path, *server ? "/" : "", server);
	if (!source_is_dir(dir) || depth > DEPTH_MAX)
		return 0;
	if (source_list(dir, &entries, e))
		return -1;
	for (size_t i = 0; i < entries.n; i++) {
		AUTO(xfreep) char *path = xasprintf("%s/%s", dir, entries.v[i]);
		AUTO(xfreep) char *deeper = xasprintf("%s%s%s", server, *server ? "/" : "", entries.v[i]);
		AUTO(xfreep) char *key = xasprintf("%s/private_key.json", path);
		struct stat st;
		if (!source_is_dir(path))
			continue;
		if (!lstat(key, &st) || strspn(entries.v[i], "0123456789abcdef") == 32)
			read_account(f, server, path, entries.v[i]);
		else if (read_accounts(f, deeper, depth + 1, e))
			return -1;
	}
	return 0;
}

/* ---- the rest ---- */

static void read_hook_folder(struct migrate_found *f, const char *name, const char *when)
{
	AUTO(strv_done) struct strv files = {0};
	AUTO(xfreep) char *dir = xasprintf("%s/renewal-hooks/%s", f->path, name);
	struct err e = {0};
	if (!source_is_dir(dir))
		return;
	if (source_list(dir, &files, &e)) {
		found_note(f, "%s", e.msg);
		err_done(&e);
	}
	for (size_t i = 0; i < files.n; i++) {
		AUTO(xfreep) char *path = xasprintf("%s/%s", dir, files.v[i]);
		if (!access(path, X_OK) && !ends_with(path, "~") && !source_is_dir(path))
			found_hook_all(f, when, path, path);
	}
}

int certbot_read(struct migrate_found *f, struct err *e)
{
	AUTO(xfreep) char *accounts = xasprintf("%s/accounts", f->path);
	AUTO(xfreep) char *renewal = xasprintf("%s/renewal", f->path);
	if (!source_is_dir(accounts) && !source_is_dir(renewal)) {
		err_set(e, ERR_USAGE, "%s is no folder of certbot: it has neither accounts nor renewal", f->path);
		err_hint(e, "name certbot's configuration folder (its --config-dir): perdure migrate certbot PATH");
		return -1;
	}
	if (read_accounts(f, "", 0, e) || read_renewals(f, e))
		return -1;
	read_hook_folder(f, "pre", "before");
	read_hook_folder(f, "deploy", "deploy");
	read_hook_folder(f, "post", "after");
	return 0;
}
