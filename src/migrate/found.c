/* found.c: the model of what another client keeps, and which clients there are. */
#include "migrate/found.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "config/name.h"
#include "crypto/key.h"
#include "crypto/x509.h"

enum { PLACES_MAX = 3 };

static const struct {
	const char *name;
	const char *usual; /* "~/" is the home directory */
	const char *places[PLACES_MAX + 1]; /* looked for in this order; NULL at the end */
	int (*read)(struct migrate_found *f, struct err *e);
} clients[MIGRATE_CLIENT_N_] = {
	[MIGRATE_CERTBOT] = {"certbot", "/etc/letsencrypt", {"/etc/letsencrypt"}, certbot_read},
	[MIGRATE_ACMESH] = {"acme.sh", "~/.acme.sh", {"~/.acme.sh", "/etc/acme.sh"}, acmesh_read},
	[MIGRATE_LEGO] = {"lego", ".lego", {".lego", "~/.lego", "/var/lib/lego"}, lego_read},
	[MIGRATE_DEHYDRATED] = {"dehydrated", "/etc/dehydrated", {"/etc/dehydrated", "/var/lib/dehydrated"},
		dehydrated_read},
};

const char *migrate_client_name(enum migrate_client c)
{
	return clients[c].name;
}

static char *expand(const char *place)
{
	const char *home = getenv("HOME");
	if (strncmp(place, "~/", 2) != 0)
		return xstrdup(place);
	return xasprintf("%s/%s", home ? home : "/root", place + 2);
}

char *migrate_default_path(enum migrate_client c)
{
	for (const char *const *place = clients[c].places; *place; place++) {
		AUTO(xfreep) char *path = expand(*place);
		if (fs_exists(path))
			return TAKE(path);
	}
	return expand(clients[c].usual);
}

int migrate_read(enum migrate_client c, const char *path, struct migrate_found *ret, struct err *e)
{
	struct migrate_found f = {.client = c, .path = realpath(path, NULL)};
	struct stat st;
	if (!f.path || stat(f.path, &st) || !S_ISDIR(st.st_mode)) {
		bool absent = !f.path && errno == ENOENT;
		free(f.path);
		err_set(e, ERR_USAGE, "%s is not a folder of %s: %s", path, clients[c].name,
			absent ? "there is nothing" : "it is not a folder that can be read");
		err_hint(e, "name the folder that %s keeps its files in: perdure migrate %s PATH", clients[c].name,
			clients[c].name);
		return -1;
	}
	if (clients[c].read(&f, e)) {
		migrate_found_done(&f);
		return -1;
	}
	*ret = f;
	return 0;
}

static void hooks_done(struct migrate_hook *h, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(h[i].when);
		free(h[i].command);
		free(h[i].where);
	}
	free(h);
}

static void account_done(struct migrate_account *a)
{
	free(a->id);
	free(a->directory);
	free(a->server);
	free(a->url);
	strv_done(&a->contact);
	free(a->key_file);
	key_free(a->key);
	free(a->problem);
}

static void lineage_done(struct migrate_lineage *l)
{
	free(l->id);
	free(l->base);
	free(l->directory);
	free(l->server);
	free(l->account);
	strv_done(&l->names);
	secret_done(&l->key_pem);
	x509_chain_free(l->chain);
	free(l->problem);
	free(l->preferred_chain);
	free(l->profile);
	free(l->method);
	hooks_done(l->hooks, l->n_hooks);
	for (size_t i = 0; i < l->n_copies; i++)
		free(l->copies[i].path);
	free(l->copies);
	for (size_t i = 0; i < l->n_places; i++)
		free(l->places[i].path);
	free(l->places);
	strv_done(&l->notes);
}

void migrate_found_done(struct migrate_found *f)
{
	for (size_t i = 0; i < f->n_accounts; i++)
		account_done(&f->accounts[i]);
	free(f->accounts);
	for (size_t i = 0; i < f->n_lineages; i++)
		lineage_done(&f->lineages[i]);
	free(f->lineages);
	hooks_done(f->hooks, f->n_hooks);
	strv_done(&f->notes);
	free(f->path);
	*f = (struct migrate_found){0};
}

