/* load_cert.c: `defaults` and the entries of `certificates`. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "config/load.h"
#include "config/name.h"

static enum config_validation validation_of(const char *word)
{
	enum config_validation v = CONFIG_VALIDATION_AUTO;
	while (v + 1 < CONFIG_VALIDATION_N_ && strcmp(word, config_validation_name(v)) != 0)
		v++;
	return v;
}

static int add_refs(struct load *l, const struct section_value *v, struct strv *to, struct err *e)
{
	for (size_t i = 0; i < v->n; i++)
		if (load_ca_ref(l, &v->items[i], to, e))
			return -1;
	return 0;
}

static int read_defaults(struct load *l, struct load_cert_options *o, struct err *e)
{
	const struct section_value *v = l->top.v;
	if (add_refs(l, &v[SCHEMA_DEFAULT_CA], &o->cas, e))
		return -1;
	if (!v[SCHEMA_DEFAULT_CA].set && l->c->n_cas == 1)
		strv_add(&o->cas, l->c->cas[0].name);
	o->key = load_keep(l, v[SCHEMA_DEFAULT_KEY].s);
	o->profile = load_keep(l, v[SCHEMA_DEFAULT_PROFILE].s);
	o->preferred_chain = load_keep(l, v[SCHEMA_DEFAULT_CHAIN].s);
	o->must_staple = v[SCHEMA_DEFAULT_MUST_STAPLE].i != 0;
	o->reuse_key = v[SCHEMA_DEFAULT_REUSE_KEY].i != 0;
	o->validation = validation_of(v[SCHEMA_DEFAULT_VALIDATION].s);
	return load_deploy_list(l, &v[SCHEMA_DEFAULT_DEPLOY], &o->deploy, e);
}

/* Whether the names can be proved as the options say. */
static int check_validation(
	struct load *l, const struct load_cert_options *o, const struct config_mark *m, struct err *e)
{
	bool needs_provider = o->validation == CONFIG_VALIDATION_DELEGATION || o->validation == CONFIG_VALIDATION_DNS;
	if (o->validation == CONFIG_VALIDATION_HTTP && !o->webroot && !l->c->http.listen) {
		CONFIG_ERROR(e, m, "validation is http-01, but nothing says how it is answered");
		err_hint(e, "add http: { webroot: DIRECTORY } or http: { listen: \"0.0.0.0@80\" }");
		return -1;
	}
	if (o->validation == CONFIG_VALIDATION_DELEGATION && !config_delegation_given(o->delegation)) {
		CONFIG_ERROR(e, m, "validation is delegation, but no validation zone is given");
		err_hint(e, "add delegation: { zone: ZONE }");
		return -1;
	}
	if (needs_provider && !l->c->n_providers)
		load_warn(l, m, "validation is %s, but there are no providers that could write the values",
			config_validation_name(o->validation));
	return 0;
}

/* ret: the defaults, overridden by what the entry says. */
static int read_options(struct load *l, const struct section *s, const struct config_mark *m,
	struct load_cert_options *ret, struct err *e)
{
	const struct section_value *v = s->v;
	const struct load_cert_options *d = l->defaults;
	if (add_refs(l, &v[SCHEMA_CERT_CA], &ret->cas, e))
		return -1;
	if (!v[SCHEMA_CERT_CA].set)
		strv_copy(&ret->cas, &d->cas);
	if (!ret->cas.n) {
		CONFIG_ERROR(e, m, "this certificate has no CA");
		err_hint(e, "say defaults: { ca: NAME }, or ca: NAME here; perdure ca list shows presets");
		return -1;
	}
	ret->key = v[SCHEMA_CERT_KEY].set ? load_keep(l, v[SCHEMA_CERT_KEY].s) : d->key;
	ret->profile = v[SCHEMA_CERT_PROFILE].set ? load_keep(l, v[SCHEMA_CERT_PROFILE].s) : d->profile;
	ret->preferred_chain = v[SCHEMA_CERT_CHAIN].set ? load_keep(l, v[SCHEMA_CERT_CHAIN].s) : d->preferred_chain;
	ret->must_staple = v[SCHEMA_CERT_MUST_STAPLE].set ? v[SCHEMA_CERT_MUST_STAPLE].i != 0 : d->must_staple;
	ret->reuse_key = v[SCHEMA_CERT_REUSE_KEY].set ? v[SCHEMA_CERT_REUSE_KEY].i != 0 : d->reuse_key;
	ret->validation = v[SCHEMA_CERT_VALIDATION].set ? validation_of(v[SCHEMA_CERT_VALIDATION].s) : d->validation;
	ret->persist_until = v[SCHEMA_CERT_UNTIL].i;
	ret->deploy = d->deploy;
	if ((v[SCHEMA_CERT_DEPLOY].set && load_deploy_list(l, &v[SCHEMA_CERT_DEPLOY], &ret->deploy, e)) ||
		load_cert_delegation(l, s, &ret->delegation, e))
		return -1;
	ret->webroot = load_cert_webroot(l, s);
	return check_validation(l, ret, v[SCHEMA_CERT_VALIDATION].set ? &v[SCHEMA_CERT_VALIDATION].mark : m, e);
}

