/* audit_ct.c: `perdure audit --ct`: certificates from the logs, and which of them were ordered here. */
#include <errno.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "cli/audit.h"
#include "cli/cli.h"
#include "crypto/x509.h"
#include "inventory/site.h"
#include "state/certfiles.h"
#include "watch/ct.h"

static int know_row(const struct store_cert *row, void *ctx, struct err *e)
{
	(void)e;
	if (*row->serial)
		ct_know(ctx, row->serial);
	return 0;
}

/* A file that an upkeep has removed meanwhile is passed over. */
static int know_file(struct ct *c, const char *path, struct err *e)
{
	AUTO(buf_done) struct buf pem = buf_make(BUF_MAX_CHAIN);
	AUTO(x509_chain_freep) struct x509_chain *chain = NULL;
	if (fs_read(path, &pem, e)) {
		if (e->kind != ERR_SYS || e->code != ENOENT)
			return -1;
		err_done(e);
		return 0;
	}
	if (x509_chain_parse(buf_str(&pem), pem.n, &chain, e))
		return err_ctx(e, "%s", path);
	ct_know(c, x509_chain_info(chain)->serial);
	return 0;
}

/* Every generation in archive/, and what the state says of the live ones. */
static int know_state(struct ct *c, const struct site *s, struct err *e)
{
	AUTO(strv_done) struct strv paths = {0};
	if (!s->store)
		return 0;
	if (store_cert_each(s->store, know_row, c, e) || certfiles_certs(s->config->state_dir, &paths, e))
		return -1;
	for (size_t i = 0; i < paths.n; i++)
		if (know_file(c, paths.v[i], e))
			return -1;
	return 0;
}

static int read_all(
	struct ct *c, const struct strv *files, int (*fn)(struct ct *c, const char *path, struct err *e), struct err *e)
{
	for (size_t i = 0; i < files->n; i++)
		if (fn(c, files->v[i], e))
			return -1;
	return 0;
}

int audit_ct_make(const struct cli *c, const struct site *s, struct ct **ret, struct err *e)
{
	const struct strv *files = cli_values(c, "ct"), *known = cli_values(c, "ct-known");
	*ret = NULL;
	if (!files->n && known->n) {
		err_set(e, ERR_USAGE, "--ct-known without --ct");
		err_hint(e, "perdure audit --ct FILE --ct-known FILE");
		return -1;
	}
	if (!files->n)
		return 0;
	struct ct *ct = ct_new();
	if (read_all(ct, files, ct_read, e)) {
		ct_free(ct);
		return err_ctx(e, "--ct");
	}
	if (read_all(ct, known, ct_read_known, e)) {
		ct_free(ct);
		return err_ctx(e, "--ct-known");
	}
	if (know_state(ct, s, e)) {
		ct_free(ct);
		return -1;
	}
	ct_ready(ct);
	*ret = ct;
	return 0;
}
