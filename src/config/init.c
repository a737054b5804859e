/* init.c: writes a first configuration from the schema table, so that the two cannot differ. */
#include "config/init.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "config/name.h"
#include "config/provider_key.h"
#include "config/schema.h"

enum { INIT_MAX = 64 << 10, INIT_INDENT = 2 };

struct init {
	struct buf b;
	const char *ca;
	const char *type; /* of the provider that is being written */
	const struct strv *names;
	const char *state_dir;
};

static bool is_active(const struct init *in, enum schema_id id)
{
	if (id == SCHEMA_CAS || id == SCHEMA_CA_NAME)
		return in->ca != NULL;
	if (id == SCHEMA_STATE_DIR)
		return in->state_dir != NULL;
	if (id == SCHEMA_CERTS || id == SCHEMA_CERT_NAMES)
		return in->names && in->names->n;
	return false;
}

static void put_value(struct init *in, enum schema_id id)
{
	const struct schema_key *k = &schema_keys[id];
	if (id == SCHEMA_CA_NAME && in->ca) {
		buf_puts(&in->b, in->ca);
	} else if (id == SCHEMA_STATE_DIR && in->state_dir) {
		buf_printf(&in->b, "\"%s\"", in->state_dir);
	} else if (id == SCHEMA_STATE_DIR) {
		AUTO(xfreep) char *dir = config_default_state_dir();
		buf_puts(&in->b, dir);
	} else if (id == SCHEMA_PROVIDER_NAME || id == SCHEMA_PROVIDER_TYPE) {
		buf_puts(&in->b, in->type);
	} else if (id == SCHEMA_PROVIDER_ZONES && !strcmp(in->type, "acme-dns")) {
		buf_puts(&in->b, "[auth.example.net]"); /* a zone stands in one list only */
	} else if (id == SCHEMA_CERT_NAMES && is_active(in, id)) {
		for (size_t i = 0; i < in->names->n; i++)
			buf_printf(&in->b, "%s\"%s\"", i ? ", " : "[", in->names->v[i]);
		buf_putc(&in->b, ']');
	} else {
		buf_puts(&in->b, k->def ? k->def : k->example);
	}
}

/* The start of a line; what is not active is commented out in the first column. */
static void put_start(struct init *in, bool active, int indent)
{
	buf_printf(&in->b, "%s%*s", active ? "" : "#", indent, "");
}

static void put_help(struct init *in, enum schema_id id, bool active, int indent)
{
	AUTO(buf_done) struct buf values = buf_make(INIT_MAX);
	schema_describe(id, &values);
	if (indent)
		put_start(in, active, indent);
	buf_printf(&in->b, "# %s", schema_keys[id].help);
	enum schema_type type = schema_keys[id].type;
	if (type != SCHEMA_MAP && type != SCHEMA_LIST && type != SCHEMA_STRING && type != SCHEMA_STRINGS)
		buf_printf(&in->b, " (%s)", buf_str(&values));
	buf_putc(&in->b, '\n');
}

static void put_children(struct init *in, enum schema_id parent, int indent);
static void put_deploy(struct init *in, int indent);

static void put_key(struct init *in, enum schema_id id, bool dash, int indent)
{
	const struct schema_key *k = &schema_keys[id];
	bool active = is_active(in, id);
	/* The dash stands INIT_INDENT before its map's keys. */
	put_help(in, id, active, dash ? indent - INIT_INDENT : indent);
	put_start(in, active, dash ? indent - INIT_INDENT : indent);
	buf_printf(&in->b, "%s%s:", dash ? "- " : "", k->name);
	if (k->type == SCHEMA_MAP) {
		buf_putc(&in->b, '\n');
		put_children(in, id, indent + INIT_INDENT);
	} else if (k->type == SCHEMA_LIST && !k->example) {
		buf_putc(&in->b, '\n');
		put_children(in, id, indent + 2 * INIT_INDENT);
	} else {
		buf_putc(&in->b, ' ');
		put_value(in, id);
		buf_putc(&in->b, '\n');
	}
}

/* One element for each type, named after it, with the keys it takes; `zones` in the first. */
static void put_providers(struct init *in, int indent)
{
	const char *types = schema_keys[SCHEMA_PROVIDER_TYPE].words;
	for (const char *p = types; *p; p += strspn(p, " ")) {
		size_t n = strcspn(p, " ");
		AUTO(xfreep) char *type = xstrndup(p, n);
		in->type = type;
		put_key(in, SCHEMA_PROVIDER_NAME, true, indent);
		put_key(in, SCHEMA_PROVIDER_TYPE, false, indent);
		if (p == types || !strcmp(type, "acme-dns"))
			put_key(in, SCHEMA_PROVIDER_ZONES, false, indent);
		for (enum schema_id id = SCHEMA_ROOT + 1; id < SCHEMA_N_; id++)
			if (schema_keys[id].parent == SCHEMA_PROVIDERS && provider_takes_key(type, id, NULL))
				put_key(in, id, false, indent);
		in->type = NULL;
		p += n;
	}
}

