/* acmeaccounts.c: the file with the accounts at an acme-dns server. */
#include "provider/acmeaccounts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/secret.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "dns/name.h"
#include "json/json.h"

enum { FILE_MAX = 16 << 20, NAME_MAX_OCTETS = 253, WORD_MAX = 255 };

void acmeaccount_done(struct acmeaccount *a)
{
	free(a->domain);
	free(a->fulldomain);
	free(a->subdomain);
	free(a->username);
	if (a->password)
		explicit_bzero(a->password, strlen(a->password));
	free(a->password);
	*a = (struct acmeaccount){0};
}

void acmeaccounts_done(struct acmeaccounts *a)
{
	for (size_t i = 0; i < a->n; i++)
		acmeaccount_done(&a->v[i]);
	free(a->v);
	free(a->path);
	*a = (struct acmeaccounts){0};
}

/* --- one account --- */

struct member {
	const char *name;
	const struct json *found;
};

static void take_member(const char *name, const struct json *v, void *ctx)
{
	struct member *m = ctx;
	if (!strcasecmp(name, m->name))
		m->found = v;
}

static const struct json *member_of(const struct json *v, const char *name)
{
	struct member m = {.name = name};
	json_each(v, take_member, &m);
	return m.found;
}

/* They go into a header and into a name. */
static int need_word(const struct json *v, const char *name, char **ret, struct err *e)
{
	const char *s = json_str(member_of(v, name));
	bool good = s && *s && strlen(s) <= WORD_MAX;
	for (const char *p = s; good && *p; p++)
		good = *p > ' ' && *p < 0x7f;
	if (!good)
		return err_set(e, ERR_CONFIG, "%s is %s", name, s ? "not a word" : "missing");
	*ret = xstrdup(s);
	return 0;
}

/* "EXAMPLE.com." → "example.com" */
static char *plain_name(const char *s)
{
	size_t n = strlen(s);
	char *name = xstrndup(s, n && s[n - 1] == '.' ? n - 1 : n);
	name_lower(name);
	return name;
}

static int check_names(const struct acmeaccount *a, struct err *e)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
	size_t n = strlen(a->subdomain);
	if (strlen(a->fulldomain) > NAME_MAX_OCTETS || a->fulldomain[strspn(a->fulldomain, letters)])
		return err_set(e, ERR_CONFIG, "fulldomain %.253s is no domain name", a->fulldomain);
	if (strncasecmp(a->fulldomain, a->subdomain, n) != 0 || a->fulldomain[n] != '.' || strchr(a->subdomain, '.'))
		return err_set(e, ERR_CONFIG, "subdomain %s is not the first label of fulldomain %s", a->subdomain,
			a->fulldomain);
	return 0;
}

int acmeaccount_read(const struct json *v, const char *domain, struct acmeaccount *ret, struct err *e)
{
	AUTO(acmeaccount_done) struct acmeaccount a = {0};
	AUTO(xfreep) char *fulldomain = NULL;
	if (need_word(v, "fulldomain", &fulldomain, e) || need_word(v, "subdomain", &a.subdomain, e) ||
		need_word(v, "username", &a.username, e) || need_word(v, "password", &a.password, e))
		return -1;
	a.fulldomain = plain_name(fulldomain);
	if (check_names(&a, e))
		return -1;
	a.domain = plain_name(strncmp(domain, "*.", 2) ? domain : domain + 2);
	*ret = a;
	a = (struct acmeaccount){0};
	return 0;
}

/* --- the file --- */

struct reading {
	struct acmeaccounts *a;
	struct err *e;
	int result;
};

static void take_account(const char *domain, const struct json *v, void *ctx)
{
	struct reading *r = ctx;
	struct acmeaccounts *a = r->a;
	if (r->result)
		return;
	a->v = xreallocarray(a->v, a->n + 1, sizeof(*a->v));
	r->result = acmeaccount_read(v, domain, &a->v[a->n], r->e);
	if (r->result)
		err_ctx(r->e, "the account of %.253s in %s", *domain ? domain : "all domains", a->path);
	else
		a->n++;
}

static int by_domain(const void *x, const void *y)
{
	return strcmp(((const struct acmeaccount *)x)->domain, ((const struct acmeaccount *)y)->domain);
}

