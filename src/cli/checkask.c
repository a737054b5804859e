/* checkask.c: what `perdure check` asks: names and CAs from the command line, or from the configuration. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "cli/check.h"
#include "cli/cli.h"
#include "cli/pick.h"
#include "config/form.h"
#include "config/name.h"
#include "dns/resolvers.h"
#include "dns/system.h"
#include "fleet/schedule.h"
#include "inventory/observe.h"

enum {
	SLACK_DAYS = 7,
	LOOKED_UP_MAX = 1000, /* names on the command line whose certificates are looked for */
};

void check_ask_done(struct check_ask *a)
{
	observe_ahead_free(a->ahead);
	observer_free(a->observer);
	for (size_t i = 0; i < a->n_facts; i++)
		cafacts_done(&a->facts[i]);
	free(a->facts);
	free(a->items);
	strv_done(&a->names);
	strv_done(&a->sorted);
	strv_done(&a->issuers);
	strv_done(&a->thumbprints);
	strv_done(&a->vantages);
	site_close(&a->site);
}

/* ---- names ---- */

static int add_name(const char *text, struct strv *ret, struct err *e)
{
	char *name;
	enum name_suffix suffix;
	if (name_for_certificate(text, &name, &suffix, e)) {
		e->kind = ERR_USAGE;
		return -1;
	}
	strv_add_take(ret, name);
	return 0;
}

/* Words that blanks and line ends part; what follows a `#` is a comment. */
static int read_names(const char *path, struct strv *ret, struct err *e)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;
	char *line = NULL;
	size_t size = 0;
	int result = 0;
	if (!f)
		return err_sys(e, "cannot read %s", path);
	for (unsigned n = 1; !result && getline(&line, &size, f) > 0; n++) {
		line[strcspn(line, "#\r\n")] = '\0';
		char *rest = line, *word;
		while (!result && (word = strsep(&rest, " \t")))
			if (*word && add_name(word, ret, e))
				result = err_ctx(e, "%s, line %u", path, n);
	}
	if (!result && ferror(f))
		result = err_sys(e, "cannot read %s", path);
	free(line);
	if (f != stdin)
		fclose(f);
	return result;
}

int check_names(const struct cli *c, struct strv *ret, struct err *e)
{
	const char *file = cli_value(c, "names");
	if (pick_names(&c->args, ret, e))
		return -1;
	return file ? read_names(file, ret, e) : 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool has_name(const struct strv *sorted, const char *name)
{
	return sorted->n && bsearch(&name, sorted->v, sorted->n, sizeof(*sorted->v), by_text);
}

/* ---- items ---- */

int check_dialect(const struct cli *c, int *ret, struct err *e)
{
	const char *name = cli_value(c, "dialect");
	enum perdure_dialect d;
	*ret = -1;
	if (!name)
		return 0;
	if (perdure_dialect_find(name, &d) != PERDURE_OK)
		return err_set(e, ERR_USAGE,
			"no dialect \"%s\"; known are draft, boulder, pebble, acme2certifier, ucm, adcs", name);
	*ret = (int)d;
	return 0;
}

/* base is everything that the names have in common; wild_beside: the wildcard of the name is wanted, too. */
static void add(struct check_ask *a, const struct explain_question *base, const char *ca, const char *name,
	bool wild_beside, int64_t renewal)
{
	bool wildcard = !strncmp(name, "*.", 2);
	if (a->n == a->cap) {
		a->cap = a->cap ? a->cap * 2 : 64;
		a->items = xreallocarray(a->items, a->cap, sizeof(*a->items));
	}
	struct checkall_item *i = &a->items[a->n++];
	*i = (struct checkall_item){.q = *base, .ca = ca};
	i->q.q.name = wildcard ? name + 2 : name;
	i->q.q.wildcard = wildcard;
	i->q.q.publish_wildcard = wild_beside;
	i->q.renewal = renewal;
}

/* When the lineage will be renewed; 0 when it was never issued. */
static int renewal_of(struct site *s, const struct config_cert *cert, int64_t *ret, struct err *e)
{
	struct store_cert row = {0};
	bool found = false;
	*ret = 0;
	if (s->store && store_cert_get(s->store, cert->name, &row, &found, e))
		return -1;
	if (found && row.generation)
		*ret = schedule_renew_at(row.not_before, row.not_after);
	if (found)
		store_cert_done(&row);
	return 0;
}

static const struct config_cert *cert_with(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_certs; i++)
		if (strv_has(&c->certs[i].names, name))
			return &c->certs[i];
	return NULL;
}