/* One element for each kind of action; the keys that go with several in the first. */
static void put_deploy(struct init *in, int indent)
{
	bool first = true;
	for (enum schema_id id = SCHEMA_DEPLOY_COMMAND; id <= SCHEMA_DEPLOY_GROUP; id++) {
		if (schema_keys[id].parent != SCHEMA_CERT_DEPLOY)
			continue;
		put_key(in, id, true, indent);
		for (enum schema_id more = SCHEMA_DEPLOY_PROBE; first && more <= SCHEMA_DEPLOY_OPTIONAL; more++)
			if (schema_keys[more].parent == SCHEMA_CERT_DEPLOY)
				put_key(in, more, false, indent);
		first = false;
	}
}

/* A list is shown with one element; certificates with two, because their two forms exclude each other. */
static void put_children(struct init *in, enum schema_id parent, int indent)
{
	bool dash = schema_keys[parent].type == SCHEMA_LIST;
	if (parent == SCHEMA_PROVIDERS) {
		put_providers(in, indent);
		return;
	}
	if (parent == SCHEMA_CERT_DEPLOY) {
		put_deploy(in, indent);
		return;
	}
	/* An element's first key decides whether the element is there: it must be the active one. */
	if (parent == SCHEMA_CERTS) {
		put_key(in, SCHEMA_CERT_NAMES, true, indent);
		dash = false;
	}
	for (enum schema_id id = SCHEMA_ROOT + 1; id < SCHEMA_N_; id++) {
		if (schema_keys[id].parent != parent || id == SCHEMA_CERT_NAMES || id == SCHEMA_CERT_FILE ||
			id == SCHEMA_CERT_WILDCARD)
			continue;
		if (parent == SCHEMA_ROOT)
			buf_putc(&in->b, '\n');
		put_key(in, id, dash, indent);
		dash = false;
	}
	if (parent == SCHEMA_CERTS) {
		put_key(in, SCHEMA_CERT_FILE, true, indent);
		put_key(in, SCHEMA_CERT_WILDCARD, false, indent);
	}
}

char *config_init_text(const char *ca, const struct strv *names, const char *state_dir)
{
	struct init in = {.b = buf_make(INIT_MAX), .ca = ca, .names = names, .state_dir = state_dir};
	const struct config_preset *preset = ca ? config_find_preset(ca) : NULL;
	buf_puts(&in.b,
		"# The configuration of perdure. Every key is here and in perdure.yaml(5); those that are commented "
		"out\n"
		"# show their default or an example. \"perdure config check\" reads it and says what is wrong.\n");
	if (preset)
		buf_printf(&in.b, "#\n# %s: %s.\n", preset->name, preset->note);
	put_children(&in, SCHEMA_ROOT, 0);
	return buf_take(&in.b);
}

static int check_preset(const char *ca, struct err *e)
{
	if (!ca || config_find_preset(ca))
		return 0;
	AUTO(buf_done) struct buf b = buf_make(INIT_MAX);
	size_t n;
	const struct config_preset *p = config_presets(&n);
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s%s", i ? ", " : "", p[i].name);
	err_set(e, ERR_CONFIG, "'%.60s' is not the name of a preset", ca);
	err_hint(e, "presets: %s; add others to cas in the file afterwards", buf_str(&b));
	return -1;
}

static int normalize(const struct strv *names, struct strv *ret, struct err *e)
{
	for (size_t i = 0; names && i < names->n; i++) {
		AUTO(xfreep) char *n = NULL;
		enum name_suffix suffix;
		if (name_for_certificate(names->v[i], &n, &suffix, e))
			return -1;
		if (!strv_has(ret, n))
			strv_add_take(ret, TAKE(n));
	}
	return 0;
}

int config_init_check(const char *ca, const struct strv *names, struct err *e)
{
	if (check_preset(ca, e))
		return -1;
	if (!names || !names->n || ca)
		return 0;
	err_set(e, ERR_CONFIG, "a certificate for %s needs a CA", names->v[0]);
	err_hint(e, "name one with --ca: perdure init --ca letsencrypt-staging %s; \"perdure ca list\" shows them",
		names->v[0]);
	return -1;
}

int config_init_write(const char *path, const char *ca, const struct strv *names, const char *state_dir, struct err *e)
{
	AUTO(strv_done) struct strv good = {0};
	if (normalize(names, &good, e) || config_init_check(ca, &good, e))
		return -1;
	const char *slash = strrchr(path, '/');
	AUTO(xfreep) char *dir = slash > path ? xstrndup(path, (size_t)(slash - path)) : xstrdup(slash ? "/" : ".");
	AUTO(xfreep) char *text = config_init_text(ca, &good, state_dir);
	if (fs_mkdirs(dir, 0755, e))
		return -1;
	if (!fs_create_synced(path, text, strlen(text), 0644, e))
		return fs_sync_dir(dir, e);
	if (e->kind == ERR_SYS && e->code == EEXIST) {
		err_set(e, ERR_CONFIG, "%s exists already", path);
		err_hint(e, "it is left as it is; remove it first, or name another with --config");
	}
	return -1;
}
