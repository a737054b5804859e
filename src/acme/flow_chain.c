/* flow_chain.c: reading and checking a downloaded chain, after what else is ready: the requests of other orders go
 * first.
 */
#include <stdlib.h>

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
};

static void job_free(void *arg)
{
	struct chain_job *j = arg;
	free(j->pem);
	free(j);
}

static void work(void *arg)
{
	struct chain_job *j = arg;
	struct acme_flow *f = j->f;
	if (f) {
		struct x509_chain *chain = NULL;
		struct err e = {0};
		int64_t now_s = clk_wall(loop_clk(f->s->loop)) / 1000;
		f->reading = NULL;
		if (!x509_chain_parse_like(j->pem, j->n, f->s->chain, &chain, &e))
			x509_chain_check(chain, NULL, f->spki_sha256, &f->names, now_s, &e);
		j->done(f, chain, &e);
		err_done(&e);
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
	f->reading = j;
	loop_spare(f->s->loop, work, job_free, j);
}

void flow_chain_forget(struct acme_flow *f)
{
	if (f->reading)
		f->reading->f = NULL;
	f->reading = NULL;
}
