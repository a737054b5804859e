/* flow_play.c: plays one order against the CA in memory. */
#include "flow_play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/xalloc.h"
#include "crypto/jose.h"
#include "crypto/key.h"
#include "crypto/x509.h"
#include "http/http.h"

static void tell_judgement(void *ctx)
{
	struct run *t = ctx;
	struct err e = {0};
	switch (t->letter) {
	case 'R':
		err_set(&e, ERR_DNS, "no record");
		err_hint(&e, "publish it");
		t->judged(ACME_RECORD_REFUSED, &e, t->judged_ctx);
		break;
	case 'U':
		err_set(&e, ERR_DNS, "servers are silent");
		t->judged(ACME_RECORD_UNKNOWN, &e, t->judged_ctx);
		break;
	default:
		t->judged(ACME_RECORD_GOOD, NULL, t->judged_ctx);
	}
	err_done(&e);
}

static void on_judge(const struct acme_persist_offer *o, acme_judged_fn judged, void *judged_ctx, void *ctx)
{
	struct run *t = ctx;
	AUTO(xfreep) char *issuers = strv_join(o->issuers, ",");
	buf_printf(&t->offers, "%s%s%s/%d/%s/%s", t->offers.n ? " " : "", o->wildcard ? "*." : "", o->name, o->level,
		issuers, o->level == 2 ? o->account_hash_prefix : o->account_uri);
	assert_string_equal(o->account_url, FAKE_ACCOUNT);
	char letter = t->row->judge && t->row->judge[t->judgements] ? t->row->judge[t->judgements++] : 'G';
	t->judged = judged;
	t->judged_ctx = judged_ctx;
	t->letter = (char)(letter & ~0x20);
	if (letter & 0x20)
		loop_timer_start(t->later, 100);
	else
		tell_judgement(t);
}

static void on_choose(const struct acme_choice *c, acme_chosen_fn chosen, void *chosen_ctx, void *ctx)
{
	struct run *t = ctx;
	struct err e = {0};
	buf_printf(&t->offered, "%s%u%s", t->offered.n ? " " : "", c->offered, c->refused ? "!" : "");
	switch (t->row->choose[t->choices++]) {
	case 'D':
		chosen(ACME_CHALLENGE_DNS, NULL, chosen_ctx);
		break;
	case 'N':
		err_set(&e, ERR_CONFIG, "no way");
		chosen(ACME_CHALLENGE_TYPE_N_, &e, chosen_ctx);
		break;
	case 'L':
		err_set(&e, ERR_DNS, "no way now");
		err_retry(&e, RETRY_LATER, 0);
		chosen(ACME_CHALLENGE_TYPE_N_, &e, chosen_ctx);
		break;
	default:
		chosen(ACME_CHALLENGE_PERSIST, NULL, chosen_ctx);
	}
	err_done(&e);
}

static void tell_ready(void *ctx)
{
	struct run *t = ctx;
	struct err e = {0};
	if ((t->row->prepare[0] & ~0x20) == 'F') {
		err_set(&e, ERR_PROVIDER, "cannot write");
		err_retry(&e, RETRY_LATER, 0);
	}
	t->ready(err_is(&e) ? &e : NULL, t->ready_ctx);
	err_done(&e);
}

/* The digest is checked against what RFC 8555 section 8.4 says, by the key authorization that is told. */
static void on_prepare(const struct acme_setup *v, size_t n, acme_ready_fn ready, void *ready_ctx, void *ctx)
{
	struct run *t = ctx;
	struct err e = {0};
	char thumbprint[JOSE_THUMBPRINT_LEN + 1];
	assert_int_equal(jose_thumbprint(t->ca->root_key, thumbprint, &e), 0);
	for (size_t i = 0; i < n; i++) {
		uint8_t hash[32];
		AUTO(xfreep) char *ka = xasprintf("%s.%s", v[i].token, thumbprint);
		assert_string_equal(v[i].key_authorization, ka);
		jose_sha256(ka, strlen(ka), hash);
		AUTO(xfreep) char *txt = codec_b64url_str(hash, sizeof(hash));
		assert_string_equal(v[i].txt, txt);
		buf_printf(&t->setups, "%s%s%s/%s/%s", t->setups.n ? " " : "", v[i].wildcard ? "*." : "", v[i].name,
			acme_challenge_type_name(v[i].type), v[i].token);
	}
	t->ready = ready;
	t->ready_ctx = ready_ctx;
	if (t->row->prepare && t->row->prepare[0] & 0x20)
		loop_timer_start(t->ready_later, 100);
	else if (t->row->prepare)
		tell_ready(t);
	else
		ready(NULL, ready_ctx);
}

