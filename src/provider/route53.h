/* route53.h: what route53.c (calls), route53_text.c (texts of the interface) and the tests share. */
#ifndef PERDURE_PROVIDER_ROUTE53_H
#define PERDURE_PROVIDER_ROUTE53_H

#include "base/secret.h"
#include "base/strv.h"
#include "provider/rest.h"

struct buf;
struct config_provider;
struct err;

/*
 * Route 53 writes octets that are no plain text as a backslash and three octal digits, where master files have three
 * decimal ones. Appends one made of the other.
 */
void route53_from_octal(const char *text, struct buf *out);
void route53_to_octal(const char *text, struct buf *out);
/* A name as an answer has it ("\052.Example.com.") as we write it ("*.example.com"). */
void route53_name(const char *text, struct buf *out);

/*
 * Reads an access key: the form of the AWS credentials file (aws_access_key_id = …, aws_secret_access_key = …,
 * aws_session_token = …; one profile), or two lines, id and secret. ERR_CONFIG names the file. token->p is NULL when
 * there is none. The id needs free(), the others secret_done().
 */
struct route53_key {
	char *id;
	struct secret secret, token;
};
int route53_read_key(const char *path, struct route53_key *ret, struct err *e);
void route53_key_done(struct route53_key *k);

void route53_blame(const struct rest_reply *r, struct rest_blame *ret);
/* Whether a refused change says that the RRset is not as it was read. */
bool route53_is_lost(const struct rest_reply *r);
/* See provider_policy(). */
void route53_policy(const struct config_provider *conf, const struct strv *owners, struct buf *out);

#endif