int load_cert_name(
	struct load *l, struct strv *names, const char *name, const struct config_mark *m, bool *ret_new, struct err *e)
{
	AUTO(xfreep) char *n = NULL;
	enum name_suffix suffix;
	if (name_for_certificate(name, &n, &suffix, e))
		return err_ctx(e, "%s:%d:%d", m->file, m->line, m->column);
	bool is_new = !strv_has(names, n);
	if (is_new && suffix == NAME_SUFFIX_PRIVATE && *n == '*')
		load_warn(l, m, "%s is a wildcard of a suffix whose names have different owners; the CA may refuse it",
			n);
	if (is_new)
		strv_add_take(names, TAKE(n));
	if (ret_new)
		*ret_new = is_new;
	return 0;
}

/* Some CAs refuse orders that name what a wildcard of the same order covers. */
static void warn_covered(struct load *l, const struct strv *names, const struct config_mark *m)
{
	for (size_t i = 0; i < names->n; i++) {
		if (*names->v[i] != '*')
			continue;
		for (size_t j = 0; j < names->n; j++) {
			const char *dot = strchr(names->v[j], '.');
			if (i == j || strcmp(dot, names->v[i] + 1) != 0)
				continue;
			load_warn(l, m, "%s is covered by %s of the same certificate; some CAs refuse that",
				names->v[j], names->v[i]);
		}
	}
}

void load_cert_add(struct load *l, const char *name, struct strv *names, const struct load_cert_options *o,
	const struct config_mark *m)
{
	struct config *c = l->c;
	warn_covered(l, names, m);
	if (c->n_certs == l->certs_cap) {
		l->certs_cap = l->certs_cap ? l->certs_cap * 2 : 16;
		c->certs = xreallocarray(c->certs, l->certs_cap, sizeof(*c->certs));
	}
	struct config_cert *cert = &c->certs[c->n_certs++];
	const char *first = names->n > 0 ? names->v[0] : ""; /* callers give at least one */
	*cert = (struct config_cert){.name = xstrdup(name            ? name
						     : *first == '*' ? first + 2
								     : first),
		.names = *names,
		.key = o->key,
		.must_staple = o->must_staple,
		.reuse_key = o->reuse_key,
		.profile = o->profile,
		.preferred_chain = o->preferred_chain,
		.validation = o->validation,
		.persist_until = o->persist_until,
		.deploy = o->deploy,
		.delegation = o->delegation,
		.webroot = o->webroot,
		.mark = *m};
	*names = (struct strv){0};
	strv_copy(&cert->cas, &o->cas);
}

static int add_named(struct load *l, const struct section *s, const struct load_cert_options *o,
	const struct config_mark *m, struct err *e)
{
	const struct section_value *v = &s->v[SCHEMA_CERT_NAMES];
	if (s->v[SCHEMA_CERT_WILDCARD].set) {
		CONFIG_ERROR(e, &s->v[SCHEMA_CERT_WILDCARD].mark, "wildcard goes with names_file only");
		err_hint(e, "add the wildcard to names, in quotes: \"*.example.com\"");
		return -1;
	}
	AUTO(strv_done) struct strv names = {0};
	for (size_t i = 0; i < v->n; i++) {
		bool is_new;
		if (load_cert_name(l, &names, v->items[i].s, &v->items[i].mark, &is_new, e))
			return -1;
		if (!is_new)
			return CONFIG_ERROR(e, &v->items[i].mark, "the name '%s' is listed twice", v->items[i].s);
	}
	load_cert_add(l, s->v[SCHEMA_CERT_NAME].s, &names, o, m);
	return 0;
}

