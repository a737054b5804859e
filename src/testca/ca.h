/* ca.h: the CA as a whole, and one request on its way through it. */
#ifndef PERDURE_TESTCA_CA_H
#define PERDURE_TESTCA_CA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "perdure/hash.h"
#include "testca/endpoint.h"
#include "testca/model.h"
#include "testca/options.h"

struct authority;
struct err;
struct exchanger;
struct faults;
struct json;
struct json_out;
struct loop;
struct nonces;
struct reqlog;
struct resolver;
struct web;
struct web_request;

struct ca {
	struct options *o;
	struct loop *loop;
	struct clk clk; /* the machine's, and offset_ms */
	int64_t offset_ms;
	char *base; /* "https://localhost:14000" */
	char *hash_prefix;
	char *dir;
	struct authority *authority;
	struct nonces *nonces;
	struct model model;
	struct faults *faults;
	struct reqlog *log;
	struct resolver *resolver; /* NULL without DNS */
	struct web *web;
	struct perdure_hash hash;
	struct call *spare; /* calls to be used again */
	uint64_t validations;
	uint64_t issued;
};

static inline int64_t ca_now_ms(const struct ca *ca)
{
	return clk_wall(&ca->clk);
}
static inline int64_t ca_now_s(const struct ca *ca)
{
	return clk_wall(&ca->clk) / 1000;
}

/* One request. The reply is built in status, headers and body and sent by call_send(). */
struct call {
	struct ca *ca;
	struct web_request *rq;
	struct call *next_spare;
	struct endpoint_at at;
	bool post;
	bool later; /* the handler sends the reply itself */
	int64_t began_us;
	/* From the JWS: */
	struct account *account; /* by kid */
	struct key *key; /* by jwk; owned */
	struct json *jws; /* owned */
	struct json *protected; /* owned */
	struct json *payload; /* owned; NULL for POST-as-GET */
	struct buf protected_text;
	struct buf payload_text;
	/* The reply: */
	int status;
	const char *content_type;
	int64_t hang_ms; /* how long to say nothing before the connection is cut, when a fault wants it cut */
	struct buf headers;
	struct buf body;
	const char *fault; /* the name of what struck, for the log */
};

/* Where requests come in. */
void ca_request(struct web_request *rq, void *ctx);
/* Sends the reply; c is gone afterwards. */
void call_send(struct call *c);
/* Releases the spare calls. */
void ca_free_calls(struct ca *ca);

/* Verifies what was POSTed (RFC 8555 section 6) and fills the members above. -1 with the problem as the reply. */
int jws_open(struct call *c);
/*
 * Reads a flattened JWS in text without checks: the two objects and the algorithm. -1 with a problem. For the inner JWS
 * of keyChange and EAB.
 */
struct jws_inner {
	struct json *protected; /* owned */
	struct buf protected_text;
	struct buf payload_text;
	const char *alg;
	const char *url;
};
int jws_inner_open(struct call *c, const struct json *jws, const char *what, struct jws_inner *ret);
void jws_inner_done(struct jws_inner *i);
/* Verifies the signature, or the HMAC, of a JWS whose parts are known to be there. ERR_CRYPTO. */
int jws_verify(const struct json *jws, const struct key *k, const char *alg, struct err *e);
int jws_verify_hmac(const struct json *jws, const void *hmac_key, size_t n, const char *alg, struct err *e);
/* The key of the header's jwk. -1 with a problem. */
int jws_key(struct call *c, const struct json *protected, const struct buf *text, struct key **ret);

/* Makes the reply a problem document; has the value -1. type is the last part of the URN. */
int call_problem(struct call *c, int status, const char *type, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int call_problem_doc(struct call *c, const struct err_problem *p);
/* Writes a problem document as a member of an object. */
void put_problem(struct json_out *w, const char *member, const struct err_problem *p);
/* Appends a header line. */
void call_header(struct call *c, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Appends Retry-After if one is configured. */
void call_retry_after(struct call *c);
/* The URL of a numbered resource as a member. */
void put_url(struct call *c, struct json_out *w, const char *member, enum endpoint ep, uint64_t id);

/* The resources. -1 when the reply is a problem. */
int do_directory(struct call *c);
int do_new_nonce(struct call *c);
int do_terms(struct call *c);
int do_new_account(struct call *c);
int do_account(struct call *c);
int do_orders(struct call *c);
int do_key_change(struct call *c);
int do_new_order(struct call *c);
int do_order(struct call *c);
int do_authz(struct call *c);
int do_challenge(struct call *c);
int do_finalize(struct call *c);
int do_certificate(struct call *c);
int do_revoke_cert(struct call *c);
int do_renewal_info(struct call *c);

/* Writes the order as the reply's body. */
void order_reply(struct call *c, struct order *o, int status);
/* Makes the authorizations and challenges of a new order. */
void authz_make_all(struct ca *ca, struct order *o);
/* Decides a challenge; p (NULL: it passed) is taken. until_s: the authorization ends then at the latest; 0 for none. */
void challenge_decide(struct ca *ca, struct authz *a, enum method m, struct err_problem *p, int64_t until_s);
/* Makes the certificate of a finalized order, or makes the order invalid. */
void order_issue(struct ca *ca, struct order *o, enum endpoint ep);

#endif