static void on_cleanup(bool kept, void *ctx)
{
	struct run *t = ctx;
	assert_false(t->done);
	buf_puts(&t->setups, kept ? "; kept" : "; clean");
}

static void on_placed(const char *url, void (*go)(const struct err *failed, void *go_ctx), void *go_ctx, void *ctx)
{
	struct run *t = ctx;
	struct err e = {0};
	assert_string_equal(url, FAKE_ORDER);
	assert_false(t->placed);
	t->placed = true;
	if (t->row->placed_error)
		err_set(&e, ERR_STORE, "%s", t->row->placed_error);
	go(err_is(&e) ? &e : NULL, go_ctx);
}

static void on_step(const char *what, void *ctx)
{
	struct run *t = ctx;
	buf_printf(&t->steps, "%s%s", t->steps.n ? "; " : "", what);
}

static void on_warn(const struct err *e, void *ctx)
{
	struct run *t = ctx;
	buf_printf(&t->warnings, "%s\n", e->msg);
}

static void on_done(const struct x509_chain *chain, const struct err *e, bool lost, void *ctx)
{
	struct run *t = ctx;
	assert_false(t->done);
	t->done = true;
	t->ok = chain;
	t->lost = lost;
	if (chain)
		snprintf(t->issuer, sizeof(t->issuer), "%s", x509_chain_info(chain)->issuer);
	else
		err_copy(&t->e, e);
	loop_stop(t->ca->l);
}

static const struct acme_flow_hooks hooks = {
	.judge = on_judge, .placed = on_placed, .step = on_step, .warn = on_warn, .done = on_done};
static const struct acme_flow_hooks choosing = {.choose = on_choose,
	.prepare = on_prepare,
	.cleanup = on_cleanup,
	.judge = on_judge,
	.placed = on_placed,
	.step = on_step,
	.warn = on_warn,
	.done = on_done};

void run_flow(struct run *t, const struct row *row, struct fake_ca *ca)
{
	struct err e = {0};
	struct buf csr = buf_make(1 << 16), copy = buf_make(1 << 16);
	struct x509_csr_info info;
	struct x509_csr_options o = {0};
	const char *names = row->names ? row->names : "a.test";
	*t = (struct run){.row = row, .ca = ca, .offers = buf_make(1 << 16), .warnings = buf_make(1 << 16)};
	t->steps = buf_make(1 << 16);
	t->offered = buf_make(1 << 16);
	t->setups = buf_make(1 << 16);
	fake_ca_start(ca);
	if (row->kept)
		fake_ca_order(ca, names);
	fake_names(&t->names, names);
	t->later = loop_timer_new(ca->l, tell_judgement, t);
	t->ready_later = loop_timer_new(ca->l, tell_ready, t);
	assert_int_equal(key_generate(KEY_EC256, &t->key, &e), 0);
	assert_int_equal(x509_csr(t->key, &t->names, &o, &csr, &e), 0);
	assert_int_equal(x509_csr_read(csr.p, csr.n, "request", &copy, &info, &e), 0);
	if (row->kept) /* an earlier run may have finalized */
		buf_put(&ca->csr, csr.p, csr.n);
	struct acme_session_options so = {.name = "fake", .directory_url = FAKE_HOST "/directory"};
	t->s = acme_session_new(ca->l, ca->http, &so);
	acme_session_set_account(t->s, ca->root_key, FAKE_ACCOUNT);
	struct acme_flow_request r = {
		.session = t->s,
		.names = &t->names,
		.profile = row->profile,
		.replaces = row->replaces,
		.order_url = row->kept_url ? row->kept_url
			     : row->kept   ? FAKE_ORDER
					   : NULL,
		.csr_der = csr.p,
		.csr_n = csr.n,
		.spki_sha256 = info.spki_sha256,
		.preferred_chain = row->preferred,
		.level = row->level - 1,
		.account_uri_any = row->any_uri,
		.patience_ms = row->patience_ms,
	};
	t->flow = acme_flow_start(&r, row->choose ? &choosing : &hooks, t);
	x509_csr_info_done(&info);
	buf_done(&csr);
	buf_done(&copy);
}

void end_run(struct run *t)
{
	acme_flow_free(t->flow);
	acme_session_free(t->s);
	loop_timer_free(t->later);
	loop_timer_free(t->ready_later);
	buf_done(&t->offered);
	buf_done(&t->setups);
	key_free(t->key);
	strv_done(&t->names);
	buf_done(&t->offers);
	buf_done(&t->warnings);
	buf_done(&t->steps);
	err_done(&t->e);
	fake_ca_stop(t->ca);
}

