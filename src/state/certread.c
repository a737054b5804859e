/* certread.c: the files of a live certificate, as texts. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "state/certfiles.h"

enum { READ_MAX = 1 << 20 };

void certfiles_texts_done(struct certfiles_texts *t)
{
	secret_done(&t->key_pem);
	secret_done(&t->combined_pem);
	free(t->cert_pem);
	free(t->chain_pem);
	free(t->fullchain_pem);
	*t = (struct certfiles_texts){0};
}

static int read_text(const char *dir, const char *name, char **ret, struct err *e)
{
	AUTO(xfreep) char *path = xasprintf("%s/%s", dir, name);
	AUTO(buf_done) struct buf b = buf_make(READ_MAX);
	if (fs_read(path, &b, e))
		return -1;
	*ret = buf_take(&b);
	return 0;
}

/* None where the certificate was issued for a request from elsewhere. */
static int read_private(const char *dir, const char *name, struct secret *ret, struct err *e)
{
	AUTO(xfreep) char *path = xasprintf("%s/%s", dir, name);
	AUTO(buf_wipe) struct buf b = buf_make(READ_MAX);
	if (!fs_exists(path))
		return 0;
	if (fs_read(path, &b, e))
		return -1;
	*ret = secret_dup(buf_str(&b), b.n);
	return 0;
}

int certfiles_read_live(const char *state_dir, const char *name, struct certfiles_texts *ret, struct err *e)
{
	struct certfiles_texts t = {0};
	if (certfiles_live_generation(state_dir, name, &t.generation, e))
		return -1;
	if (!t.generation) {
		err_set(e, ERR_STORE, "there is no live certificate %s in %s", name, state_dir);
		err_hint(e, "\"perdure renew %s\" issues it", name);
		return -1;
	}
	AUTO(xfreep) char *dir = xasprintf("%s/archive/%s/%lld", state_dir, name, (long long)t.generation);
	if (read_text(dir, "cert.pem", &t.cert_pem, e) || read_text(dir, "chain.pem", &t.chain_pem, e) ||
		read_text(dir, "fullchain.pem", &t.fullchain_pem, e) ||
		read_private(dir, "privkey.pem", &t.key_pem, e) ||
		read_private(dir, "combined.pem", &t.combined_pem, e)) {
		certfiles_texts_done(&t);
		return err_ctx(e, "read the certificate %s", name);
	}
	*ret = t;
	return 0;
}
