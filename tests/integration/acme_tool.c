/*
 * acme_tool.c: registers an account and runs orders against a real ACME server, for tests of src/acme alone.
 *
 *   acme_tool [OPTIONS] register
 *   acme_tool [OPTIONS] order NAME[,NAME…]…
 *
 * Prints one line per thing that happened; ends with status 0 when every order gave a certificate.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acme/account.h"
#include "acme/directory.h"
#include "acme/flow.h"
#include "acme/session.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/xalloc.h"
#include "crypto/key.h"
#include "crypto/x509.h"
#include "http/http.h"
#include "loop/loop.h"

struct tool {
	const char *directory, *ca_bundle, *key_file, *eab, *profile, *preferred, *judge, *replaces;
	int count; /* orders per argument; %d in a name is the number of the order */
	int interrupt; /* cut every order off once, within this many steps, and go on with it; 0 for never */
	bool agree_tos, only_existing, any_uri, steps;
	long patience_s;
	int n_orders;
	char **orders;
	struct loop *loop;
	struct http *http;
	struct acme_session *session;
	struct key *account_key;
	int next; /* the order to be started */
	int failed;
};

/* The order in work. */
struct job {
	struct tool *t;
	struct strv names;
	struct key *key;
	struct buf csr;
	struct x509_csr_info info;
	char *order_url;
	struct acme_flow *flow;
	struct loop_timer *timer;
	int number;
	int steps;
	unsigned requests, repeats;
	int64_t began;
};

static void next_order(struct tool *t);
static void start_flow(struct job *j);

static void fatal(struct err *e)
{
	err_print(e);
	exit(1);
}

static void say_error(const char *what, const struct err *e)
{
	printf("%s: %s code=%ld retry=%d: %s\n", what, err_kind_name(e->kind), e->code, (int)e->retry, e->msg);
	for (size_t i = 0; e->problem && i < e->problem->n_subs; i++)
		printf("  sub %s %s: %s\n", e->problem->subs[i].identifier, e->problem->subs[i].type,
			e->problem->subs[i].detail);
	if (e->hint[0])
		printf("  hint: %s\n", e->hint);
}

/* --- the order --- */

static void job_end(struct job *j, bool ok)
{
	struct tool *t = j->t;
	if (!ok)
		t->failed++;
	acme_flow_free(j->flow);
	loop_timer_free(j->timer);
	key_free(j->key);
	buf_done(&j->csr);
	x509_csr_info_done(&j->info);
	strv_done(&j->names);
	free(j->order_url);
	free(j);
	next_order(t);
}

static void on_judge(const struct acme_persist_offer *o, acme_judged_fn judged, void *judged_ctx, void *ctx)
{
	struct job *j = ctx;
	struct err e = {0};
	AUTO(xfreep) char *issuers = strv_join(o->issuers, ",");
	printf("offer %s%s level=%d issuers=%s account_uri=%s\n", o->wildcard ? "*." : "", o->name, o->level, issuers,
		o->account_uri);
	if (!strcmp(j->t->judge, "refused")) {
		err_set(&e, ERR_POLICY, "the tool refuses the record of %s", o->name);
		judged(ACME_RECORD_REFUSED, &e, judged_ctx);
	} else if (!strcmp(j->t->judge, "unknown")) {
		err_set(&e, ERR_DNS, "the tool cannot see the record of %s", o->name);
		judged(ACME_RECORD_UNKNOWN, &e, judged_ctx);
	} else {
		judged(ACME_RECORD_GOOD, NULL, judged_ctx);
	}
	err_done(&e);
}

static void on_placed(const char *url, void (*go)(const struct err *failed, void *go_ctx), void *go_ctx, void *ctx)
{
	struct job *j = ctx;
	free(j->order_url);
	j->order_url = xstrdup(url);
	go(NULL, go_ctx);
}

static void on_interrupt(void *ctx)
{
	struct job *j = ctx;
	j->requests += acme_flow_requests(j->flow);
	j->repeats += acme_flow_repeats(j->flow);
	acme_flow_free(j->flow);
	start_flow(j);
}

