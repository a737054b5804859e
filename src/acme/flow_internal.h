/* flow_internal.h: what the files of the order flow share: flow.c (start, order, end), flow_authz.c (reading
 * authorizations), flow_judge.c (what is offered, which challenge to take, and whether our record would do),
 * flow_prepare.c (having set up what challenges need), flow_challenge.c (answering and polling), flow_finish.c
 * (finalize, certificate), flow_chain.c (reading and checking the chain). */
#ifndef PERDURE_ACME_FLOW_INTERNAL_H
#define PERDURE_ACME_FLOW_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme/flow.h"
#include "acme/object.h"
#include "acme/session.h"
#include "base/err.h"
#include "base/strv.h"

struct buf;
struct chain_job;
struct http_reply;
struct loop_timer;
struct x509_chain;

enum authz_state {
	AUTHZ_UNREAD,
	AUTHZ_VALID,
	AUTHZ_OFFERED, /* its challenge waits for our answer */
	AUTHZ_ANSWERED, /* the CA is validating */
	AUTHZ_REFUSED
};

/* What is still to be found out about an authorization that is offered. */
enum authz_want { AUTHZ_WANTS_CHOICE, AUTHZ_WANTS_JUDGEMENT, AUTHZ_WANTS_NOTHING };

struct flow_authz {
	char *url;
	enum authz_state state;
	enum authz_want want;
	unsigned offered; /* 1U << enum acme_challenge_type */
	enum acme_challenge_type type; /* taken; ACME_CHALLENGE_TYPE_N_ before */
	char *urls[ACME_CHALLENGE_TYPE_N_]; /* of the challenges */
	char *tokens[ACME_CHALLENGE_TYPE_N_];
	struct err *refused; /* why dns-persist-01 will not do; NULL */
	char *name; /* without "*."; NULL until read */
	bool wildcard;
	int level;
	struct strv issuers; /* for the judgement */
	char *account_uri;
	int64_t not_before; /* the first poll: monotonic milliseconds */
};

/* Polling one object. */
struct flow_poll {
	int64_t since; /* monotonic milliseconds */
	unsigned tries;
};

struct acme_flow {
	struct acme_session *s;
	const struct acme_flow_hooks *hooks;
	void *ctx;
	struct strv names;
	char *profile;
	char *replaces;
	bool replaces_lost; /* the reply to a newOrder with `replaces` was lost */
	char *order_url;
	char *csr; /* base64url */
	char *spki_sha256;
	char *preferred_chain;
	int level; /* configured, or -1 */
	bool account_uri_any;
	int64_t patience_ms;
	struct acme_tally tally;
	struct acme_post *post;
	struct loop_timer *timer;
	void (*on_timer)(struct acme_flow *f);
	struct flow_poll poll;
	struct err *saved; /* what a re-read of an object is to explain */

	struct acme_order order; /* while the placed hook works */
	char *finalize_url;
	char *certificate_url;

	struct flow_authz *authzs;
	size_t n_authzs;
	size_t at; /* the authorization in work */
	bool all_valid; /* every one was seen valid, in this run */
	unsigned answers; /* to the challenge in work */
	unsigned rereads; /* of the order after failed finalizations */
	bool collecting; /* the walk only looks for the reasons of an invalid order */
	bool prepared; /* the prepare hook was called, the cleanup hook was not */
	bool no_choice; /* the choose hook has said no to a name */
	bool may_choose_later; /* but not for ever */
	bool in_judge; /* the choose or judge hook is being called */
	bool judged; /* it has answered from inside */
	struct err *refusal; /* by the CA or the judge hook: the first reason, and a sub-problem per identifier */
	struct strv refused; /* names */

	bool polled; /* the order, once at least */
	unsigned downloads;
	struct chain_job *reading; /* a chain that waits for a quiet moment */
	struct x509_chain *chain;
	struct strv alternates; /* URLs */
};

