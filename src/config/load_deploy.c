/* load_deploy.c: `deploy` of certificates and defaults, and `deploy_groups`: what each kind of action needs. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "config/load.h"

enum { LABEL_MAX = 4096 };

static const struct {
	const char *name;
	enum schema_id id;
} kinds[CONFIG_DEPLOY_KIND_N_] = {
	[CONFIG_DEPLOY_COMMAND] = {"command", SCHEMA_DEPLOY_COMMAND},
	[CONFIG_DEPLOY_SHELL] = {"shell", SCHEMA_DEPLOY_SHELL},
	[CONFIG_DEPLOY_SYSTEMD] = {"systemd", SCHEMA_DEPLOY_SYSTEMD},
	[CONFIG_DEPLOY_COPY] = {"copy", SCHEMA_DEPLOY_COPY},
	[CONFIG_DEPLOY_PEM] = {"pem", SCHEMA_DEPLOY_PEM},
	[CONFIG_DEPLOY_PKCS12] = {"pkcs12", SCHEMA_DEPLOY_PKCS12},
	[CONFIG_DEPLOY_KUBERNETES] = {"kubernetes", SCHEMA_DEPLOY_KUBERNETES},
	[CONFIG_DEPLOY_CERTBOT] = {"certbot_hooks", SCHEMA_DEPLOY_CERTBOT},
	[CONFIG_DEPLOY_LEGO] = {"lego_hook", SCHEMA_DEPLOY_LEGO},
	[CONFIG_DEPLOY_PROBE] = {"probe", SCHEMA_DEPLOY_PROBE},
};

const char *config_deploy_kind_name(enum config_deploy_kind k)
{
	return kinds[k].name;
}

/* --- values --- */

static char *text_of(const struct section *s, enum schema_id id)
{
	return s->v[id].s ? xstrdup(s->v[id].s) : NULL;
}

static char *path_of(const struct section *s, enum schema_id id)
{
	return s->v[id].set ? load_path(&s->v[id].mark, s->v[id].s) : NULL;
}

static void list_of(const struct section *s, enum schema_id id, struct strv *ret)
{
	for (size_t i = 0; i < s->v[id].n; i++)
		strv_add(ret, s->v[id].items[i].s);
}

static int need(const struct section *s, enum schema_id map, enum schema_id id, struct err *e)
{
	if (s->v[id].set)
		return 0;
	CONFIG_ERROR(e, &s->v[map].mark, "%s needs %s", schema_keys[map].name, schema_keys[id].name);
	err_hint(e, "%s: %s", schema_path(id).text, schema_keys[id].help);
	return -1;
}

/* The program is found by its path or in PATH; a relative path would mean another file wherever perdure is started. */
static int program_of(const struct section *s, enum schema_id id, struct strv *ret, struct err *e)
{
	list_of(s, id, ret);
	if (!ret->n || ret->v[0][0] == '/' || !strchr(ret->v[0], '/'))
		return 0;
	CONFIG_ERROR(e, &s->v[id].mark, "the program '%s' is named by a relative path", ret->v[0]);
	err_hint(e, "give its absolute path, or its name alone to have it found in PATH");
	return -1;
}

/* Whoever can read a file with the key can be the server. */
static int mode_of(const struct section *s, enum schema_id id, bool has_key, unsigned *ret, struct err *e)
{
	*ret = (unsigned)strtoul(s->v[id].s, NULL, 8);
	if (!has_key || !(*ret & 07))
		return 0;
	CONFIG_ERROR(e, &s->v[id].mark, "%s: %s would give everybody rights to the private key", schema_path(id).text,
		s->v[id].s);
	err_hint(e, "give the rights to a group: group: NAME, mode: 0640");
	return -1;
}

static void add_file(struct config_deploy *d, const char *part, char *to)
{
	d->files = xreallocarray(d->files, d->n_files + 1, sizeof(*d->files));
	d->files[d->n_files++] = (struct config_deploy_file){.part = part, .to = to};
}

/* --- kinds --- */

