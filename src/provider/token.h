/*
 * token.h: an access token that runs out (OAuth 2.0, RFC 6749): asked for when a call needs one, once however many
 * need it, kept until shortly before its end, and asked for anew when it is refused before. It is on no disk.
 */
#ifndef PERDURE_PROVIDER_TOKEN_H
#define PERDURE_PROVIDER_TOKEN_H

#include <stdbool.h>

struct buf;
struct err;
struct provider;
struct rest;
struct rest_blame;
struct rest_reply;
struct secret;
struct token;

/*
 * The client of an endpoint: base, or for the metadata service of a virtual machine NULL: that is asked by its address,
 * the same on every machine there, past all proxies; or at `url` of the configuration, if it has one. ERR_CONFIG.
 */
int token_endpoint(struct provider *p, const char *base, struct rest **ret, struct err *e);

struct token_options {
	struct rest *rest; /* of the endpoint; taken */
	const char *path; /* behind its base; copied */
	const char *header; /* "Metadata: true", or NULL; copied */
	/* Appends the body of a request, a form (RFC 6749 appendix B); NULL: it is a GET, without a body. */
	int (*body)(void *ctx, struct buf *out, struct err *e);
	void *ctx; /* of body; must outlive the token */
};
struct token *token_new(struct provider *p, const struct token_options *o);
void token_free(struct token *t);

/*
 * Called each time an answer has come: with the token, or with an error. value and *e are borrowed. Never from inside
 * token_is_there().
 */
typedef void (*token_fn)(const struct secret *value, const struct err *e, void *ctx);
void token_watch(struct token *t, token_fn fn, void *ctx);
/* Whether there is one that is good now. If not, one is asked for, unless that is under way. */
bool token_is_there(struct token *t);
/* The number of the last one; it changes with each. */
unsigned token_number(const struct token *t);
/* The one of that number was refused: if it is still the last one, it is not used again. */
void token_refused(struct token *t, unsigned number);

/* What an endpoint's error means (RFC 6749 section 5.2): PROVIDER_KEY, or PROVIDER_CLOCK where it speaks of time. */
void token_blame(const struct rest_reply *r, struct rest_blame *ret);

#endif