static void on_step(const char *what, void *ctx)
{
	struct job *j = ctx;
	if (j->t->steps)
		printf("step %s\n", what);
	if (j->t->interrupt && j->steps++ == j->number % j->t->interrupt)
		loop_timer_start(j->timer, j->number % 4);
}

static void on_warn(const struct err *e, void *ctx)
{
	(void)ctx;
	say_error("warning", e);
}

static void on_done(const struct x509_chain *chain, const struct err *e, bool lost, void *ctx)
{
	struct job *j = ctx;
	AUTO(xfreep) char *names = strv_join(&j->names, ",");
	loop_timer_stop(j->timer);
	if (!chain) {
		printf("order %s lost=%d url=%s\n", names, lost, j->order_url ? j->order_url : "-");
		say_error("failed", e);
		job_end(j, false);
		return;
	}
	const struct x509_info *i = x509_chain_info(chain);
	printf("certificate %s requests=%u repeats=%u ms=%lld serial=%s ari=%s issuer=%s\n", names,
		j->requests + acme_flow_requests(j->flow), j->repeats + acme_flow_repeats(j->flow),
		(long long)(clk_mono(clk_real()) - j->began), i->serial, i->ari_id, i->issuer);
	job_end(j, true);
}

static const struct acme_flow_hooks hooks = {
	.judge = on_judge, .placed = on_placed, .step = on_step, .warn = on_warn, .done = on_done};

static void start_flow(struct job *j)
{
	const struct tool *t = j->t;
	struct acme_flow_request r = {
		.session = t->session,
		.names = &j->names,
		.profile = t->profile,
		.replaces = t->replaces,
		.order_url = j->order_url,
		.csr_der = j->csr.p,
		.csr_n = j->csr.n,
		.spki_sha256 = j->info.spki_sha256,
		.preferred_chain = t->preferred,
		.level = -1,
		.account_uri_any = t->any_uri,
		.patience_ms = t->patience_s * 1000,
	};
	j->flow = acme_flow_start(&r, &hooks, j);
}

static void add_names(struct strv *names, const char *list, int number)
{
	char *copy = xstrdup(list), *rest = copy;
	for (char *name; (name = strsep(&rest, ",")) != NULL;) {
		char *mark = strstr(name, "%d");
		if (mark)
			strv_add_take(names, xasprintf("%.*s%d%s", (int)(mark - name), name, number, mark + 2));
		else
			strv_add(names, name);
	}
	free(copy);
}

static void next_order(struct tool *t)
{
	struct err e = {0};
	if (t->next == t->count * t->n_orders) {
		printf("done failed=%d http_requests=%llu bad_nonces=%llu\n", t->failed,
			(unsigned long long)acme_session_requests(t->session),
			(unsigned long long)acme_session_bad_nonces(t->session));
		loop_stop(t->loop);
		return;
	}
	struct job *j = xcalloc(1, sizeof(*j));
	j->t = t;
	j->number = t->next++;
	j->began = clk_mono(clk_real());
	j->csr = buf_make(BUF_MAX_SMALL_FILE);
	AUTO(buf_done) struct buf copy = buf_make(BUF_MAX_SMALL_FILE);
	add_names(&j->names, t->orders[j->number % t->n_orders], j->number);
	struct x509_csr_options o = {0};
	if (key_generate(KEY_EC256, &j->key, &e) || x509_csr(j->key, &j->names, &o, &j->csr, &e) ||
		x509_csr_read(j->csr.p, j->csr.n, "request", &copy, &j->info, &e))
		fatal(&e);
	j->timer = loop_timer_new(t->loop, on_interrupt, j);
	start_flow(j);
}

/* --- the account --- */

static void on_account(const struct acme_account *a, const struct err *e, void *ctx)
{
	struct tool *t = ctx;
	if (!a) {
		say_error("account failed", e);
		t->failed = 1;
		loop_stop(t->loop);
		return;
	}
	printf("account %s %s %s\n", a->url, a->status, a->created ? "created" : "found");
	if (t->n_orders)
		next_order(t);
	else
		loop_stop(t->loop);
}