static int read_systemd(const struct section *s, struct config_deploy *d, struct err *e)
{
	if (need(s, SCHEMA_DEPLOY_SYSTEMD, SCHEMA_SYSTEMD_UNIT, e))
		return -1;
	d->unit = text_of(s, SCHEMA_SYSTEMD_UNIT);
	d->verb = text_of(s, SCHEMA_SYSTEMD_ACTION);
	d->once = true;
	if (*d->unit == '-')
		return CONFIG_ERROR(e, &s->v[SCHEMA_SYSTEMD_UNIT].mark, "'%s' is not the name of a unit", d->unit);
	return 0;
}

/* Those with the key first: they are put in place in this order. */
static const struct {
	const char *part;
	enum schema_id id;
} copy_files[] = {
	{"privkey.pem", SCHEMA_COPY_KEY},
	{"combined.pem", SCHEMA_COPY_COMBINED},
	{"fullchain.pem", SCHEMA_COPY_FULLCHAIN},
	{"cert.pem", SCHEMA_COPY_CERT},
	{"chain.pem", SCHEMA_COPY_CHAIN},
};

/* Whether files names the part, or is not given and the part is one of the usual two. */
static bool wants_part(const struct section_value *files, const char *part)
{
	for (size_t i = 0; i < files->n; i++)
		if (!strcmp(files->items[i].s, part))
			return true;
	return !files->set && (!strcmp(part, "privkey.pem") || !strcmp(part, "fullchain.pem"));
}

static int check_parts(const struct section_value *files, const struct section_value *to, struct err *e)
{
	for (size_t i = 0; i < files->n; i++) {
		size_t k = 0;
		while (k < ARRAY_LEN(copy_files) && strcmp(copy_files[k].part, files->items[i].s) != 0)
			k++;
		if (k < ARRAY_LEN(copy_files))
			continue;
		CONFIG_ERROR(e, &files->items[i].mark, "a certificate has no file '%s'", files->items[i].s);
		err_hint(e, "it has privkey.pem, cert.pem, chain.pem, fullchain.pem and combined.pem");
		return -1;
	}
	if (!files->set || to->set)
		return 0;
	CONFIG_ERROR(e, &files->mark, "copy has files, but no directory for them");
	err_hint(e, "add to: DIRECTORY, or name the files one by one: key: FILE, fullchain: FILE");
	return -1;
}

static int read_copy(const struct section *s, struct config_deploy *d, struct err *e)
{
	const struct section_value *files = &s->v[SCHEMA_COPY_FILES], *to = &s->v[SCHEMA_COPY_TO];
	if (check_parts(files, to, e))
		return -1;
	d->make_dir = path_of(s, SCHEMA_COPY_TO);
	bool has_key = false;
	for (size_t i = 0; i < ARRAY_LEN(copy_files); i++) {
		size_t before = d->n_files;
		if (d->make_dir && wants_part(files, copy_files[i].part))
			add_file(d, copy_files[i].part, xasprintf("%s/%s", d->make_dir, copy_files[i].part));
		if (s->v[copy_files[i].id].set)
			add_file(d, copy_files[i].part, path_of(s, copy_files[i].id));
		has_key |= d->n_files > before &&
			   (copy_files[i].id == SCHEMA_COPY_KEY || copy_files[i].id == SCHEMA_COPY_COMBINED);
	}
	d->owner = text_of(s, SCHEMA_COPY_OWNER);
	d->group = text_of(s, SCHEMA_COPY_GROUP);
	if (!d->n_files) {
		CONFIG_ERROR(e, &s->v[SCHEMA_DEPLOY_COPY].mark, "copy does not say where to");
		err_hint(e, "to: DIRECTORY, or key: FILE and fullchain: FILE");
		return -1;
	}
	return mode_of(s, SCHEMA_COPY_MODE, has_key, &d->mode, e) ||
			       mode_of(s, SCHEMA_COPY_CERT_MODE, false, &d->cert_mode, e)
		       ? -1
		       : 0;
}

