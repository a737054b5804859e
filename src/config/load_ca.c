/* load_ca.c: the entries of `cas`, and names of CAs elsewhere. */
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "config/load.h"

enum { LOAD_NAMES_MAX = 400 };

static char *dup_or_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

/* "in cas: a, b; presets: c, d" */
static void hint_names(const struct load *l, struct err *e)
{
	AUTO(buf_done) struct buf b = buf_make(LOAD_NAMES_MAX);
	for (size_t i = 0; i < l->c->n_cas && b.n < LOAD_NAMES_MAX / 2; i++)
		buf_printf(&b, "%s%s", i ? ", " : "in cas: ", l->c->cas[i].name);
	size_t n;
	const struct config_preset *p = config_presets(&n);
	buf_puts(&b, b.n ? "; presets: " : "presets: ");
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s%s", i ? ", " : "", p[i].name);
	err_hint(e, "%s; others are maps in cas with name and directory", buf_str(&b));
}

static int check_unused(const struct load *l, const char *name, const struct config_mark *m, struct err *e)
{
	const struct config_ca *other = config_find_ca(l->c, name);
	if (!other)
		return 0;
	CONFIG_ERROR(e, m, "the CA '%s' is given already, at %s:%d:%d", name, other->mark.file, other->mark.line,
		other->mark.column);
	err_hint(e, "give one of the two another name");
	return -1;
}

static struct config_ca *append(struct load *l, const char *name, const struct config_mark *m)
{
	struct config *c = l->c;
	if (c->n_cas == l->cas_cap) {
		l->cas_cap = l->cas_cap ? l->cas_cap * 2 : 4;
		c->cas = xreallocarray(c->cas, l->cas_cap, sizeof(*c->cas));
	}
	struct config_ca *ca = &c->cas[c->n_cas++];
	*ca = (struct config_ca){.name = xstrdup(name), .level = CONFIG_LEVEL_UNSET, .proxy = l->proxy, .mark = *m};
	return ca;
}

/* What the schema table says for keys that are not given, and what the preset knows. */
static void fill(struct config_ca *ca, const struct section *s, const struct config_preset *preset)
{
	const struct section_value *v = s->v;
	ca->directory = dup_or_null(v[SCHEMA_CA_DIRECTORY].set ? v[SCHEMA_CA_DIRECTORY].s
				    : preset                   ? preset->directory
							       : NULL);
	if (preset && preset->issuer)
		strv_add(&ca->preset_issuers, preset->issuer);
	for (size_t i = 0; i < v[SCHEMA_CA_ISSUER].n; i++)
		strv_add(&ca->issuers, v[SCHEMA_CA_ISSUER].items[i].s);
	if (v[SCHEMA_CA_LEVEL].set)
		ca->level = v[SCHEMA_CA_LEVEL].s[strlen(v[SCHEMA_CA_LEVEL].s) - 1] - '0';
	if (v[SCHEMA_CA_BUNDLE].set)
		ca->ca_bundle = load_path(&v[SCHEMA_CA_BUNDLE].mark, v[SCHEMA_CA_BUNDLE].s);
	if (v[SCHEMA_CA_IP_VERSION].set)
		ca->ip_version = v[SCHEMA_CA_IP_VERSION].s[0] - '0';
	ca->max_orders = v[SCHEMA_CA_MAX_ORDERS].i;
	ca->limit_orders = preset ? preset->limit_orders : 0;
	ca->limit_ms = preset ? (int64_t)preset->limit_s * 1000 : 0;
	ca->limit_replacing_exempt = preset && preset->limit_orders;
	ca->limit_requests = v[SCHEMA_CA_LIMIT_REQUESTS].i;
	if (v[SCHEMA_CA_LIMIT_ORDERS].set) {
		ca->limit_orders = v[SCHEMA_CA_LIMIT_ORDERS].i;
		ca->limit_ms = v[SCHEMA_CA_LIMIT_PER].i;
		if (!preset || v[SCHEMA_CA_LIMIT_EXEMPT].set)
			ca->limit_replacing_exempt = v[SCHEMA_CA_LIMIT_EXEMPT].i != 0;
	}
	ca->eab_kid = dup_or_null(v[SCHEMA_CA_EAB_KID].s);
	if (v[SCHEMA_CA_EAB_FILE].set)
		ca->eab_hmac_key_file = load_path(&v[SCHEMA_CA_EAB_FILE].mark, v[SCHEMA_CA_EAB_FILE].s);
	ca->eab_alg = dup_or_null(v[SCHEMA_CA_EAB_ALG].s);
	ca->account_url = dup_or_null(v[SCHEMA_CA_ACCOUNT_URL].s);
	for (size_t i = 0; i < v[SCHEMA_CA_ACCOUNT_THUMBPRINTS].n; i++)
		strv_add(&ca->account_thumbprints, v[SCHEMA_CA_ACCOUNT_THUMBPRINTS].items[i].s);
	ca->account_key = dup_or_null(v[SCHEMA_CA_ACCOUNT_KEY].s);
	for (size_t i = 0; i < v[SCHEMA_CA_CONTACT].n; i++) {
		const char *mail = v[SCHEMA_CA_CONTACT].items[i].s;
		strv_add_take(&ca->contact, xasprintf("%s%s", strncmp(mail, "mailto:", 7) ? "mailto:" : "", mail));
	}
	ca->account_uri_any = v[SCHEMA_CA_URI_ANY].i != 0;
	ca->profile = dup_or_null(v[SCHEMA_CA_PROFILE].s);
	ca->preferred_chain = dup_or_null(v[SCHEMA_CA_CHAIN].s);
}