/* The names that were given, base name and wildcard sharing one record. */
static int add_names(struct check_ask *a, const struct explain_question *base, const char *ca, struct err *e)
{
	for (size_t i = 0; i < a->names.n; i++) {
		const char *name = a->names.v[i];
		const struct config_cert *cert = a->names.n <= LOOKED_UP_MAX ? cert_with(a->site.config, name) : NULL;
		int64_t renewal = 0;
		if (cert && renewal_of(&a->site, cert, &renewal, e))
			return -1;
		AUTO(xfreep) char *wild = xasprintf("*.%s", name);
		add(a, base, ca, name, has_name(&a->sorted, wild), renewal);
	}
	return 0;
}

static int add_certs(struct check_ask *a, const struct explain_question *base, const char *ca, struct err *e)
{
	for (size_t i = 0; i < a->site.config->n_certs; i++) {
		const struct config_cert *cert = &a->site.config->certs[i];
		int64_t renewal;
		if (!strv_has(&cert->cas, ca))
			continue;
		if (renewal_of(&a->site, cert, &renewal, e))
			return -1;
		for (size_t k = 0; k < cert->names.n; k++) {
			AUTO(xfreep) char *wild = xasprintf("*.%s", cert->names.v[k]);
			add(a, base, ca, cert->names.v[k], strv_has(&cert->names, wild), renewal);
		}
	}
	return 0;
}

static int add_ca(struct check_ask *a, const struct cli *c, struct site_ca *ca, struct explain_question *base,
	int dialect, struct err *e)
{
	struct cafacts *f = &a->facts[a->n_facts];
	if (!ca->account.url[0]) {
		err_set(e, ERR_CONFIG, "the account at CA \"%s\" is not known: no record can be judged for it",
			ca->conf->name);
		err_hint(e, "run \"perdure account register --ca %s\", or set account: {url, thumbprints} for it",
			ca->conf->name);
		return -1;
	}
	if (pick_cafacts(&a->site, ca, cli_flag(c, "offline"), f, e))
		return -1;
	a->n_facts++;
	base->q.level = f->levels[f->n_levels - 1];
	base->q.issuers = &f->issuers;
	base->q.account_url = ca->account.url;
	base->q.thumbprints = &ca->account.thumbprints;
	base->q.prefix = f->prefix;
	base->q.dialect = dialect < 0 ? f->dialect : (enum perdure_dialect)dialect;
	base->q.deactivated = ca->account.status[0] && strcmp(ca->account.status, "valid");
	base->caa = &f->caa;
	/* An account that only the configuration tells of was never asked for. */
	base->account_status = ca->conf->account_url ? "" : ca->account.status;
	return a->names.n ? add_names(a, base, ca->conf->name, e) : add_certs(a, base, ca->conf->name, e);
}

static int add_cas(struct check_ask *a, const struct cli *c, struct explain_question *base, int dialect, struct err *e)
{
	struct site *s = &a->site;
	struct site_ca *only = NULL;
	if (cli_value(c, "ca") && pick_one_ca(c, s, &only, e))
		return -1;
	if (!s->config->n_cas) {
		err_set(e, ERR_CONFIG, "no CA is configured in %s", s->config->path);
		err_hint(e, "configure one, or say by hand: --issuer NAME --account-uri URL");
		return -1;
	}
	a->facts = xcalloc(s->config->n_cas, sizeof(*a->facts));
	for (size_t i = 0; i < s->config->n_cas; i++)
		if ((!only || only == &s->cas[i]) && add_ca(a, c, &s->cas[i], base, dialect, e))
			return -1;
	return 0;
}

/* ---- by hand ---- */

static bool by_hand(const struct cli *c)
{
	return cli_value(c, "issuer") || cli_value(c, "account-uri");
}

static int add_by_hand(
	struct check_ask *a, const struct cli *c, struct explain_question *base, int dialect, struct err *e)
{
	int64_t level;
	if (!cli_value(c, "issuer") || !cli_value(c, "account-uri"))
		return err_set(e, ERR_USAGE, "--issuer and --account-uri go together");
	if (!a->names.n)
		return err_set(e, ERR_USAGE, "with --issuer the names must be given: as arguments or by --names");
	if (cli_value(c, "ca") || cli_number(c, "level", 1, 0, 2, &level, e))
		return cli_value(c, "ca") ? err_set(e, ERR_USAGE, "--ca and --issuer exclude each other") : -1;
	strv_copy(&a->issuers, cli_values(c, "issuer"));
	strv_copy(&a->thumbprints, cli_values(c, "thumbprint"));
	for (size_t i = 0; i < a->issuers.n; i++)
		if (!perdure_issuer_ok(a->issuers.v[i]))
			return err_set(e, ERR_USAGE, "--issuer %s: not an issuer domain name", a->issuers.v[i]);
	if (level == 2 && (!a->thumbprints.n || !cli_value(c, "hash-prefix")))
		return err_set(e, ERR_USAGE, "level 02 needs --thumbprint and --hash-prefix");
	base->q.level = (int)level;
	base->q.issuers = &a->issuers;
	base->q.account_url = cli_value(c, "account-uri");
	base->q.thumbprints = &a->thumbprints;
	base->q.prefix = cli_value(c, "hash-prefix");
	base->q.dialect = dialect < 0 ? PERDURE_DIALECT_DRAFT : (enum perdure_dialect)dialect;
	return add_names(a, base, a->issuers.v[0], e);
}