static int read_pem(const struct section *s, struct config_deploy *d, struct err *e)
{
	const struct section_value *order = &s->v[SCHEMA_PEM_ORDER];
	if (need(s, SCHEMA_DEPLOY_PEM, SCHEMA_PEM_TO, e))
		return -1;
	for (size_t i = 0; i < order->n; i++) {
		if (schema_has_word("key cert chain fullchain", order->items[i].s) &&
			!strv_has(&d->parts, order->items[i].s)) {
			strv_add(&d->parts, order->items[i].s);
			continue;
		}
		CONFIG_ERROR(
			e, &order->items[i].mark, "'%s' is no part of a PEM file, or stands twice", order->items[i].s);
		err_hint(e, "the parts are key, cert, chain and fullchain, each once");
		return -1;
	}
	if (!order->set) {
		strv_add(&d->parts, "key");
		strv_add(&d->parts, "fullchain");
	}
	add_file(d, NULL, path_of(s, SCHEMA_PEM_TO));
	d->owner = text_of(s, SCHEMA_PEM_OWNER);
	d->group = text_of(s, SCHEMA_PEM_GROUP);
	return mode_of(s, SCHEMA_PEM_MODE, strv_has(&d->parts, "key"), &d->mode, e);
}

static int read_pkcs12(const struct section *s, struct config_deploy *d, struct err *e)
{
	if (need(s, SCHEMA_DEPLOY_PKCS12, SCHEMA_PKCS12_TO, e) ||
		need(s, SCHEMA_DEPLOY_PKCS12, SCHEMA_PKCS12_PASSWORD_FILE, e))
		return -1;
	add_file(d, NULL, path_of(s, SCHEMA_PKCS12_TO));
	d->password_file = path_of(s, SCHEMA_PKCS12_PASSWORD_FILE);
	d->alias = text_of(s, SCHEMA_PKCS12_ALIAS);
	d->legacy = s->v[SCHEMA_PKCS12_LEGACY].i != 0;
	d->owner = text_of(s, SCHEMA_PKCS12_OWNER);
	d->group = text_of(s, SCHEMA_PKCS12_GROUP);
	return mode_of(s, SCHEMA_PKCS12_MODE, true, &d->mode, e);
}

static int read_kubernetes(const struct section *s, struct config_deploy *d, struct err *e)
{
	if (need(s, SCHEMA_DEPLOY_KUBERNETES, SCHEMA_KUBERNETES_SECRET, e))
		return -1;
	d->secret = text_of(s, SCHEMA_KUBERNETES_SECRET);
	d->name_space = text_of(s, SCHEMA_KUBERNETES_NAMESPACE);
	d->server = text_of(s, SCHEMA_KUBERNETES_SERVER);
	d->token_file = path_of(s, SCHEMA_KUBERNETES_TOKEN_FILE);
	d->ca_file = path_of(s, SCHEMA_KUBERNETES_CA_FILE);
	d->force = s->v[SCHEMA_KUBERNETES_FORCE].i != 0;
	return 0;
}

static int read_certbot(const struct section *s, struct config_deploy *d, struct err *e)
{
	d->directory = path_of(s, SCHEMA_CERTBOT_DIRECTORY);
	d->shell = text_of(s, SCHEMA_CERTBOT_SHELL);
	if (program_of(s, SCHEMA_CERTBOT_COMMAND, &d->argv, e))
		return -1;
	if (!d->directory && !d->shell && !d->argv.n) {
		CONFIG_ERROR(e, &s->v[SCHEMA_DEPLOY_CERTBOT].mark, "certbot_hooks names no hook");
		err_hint(e, "directory: DIRECTORY, command: [PROGRAM] or shell: LINE");
		return -1;
	}
	return 0;
}

static int read_probe(const struct section *s, struct config_deploy *d, struct err *e)
{
	if (!s->v[SCHEMA_DEPLOY_PROBE].set)
		return 0;
	if (need(s, SCHEMA_DEPLOY_PROBE, SCHEMA_PROBE_CONNECT, e))
		return -1;
	d->probe_connect = text_of(s, SCHEMA_PROBE_CONNECT);
	d->probe_sni = text_of(s, SCHEMA_PROBE_SNI);
	d->probe_starttls = text_of(s, SCHEMA_PROBE_STARTTLS);
	d->probe_timeout_ms = s->v[SCHEMA_PROBE_TIMEOUT].i;
	return 0;
}

