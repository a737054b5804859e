/*
 * dnsview_tool.c: prints views as JSON, one line each, for the tests that drive the look-ups against real and hostile
 * servers.
 *
 *   dnsview_tool [--stub ZONE SERVER PORT]… [--hint ADDRESS]… [--resolver ADDRESS[@PORT]]… [--none] [--timeout MS]
 *                [--deadline MS] [--per-server N] [--pace N] [--type N] [--nofollow] [--wildcard] [--serials]
 *                [--repeat N] [--in-order] [--quiet] NAME…
 *
 * All names are asked at once, or one after the other with --in-order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "dns/view.h"
#include "loop/loop.h"

enum { STUBS_MAX = 64 };

struct tool {
	struct dns_options o;
	struct dns_stub stubs[STUBS_MAX];
	struct strv resolvers, hints, names;
	size_t repeat, next, open;
	bool in_order, quiet;
	uint16_t type;
	unsigned flags;
	struct dns *dns;
	struct loop *loop;
};

static void put_string(const char *p, size_t n)
{
	putchar('"');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		if (c < 32 || c == '"' || c == '\\' || c > 126)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void put(const char *key, const char *value)
{
	printf("\"%s\":", key);
	put_string(value, strlen(value));
	putchar(',');
}

static void put_answer(const struct dns_answer *a)
{
	putchar('{');
	put("server", a->server);
	put("address", a->address);
	put("result", dns_result_name(a->result));
	put("text", a->text);
	put("health", dns_health_name(a->health));
	printf("\"group\":%d,\"hop\":%u,", a->group, a->hop);
	printf("\"ttl\":%u,\"tcp\":%s,\"rtt_ms\":%lld,\"txt\":[", a->ttl, a->tcp ? "true" : "false",
		(long long)a->rtt_ms);
	for (size_t i = 0; i < a->n_txt; i++) {
		printf("%s[", i ? "," : "");
		for (size_t k = 0; k < a->txt[i].n; k++) {
			if (k)
				putchar(',');
			put_string((const char *)a->txt[i].strings[k].p, a->txt[i].strings[k].n);
		}
		putchar(']');
	}
	printf("],\"rr\":[");
	for (size_t i = 0; i < a->n_rr; i++) {
		AUTO(xfreep) char *text = dns_rr_text(&a->rr[i]);
		char type[16];
		printf("%s[", i ? "," : "");
		put_string(dns_type_name(a->rr[i].type, type), strlen(dns_type_name(a->rr[i].type, type)));
		putchar(',');
		put_string(text, strlen(text));
		putchar(']');
	}
	printf("]");
	if (a->has_soa)
		printf(",\"soa_ttl\":%u,\"serial\":%u,\"minimum\":%u", a->soa_ttl, a->soa.serial, a->soa.minimum);
	printf("}");
}

static void put_hop(const struct dns_hop *h)
{
	putchar('{');
	put("owner", h->owner);
	put("target", h->target);
	put("zone", h->zone);
	put("kind", h->kind == DNS_HOP_DNAME ? "DNAME" : "CNAME");
	put("dname", h->dname ? h->dname : "");
	put("wildcard", h->wildcard ? h->wildcard : "");
	printf("\"ttl\":%u}", h->ttl);
}

static void put_whole(const struct dns_view *v)
{
	static const char *const ends[] = {"whole", "loop", "too long"};
	put("end", ends[v->end]);
	put("wildcard", v->wildcard ? v->wildcard : "");
	printf("\"wildcard_known\":%s,\"stale\":%lld,\"answered\":%zu,\"hops\":[", v->wildcard_known ? "true" : "false",
		(long long)(dns_view_stale_until(v) - v->at), v->n_answered);
	for (size_t i = 0; i < v->n_hops; i++) {
		printf("%s", i ? "," : "");
		put_hop(&v->hops[i]);
	}
	printf("],\"groups\":[");
	for (size_t i = 0; i < v->n_groups; i++)
		printf("%s{\"first\":%zu,\"addresses\":%zu,\"servers\":%zu}", i ? "," : "", v->groups[i].first,
			v->groups[i].addresses, v->groups[i].servers);
	printf("],");
}

static void put_view(const struct dns_view *v, const struct err *e)
{
	const struct dns_answer *any = dns_view_any(v);
	putchar('{');
	put("owner", v->owner);
	put("zone", v->zone);
	put("error", err_is(e) ? err_kind_name(e->kind) : "");
	put("message", e->msg);
	put("any", any ? dns_result_name(any->result) : "");
	put_whole(v);
	printf("\"looked\":%s,\"agree\":%s,\"chain\":[", v->looked ? "true" : "false",
		dns_view_agree(v) ? "true" : "false");
	for (size_t i = 0; i < v->chain.n; i++) {
		if (i)
			putchar(',');
		put_string(v->chain.v[i], strlen(v->chain.v[i]));
	}
	printf("],\"answers\":[");
	for (size_t i = 0; i < v->n; i++) {
		if (i)
			putchar(',');
		put_answer(&v->answers[i]);
	}
	printf("]}\n");
}

static void ask_next(struct tool *t);

static void on_view(struct dns_view *v, const struct err *e, void *ctx)
{
	struct tool *t = ctx;
	if (!t->quiet)
		put_view(v, e);
	dns_view_free(v);
	t->open--;
	if (t->in_order)
		ask_next(t);
	if (!t->open)
		loop_stop(t->loop);
}

static void ask_next(struct tool *t)
{
	while (t->next < t->names.n * t->repeat && (!t->in_order || !t->open)) {
		t->open++;
		dns_view_rrset(t->dns, t->names.v[t->next++ % t->names.n], t->type, t->flags, on_view, t);
	}
}

static const char *word(int argc, char **argv, int *i)
{
	if (++*i >= argc) {
		fprintf(stderr, "dnsview_tool: %s needs more\n", argv[*i - 1]);
		exit(2);
	}
	return argv[*i];
}

static void parse_stub(struct tool *t, int argc, char **argv, int *i)
{
	if (t->o.n_stubs == STUBS_MAX)
		exit(2);
	struct dns_stub *s = &t->stubs[t->o.n_stubs++];
	s->zone = xstrdup(word(argc, argv, i));
	/* Several servers: separated by commas. */
	AUTO(xfreep) char *servers = xstrdup(word(argc, argv, i));
	for (char *rest = servers, *one; (one = strsep(&rest, ","));)
		strv_add(&s->servers, one);
	s->port = (uint16_t)strtoul(word(argc, argv, i), NULL, 10);
}

