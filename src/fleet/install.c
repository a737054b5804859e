/* install.c: the slow parts of issuing, out of the way of everything else. */
#include "fleet/install.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "crypto/x509.h"
#include "loop/loop.h"
#include "state/installer.h"
#include "state/store.h"

struct request_job {
	enum key_type type;
	struct secret old_key;
	struct strv names;
	struct x509_csr_options options;
	struct x509_request request;
	struct x509_request *ret;
	struct err e;
	install_fn done;
	void *ctx;
};

static void request_work(void *arg)
{
	struct request_job *r = arg;
	x509_request(r->type, &r->old_key, &r->names, &r->options, &r->request, &r->e);
}

static void request_done(void *arg)
{
	struct request_job *r = arg;
	*r->ret = r->request;
	r->done(&r->e, r->ctx);
	secret_done(&r->old_key);
	strv_done(&r->names);
	err_done(&r->e);
	free(r);
}

static void request_gone(void *arg)
{
	struct request_job *r = arg;
	err_done(&r->e);
	err_set(&r->e, ERR_CANCEL, "stopped");
	request_done(r);
}

static void request_here(void *arg)
{
	request_work(arg);
	request_done(arg);
}

void install_request(struct loop *l, enum key_type type, struct secret *old_key, const struct strv *names,
	const struct x509_csr_options *o, struct x509_request *ret, install_fn done, void *ctx)
{
	struct request_job *r = xcalloc(1, sizeof(*r));
	*r = (struct request_job){
		.type = type, .old_key = *old_key, .options = *o, .ret = ret, .done = done, .ctx = ctx};
	*old_key = (struct secret){0};
	strv_copy(&r->names, names);
	/* An RSA key takes up to seconds, and one that is kept may be of that type. */
	if (!r->old_key.n && (type == KEY_EC256 || type == KEY_EC384))
		loop_spare(l, request_here, request_gone, r);
	else
		loop_job(l, request_work, request_done, request_gone, r);
}

void install_start(
	struct installer *in, const struct store_order *o, const struct install_set *set, install_fn done, void *ctx)
{
	installer_put(in,
		&(struct installer_set){
			.name = o->cert,
			.generation = o->generation,
			.key_pem = &o->key_pem,
			.cert_pem = set->leaf_pem,
			.chain_pem = set->rest_pem,
			.fullchain_pem = o->chain_pem,
		},
		done, ctx);
}

int install_csr_spki(const struct store_order *o, char ret[static 65], struct err *e)
{
	AUTO(buf_done) struct buf der = buf_make(BUF_MAX_SMALL_FILE);
	struct x509_csr_info info = {0};
	int r = x509_csr_read(o->csr_der.p, o->csr_der.n, "the certificate request", &der, &info, e);
	if (!r)
		memcpy(ret, info.spki_sha256, sizeof(info.spki_sha256));
	x509_csr_info_done(&info);
	return r;
}

void install_empty_row(const char *name, struct store_cert *row)
{
	*row = (struct store_cert){
		.name = xstrdup(name),
		.ca = xstrdup(""),
		.serial = xstrdup(""),
		.ari_id = xstrdup(""),
		.last_error = xstrdup(""),
	};
}

static char *pem_of(const struct x509_chain *chain, void (*write)(const struct x509_chain *c, struct buf *out))
{
	struct buf b = buf_make(BUF_MAX_CHAIN);
	write(chain, &b);
	return buf_take(&b);
}

int install_prepare(const struct store_order *o, const struct x509_chain *chain, struct install_set *ret, struct err *e)
{
	AUTO(x509_chain_freep) struct x509_chain *own = NULL;
	if (!chain && x509_chain_parse(o->chain_pem, strlen(o->chain_pem), &own, e))
		return -1;
	if (!chain)
		chain = own;
	const struct x509_info *info = x509_chain_info(chain);
	install_set_done(ret);
	*ret = (struct install_set){
		.leaf_pem = pem_of(chain, x509_chain_pem_leaf),
		.rest_pem = pem_of(chain, x509_chain_pem_rest),
		.row = {.name = xstrdup(o->cert),
			.ca = xstrdup(o->ca),
			.generation = o->generation,
			.not_before = info->not_before,
			.not_after = info->not_after,
			.serial = xstrdup(info->serial),
			.ari_id = xstrdup(info->ari_id),
			.last_error = xstrdup("")},
	};
	strv_copy(&ret->row.names, &o->names);
	return 0;
}

void install_set_done(struct install_set *s)
{
	free(s->leaf_pem);
	free(s->rest_pem);
	store_cert_done(&s->row);
	*s = (struct install_set){0};
}
