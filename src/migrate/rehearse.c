/* rehearse.c: certificates from a CA for tests, thrown away. */
#include "migrate/rehearse.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acme/flow.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "crypto/x509.h"
#include "inventory/site.h"
#include "loop/loop.h"

struct run;
struct slot {
	struct run *run;
	size_t i;
	struct acme_flow *flow; /* NULL when free */
};
struct run {
	const struct rehearse *r;
	struct slot *slots;
	size_t n_slots, next, in_flight;
	bool stopped;
	struct err *e;
	int result;
};

static void fill(struct run *run);

static void flow_done(const struct x509_chain *chain, const struct err *e, bool order_lost, void *ctx)
{
	struct slot *s = ctx;
	struct run *run = s->run;
	(void)order_lost;
	acme_flow_free(s->flow);
	s->flow = NULL;
	run->in_flight--;
	run->r->told(s->i, chain ? NULL : e, run->r->ctx);
	fill(run);
}

/* One order, with a key that is forgotten as soon as the request is made. */
static int start(struct run *run, struct slot *s, struct err *e)
{
	static const struct acme_flow_hooks hooks = {.done = flow_done};
	const struct rehearse *r = run->r;
	const struct config_ca *conf = r->ca->conf;
	struct x509_csr_options options = {0};
	struct x509_request request = {0};
	struct secret none = {0};
	if (x509_request(KEY_EC256, &none, &r->groups[s->i], &options, &request, e))
		return -1;
	struct acme_flow_request f = {.session = r->ca->session,
		.names = &r->groups[s->i],
		.profile = conf->profile,
		.csr_der = request.csr_der.p,
		.csr_n = request.csr_der.n,
		.spki_sha256 = request.spki_sha256,
		.level = conf->level,
		.account_uri_any = conf->account_uri_any};
	s->flow = acme_flow_start(&f, &hooks, s);
	x509_request_done(&request);
	run->in_flight++;
	return 0;
}

static void fill(struct run *run)
{
	for (size_t k = 0; k < run->n_slots && run->next < run->r->n && !run->result; k++)
		if (!run->slots[k].flow) {
			run->slots[k] = (struct slot){.run = run, .i = run->next++};
			run->result = start(run, &run->slots[k], run->e);
		}
	if (!run->in_flight || run->result)
		loop_stop(run->r->site->loop);
}

static void stop_signal(int signo, void *ctx)
{
	struct run *run = ctx;
	(void)signo;
	run->stopped = true;
	loop_stop(run->r->site->loop);
}

int rehearse_run(const struct rehearse *r, struct err *e)
{
	size_t n = r->ca->conf->max_orders > 0 ? (size_t)r->ca->conf->max_orders : 1;
	struct run run = {.r = r, .n_slots = n, .slots = xcalloc(n, sizeof(*run.slots)), .e = e};
	if (r->n) {
		loop_on_stop_signal(r->site->loop, stop_signal, &run);
		fill(&run);
		if (!run.result)
			run.result = loop_run(r->site->loop, e);
	}
	for (size_t i = 0; i < n; i++)
		acme_flow_free(run.slots[i].flow);
	free(run.slots);
	if (!run.result && run.stopped) {
		run.result = err_set(e, ERR_CANCEL, "stopped; what has passed is kept");
		err_hint(e, "run the same command again to go on");
		err_retry(e, RETRY_LATER, 0);
	}
	return run.result;
}

/* ---- what has passed ---- */

static char *path_of(const struct site *s, const struct site_ca *ca)
{
	return xasprintf("%s/records/rehearsed-%s", s->config->state_dir, ca->conf->name);
}

int rehearse_passed(const struct site *s, const struct site_ca *ca, struct strv *ret, struct err *e)
{
	AUTO(xfreep) char *path = path_of(s, ca);
	AUTO(buf_done) struct buf text = buf_make(BUF_MAX_NAMES_FILE);
	if (!fs_exists(path))
		return 0;
	if (fs_read(path, &text, e))
		return -1;
	AUTO(xfreep) char *copy = xstrndup(buf_str(&text), text.n);
	char *rest = copy, *line;
	while ((line = strsep(&rest, "\n"))) {
		char *url = strchr(line, ' ');
		/* The last line of a run that was killed may be half: it is of no account then. */
		if (!url || strcmp(url + 1, ca->account.url) != 0)
			continue;
		*url = '\0';
		strv_add(ret, line);
	}
	strv_sort_unique(ret);
	return 0;
}

int rehearse_pass(const struct site *s, const struct site_ca *ca, const char *what, struct err *e)
{
	AUTO(xfreep) char *path = path_of(s, ca);
	AUTO(xfreep) char *dir = xasprintf("%s/records", s->config->state_dir);
	AUTO(xfreep) char *line = xasprintf("%s %s\n", what, ca->account.url);
	if (fs_mkdirs(dir, 0700, e))
		return -1;
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(e, "open %s", path);
	ssize_t n = write(fd, line, strlen(line));
	if (n != (ssize_t)strlen(line))
		err_sys(e, "write %s", path);
	close(fd);
	return n == (ssize_t)strlen(line) ? 0 : -1;
}