static void parse(struct tool *t, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];
		if (strcmp(a, "--stub") == 0)
			parse_stub(t, argc, argv, &i);
		else if (strcmp(a, "--hint") == 0)
			strv_add(&t->hints, word(argc, argv, &i));
		else if (strcmp(a, "--resolver") == 0) {
			strv_add(&t->resolvers, word(argc, argv, &i));
			t->o.mode = DNS_RESOLVER;
		} else if (strcmp(a, "--none") == 0)
			t->o.mode = DNS_NONE;
		else if (strcmp(a, "--timeout") == 0)
			t->o.timeout_ms = (int64_t)strtoul(word(argc, argv, &i), NULL, 10);
		else if (strcmp(a, "--deadline") == 0)
			t->o.deadline_ms = (int64_t)strtoul(word(argc, argv, &i), NULL, 10);
		else if (strcmp(a, "--per-server") == 0)
			t->o.per_server = (unsigned)strtoul(word(argc, argv, &i), NULL, 10);
		else if (strcmp(a, "--pace") == 0)
			t->o.pace = (unsigned)strtoul(word(argc, argv, &i), NULL, 10);
		else if (strcmp(a, "--type") == 0)
			t->type = (uint16_t)strtoul(word(argc, argv, &i), NULL, 10);
		else if (strcmp(a, "--nofollow") == 0)
			t->flags |= DNS_VIEW_NOFOLLOW;
		else if (strcmp(a, "--wildcard") == 0)
			t->flags |= DNS_VIEW_WILDCARD;
		else if (strcmp(a, "--serials") == 0)
			t->flags |= DNS_VIEW_SERIALS;
		else if (strcmp(a, "--repeat") == 0)
			t->repeat = strtoul(word(argc, argv, &i), NULL, 10);
		else if (strcmp(a, "--in-order") == 0)
			t->in_order = true;
		else if (strcmp(a, "--quiet") == 0)
			t->quiet = true;
		else
			strv_add(&t->names, a);
	}
	t->o.stubs = t->stubs;
	t->o.resolvers = &t->resolvers;
	t->o.hints = &t->hints;
}

static void done(struct tool *t)
{
	for (size_t i = 0; i < t->o.n_stubs; i++) {
		free(t->stubs[i].zone);
		strv_done(&t->stubs[i].servers);
	}
	strv_done(&t->resolvers);
	strv_done(&t->hints);
	strv_done(&t->names);
	dns_free(t->dns);
	loop_free(t->loop);
}

int main(int argc, char **argv)
{
	struct tool t = {.repeat = 1, .type = DNS_TYPE_TXT};
	struct err e = {0};
	parse(&t, argc, argv);
	int rc = loop_new(clk_real(), &t.loop, &e);
	if (!rc)
		rc = dns_new(t.loop, &t.o, &t.dns, &e);
	if (!rc && t.names.n) {
		ask_next(&t);
		rc = loop_run(t.loop, &e);
	}
	if (rc)
		err_print(&e);
	err_done(&e);
	done(&t);
	return rc ? 1 : 0;
}