static int read_kind(const struct section *s, struct config_deploy *d, struct err *e)
{
	switch (d->kind) {
	case CONFIG_DEPLOY_COMMAND:
		return program_of(s, SCHEMA_DEPLOY_COMMAND, &d->argv, e);
	case CONFIG_DEPLOY_SHELL:
		d->shell = text_of(s, SCHEMA_DEPLOY_SHELL);
		return 0;
	case CONFIG_DEPLOY_SYSTEMD:
		return read_systemd(s, d, e);
	case CONFIG_DEPLOY_COPY:
		return read_copy(s, d, e);
	case CONFIG_DEPLOY_PEM:
		return read_pem(s, d, e);
	case CONFIG_DEPLOY_PKCS12:
		return read_pkcs12(s, d, e);
	case CONFIG_DEPLOY_KUBERNETES:
		return read_kubernetes(s, d, e);
	case CONFIG_DEPLOY_CERTBOT:
		return read_certbot(s, d, e);
	case CONFIG_DEPLOY_LEGO:
		return program_of(s, SCHEMA_DEPLOY_LEGO, &d->argv, e);
	case CONFIG_DEPLOY_PROBE:
	case CONFIG_DEPLOY_KIND_N_:
		break;
	}
	return 0;
}

/* --- what it is called --- */

/* Octets of s and the NUL after it, by FNV-1a; NULL is none. */
static uint64_t hash_more(uint64_t h, const char *s)
{
	size_t n = s ? strlen(s) + 1 : 0;
	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)s[i]) * UINT64_C(0x100000001b3);
	return (h ^ 0xff) * UINT64_C(0x100000001b3);
}

static uint64_t hash_list(uint64_t h, const struct strv *v)
{
	for (size_t i = 0; i < v->n; i++)
		h = hash_more(h, v->v[i]);
	return hash_more(h, NULL);
}

static void make_id(struct config_deploy *d)
{
	const char *const texts[] = {kinds[d->kind].name, d->shell, d->directory, d->unit, d->verb, d->owner, d->group,
		d->password_file, d->alias, d->secret, d->name_space, d->server, d->token_file, d->ca_file,
		d->kind == CONFIG_DEPLOY_PROBE ? d->probe_connect : NULL,
		d->kind == CONFIG_DEPLOY_PROBE ? d->probe_sni : NULL,
		d->kind == CONFIG_DEPLOY_PROBE ? d->probe_starttls : NULL};
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		h = hash_more(h, texts[i]);
	h = hash_list(hash_list(hash_list(h, &d->argv), &d->parts), &d->env);
	for (size_t i = 0; i < d->n_files; i++)
		h = hash_more(hash_more(h, d->files[i].part), d->files[i].to);
	AUTO(xfreep) char *numbers = xasprintf("%o %o %d %d", d->mode, d->cert_mode, d->legacy, d->once);
	h = hash_more(h, numbers);
	AUTO(xfreep) char *id = xasprintf("%016llx", (unsigned long long)h);
	memcpy(d->id, id, sizeof(d->id));
}

static void put_all(struct buf *b, const struct strv *v)
{
	for (size_t i = 0; i < v->n; i++)
		buf_printf(b, " %s", v->v[i]);
}

static void make_label(struct config_deploy *d)
{
	AUTO(buf_done) struct buf b = buf_make(LABEL_MAX);
	buf_puts(&b, kinds[d->kind].name);
	put_all(&b, &d->argv);
	if (d->unit)
		buf_printf(&b, " %s %s", d->verb, d->unit);
	if (d->directory)
		buf_printf(&b, " %s", d->directory);
	if (d->shell)
		buf_printf(&b, " %s", d->shell);
	for (size_t i = 0; i < d->n_files; i++)
		buf_printf(&b, " %s", d->files[i].to);
	if (d->secret)
		buf_printf(&b, " %s%s%s", d->name_space ? d->name_space : "", d->name_space ? "/" : "", d->secret);
	if (d->kind == CONFIG_DEPLOY_PROBE)
		buf_printf(&b, " %s", d->probe_connect);
	d->label = buf_take(&b);
}

/* --- lists --- */