static void check_words(const struct run *t, const char *words, const char *text, const char *hint)
{
	char *copy = xstrdup(words), *rest = copy;
	for (char *w; (w = strsep(&rest, "|")) != NULL;)
		if (!strstr(text, w) && !strstr(hint, w))
			fail_msg("%s: \"%s\" is not in \"%s\" (%s)", t->row->title, w, text, hint);
	free(copy);
}

static void check_error(const struct run *t)
{
	const struct row *row = t->row;
	if (t->ok)
		fail_msg("%s: a certificate, no error", row->title);
	if (t->e.kind != row->kind || t->e.retry != row->retry || t->lost != row->lost)
		fail_msg("%s: kind %s, retry %d, lost %d: %s", row->title, err_kind_name(t->e.kind), t->e.retry,
			t->lost, t->e.msg);
	check_words(t, row->says ? row->says : "", t->e.msg, t->e.hint);
	struct buf subs = buf_make(1 << 16);
	for (size_t i = 0; t->e.problem && i < t->e.problem->n_subs; i++)
		buf_printf(&subs, "%s%s", i ? " " : "", t->e.problem->subs[i].identifier);
	if (strcmp(buf_str(&subs), row->subs ? row->subs : ""))
		fail_msg("%s: sub-problems of \"%s\"", row->title, buf_str(&subs));
	buf_done(&subs);
}

/* Nonces but the first, which a lost reply took along. */
static size_t extra_nonces(const struct run *t)
{
	const char *p = buf_str(&t->ca->log);
	size_t n = 0;
	for (p += strspn(p, "DN "); (p = strchr(p, 'N')) != NULL; p++)
		n++;
	return n;
}

static void check_success(const struct run *t)
{
	const struct row *row = t->row;
	if (!t->ok)
		fail_msg("%s: %s (%s), kind %s", row->title, t->e.msg, t->e.hint, err_kind_name(t->e.kind));
	if (!strstr(t->issuer, row->issuer ? row->issuer : "Fake Root"))
		fail_msg("%s: issuer %s", row->title, t->issuer);
	size_t once = acme_flow_requests(t->flow) - acme_flow_repeats(t->flow) - extra_nonces(t);
	once -= strstr(buf_str(&t->ca->log), "x1") != NULL;
	if (once > 4 + 3 * t->names.n)
		fail_msg("%s: %zu requests", row->title, once);
}

void check_run(const struct run *t)
{
	const struct row *row = t->row;
	if (!t->done)
		fail_msg("%s: no end: %s", row->title, buf_str(&t->ca->log));
	if (row->log && strcmp(buf_str(&t->ca->log), row->log))
		fail_msg("%s: requests\n  %s, not\n  %s (%s)", row->title, buf_str(&t->ca->log), row->log, t->e.msg);
	if (row->kind)
		check_error(t);
	else
		check_success(t);
	if (t->ca->mistakes)
		fail_msg("%s: %d mistakes", row->title, t->ca->mistakes);
	if (acme_flow_requests(t->flow) != t->ca->requests + extra_nonces(t))
		fail_msg("%s: counted %u requests, made %u", row->title, acme_flow_requests(t->flow), t->ca->requests);
	if (!row->warns && t->warnings.n)
		fail_msg("%s: warned %s", row->title, buf_str(&t->warnings));
	if (row->warns)
		check_words(t, row->warns, buf_str(&t->warnings), "");
	if (row->offers && strcmp(row->offers, buf_str(&t->offers)))
		fail_msg("%s: offers %s", row->title, buf_str(&t->offers));
	if (row->offered && strcmp(row->offered, buf_str(&t->offered)))
		fail_msg("%s: offered %s", row->title, buf_str(&t->offered));
	if (row->choose && strcmp(row->setups ? row->setups : "", buf_str(&t->setups)))
		fail_msg("%s: setups %s", row->title, buf_str(&t->setups));
	int64_t took = t->ca->now - t->ca->began;
	if (row->took_ms && (took < row->took_ms || took >= 2 * row->took_ms))
		fail_msg("%s: took %lld ms", row->title, (long long)took);
}

static void play(const struct row *row)
{
	struct run t;
	struct err e = {0};
	struct fake_ca ca = row->ca;
	run_flow(&t, row, &ca);
	assert_int_equal(loop_run(ca.l, &e), 0);
	check_run(&t);
	end_run(&t);
}

void play_all(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		play(&rows[i]);
}
