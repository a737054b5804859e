/* flow_chain.c: reading and checking a downloaded chain, on a worker thread: the loop serves other orders meanwhile. */
#include <stdlib.h>
#include <string.h>

#include "acme/flow_internal.h"
#include "acme/session_internal.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "crypto/x509.h"
#include "http/http.h"
#include "loop/loop.h"

struct chain_job {
	struct acme_flow *f; /* NULL when the flow was released meanwhile */
	flow_chain_fn done;
	char *pem;
	size_t n;
	struct x509_chain *known;
	struct strv names;
	char spki_sha256[65];
	int64_t now_s;
	struct x509_chain *chain; /* NULL when it cannot be read */
	struct err e;
};

static void job_free(void *arg)
{
	struct chain_job *j = arg;
	free(j->pem);
	x509_chain_free(j->known);
	strv_done(&j->names);
	x509_chain_free(j->chain);
	err_done(&j->e);
	free(j);
}

static void work(void *arg)
{
	struct chain_job *j = arg;
	if (!x509_chain_parse_like(j->pem, j->n, j->known, &j->chain, &j->e))
		x509_chain_check(j->chain, NULL, j->spki_sha256, &j->names, j->now_s, &j->e);
}

static void done(void *arg)
{
	struct chain_job *j = arg;
	struct acme_flow *f = j->f;
	if (f) {
		f->reading = NULL;
		j->done(f, TAKE(j->chain), &j->e);
	}
	job_free(j);
}

void flow_read_chain(struct acme_flow *f, const struct buf *pem, flow_chain_fn then)
{
	struct chain_job *j = xcalloc(1, sizeof(*j));
	j->f = f;
	j->done = then;
	j->pem = xmemdup(buf_str(pem), pem->n + 1);
	j->n = pem->n;
	j->known = f->s->chain ? x509_chain_ref(f->s->chain) : NULL;
	strv_copy(&j->names, &f->names);
	memcpy(j->spki_sha256, f->spki_sha256, sizeof(j->spki_sha256));
	j->now_s = clk_wall(loop_clk(f->s->loop)) / 1000;
	f->reading = j;
	loop_compute(f->s->loop, work, done, job_free, j);
}

void flow_chain_forget(struct acme_flow *f)
{
	if (f->reading)
		f->reading->f = NULL;
	f->reading = NULL;
}
