/* metricstls.c: certificate and key of the listener of metrics, read again when they have changed. */
#include "daemon/metricstls.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "crypto/key.h"
#include "crypto/tlsserver.h"

/* A file as it was when it was looked at; all zero when it did not exist. */
struct seen {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
};

struct metricstls {
	const struct config_metrics *c;
	struct tls_server *server;
	struct seen cert, key;
};

static bool same(const struct seen *a, const struct seen *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->mtime.tv_sec == b->mtime.tv_sec &&
	       a->mtime.tv_nsec == b->mtime.tv_nsec && a->ctime.tv_sec == b->ctime.tv_sec &&
	       a->ctime.tv_nsec == b->ctime.tv_nsec;
}

/* Whether it has changed since. */
static bool look(const char *path, struct seen *seen)
{
	struct stat st;
	struct seen now = {0};
	if (!stat(path, &st))
		now = (struct seen){st.st_dev, st.st_ino, st.st_size, st.st_mtim, st.st_ctim};
	bool changed = !same(&now, seen);
	*seen = now;
	return changed;
}

static int load(const struct metricstls *t, struct tls_server **ret, struct err *e)
{
	AUTO(buf_done) struct buf chain = buf_make(BUF_MAX_SMALL_FILE);
	AUTO(secret_done) struct secret pem = {0};
	AUTO(key_freep) struct key *key = NULL;
	if (fs_read_regular(t->c->cert_file, &chain, e))
		return err_ctx(e, "metrics.cert_file");
	if (fs_read_secret(t->c->key_file, &pem, e) || key_from_pem(pem.p, pem.n, t->c->key_file, &key, e))
		return err_ctx(e, "metrics.key_file");
	if (!tls_server_new(key, buf_str(&chain), chain.n, ret, e))
		return 0;
	err_ctx(e, "%s with %s", t->c->cert_file, t->c->key_file);
	err_hint(e, "cert_file begins with the certificate that key_file is the key of; its chain follows");
	return -1;
}

int metricstls_new(const struct config_metrics *c, struct metricstls **ret, struct err *e)
{
	struct metricstls *t = xcalloc(1, sizeof(*t));
	t->c = c;
	(void)look(c->cert_file, &t->cert);
	(void)look(c->key_file, &t->key);
	bool missing = !t->cert.ino || !t->key.ino;
	if (missing ? tls_server_new(NULL, NULL, 0, &t->server, e) : load(t, &t->server, e)) {
		free(t);
		return -1;
	}
	if (missing)
		log_warn("metrics: %s does not exist yet: nobody is answered until it does",
			t->cert.ino ? c->key_file : c->cert_file);
	*ret = t;
	return 0;
}

void metricstls_free(struct metricstls *t)
{
	if (!t)
		return;
	tls_server_free(t->server);
	free(t);
}

struct ssl_st *metricstls_accept(void *ctx)
{
	struct metricstls *t = ctx;
	struct tls_server *fresh = NULL;
	struct err e = {0};
	bool changed = look(t->c->cert_file, &t->cert);
	changed |= look(t->c->key_file, &t->key);
	if (changed && !load(t, &fresh, &e)) {
		tls_server_free(t->server);
		t->server = fresh;
	} else if (changed) {
		log_warn("metrics: what was read before goes on: %s", e.msg);
		err_done(&e);
	}
	return tls_server_ssl(t->server);
}
