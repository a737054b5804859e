/* deploy_pem.c: the deploy action pem: parts of the certificate in one file, in the order that its reader wants. */
#include <string.h>

#include "base/secret.h"
#include "base/xalloc.h"
#include "fleet/deploywork.h"

static void put(struct buf *b, const void *p, size_t n)
{
	buf_put(b, p, n);
	if (n && ((const char *)p)[n - 1] != '\n')
		buf_putc(b, '\n');
}

static int put_part(const struct deploy_work *w, const char *part, struct buf *b, struct err *e)
{
	const struct certfiles_texts *t = &w->subject->files;
	if (!strcmp(part, "key")) {
		if (deploy_need_key(w, e))
			return -1;
		put(b, t->key_pem.p, t->key_pem.n);
		return 0;
	}
	const char *text = !strcmp(part, "cert")    ? t->cert_pem
			   : !strcmp(part, "chain") ? t->chain_pem
						    : t->fullchain_pem;
	put(b, text, strlen(text));
	return 0;
}

static int start(struct deploy_work *w, struct err *e)
{
	const struct config_deploy *d = w->action;
	AUTO(deploy_files_done) struct deploy_files f = {0};
	AUTO(buf_wipe) struct buf b = buf_make(BUF_MAX_SMALL_FILE);
	for (size_t i = 0; i < d->parts.n; i++)
		if (put_part(w, d->parts.v[i], &b, e))
			return -1;
	deploy_files_add(
		&f, deploy_expand(d->files[0].to, w->subject->cert->name), secret_dup(buf_str(&b), b.n), d->mode);
	return deploy_files_start(w, &f, e);
}

const struct deploy_kind deploy_kind_pem = {.start = start, .release = deploy_files_release};
