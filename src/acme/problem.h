/* problem.h: problem documents of ACME (RFC 7807, RFC 8555 section 6.7) and what each type means for a client. */
#ifndef PERDURE_ACME_PROBLEM_H
#define PERDURE_ACME_PROBLEM_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct http_reply;
struct json;

/*
 * Fills e from a reply with an error status: ERR_ACME with the problem document (type, detail, sub-problems) when it
 * has one, else ERR_HTTP with status and the first 200 octets. Sets e->retry and e->retry_at (Retry-After, seconds or
 * date), and a hint for the types an operator can act on. Always -1.
 */
int acme_problem_from_reply(const struct http_reply *r, const char *url, int64_t now_ms, struct err *e);
/* The same from a problem object inside another document (an order's or challenge's `error`). Always -1. */
int acme_problem_from_json(const struct json *problem, const char *what, struct err *e);
/* Whether e carries that ACME error type; type is the last part of the URN ("badNonce"). */
bool acme_problem_is(const struct err *e, const char *type);
/* Where a person can lift the pause that the CA has put on account and name after many failures, as Let's Encrypt does;
 * NULL when e is no such refusal. Heap string. */
char *acme_problem_unpause(const struct err *e);

#endif
