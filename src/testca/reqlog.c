/* reqlog.c: counters, the last requests, and a file of all. */
#include "testca/reqlog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "testca/web.h"
#include "json/json.h"

enum { KEPT = 4096, STATUS_MAX = 600 };

struct reqlog {
	FILE *file;
	struct buf line;
	uint64_t requests;
	uint64_t faults;
	uint64_t by_endpoint[EP_N_];
	uint64_t by_status[STATUS_MAX];
	struct reqlog_entry kept[KEPT];
};

int reqlog_new(const char *path, struct reqlog **ret, struct err *e)
{
	FILE *f = NULL;
	if (path && !(f = fopen(path, "ae")))
		return err_sys(e, "cannot open the log %s", path);
	if (f)
		setvbuf(f, NULL, _IOLBF, 0);
	struct reqlog *l = xcalloc(1, sizeof(*l));
	l->file = f;
	l->line = buf_make(BUF_MAX_HTTP_HEADERS);
	*ret = l;
	return 0;
}

void reqlog_free(struct reqlog *l)
{
	if (!l)
		return;
	if (l->file)
		fclose(l->file);
	buf_done(&l->line);
	free(l);
}

static void put_entry(struct json_out *w, const struct reqlog_entry *e, const struct web_request *rq)
{
	json_out_object(w, NULL);
	json_out_int(w, "t", e->at_ms);
	json_out_int(w, "us", e->us);
	json_out_str(w, "endpoint", endpoint_name(e->ep));
	if (rq) {
		json_out_str(w, "method", rq->method);
		json_out_str(w, "path", rq->path);
	}
	if (e->id)
		json_out_int(w, "id", (int64_t)e->id);
	json_out_int(w, "status", e->status);
	if (e->account)
		json_out_int(w, "account", (int64_t)e->account);
	json_out_int(w, "octets", (int64_t)e->octets);
	if (e->fault)
		json_out_str(w, "fault", e->fault);
	json_out_end_object(w);
}

void reqlog_add(struct reqlog *l, const struct reqlog_entry *e, const struct web_request *rq)
{
	l->kept[l->requests++ % KEPT] = *e;
	l->by_endpoint[e->ep]++;
	if (e->status >= 0 && e->status < STATUS_MAX)
		l->by_status[e->status]++;
	if (e->fault)
		l->faults++;
	if (!l->file)
		return;
	buf_clear(&l->line);
	struct json_out w = json_out_make(&l->line);
	put_entry(&w, e, rq);
	buf_putc(&l->line, '\n');
	fwrite(l->line.p, 1, l->line.n, l->file);
}

void reqlog_counters(const struct reqlog *l, struct json_out *w)
{
	json_out_int(w, "requests", (int64_t)l->requests);
	json_out_int(w, "faults", (int64_t)l->faults);
	json_out_object(w, "by_endpoint");
	for (unsigned i = 0; i < EP_N_; i++)
		if (l->by_endpoint[i])
			json_out_int(w, endpoint_name((enum endpoint)i), (int64_t)l->by_endpoint[i]);
	json_out_end_object(w);
	json_out_object(w, "by_status");
	for (unsigned i = 0; i < STATUS_MAX; i++) {
		char name[8];
		snprintf(name, sizeof(name), "%u", i);
		if (l->by_status[i])
			json_out_int(w, i ? name : "cut", (int64_t)l->by_status[i]);
	}
	json_out_end_object(w);
}

void reqlog_last(const struct reqlog *l, size_t n, struct json_out *w, const char *member)
{
	uint64_t have = l->requests < KEPT ? l->requests : KEPT;
	if (n > have)
		n = (size_t)have;
	json_out_array(w, member);
	for (uint64_t i = l->requests - n; i < l->requests; i++)
		put_entry(w, &l->kept[i % KEPT], NULL);
	json_out_end_array(w);
}

void reqlog_reset(struct reqlog *l)
{
	l->requests = l->faults = 0;
	memset(l->by_endpoint, 0, sizeof(l->by_endpoint));
	memset(l->by_status, 0, sizeof(l->by_status));
}