static int take_file(struct acmeaccounts *a, const struct secret *text, struct err *e)
{
	AUTO(json_freep) struct json *root = NULL;
	struct reading r = {.a = a, .e = e};
	if (json_parse(text->p, text->n, a->path, &root, e)) {
		e->kind = ERR_CONFIG;
		return -1;
	}
	if (!json_is_object(root))
		return err_set(e, ERR_CONFIG, "%s is no JSON object of accounts", a->path);
	a->shared = member_of(root, "fulldomain") != NULL;
	if (a->shared)
		take_account("", root, &r);
	else
		json_each(root, take_account, &r);
	if (a->n)
		qsort(a->v, a->n, sizeof(*a->v), by_domain);
	return r.result;
}

static int is_for(const void *domain, const void *account)
{
	return strcmp(domain, ((const struct acmeaccount *)account)->domain);
}

static bool same_file(const struct stat *x, const struct stat *y)
{
	return x->st_ino == y->st_ino && x->st_dev == y->st_dev && x->st_size == y->st_size &&
	       x->st_mode == y->st_mode && x->st_mtim.tv_sec == y->st_mtim.tv_sec &&
	       x->st_mtim.tv_nsec == y->st_mtim.tv_nsec;
}

int acmeaccounts_read(struct acmeaccounts *a, const struct config_provider *conf, struct err *e)
{
	AUTO(secret_done) struct secret text = {0};
	const char *path = config_provider_str(conf, "accounts_file");
	struct stat now = {0};
	if (stat(path, &now) && errno != ENOENT)
		return err_sys(e, "look at accounts_file %s", path);
	if (a->path && !strcmp(a->path, path) && same_file(&a->seen, &now))
		return 0;
	acmeaccounts_done(a);
	a->path = xstrdup(path);
	if (now.st_ino && (fs_read_secrets(path, FILE_MAX, &text, e) || take_file(a, &text, e))) {
		acmeaccounts_done(a);
		return err_ctx(e, "accounts_file");
	}
	a->seen = now;
	return 0;
}

int acmeaccounts_for(const struct acmeaccounts *a, const struct config_provider *conf, bool one, const char *domain,
	const struct acmeaccount **ret, struct err *e)
{
	if (a->n && a->shared != one) {
		err_set(e, ERR_CONFIG, "%s holds %s", a->path,
			one ? "an account for each domain, not one that is shared" : "one account that is shared");
		err_hint(e, "%s",
			one ? "leave out shared: true, or name another accounts_file"
			    : "say shared: true in delegation, or name another accounts_file");
	} else if (!(*ret = a->n ? bsearch(one ? "" : domain, a->v, a->n, sizeof(*a->v), is_for) : NULL)) {
		err_set(e, ERR_CONFIG, "%s has no account%s%s at acme-dns", a->path, one ? "" : " for ",
			one ? "" : domain);
		err_hint(e, "perdure provider register %s", conf->name);
	} else {
		return 0;
	}
	err_retry(e, RETRY_AFTER_OPERATOR, 0);
	return -1;
}

const struct acmeaccount *acmeaccounts_at(const struct acmeaccounts *a, const char *fulldomain)
{
	for (size_t i = 0; i < a->n; i++)
		if (!strcmp(a->v[i].fulldomain, fulldomain))
			return &a->v[i];
	return NULL;
}

/* What stands in the file stays as it is, whoever wrote it: the account goes before the last brace. */
int acmeaccounts_add(struct acmeaccounts *a, const char *domain, const char *json, struct err *e)
{
	AUTO(secret_done) struct secret old = {0};
	AUTO(buf_wipe) struct buf b = buf_make(FILE_MAX);
	if (a->seen.st_ino && fs_read_secrets(a->path, FILE_MAX, &old, e))
		return -1;
	if (!*domain) {
		buf_puts(&b, json);
	} else {
		struct json_out out = json_out_make(&b);
		size_t end = old.n;
		while (end && old.p[end - 1] != '}')
			end--;
		end -= end > 0;
		while (end && strchr(" \t\r\n", old.p[end - 1]))
			end--;
		buf_put(&b, end ? (const char *)old.p : "{", end ? end : 1);
		buf_puts(&b, a->n ? ",\n  " : "\n  ");
		json_out_raw(&out, domain, json);
		buf_puts(&b, "\n}");
	}
	buf_putc(&b, '\n');
	return buf_check(&b, a->path, e) || fs_write_atomic(a->path, b.p, b.n, 0600, e) ? -1 : 0;
}
