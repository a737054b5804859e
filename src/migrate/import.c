/* import.c: accounts and certificates of a plan taken into our state. */
#include "migrate/import.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "crypto/key.h"
#include "crypto/x509.h"
#include "inventory/rollover.h"
#include "inventory/site.h"
#include "inventory/tell.h"
#include "migrate/plan.h"
#include "state/certfiles.h"

/* ---- accounts ---- */

static int write_key(const struct site *s, const struct site_ca *ca, const struct key *k, struct err *e)
{
	AUTO(xfreep) char *path = site_account_key_path(s, ca);
	AUTO(xfreep) char *dir = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	AUTO(secret_done) struct secret pem = {0};
	if (key_to_pem(k, &pem, e) || fs_mkdirs(dir, 0700, e))
		return -1;
	return fs_write_atomic(path, pem.p, pem.n, 0600, e);
}

int migrate_import_account(struct site *s, const struct migrate_account_plan *p, struct err *e)
{
	const struct migrate_account *from = p->account;
	struct site_ca *ca = p->ca;
	if (rollover_check_none(s, ca, e))
		return -1;
	if (!ca->key) {
		if (write_key(s, ca, from->key, e))
			return -1;
		ca->key = key_ref(from->key);
	}
	FAULT("migrate.key");
	if (*from->url) {
		free(ca->account.url);
		free(ca->account.status);
		ca->account.url = xstrdup(from->url);
		ca->account.status = xstrdup("valid");
	}
	strv_copy(&ca->account.contact, &from->contact);
	if (!ca->account.created)
		ca->account.created = clk_wall(s->clk) / 1000;
	if (site_account_note_key(ca, ca->key, e) || store_account_put(s->store, &ca->account, e) ||
		store_commit(s->store, e))
		return -1;
	tell_account(s, EVENT_ACCOUNT_IMPORTED, &ca->account);
	return 0;
}

/* ---- certificates ---- */

static char *pem_of(const struct x509_chain *chain, void (*write)(const struct x509_chain *c, struct buf *out))
{
	struct buf b = buf_make(BUF_MAX_CHAIN);
	write(chain, &b);
	return buf_take(&b);
}

/*
 * The generation to write. A run that was killed after the files and before the row has left a generation that the
 * state does not know: it is written again, which does nothing when it is the same.
 */
static int pick_generation(struct site *s, const char *name, const struct store_cert *row, int64_t *ret, struct err *e)
{
	int64_t live;
	if (certfiles_live_generation(s->config->state_dir, name, &live, e))
		return -1;
	if (live && live != row->generation) {
		*ret = live;
		return 0;
	}
	return certfiles_next_generation(s->config->state_dir, name, ret, e);
}

static int install(struct site *s, const struct migrate_cert_plan *p, int64_t generation, struct err *e)
{
	const struct migrate_lineage *l = p->lineage;
	AUTO(xfreep) char *leaf = pem_of(l->chain, x509_chain_pem_leaf);
	AUTO(xfreep) char *rest = pem_of(l->chain, x509_chain_pem_rest);
	AUTO(xfreep) char *all = pem_of(l->chain, x509_chain_pem_all);
	struct certfiles_set set = {.name = p->name,
		.generation = generation,
		.key_pem = &l->key_pem,
		.cert_pem = leaf,
		.chain_pem = rest,
		.fullchain_pem = all};
	if (!certfiles_install(s->config->state_dir, &set, e))
		return 0;
	if (e->kind == ERR_STORE)
		err_hint(e,
			"live/%s holds a certificate that the state does not know; if nothing needs it, \"perdure "
			"delete %s\" makes room",
			p->name, p->name);
	return -1;
}

static void set_text(char **field, const char *value)
{
	free(*field);
	*field = xstrdup(value);
}

static void fill_row(struct store_cert *row, const struct migrate_cert_plan *p, int64_t generation)
{
	const struct x509_info *info = x509_chain_info(p->lineage->chain);
	set_text(&row->name, p->name);
	set_text(&row->ca, p->ca->conf->name);
	set_text(&row->serial, info->serial);
	set_text(&row->ari_id, info->ari_id);
	set_text(&row->last_error, "");
	strv_copy(&row->names, &info->names);
	row->generation = generation;
	row->not_before = info->not_before;
	row->not_after = info->not_after;
	row->issued_at = info->not_before;
	row->failures = 0;
	row->next_at = 0;
	free(row->window.url);
	row->window = (struct store_window){.url = xstrdup("")};
}

int migrate_import_cert(struct site *s, const struct migrate_cert_plan *p, struct err *e)
{
	AUTO(store_cert_done) struct store_cert row = {0};
	bool found;
	int64_t generation;
	if (store_cert_get(s->store, p->name, &row, &found, e) || pick_generation(s, p->name, &row, &generation, e) ||
		install(s, p, generation, e))
		return err_ctx(e, "import %s", p->name);
	FAULT("migrate.installed");
	fill_row(&row, p, generation);
	if (store_cert_put(s->store, &row, e) || store_commit(s->store, e))
		return err_ctx(e, "import %s", p->name);
	tell_event(s, &(struct event){.type = EVENT_CERT_IMPORTED,
			      .name = row.name,
			      .names = &row.names,
			      .ca = row.ca,
			      .generation = row.generation,
			      .not_after = row.not_after,
			      .serial = row.serial});
	return 0;
}
