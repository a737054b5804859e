/* yaml.c: what a plan adds to the configuration. */
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "migrate/plan.h"
#include "json/json.h"

/* A JSON string is a YAML one. */
static void put(struct buf *out, const char *s)
{
	struct json_out w = json_out_make(out);
	json_out_str(&w, NULL, s);
}

static void put_list(struct buf *out, const struct strv *v)
{
	buf_putc(out, '[');
	for (size_t i = 0; i < v->n; i++) {
		buf_puts(out, i ? ", " : "");
		put(out, v->v[i]);
	}
	buf_puts(out, "]\n");
}

/* A comment, whatever line breaks are in the text. */
static void put_comment(struct buf *out, const char *indent, const char *about, const char *text)
{
	buf_printf(out, "%s# %s: ", indent, about);
	put(out, text);
	buf_putc(out, '\n');
}

/* ---- deploy: ---- */

/* Owner and rights as the file at path has them, where they differ from what is the rule. */
static void put_rights(struct buf *out, const char *path)
{
	enum { TEXT_MAX = 4096 };
	struct stat st;
	struct passwd user, *u = NULL;
	struct group group, *g = NULL;
	char text[TEXT_MAX];
	if (stat(path, &st))
		return;
	if (st.st_uid && !getpwuid_r(st.st_uid, &user, text, sizeof(text), &u) && u) {
		buf_puts(out, ", owner: ");
		put(out, u->pw_name);
	}
	if (st.st_gid && !getgrgid_r(st.st_gid, &group, text, sizeof(text), &g) && g) {
		buf_puts(out, ", group: ");
		put(out, g->gr_name);
	}
	/* Never for everybody: it is the key. */
	unsigned mode = (unsigned)(st.st_mode & 0770);
	if (mode != 0600)
		buf_printf(out, ", mode: \"0%o\"", mode);
}

static void put_copies(struct buf *out, const struct migrate_lineage *l)
{
	static const char *const keys[][2] = {
		{"privkey.pem", "key"}, {"cert.pem", "cert"}, {"chain.pem", "chain"}, {"fullchain.pem", "fullchain"}};
	const char *key = NULL;
	if (!l->n_copies)
		return;
	buf_puts(out, "      - copy: { ");
	for (size_t i = 0; i < l->n_copies; i++) {
		size_t k = 0;
		while (k + 1 < ARRAY_LEN(keys) && strcmp(keys[k][0], l->copies[i].what) != 0)
			k++;
		buf_printf(out, "%s%s: ", i ? ", " : "", keys[k][1]);
		put(out, l->copies[i].path);
		key = k ? key : l->copies[i].path;
	}
	if (key)
		put_rights(out, key);
	buf_puts(out, " }\n");
}

/* dehydrated calls its hook with the step and the paths. */
static void put_step_hook(struct buf *out, const struct migrate_cert_plan *c, const char *state_dir, const char *hook)
{
	static const char *const files[] = {"privkey.pem", "cert.pem", "fullchain.pem", "chain.pem"};
	buf_puts(out, "      - command: [");
	put(out, hook);
	buf_puts(out, ", deploy_cert, ");
	put(out, c->lineage->names.n ? c->lineage->names.v[0] : c->name);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		AUTO(xfreep) char *path = xasprintf("%s/live/%s/%s", state_dir, c->name, files[i]);
		buf_puts(out, ", ");
		put(out, path);
	}
	buf_puts(out, ", \"0\"]\n");
}

/* True when the hook is a deploy action here; the others become comments. */
static bool put_hook(struct buf *out, const struct migrate_plan *p, const struct migrate_cert_plan *c,
	const struct migrate_hook *h, const char *state_dir)
{
	enum migrate_client client = p->found->client;
	if (!strcmp(h->when, "all") && client == MIGRATE_DEHYDRATED && *h->command == '/') {
		put_step_hook(out, c, state_dir, h->command);
		return true;
	}
	if (strcmp(h->when, "deploy") != 0)
		return false;
	buf_puts(out, client == MIGRATE_CERTBOT ? "      - certbot_hooks: { shell: " : "      - shell: ");
	put(out, h->command);
	buf_puts(out, client == MIGRATE_CERTBOT ? " }\n" : "\n");
	return true;
}

