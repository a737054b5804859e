/*
 * flow_play.h: one order after another against the CA in memory: what is asked for, what must come. The hooks answer as
 * the row says.
 */
#ifndef PERDURE_TESTS_FLOW_PLAY_H
#define PERDURE_TESTS_FLOW_PLAY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "acme/flow.h"
#include "acme/session.h"
#include "base/err.h"
#include "fake_ca.h"
#include "loop/loop.h"

enum { FIND_OUT = 0, LEVEL_00 = 1, LEVEL_01 = 2, LEVEL_02 = 3 };

struct row {
	const char *title;
	const char *names; /* blank separated; NULL for "a.test" */
	struct fake_ca ca;
	/* What is asked for. */
	bool kept; /* goes on with an order of an earlier run */
	const char *kept_url;
	const char *replaces;
	const char *profile;
	const char *preferred;
	int level;
	bool any_uri;
	int64_t patience_ms;
	const char *judge; /* a letter for each judgement: Good, Refused, Unknown; small letters answer later */
	const char *placed_error;
	const char *choose; /* a letter for each choice: Persist, Dns, None, None Later; NULL: no hook */
	const char *prepare; /* Good, Fails; small letters answer later */
	/* What must come. */
	const char *log;
	enum err_kind kind;
	enum err_retry retry;
	bool lost;
	const char *says; /* in the message or the hint, all of these separated by '|' */
	const char *subs; /* identifiers of the sub-problems */
	const char *warns; /* in the warnings; NULL: there are none */
	const char *offers; /* "name/level/issuers/account" of what was judged */
	const char *issuer; /* of the chain; NULL for the default */
	const char *offered; /* of each choice: 1 dns-persist-01, 2 dns-01, 4 http-01, added; "!" after a refusal */
	const char *setups; /* "name/type/token" of what was to be prepared; then "; clean" or "; kept" */
	int64_t took_ms; /* at least, and not twice as much; 0: not looked at */
};

struct run {
	const struct row *row;
	struct fake_ca *ca;
	struct acme_session *s;
	struct acme_flow *flow;
	struct key *key;
	struct strv names;
	struct loop_timer *later;
	acme_judged_fn judged;
	void *judged_ctx;
	char letter;
	size_t judgements;
	acme_ready_fn ready;
	void *ready_ctx;
	size_t choices;
	struct loop_timer *ready_later;
	struct buf offers, warnings, steps, offered, setups;
	bool placed;
	bool done;
	bool ok;
	bool lost;
	char issuer[256];
	struct err e;
};

/* Starts an order; run_flow() fills t and starts ca. Needs end_run(). */
void run_flow(struct run *t, const struct row *row, struct fake_ca *ca);
/* Whether it ended as its row says. */
void check_run(const struct run *t);
void end_run(struct run *t);
/* Plays rows to their ends and checks what came. */
void play_all(const struct row *rows, size_t n);

#endif