struct migrate_account *found_account(struct migrate_found *f, const char *id)
{
	f->accounts = xreallocarray(f->accounts, f->n_accounts + 1, sizeof(*f->accounts));
	struct migrate_account *a = &f->accounts[f->n_accounts++];
	*a = (struct migrate_account){.id = xstrdup(id),
		.directory = xstrdup(""),
		.server = xstrdup(""),
		.url = xstrdup(""),
		.key_file = xstrdup("")};
	return a;
}

struct migrate_lineage *found_lineage(struct migrate_found *f, const char *id, const char *base)
{
	f->lineages = xreallocarray(f->lineages, f->n_lineages + 1, sizeof(*f->lineages));
	struct migrate_lineage *l = &f->lineages[f->n_lineages++];
	*l = (struct migrate_lineage){.id = xstrdup(id),
		.base = xstrdup(base),
		.directory = xstrdup(""),
		.server = xstrdup(""),
		.account = xstrdup(""),
		.preferred_chain = xstrdup(""),
		.profile = xstrdup(""),
		.method = xstrdup("")};
	return l;
}

static void add_hook(struct migrate_hook **v, size_t *n, const char *when, const char *command, const char *where)
{
	if (!command || !*command)
		return;
	*v = xreallocarray(*v, *n + 1, sizeof(**v));
	(*v)[(*n)++] =
		(struct migrate_hook){.when = xstrdup(when), .command = xstrdup(command), .where = xstrdup(where)};
}

void found_hook(struct migrate_lineage *l, const char *when, const char *command, const char *where)
{
	add_hook(&l->hooks, &l->n_hooks, when, command, where);
}

void found_hook_all(struct migrate_found *f, const char *when, const char *command, const char *where)
{
	add_hook(&f->hooks, &f->n_hooks, when, command, where);
}

void found_copy(struct migrate_lineage *l, const char *what, const char *path)
{
	if (!path || !*path)
		return;
	l->copies = xreallocarray(l->copies, l->n_copies + 1, sizeof(*l->copies));
	l->copies[l->n_copies++] = (struct migrate_copy){.what = what, .path = xstrdup(path)};
}

static void add_note(struct strv *to, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
static void add_note(struct strv *to, const char *fmt, va_list ap)
{
	char text[1024];
	vsnprintf(text, sizeof(text), fmt, ap);
	strv_add(to, text);
}

void found_note(struct migrate_found *f, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	add_note(&f->notes, fmt, ap);
	va_end(ap);
}

void found_lineage_note(struct migrate_lineage *l, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	add_note(&l->notes, fmt, ap);
	va_end(ap);
}

void found_set(char **field, const char *value)
{
	free(*field);
	*field = xstrdup(value ? value : "");
}

void found_set_error(char **field, struct err *e)
{
	free(*field);
	*field = e->hint[0] ? xasprintf("%s (%s)", e->msg, e->hint) : xstrdup(e->msg);
	err_done(e);
}

void found_names(struct migrate_lineage *l, const char *list)
{
	AUTO(xfreep) char *copy = xstrdup(list);
	char *rest = copy, *word;
	while ((word = strsep(&rest, " \t,"))) {
		struct err why = {0};
		enum name_suffix suffix;
		char *name;
		if (!*word)
			continue;
		if (name_for_certificate(word, &name, &suffix, &why)) {
			found_lineage_note(l, "the name %s cannot be taken: %s", word, why.msg);
			err_done(&why);
		} else if (strv_has(&l->names, name)) {
			free(name);
		} else {
			strv_add_take(&l->names, name);
		}
	}
}

void found_contact(struct migrate_account *a, const char *address)
{
	if (!address || !*address)
		return;
	AUTO(xfreep) char *with = strncmp(address, "mailto:", 7) ? xasprintf("mailto:%s", address) : xstrdup(address);
	if (!strv_has(&a->contact, with))
		strv_add(&a->contact, with);
}