static void register_account(struct tool *t)
{
	struct acme_account_request r = {.agree_tos = t->agree_tos, .only_existing = t->only_existing};
	AUTO(xfreep) char *kid = t->eab ? xstrdup(t->eab) : NULL;
	AUTO(buf_done) struct buf key = buf_make(1024);
	struct err e = {0};
	char *sep = kid ? strchr(kid, ':') : NULL;
	if (sep) {
		*sep = '\0';
		if (codec_b64url_decode(&key, sep + 1, strlen(sep + 1), &e))
			fatal(&e);
		r.eab_kid = kid;
		r.eab_key = key.p;
		r.eab_key_n = key.n;
		r.eab_alg = "HS256";
	}
	acme_account_register(t->session, &r, on_account, t);
}

static void load_key(struct tool *t)
{
	struct err e = {0};
	struct secret pem = {0};
	int rc;
	if (t->key_file && fs_exists(t->key_file))
		rc = fs_read_secret(t->key_file, &pem, &e) ||
		     key_from_pem(pem.p, pem.n, t->key_file, &t->account_key, &e);
	else
		rc = key_generate(KEY_EC256, &t->account_key, &e) || key_to_pem(t->account_key, &pem, &e) ||
		     (t->key_file && fs_write_atomic(t->key_file, pem.p, pem.n, 0600, &e));
	if (rc)
		fatal(&e);
	secret_done(&pem);
}

static int run(struct tool *t)
{
	struct err e = {0};
	struct http_options ho = {.ca_bundle = t->ca_bundle, .user_agent = "acme_tool/1"};
	load_key(t);
	if (loop_new(clk_real(), &t->loop, &e) || http_curl_new(t->loop, &ho, &t->http, &e))
		fatal(&e);
	struct acme_session_options so = {.name = "test", .directory_url = t->directory, .patience_ms = 10000};
	t->session = acme_session_new(t->loop, t->http, &so);
	acme_session_set_account(t->session, t->account_key, NULL);
	register_account(t);
	if (loop_run(t->loop, &e))
		fatal(&e);
	acme_session_free(t->session);
	http_free(t->http);
	loop_free(t->loop);
	key_free(t->account_key);
	return t->failed ? 1 : 0;
}

enum { OPT_STR, OPT_INT, OPT_LONG, OPT_TRUE, OPT_FALSE };

int main(int argc, char **argv)
{
	struct tool t = {.count = 1, .judge = "good", .agree_tos = true, .patience_s = 60};
	const struct {
		const char *name;
		int kind;
		void *to;
	} table[] = {
		{"directory", OPT_STR, &t.directory},
		{"ca-bundle", OPT_STR, &t.ca_bundle},
		{"key", OPT_STR, &t.key_file},
		{"eab", OPT_STR, &t.eab},
		{"profile", OPT_STR, &t.profile},
		{"preferred-chain", OPT_STR, &t.preferred},
		{"judge", OPT_STR, &t.judge},
		{"replaces", OPT_STR, &t.replaces},
		{"count", OPT_INT, &t.count},
		{"interrupt", OPT_INT, &t.interrupt},
		{"patience", OPT_LONG, &t.patience_s},
		{"only-existing", OPT_TRUE, &t.only_existing},
		{"any-uri", OPT_TRUE, &t.any_uri},
		{"steps", OPT_TRUE, &t.steps},
		{"no-tos", OPT_FALSE, &t.agree_tos},
	};
	struct option options[ARRAY_LEN(table) + 1] = {0};
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		options[i] = (struct option){table[i].name, table[i].kind < OPT_TRUE, NULL, (int)i + 1};
	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (o < 1 || o > (int)ARRAY_LEN(table))
			return 2;
		void *to = table[o - 1].to;
		switch (table[o - 1].kind) {
		case OPT_STR:
			*(const char **)to = optarg;
			break;
		case OPT_INT:
			*(int *)to = (int)strtol(optarg, NULL, 10);
			break;
		case OPT_LONG:
			*(long *)to = strtol(optarg, NULL, 10);
			break;
		default:
			*(bool *)to = table[o - 1].kind == OPT_TRUE;
			break;
		}
	}
	if (!t.directory || optind == argc)
		return 2;
	if (!strcmp(argv[optind], "order")) {
		t.n_orders = argc - optind - 1;
		t.orders = argv + optind + 1;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	return run(&t);
}
