/*
 * rest.h: calls to a provider's HTTP interface, for the drivers that have one: the credentials in a header, JSON read,
 * calls paced by the provider's capabilities so that its limit is not reached, 429 and its relatives waited for, calls
 * repeated where that does no harm, and errors that say what the vendor said.
 *
 * Pacing: no more than caps.rate_calls calls are under way or were answered within the last caps.rate_ms. A call counts
 * until rate_ms after its answer, not after it was sent, so that the server cannot see more in any stretch of that
 * time. When an answer says "too many", all calls of this client wait.
 */
#ifndef PERDURE_PROVIDER_REST_H
#define PERDURE_PROVIDER_REST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strv.h"
#include "http/http.h"
#include "provider/provider.h"

struct json;
struct loop;
struct rest;
struct rest_call;
struct secret;
struct token;

struct rest_reply {
	int status;
	const struct http_reply *http; /* headers and body */
	const struct json *json; /* NULL when the body is empty or no JSON */
};

/* What an answer of 400 or more means. Zeroed: as its status says. */
struct rest_blame {
	enum provider_cause cause; /* 0: by the status */
	char words[400]; /* the vendor's; "": taken from the usual places of a JSON body, or from a body of plain text
			  */
	bool again; /* too fast, or busy: wait and send it again, whatever the status */
	int64_t wait_ms; /* with again: how long at least; 0 for what the headers say, else a back-off that doubles */
};

/* A table of a vendor's codes; the last has no code. */
struct rest_known {
	const char *code;
	enum provider_cause cause;
	bool again;
};
/* Takes cause and `again` of the code, which may be NULL, into *ret; nothing when it is not in the table. */
void rest_blame_by(const struct rest_known *known, const char *code, struct rest_blame *ret);

struct rest_options {
	const char *base; /* "https://api.example.com/v1", no "/" at the end */
	const char *ca_bundle; /* NULL for the system's */
	/*
	 * http: is wanted for base (a PowerDNS at hand). Without it only loopback addresses may be asked without TLS.
	 * There is no option to leave certificates unchecked.
	 */
	bool plain;
	bool direct; /* past any proxy: an address that means something else to each machine */
	int64_t timeout_ms; /* of one call; 0 for the usual */
	struct http *http; /* borrowed; NULL for a client of its own */
	/* Reads a vendor's error; NULL when the status and the usual JSON members say all. */
	void (*blame)(const struct rest_reply *r, struct rest_blame *ret);
};

/* p gives the loop, the capabilities (which must be set by now), the count of calls and the name in messages.
 * ERR_CONFIG. */
int rest_new(struct provider *p, const struct rest_options *o, struct rest **ret, struct err *e);
/* Ends all calls without callbacks. NULL is fine. */
void rest_free(struct rest *r);

/*
 * A header sent with each call from now on: `prefix` and the secret. Replaces an earlier one of that name; kept in
 * memory that is wiped, never logged. rest_header(r, "Authorization", "Bearer ", &token)
 */
void rest_header(struct rest *r, const char *name, const char *prefix, const struct secret *s);
/* A secret that is sent elsewhere, in a body: masked in errors like headers are. Replaces an earlier one of that name.
 */
void rest_mask(struct rest *r, const char *name, const struct secret *s);
/*
 * Calls wait for an access token, which goes into the header Authorization; one that is refused for it (401) is sent
 * once more with a new one. When none can be had, the calls that wait fail with that error. t is taken.
 */
void rest_token(struct rest *r, struct token *t);
/* Signs each call by AWS Signature Version 4: param as CURLOPT_AWS_SIGV4 takes it ("aws:amz:us-east-1:route53"). */
void rest_sign_aws(struct rest *r, const char *param, const char *key_id, const struct secret *key);

struct rest_request {
	enum http_method method;
	const char *path; /* put behind base; or a whole URL, https and of the same origin */
	const char *what; /* "read the records of example.com": for messages */
	const void *body; /* copied; NULL for none */
	size_t body_n;
	const char *content_type; /* NULL for application/json */
	const char *accept; /* NULL for application/json */
	const struct strv *headers; /* more of them, "Name: value"; NULL for none */
	/*
	 * Sending it twice does no harm: it is sent again when it is not known whether it was done. GET, PUT and DELETE
	 * are taken to be so, POST and PATCH only with this.
	 */
	bool repeatable;
};

/*
 * Called once on the loop, never from inside rest_send(). 2xx: r is set, *e clean. Any other status: both are set (*e
 * is ERR_PROVIDER with the cause), so that a 404 may mean "none". No answer: r is NULL. Both are borrowed.
 */
typedef void (*rest_fn)(const struct rest_reply *r, const struct err *e, void *ctx);
struct rest_call *rest_send(struct rest *r, const struct rest_request *q, rest_fn fn, void *ctx);
/* Ends it without a callback. NULL is fine. */
void rest_cancel(struct rest_call *c);

/* Appends s as one part of a path or a query value: all but letters, digits and "-._~" as %XX (RFC 3986). */
void rest_escape(struct buf *out, const char *s);

#endif
