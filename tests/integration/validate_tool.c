/*
 * validate_tool.c: prints validated answers or what other resolvers say as JSON, one line each.
 *
 *   validate_tool [--hint ADDRESS]… [--stub ZONE ADDRESS PORT]… [--resolver ADDRESS[@PORT]]… [--none] [--off]
 *                 [--anchor FILE] [--state DIR] [--timeout MS] [--deadline MS] [--vantage RESOLVER]… [--ca FILE]
 *                 [--type N] [--prompt] [--cancel | --leave] NAME…
 *
 * --cancel gives every second question up a moment later, --leave ends the program then. All names are asked at once.
 * With --vantage these resolvers are asked instead; --ca is for those by HTTPS, which cannot be asked without.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "dns/message.h"
#include "dns/resolvers.h"
#include "dns/validate.h"
#include "inventory/doh.h"
#include "loop/loop.h"
#include "json/json.h"

enum { STUBS_MAX = 8, NAMES_MAX = 4096 };

struct tool {
	struct dns_options o;
	struct dns_stub stubs[STUBS_MAX];
	struct strv hints, resolvers, names, vantage;
	struct dns_validation *validations[NAMES_MAX];
	uint16_t type;
	size_t open;
	bool cancel, leave, prompt;
	struct dns_resolvers *resolving[NAMES_MAX];
	const char *ca;
	struct dns_https *doh;
	struct dns *dns;
	struct loop *loop;
	struct loop_timer *timer;
};

static void print(struct buf *b)
{
	puts(buf_str(b));
	fflush(stdout);
	buf_done(b);
}

static void put_rrset(struct json_out *w, const struct dns_rrset *s)
{
	json_out_str(w, "owner", s->owner);
	json_out_int(w, "ttl", s->ttl);
	json_out_strv(w, "chain", &s->chain);
	json_out_array(w, "rr");
	for (size_t i = 0; i < s->n_rr; i++) {
		AUTO(xfreep) char *text = dns_rr_text(&s->rr[i]);
		json_out_str(w, NULL, text);
	}
	json_out_end_array(w);
}

static void closed(struct tool *t)
{
	if (!--t->open)
		loop_stop(t->loop);
}

static void on_validated(struct dns_validated *v, void *ctx)
{
	struct tool *t = ctx;
	struct buf b = buf_make(1 << 24);
	struct json_out w = json_out_make(&b);
	char word[16];
	json_out_object(&w, NULL);
	json_out_str(&w, "security", dns_security_name(v->security));
	json_out_str(&w, "rcode", message_rcode_name(v->rcode, word));
	json_out_str(&w, "why", v->why);
	json_out_str(&w, "hint", v->hint);
	put_rrset(&w, &v->rrset);
	json_out_end_object(&w);
	print(&b);
	dns_validated_free(v);
	closed(t);
}

static void on_vantages(struct dns_vantages *v, void *ctx)
{
	struct tool *t = ctx;
	char word[16];
	for (size_t i = 0; i < v->n; i++) {
		struct buf b = buf_make(1 << 24);
		struct json_out w = json_out_make(&b);
		json_out_object(&w, NULL);
		json_out_str(&w, "resolver", v->v[i].resolver);
		json_out_str(&w, "result", dns_result_name(v->v[i].result));
		json_out_str(&w, "rcode", message_rcode_name(v->v[i].rcode, word));
		json_out_bool(&w, "ad", v->v[i].ad);
		json_out_bool(&w, "tcp", v->v[i].tcp);
		json_out_str(&w, "text", v->v[i].text);
		put_rrset(&w, &v->v[i].rrset);
		json_out_end_object(&w);
		print(&b);
	}
	dns_vantages_free(v);
	closed(t);
}

static void give_up(void *ctx)
{
	struct tool *t = ctx;
	if (t->leave)
		loop_stop(t->loop);
	for (size_t i = 0; i < t->names.n && t->cancel; i += 2) {
		if (t->vantage.n)
			dns_resolvers_cancel(t->resolving[i]);
		else
			dns_validate_cancel(t->validations[i]);
		closed(t);
	}
}

static const char *word(int argc, char **argv, int *i)
{
	if (++*i >= argc) {
		fprintf(stderr, "validate_tool: %s needs more\n", argv[*i - 1]);
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
	strv_add(&s->servers, word(argc, argv, i));
	s->port = (uint16_t)strtoul(word(argc, argv, i), NULL, 10);
}

static void parse_flag(struct tool *t, const char *a)
{
	if (!strcmp(a, "--none"))
		t->o.mode = DNS_NONE;
	else if (!strcmp(a, "--off"))
		t->o.validate = false;
	else if (!strcmp(a, "--cancel"))
		t->cancel = true;
	else if (!strcmp(a, "--leave"))
		t->leave = true;
	else if (!strcmp(a, "--prompt"))
		t->prompt = true;
	else if (t->names.n < NAMES_MAX)
		strv_add(&t->names, a);
}

static void parse(struct tool *t, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];
		if (!strcmp(a, "--stub")) {
			parse_stub(t, argc, argv, &i);
		} else if (!strcmp(a, "--hint")) {
			strv_add(&t->hints, word(argc, argv, &i));
		} else if (!strcmp(a, "--resolver")) {
			strv_add(&t->resolvers, word(argc, argv, &i));
			t->o.mode = DNS_RESOLVER;
		} else if (!strcmp(a, "--anchor")) {
			t->o.trust_anchor = word(argc, argv, &i);
		} else if (!strcmp(a, "--state")) {
			t->o.state_dir = word(argc, argv, &i);
		} else if (!strcmp(a, "--deadline")) {
			t->o.deadline_ms = (int64_t)strtoul(word(argc, argv, &i), NULL, 10);
		} else if (!strcmp(a, "--timeout")) {
			t->o.timeout_ms = (int64_t)strtoul(word(argc, argv, &i), NULL, 10);
		} else if (!strcmp(a, "--vantage")) {
			strv_add(&t->vantage, word(argc, argv, &i));
		} else if (!strcmp(a, "--ca")) {
			t->ca = word(argc, argv, &i);
		} else if (!strcmp(a, "--type")) {
			t->type = (uint16_t)strtoul(word(argc, argv, &i), NULL, 10);
		} else {
			parse_flag(t, a);
		}
	}
	t->o.stubs = t->stubs;
	t->o.resolvers = &t->resolvers;
	t->o.hints = &t->hints;
}

static void ask(struct tool *t)
{
	t->open = t->names.n;
	for (size_t i = 0; i < t->names.n; i++) {
		if (t->vantage.n)
			t->resolving[i] =
				dns_resolvers_ask(t->dns, t->doh, &t->vantage, t->names.v[i], t->type, on_vantages, t);
		else
			t->validations[i] = dns_validate(
				t->dns, t->names.v[i], t->type, t->prompt ? DNS_VALIDATE_PROMPT : 0, on_validated, t);
	}
	t->timer = loop_timer_new(t->loop, give_up, t);
	if (t->cancel || t->leave)
		loop_timer_start(t->timer, 5);
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
	strv_done(&t->vantage);
	loop_timer_free(t->timer);
	dns_free(t->dns);
	doh_free(t->doh);
	loop_free(t->loop);
}

int main(int argc, char **argv)
{
	struct tool *t = xcalloc(1, sizeof(*t));
	struct err e = {0};
	t->o.validate = true;
	t->type = DNS_TYPE_TXT;
	parse(t, argc, argv);
	int rc = loop_new(clk_real(), &t->loop, &e);
	if (!rc)
		rc = dns_new(t->loop, &t->o, &t->dns, &e);
	if (!rc && t->ca)
		rc = doh_new(t->loop, t->ca, &t->doh, &e);
	if (!rc && t->names.n) {
		ask(t);
		rc = loop_run(t->loop, &e);
	}
	if (rc)
		err_print(&e);
	err_done(&e);
	done(t);
	free(t);
	return rc ? 1 : 0;
}