/* Without any configuration everything has its default. */
static int open_site(const struct cli *c, struct site *ret, struct err *e)
{
	struct cli bare = *c;
	AUTO(xfreep) char *path = config_default_path();
	if (by_hand(c) && !c->config && !fs_exists(path))
		bare.config = "/dev/null";
	return pick_site(&bare, by_hand(c) ? SITE_STATE_NONE : SITE_STATE_READ, ret, e);
}

/* Those given, else those of the configuration. */
static int read_vantages(const struct cli *c, const struct config *conf, struct strv *ret, struct err *e)
{
	const struct strv *given = cli_values(c, "vantage");
	if (!given->n)
		strv_copy(ret, &conf->dns.vantage);
	for (size_t i = 0; i < given->n; i++) {
		struct strv system = {0};
		if (strcmp(given->v[i], "system")) {
			if (dns_resolver_check(given->v[i], e)) {
				e->kind = ERR_USAGE;
				return err_ctx(e, "--vantage");
			}
			strv_add(ret, given->v[i]);
			continue;
		}
		if (dns_system_resolvers(NULL, &system, e))
			return -1;
		for (size_t k = 0; k < system.n; k++)
			strv_add(ret, system.v[k]);
		strv_done(&system);
	}
	return 0;
}

/* Where this host is, for those who put the results of several together. */
static int place(const struct cli *c, struct check_ask *a, struct err *e)
{
	const char *region = cli_value(c, "region");
	if (region && !vantage_is_region(region)) {
		AUTO(buf_done) struct buf known = buf_make(BUF_MAX_SMALL_FILE);
		for (size_t i = 0; vantage_region(i); i++)
			buf_printf(&known, "%s%s", i ? ", " : "", vantage_region(i));
		err_set(e, ERR_USAGE, "--region %s: there is no such region", region);
		err_hint(e, "%s: the registry of the addresses' region", buf_str(&known));
		return -1;
	}
	for (size_t i = 0; i < a->n; i++)
		a->items[i].region = region ? region : a->site.config->dns.region;
	return 0;
}

static int ask(const struct cli *c, struct check_ask *a, struct err *e)
{
	int64_t slack;
	int dialect;
	bool names = c->args.n > 0 || cli_value(c, "names");
	if (cli_flag(c, "all") == names) {
		err_set(e, ERR_USAGE, "either names or --all is needed");
		err_hint(e, "perdure check example.com '*.example.com'");
		return -1;
	}
	if (cli_number(c, "slack", SLACK_DAYS, 0, 3650, &slack, e) || check_dialect(c, &dialect, e) ||
		check_names(c, &a->names, e) || open_site(c, &a->site, e) ||
		read_vantages(c, a->site.config, &a->vantages, e))
		return -1;
	if (names && !a->names.n)
		return err_set(e, ERR_USAGE, "%s holds no names", cli_value(c, "names"));
	strv_copy(&a->sorted, &a->names);
	if (a->sorted.n)
		qsort(a->sorted.v, a->sorted.n, sizeof(*a->sorted.v), by_text);
	struct explain_question base = {
		.q = {.ttl = (uint32_t)a->site.config->record_ttl, .now = clk_wall(a->site.clk) / 1000},
		.slack = slack * 86400,
		.delegation = cli_flag(c, "delegation"),
	};
	a->what = OBSERVE_ALL;
	if (by_hand(c) ? add_by_hand(a, c, &base, dialect, e)
		       : check_ahead(c, a, e) || add_cas(a, c, &base, dialect, e))
		return -1;
	return place(c, a, e);
}

int check_ask(const struct cli *c, struct check_ask *ret, struct err *e)
{
	*ret = (struct check_ask){.site = {.lock = {.fd = -1}}};
	return ask(c, ret, e);
}
