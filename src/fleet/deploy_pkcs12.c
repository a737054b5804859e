/* deploy_pkcs12.c: the deploy action pkcs12: key, certificate and chain in one sealed file. */
#include <string.h>

#include "base/fs.h"
#include "base/secret.h"
#include "base/xalloc.h"
#include "crypto/pkcs12.h"
#include "fleet/deploywork.h"

static int start(struct deploy_work *w, struct err *e)
{
	const struct config_deploy *d = w->action;
	const struct certfiles_texts *t = &w->subject->files;
	const char *name = w->subject->cert->name;
	AUTO(deploy_files_done) struct deploy_files f = {0};
	AUTO(buf_wipe) struct buf b = buf_make(BUF_MAX_SMALL_FILE);
	AUTO(secret_done) struct secret password = {0};
	AUTO(xfreep) char *alias = deploy_expand(d->alias ? d->alias : "{name}", name);
	if (deploy_need_key(w, e) || fs_read_secret(d->password_file, &password, e))
		return -1;
	struct pkcs12_request r = {.key_pem = &t->key_pem,
		.chain_pem = t->fullchain_pem,
		.password = (const char *)password.p,
		.alias = alias,
		.legacy = d->legacy};
	if (pkcs12_make(&r, &b, e))
		return err_ctx(e, "make the PKCS#12 file of %s", name);
	deploy_files_add(&f, deploy_expand(d->files[0].to, name), secret_dup(buf_str(&b), b.n), d->mode);
	return deploy_files_start(w, &f, e);
}

const struct deploy_kind deploy_kind_pkcs12 = {.start = start, .release = deploy_files_release};
