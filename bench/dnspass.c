/*
 * dnspass.c: the pass over standing TXT records alone: views of N names in M zones at one server, no more than the
 * window at a time.
 *
 *   bench_dnspass ADDRESS@PORT ZONES NAMES [WINDOW]
 *
 * The names are _validation-persist.w<i>.z<i modulo ZONES>.bench.test. Prints one JSON object: names found, wall and
 * CPU seconds, the greatest resident size.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "dns/view.h"
#include "loop/loop.h"

struct pass {
	struct dns *dns;
	struct loop *loop;
	size_t zones, names, window;
	size_t next, open, found;
};

static void go_on(struct pass *p);

static void on_view(struct dns_view *v, const struct err *e, void *ctx)
{
	struct pass *p = ctx;
	const struct dns_answer *a = dns_view_any(v);
	(void)e;
	p->found += a && a->result == DNS_FOUND && a->n_txt == 1;
	dns_view_free(v);
	p->open--;
	go_on(p);
	if (!p->open)
		loop_stop(p->loop);
}

static void go_on(struct pass *p)
{
	for (; p->next < p->names && p->open < p->window; p->next++, p->open++) {
		char name[128];
		snprintf(name, sizeof(name), "_validation-persist.w%zu.z%zu.bench.test", p->next, p->next % p->zones);
		dns_view_txt(p->dns, name, on_view, p);
	}
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	struct err e = {0};
	struct pass p = {0};
	char zone[] = "bench.test";
	struct dns_stub stub = {.zone = zone};
	struct dns_options o = {.stubs = &stub, .n_stubs = 1};
	if (argc < 4) {
		fprintf(stderr, "bench_dnspass ADDRESS@PORT ZONES NAMES [WINDOW]\n");
		return 2;
	}
	strv_add(&stub.servers, argv[1]);
	p.zones = strtoul(argv[2], NULL, 10);
	p.names = strtoul(argv[3], NULL, 10);
	p.window = argc > 4 ? strtoul(argv[4], NULL, 10) : p.names;
	int64_t began = clk_real_mono_us();
	if (loop_new(clk_real(), &p.loop, &e) || dns_new(p.loop, &o, &p.dns, &e)) {
		err_print(&e);
		return 1;
	}
	go_on(&p);
	int rc = p.open ? loop_run(p.loop, &e) : 0;
	double wall = (double)(clk_real_mono_us() - began) / 1e6;
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	printf("{\"names\":%zu,\"found\":%zu,\"wall\":%.3f,\"user\":%.3f,\"sys\":%.3f,\"rss_kib\":%ld}\n", p.names,
		p.found, wall, seconds(u.ru_utime), seconds(u.ru_stime), u.ru_maxrss);
	dns_free(p.dns);
	loop_free(p.loop);
	strv_done(&stub.servers);
	return rc || p.found != p.names ? 1 : 0;
}