/* --- flow.c --- */
/* Sends a request of the flow; done clears f->post first. */
void flow_post(struct acme_flow *f, const char *url, const char *payload, unsigned flags, acme_post_fn done);
/* Calls fn(f) from the loop after ms. */
void flow_after(struct acme_flow *f, int64_t ms, void (*fn)(struct acme_flow *f));
/* The end; takes e's content. f may be gone afterwards. */
void flow_fail(struct acme_flow *f, struct err *e, bool order_lost);
/* The end after a failed request: the order is lost when the server no longer knows the object. */
void flow_fail_request(struct acme_flow *f, const struct err *failed, const char *what);
void flow_step(const struct acme_flow *f, const char *what, const struct flow_authz *a);
/* Passes a warning on; takes e's content. */
void flow_warn(const struct acme_flow *f, struct err *e);
void flow_save_error(struct acme_flow *f, const struct err *e);
int64_t flow_mono(const struct acme_flow *f);
/* Starts polling an object. */
void flow_poll_begin(struct acme_flow *f);
/* When to look again after reply r (NULL for none): by its Retry-After, else soon and then ever later. -1 with
 * ERR_TIMEOUT when patience ends before. what names the object. */
int flow_poll_wait(struct acme_flow *f, const struct http_reply *r, const char *what, int64_t *ret_ms, struct err *e);
/* Decodes the order that reply r holds, with the names checked. -1: *e. */
int flow_read_order(const struct acme_flow *f, const struct http_reply *r, struct acme_order *ret, struct err *e);
/* Goes on by the status of o; r is the reply that told it. o is released. */
void flow_go_on(struct acme_flow *f, struct acme_order *o, const struct http_reply *r);
/* Reads the order again after saved (copied) happened, to go on or to fail with that. */
void flow_reread_order(struct acme_flow *f, const struct err *saved);

/* --- flow_authz.c --- */
/* Reads every authorization, then judges, answers and polls those that need it, then finalizes. */
void flow_walk(struct acme_flow *f);
/* Reads every authorization of an invalid order for its reasons, then ends with them. */
void flow_collect_reasons(struct acme_flow *f, const struct acme_order *o);
void flow_authzs_done(struct acme_flow *f);
/* Decodes the authorization in work. -1: *e. */
int flow_read_authz(const struct acme_flow *f, const struct http_reply *r, struct acme_authz *ret, struct err *e);
/* Takes what was read of authorization a into its state. -1: the order cannot go on (*ret_lost: not even later), with
 * e's retry class set. */
int flow_authz_seen(
	struct acme_flow *f, struct flow_authz *a, const struct acme_authz *said, bool *ret_lost, struct err *e);
/* Adds a reason why authorization a is refused. */
void flow_add_refusal(struct acme_flow *f, const struct flow_authz *a, const struct err *e);
/* Ends with the refusals, when there are any: true. */
bool flow_fail_refused(struct acme_flow *f, const char *what, bool order_lost);

/* --- flow_judge.c --- */
/* The duties of a client (draft-ietf-acme-dns-persist section 3): fills a's offer from the challenge. -1: do not answer
 * it. */
int flow_read_offer(const struct acme_flow *f, struct flow_authz *a, const struct acme_challenge *c, struct err *e);
/* Chooses the challenges, judges the records of those that need one, then calls flow_prepare(). */
void flow_judge(struct acme_flow *f);

/* --- flow_prepare.c --- */
/* Has set up what the challenges need, then calls flow_answer(). */
void flow_prepare(struct acme_flow *f);
/* What was set up is not needed any more; kept: but the order is not decided. */
void flow_cleanup(struct acme_flow *f, bool kept);

/* --- flow_challenge.c --- */
/* Answers the challenges that need it, polls their authorizations, then finalizes. */
void flow_answer(struct acme_flow *f);
/* Sets when the first look at an answered authorization is due, after reply r. */
void flow_set_first_poll(struct acme_flow *f, struct flow_authz *a, const struct http_reply *r);

/* --- flow_finish.c --- */
void flow_finalize(struct acme_flow *f);
/* Polls the order that is being processed; r is the reply that said so (NULL for none). */
void flow_poll_order(struct acme_flow *f, const struct http_reply *r);
void flow_download(struct acme_flow *f);

/* --- flow_chain.c --- */
/* c is NULL when the chain could not be read; e is set then, and when the chain is not what was ordered. */
typedef void (*flow_chain_fn)(struct acme_flow *f, struct x509_chain *c, struct err *e);
/* Reads the chain and checks it against key, names and time when nothing else is ready, then calls `then`, which owns c
 * and may take e's content. */
void flow_read_chain(struct acme_flow *f, const struct buf *pem, flow_chain_fn then);
/* The flow goes: what was to be read for it is dropped. */
void flow_chain_forget(struct acme_flow *f);

#endif