static int add_listed(struct load *l, const struct section *s, const struct load_cert_options *o, struct err *e)
{
	const struct section_value *v = &s->v[SCHEMA_CERT_FILE];
	if (s->v[SCHEMA_CERT_NAME].set) {
		CONFIG_ERROR(e, &s->v[SCHEMA_CERT_NAME].mark, "name does not go with names_file, which lists many");
		err_hint(e, "each certificate of the file is named by its first name");
		return -1;
	}
	AUTO(xfreep) char *path = load_path(&v->mark, v->s);
	return load_names_file(l, path, s->v[SCHEMA_CERT_WILDCARD].i != 0, o, &v->mark, e);
}

static void options_done(struct load_cert_options *o)
{
	strv_done(&o->cas);
}

static int add_entry(struct load *l, const struct section_item *item, struct err *e)
{
	AUTO(section_done) struct section s;
	section_init(&s);
	if (section_read(&s, item->doc, item->node, SCHEMA_CERTS, e))
		return -1;
	bool named = s.v[SCHEMA_CERT_NAMES].set;
	if (named == s.v[SCHEMA_CERT_FILE].set) {
		CONFIG_ERROR(e, &item->mark, "this certificate has %s",
			named ? "both names and names_file" : "neither names nor names_file");
		err_hint(e, "names: [example.com, \"*.example.com\"], or names_file: FILE");
		return -1;
	}
	AUTO(options_done) struct load_cert_options o = {0};
	if (read_options(l, &s, &item->mark, &o, e))
		return -1;
	return named ? add_named(l, &s, &o, &item->mark, e) : add_listed(l, &s, &o, e);
}

static int compare_certs(const void *a, const void *b)
{
	const struct config_cert *x = a;
	const struct config_cert *y = b;
	int r = strcmp(x->name, y->name);
	if (!r)
		r = strcmp(x->mark.file, y->mark.file);
	if (!r)
		r = (x->mark.line > y->mark.line) - (x->mark.line < y->mark.line);
	return r ? r : (x->mark.column > y->mark.column) - (x->mark.column < y->mark.column);
}

static int check_collisions(const struct config *c, struct err *e)
{
	for (size_t i = 1; i < c->n_certs; i++) {
		const struct config_cert *x = &c->certs[i - 1];
		const struct config_cert *y = &c->certs[i];
		if (strcmp(x->name, y->name) != 0)
			continue;
		CONFIG_ERROR(e, &y->mark, "the certificate '%s' is given already, at %s:%d:%d", y->name, x->mark.file,
			x->mark.line, x->mark.column);
		err_hint(e, "remove one, or say name: OTHER-NAME in one of them");
		return -1;
	}
	return 0;
}

/* RFC 8555 section 8.3: http-01 proves no wildcard. */
static int check_wildcards(const struct config *c, struct err *e)
{
	for (size_t i = 0; i < c->n_certs; i++) {
		const struct config_cert *cert = &c->certs[i];
		for (size_t j = 0; j < cert->names.n && cert->validation == CONFIG_VALIDATION_HTTP; j++) {
			if (*cert->names.v[j] != '*')
				continue;
			CONFIG_ERROR(e, &cert->mark, "%s cannot be validated by http-01", cert->names.v[j]);
			err_hint(e, "wildcards are proved by the DNS: say validation: dns-persist-01, delegation or "
				    "dns-01");
			return -1;
		}
	}
	return 0;
}

int load_certs(struct load *l, struct err *e)
{
	AUTO(options_done) struct load_cert_options defaults = {0};
	if (read_defaults(l, &defaults, e))
		return -1;
	l->defaults = &defaults;
	const struct section_value *v = &l->top.v[SCHEMA_CERTS];
	int r = 0;
	for (size_t i = 0; !r && i < v->n; i++)
		r = add_entry(l, &v->items[i], e);
	l->defaults = NULL;
	if (r)
		return -1;
	struct config *c = l->c;
	if (c->n_certs)
		qsort(c->certs, c->n_certs, sizeof(*c->certs), compare_certs);
	return check_collisions(c, e) || check_wildcards(c, e) ? -1 : 0;
}