/* A folder of hooks is one action. */
static bool put_folder(struct buf *out, const struct migrate_plan *p)
{
	if (p->found->client != MIGRATE_CERTBOT)
		return false;
	for (size_t i = 0; i < p->found->n_hooks; i++)
		if (!strcmp(p->found->hooks[i].when, "deploy")) {
			AUTO(xfreep) char *dir = xasprintf("%s/renewal-hooks/deploy", p->found->path);
			buf_puts(out, "      - certbot_hooks: { directory: ");
			put(out, dir);
			buf_puts(out, " }\n");
			return true;
		}
	return false;
}

static void put_others(struct buf *out, const struct migrate_hook *hooks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *about = !strcmp(hooks[i].when, "before")  ? "ran before a renewal"
				    : !strcmp(hooks[i].when, "after") ? "ran after a renewal"
				    : !strcmp(hooks[i].when, "all")   ? "was called at every step"
								    : "made or removed the proof, not needed any more";
		if (strcmp(hooks[i].when, "deploy") != 0)
			put_comment(out, "    ", about, hooks[i].command);
	}
}

static void put_deploy(
	struct buf *out, const struct migrate_plan *p, const struct migrate_cert_plan *c, const char *dir)
{
	const struct migrate_lineage *l = c->lineage;
	AUTO(buf_done) struct buf actions = buf_make(BUF_MAX_SMALL_FILE);
	put_copies(&actions, l);
	for (size_t i = 0; i < l->n_hooks; i++)
		put_hook(&actions, p, c, &l->hooks[i], dir);
	if (!put_folder(&actions, p))
		for (size_t i = 0; i < p->found->n_hooks; i++)
			put_hook(&actions, p, c, &p->found->hooks[i], dir);
	put_others(out, l->hooks, l->n_hooks);
	if (actions.n)
		buf_printf(out, "    deploy:\n%s", buf_str(&actions));
}

/* ---- the rest ---- */

static void put_ca(struct buf *out, const struct migrate_missing_ca *ca)
{
	if (ca->preset) {
		buf_printf(out, "  - %s\n", ca->name);
		return;
	}
	buf_printf(out, "%s  - name: %s\n", *ca->directory ? "" : "  # the URL of its directory is to be filled in\n",
		ca->name);
	buf_puts(out, "    directory: ");
	put(out, *ca->directory ? ca->directory : "https://");
	buf_putc(out, '\n');
}

static void put_cert(struct buf *out, const struct migrate_plan *p, const struct migrate_cert_plan *c, const char *dir)
{
	const struct migrate_lineage *l = c->lineage;
	if (*l->method)
		put_comment(out, "  ", "validated until now by", l->method);
	buf_printf(out, "  - name: %s\n    names: ", c->name);
	put_list(out, &l->names);
	if (*c->ca_name)
		buf_printf(out, "    ca: [%s]\n", c->ca_name);
	if (l->key_type)
		buf_printf(out, "    key: %s\n", l->key_type);
	if (l->reuse_key)
		buf_puts(out, "    reuse_key: true\n");
	if (l->must_staple)
		buf_puts(out, "    must_staple: true\n");
	if (*l->preferred_chain) {
		buf_puts(out, "    preferred_chain: ");
		put(out, l->preferred_chain);
		buf_putc(out, '\n');
	}
	if (*l->profile) {
		buf_puts(out, "    profile: ");
		put(out, l->profile);
		buf_putc(out, '\n');
	}
	put_deploy(out, p, c, dir);
}

void migrate_plan_yaml(const struct migrate_plan *p, const char *state_dir, struct buf *out)
{
	const struct migrate_found *f = p->found;
	bool any = false;
	buf_printf(out, "# taken over from %s, ", migrate_client_name(f->client));
	put(out, f->path);
	buf_putc(out, '\n');
	if (p->n_missing)
		buf_puts(out, "cas:\n");
	for (size_t i = 0; i < p->n_missing; i++)
		put_ca(out, &p->missing[i]);
	for (size_t i = 0; i < f->n_lineages; i++) {
		const struct migrate_cert_plan *c = &p->certs[i];
		if (c->configured || !c->lineage->names.n)
			continue;
		if (!any) {
			buf_puts(out, "certificates:\n");
			put_others(out, f->hooks, f->n_hooks);
		}
		any = true;
		put_cert(out, p, c, state_dir);
	}
}