static int kind_of(
	const struct section *s, const struct section_item *item, enum config_deploy_kind *ret, struct err *e)
{
	int found = s->v[SCHEMA_DEPLOY_GROUP].set;
	for (int k = 0; k < CONFIG_DEPLOY_PROBE; k++) {
		if (!s->v[kinds[k].id].set)
			continue;
		*ret = (enum config_deploy_kind)k;
		found++;
	}
	if (!found && s->v[SCHEMA_DEPLOY_PROBE].set) {
		*ret = CONFIG_DEPLOY_PROBE;
		return 0;
	}
	if (found == 1)
		return 0;
	CONFIG_ERROR(e, &item->mark, "this deploy action %s", found ? "says two things to do" : "does nothing");
	err_hint(e, "each has one of command, shell, systemd, copy, pem, pkcs12, kubernetes, certbot_hooks, lego_hook "
		    "and group; write two actions as two elements of the list");
	return -1;
}

static int add_action(
	struct config_deploy_list *to, const struct config_deploy *d, const struct config_mark *m, struct err *e)
{
	for (size_t i = 0; i < to->n; i++)
		if (!strcmp(to->v[i]->id, d->id))
			return CONFIG_ERROR(e, m, "the deploy action \"%.200s\" stands twice in one list", d->label);
	to->v = xreallocarray(to->v, to->n + 1, sizeof(const struct config_deploy *));
	to->v[to->n++] = d;
	return 0;
}

static int add_group(struct load *l, const struct section_value *name, struct config_deploy_list *to, struct err *e)
{
	for (size_t i = 0; i < l->c->n_deploy_groups; i++) {
		const struct config_deploy_group *g = &l->c->deploy_groups[i];
		if (strcmp(g->name, name->s) != 0)
			continue;
		for (size_t k = 0; k < g->list.n; k++)
			if (add_action(to, g->list.v[k], &name->mark, e))
				return -1;
		return 0;
	}
	CONFIG_ERROR(e, &name->mark, "there is no deploy group '%s'", name->s);
	err_hint(e, "groups stand in deploy_groups, each before those that refer to it");
	return -1;
}

/* Keys that mean nothing for the kind. */
static int check_extras(const struct section *s, const struct config_deploy *d, struct err *e)
{
	bool runs = d->kind == CONFIG_DEPLOY_COMMAND || d->kind == CONFIG_DEPLOY_SHELL;
	bool hooks = d->kind == CONFIG_DEPLOY_CERTBOT || d->kind == CONFIG_DEPLOY_LEGO;
	enum schema_id wrong = s->v[SCHEMA_DEPLOY_ONCE].set && !runs            ? SCHEMA_DEPLOY_ONCE
			       : s->v[SCHEMA_DEPLOY_ENV].set && !runs && !hooks ? SCHEMA_DEPLOY_ENV
										: SCHEMA_ROOT;
	if (wrong == SCHEMA_ROOT)
		return 0;
	return CONFIG_ERROR(
		e, &s->v[wrong].mark, "%s does not go with %s", schema_keys[wrong].name, kinds[d->kind].name);
}

static int read_element(struct load *l, const struct section_item *item, struct config_deploy_list *to, struct err *e)
{
	AUTO(section_done) struct section s;
	enum config_deploy_kind kind = CONFIG_DEPLOY_PROBE;
	section_init(&s);
	if (section_read(&s, item->doc, item->node, SCHEMA_CERT_DEPLOY, e) || kind_of(&s, item, &kind, e))
		return -1;
	if (s.v[SCHEMA_DEPLOY_GROUP].set)
		return add_group(l, &s.v[SCHEMA_DEPLOY_GROUP], to, e);
	struct config *c = l->c;
	struct config_deploy *d = xcalloc(1, sizeof(*d));
	c->deploys = xreallocarray(c->deploys, c->n_deploys + 1, sizeof(struct config_deploy *));
	c->deploys[c->n_deploys++] = d;
	*d = (struct config_deploy){.kind = kind,
		.timeout_ms = s.v[SCHEMA_DEPLOY_TIMEOUT].i,
		.once = s.v[SCHEMA_DEPLOY_ONCE].i != 0,
		.optional = s.v[SCHEMA_DEPLOY_OPTIONAL].i != 0,
		.mark = item->mark};
	list_of(&s, SCHEMA_DEPLOY_ENV, &d->env);
	if (check_extras(&s, d, e) || read_kind(&s, d, e) || read_probe(&s, d, e))
		return -1;
	make_id(d);
	make_label(d);
	return add_action(to, d, &item->mark, e);
}