static void add_preset(struct load *l, const struct config_preset *preset, const struct config_mark *m)
{
	AUTO(section_done) struct section s;
	section_init(&s);
	fill(append(l, preset->name, m), &s, preset);
}

static int add_plain(struct load *l, const struct section_item *item, struct err *e)
{
	const char *name = doc_text(item->doc, item->node);
	const struct config_preset *preset = config_find_preset(name);
	if (!preset) {
		CONFIG_ERROR(e, &item->mark, "cas: '%.60s' is not a preset", name);
		hint_names(l, e);
		return -1;
	}
	if (check_unused(l, name, &item->mark, e))
		return -1;
	add_preset(l, preset, &item->mark);
	return 0;
}

/* Keys that only make sense together. */
static int check_complete(const struct section *s, bool preset, const struct config_mark *m, struct err *e)
{
	const struct section_value *v = s->v;
	if (!v[SCHEMA_CA_DIRECTORY].set && !preset) {
		CONFIG_ERROR(e, m, "the CA '%s' has no directory", v[SCHEMA_CA_NAME].s);
		err_hint(e, "add directory: https://…, or use the name of a preset (perdure ca list)");
		return -1;
	}
	const struct config_mark *eab = &v[SCHEMA_CA_EAB].mark;
	if (v[SCHEMA_CA_EAB].set && !(v[SCHEMA_CA_EAB_KID].set && v[SCHEMA_CA_EAB_FILE].set)) {
		CONFIG_ERROR(e, eab, "cas[].eab needs both kid and hmac_key_file");
		err_hint(e, "the CA gives the two together");
		return -1;
	}
	bool of_orders = v[SCHEMA_CA_LIMIT_ORDERS].set || v[SCHEMA_CA_LIMIT_PER].set || v[SCHEMA_CA_LIMIT_EXEMPT].set ||
			 !v[SCHEMA_CA_LIMIT_REQUESTS].set;
	if (v[SCHEMA_CA_LIMITS].set && of_orders && !(v[SCHEMA_CA_LIMIT_ORDERS].set && v[SCHEMA_CA_LIMIT_PER].set)) {
		CONFIG_ERROR(e, &v[SCHEMA_CA_LIMITS].mark, "cas[].limits needs both orders and per");
		err_hint(e, "limits: { orders: 300, per: 3h } says that the CA takes 300 new orders in three hours");
		return -1;
	}
	if (v[SCHEMA_CA_ACCOUNT].set && !v[SCHEMA_CA_ACCOUNT_URL].set) {
		CONFIG_ERROR(e, &v[SCHEMA_CA_ACCOUNT].mark, "cas[].account needs url");
		err_hint(e, "perdure account show --public prints it on the host with the key");
		return -1;
	}
	return 0;
}

static int add_map(struct load *l, const struct section_item *item, struct err *e)
{
	AUTO(section_done) struct section s;
	section_init(&s);
	if (section_read(&s, item->doc, item->node, SCHEMA_CAS, e))
		return -1;
	const struct section_value *name = &s.v[SCHEMA_CA_NAME];
	if (!name->set) {
		CONFIG_ERROR(e, &item->mark, "this entry of cas has no name");
		err_hint(e, "add name: and a word of your choice, or the name of a preset (perdure ca list)");
		return -1;
	}
	const struct config_preset *preset = config_find_preset(name->s);
	if (check_unused(l, name->s, &item->mark, e) || check_complete(&s, preset != NULL, &item->mark, e))
		return -1;
	struct config_ca *ca = append(l, name->s, &item->mark);
	fill(ca, &s, preset);
	return load_proxy(l, &s, SCHEMA_CA_PROXY, SCHEMA_CA_PROXY_AUTH, &ca->proxy, e);
}

int load_cas(struct load *l, struct err *e)
{
	const struct section_value *v = &l->top.v[SCHEMA_CAS];
	if (load_proxy(l, &l->top, SCHEMA_DEFAULT_PROXY, SCHEMA_DEFAULT_PROXY_AUTH, &l->proxy, e))
		return -1;
	for (size_t i = 0; i < v->n; i++) {
		const struct section_item *item = &v->items[i];
		bool plain = doc_kind(item->doc, item->node) == DOC_SCALAR && !doc_null(item->doc, item->node);
		if (plain ? add_plain(l, item, e) : add_map(l, item, e))
			return -1;
	}
	return 0;
}

int load_ca_ref(struct load *l, const struct section_item *item, struct strv *to, struct err *e)
{
	if (strv_has(to, item->s))
		return CONFIG_ERROR(e, &item->mark, "the CA '%s' is listed twice", item->s);
	if (!config_find_ca(l->c, item->s)) {
		const struct config_preset *preset = config_find_preset(item->s);
		if (!preset) {
			CONFIG_ERROR(e, &item->mark, "there is no CA '%s'", item->s);
			hint_names(l, e);
			return -1;
		}
		add_preset(l, preset, &item->mark);
	}
	strv_add(to, item->s);
	return 0;
}