static int read_list(struct load *l, const struct section_value *v, struct config_deploy_list *to, struct err *e)
{
	for (size_t i = 0; i < v->n; i++)
		if (read_element(l, &v->items[i], to, e))
			return -1;
	return 0;
}

int load_deploy_list(
	struct load *l, const struct section_value *v, const struct config_deploy_list **ret, struct err *e)
{
	struct config *c = l->c;
	struct config_deploy_list *list = xcalloc(1, sizeof(*list));
	c->deploy_lists = xreallocarray(c->deploy_lists, c->n_deploy_lists + 1, sizeof(struct config_deploy_list *));
	c->deploy_lists[c->n_deploy_lists++] = list;
	*ret = NULL;
	if (read_list(l, v, list, e))
		return -1;
	*ret = list->n ? list : NULL;
	return 0;
}

static int read_group(struct load *l, const struct section_item *item, struct err *e)
{
	AUTO(section_done) struct section s;
	struct config *c = l->c;
	section_init(&s);
	if (section_read(&s, item->doc, item->node, SCHEMA_GROUPS, e))
		return -1;
	const struct section_value *name = &s.v[SCHEMA_GROUP_NAME];
	if (!name->set || !s.v[SCHEMA_GROUP_DEPLOY].set) {
		CONFIG_ERROR(e, &item->mark, "this deploy group has no %s", name->set ? "deploy" : "name");
		err_hint(e, "a group has name:, a word of your choice, and deploy:, a list of actions");
		return -1;
	}
	for (size_t i = 0; i < c->n_deploy_groups; i++)
		if (!strcmp(c->deploy_groups[i].name, name->s))
			return CONFIG_ERROR(e, &name->mark, "the deploy group '%s' is given twice", name->s);
	struct config_deploy_list list = {0};
	int r = read_list(l, &s.v[SCHEMA_GROUP_DEPLOY], &list, e);
	c->deploy_groups = xreallocarray(c->deploy_groups, c->n_deploy_groups + 1, sizeof(*c->deploy_groups));
	c->deploy_groups[c->n_deploy_groups++] = (struct config_deploy_group){.name = xstrdup(name->s), .list = list};
	return r;
}

int load_deploy_groups(struct load *l, struct err *e)
{
	const struct section_value *v = &l->top.v[SCHEMA_GROUPS];
	for (size_t i = 0; i < v->n; i++)
		if (read_group(l, &v->items[i], e))
			return -1;
	return 0;
}

static void deploy_free(struct config_deploy *d)
{
	strv_done(&d->env);
	strv_done(&d->argv);
	strv_done(&d->parts);
	for (size_t i = 0; i < d->n_files; i++)
		free(d->files[i].to);
	char *const owned[] = {d->label, d->shell, d->directory, d->unit, d->verb, d->make_dir, d->owner, d->group,
		d->password_file, d->alias, d->secret, d->name_space, d->server, d->token_file, d->ca_file,
		d->probe_connect, d->probe_sni, d->probe_starttls};
	for (size_t i = 0; i < ARRAY_LEN(owned); i++)
		free(owned[i]);
	free(d->files);
	free(d);
}

void load_deploys_free(struct config *c)
{
	for (size_t i = 0; i < c->n_deploys; i++)
		deploy_free(c->deploys[i]);
	for (size_t i = 0; i < c->n_deploy_lists; i++) {
		free(c->deploy_lists[i]->v);
		free(c->deploy_lists[i]);
	}
	for (size_t i = 0; i < c->n_deploy_groups; i++) {
		free(c->deploy_groups[i].name);
		free(c->deploy_groups[i].list.v);
	}
	free(c->deploys);
	free(c->deploy_lists);
	free(c->deploy_groups);
}
