/* jws.c: what a POST must be before anybody looks at what it wants (RFC 8555 section 6). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "crypto/jose.h"
#include "crypto/key.h"
#include "testca/ca.h"
#include "testca/jsontext.h"
#include "testca/nonce.h"
#include "testca/web.h"
#include "json/json.h"

static int malformed(struct call *c, const char *what, struct err *e)
{
	call_problem(c, 400, "malformed", "%s: %s", what, e->msg);
	err_done(e);
	return -1;
}

/* The three parts, and the header read. */
static int open_parts(struct call *c, const struct json *jws, const char *what, struct json **ret_protected,
	struct buf *header, struct buf *payload)
{
	static const char *const parts[] = {"protected", "payload", "signature"};
	struct err e = {0};
	if (!json_is_object(jws))
		return call_problem(c, 400, "malformed", "%s: not a JWS object", what);
	/* RFC 8555 section 6.2: only the flattened form, and no unprotected header. */
	if (json_get(jws, "header") || json_get(jws, "signatures"))
		return call_problem(c, 400, "malformed", "%s: \"header\" and \"signatures\" must not be there", what);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (!json_str(json_get(jws, parts[i])))
			return call_problem(c, 400, "malformed", "%s: the string \"%s\" is missing", what, parts[i]);
	const char *p = json_str(json_get(jws, "protected")), *b = json_str(json_get(jws, "payload"));
	if (codec_b64url_decode(header, p, strlen(p), &e) || codec_b64url_decode(payload, b, strlen(b), &e) ||
		json_parse(buf_str(header), header->n, "the protected header", ret_protected, &e))
		return malformed(c, what, &e);
	return 0;
}

int jws_key(struct call *c, const struct json *protected, const struct buf *text, struct key **ret)
{
	size_t at, value, end;
	struct err e = {0};
	if (!json_is_object(json_get(protected, "jwk")) || jsontext_find(text->p, text->n, 0, "jwk", &at, &value, &end))
		return call_problem(c, 400, "malformed", "the header has no \"jwk\" object");
	if (!jose_key_from_jwk(text->p + value, end - value, ret, &e))
		return 0;
	call_problem(c, 400, "badPublicKey", "%s", e.msg);
	err_done(&e);
	return -1;
}

static int check_alg(struct call *c, const char *alg)
{
	static const char *const algs[] = {"ES256", "ES384", "EdDSA", "RS256"};
	for (size_t i = 0; alg && i < ARRAY_LEN(algs); i++)
		if (!strcmp(alg, algs[i]))
			return 0;
	call_problem(c, 400, "badSignatureAlgorithm", "\"%s\" is not accepted here", alg ? alg : "");
	/* RFC 8555 section 6.2: tell which are, in place of the brace at the end. */
	c->body.p[--c->body.n] = '\0';
	buf_puts(&c->body, ",\"algorithms\":[\"ES256\",\"ES384\",\"EdDSA\",\"RS256\"]}");
	return -1;
}

/* The account that kid names. */
static int find_account(struct call *c, const char *kid)
{
	const struct ca *ca = c->ca;
	size_t n = strlen(ca->base);
	struct endpoint_at at = {.ep = EP_OTHER};
	if (!strncmp(kid, ca->base, n))
		at = endpoint_parse(kid + n);
	struct account *a = at.ep == EP_ACCOUNT ? model_account(&ca->model, at.id) : NULL;
	if (!a || strcmp(a->url, kid) != 0)
		return call_problem(c, 400, "accountDoesNotExist", "there is no account at %s", kid);
	if (a->status != ST_VALID)
		return call_problem(c, 403, "unauthorized", "the account is %s", status_name(a->status));
	c->account = a;
	return 0;
}

/* Which kind of key the resource wants (RFC 8555 section 6.2). */
static int check_signer(struct call *c)
{
	const char *kid = json_str(json_get(c->protected, "kid"));
	bool jwk = json_get(c->protected, "jwk") != NULL;
	if (jwk == (json_get(c->protected, "kid") != NULL) || (!jwk && !kid))
		return call_problem(c, 400, "malformed", "the header must have either \"jwk\" or \"kid\"");
	if (jwk ? c->at.ep != EP_NEW_ACCOUNT && c->at.ep != EP_REVOKE_CERT : c->at.ep == EP_NEW_ACCOUNT)
		return call_problem(c, 400, "malformed", "%s must be signed with \"%s\" in the header",
			endpoint_name(c->at.ep), jwk ? "kid" : "jwk");
	return jwk ? jws_key(c, c->protected, &c->protected_text, &c->key) : find_account(c, kid);
}

static int check_url(struct call *c)
{
	const char *url = json_str(json_get(c->protected, "url"));
	char own[1024];
	snprintf(own, sizeof(own), "%s%s%s%s", c->ca->base, c->rq->path, *c->rq->query ? "?" : "", c->rq->query);
	if (!url || strcmp(url, own) != 0)
		return call_problem(c, 403, "unauthorized", "the header's \"url\" is %s, the request went to %s",
			url ? url : "missing", own);
	return 0;
}

static struct jose_jws parts_of(const struct json *jws)
{
	return (struct jose_jws){
		.protected_b64 = xstrdup(json_str(json_get(jws, "protected"))),
		.payload_b64 = xstrdup(json_str(json_get(jws, "payload"))),
		.signature_b64 = xstrdup(json_str(json_get(jws, "signature"))),
	};
}

static void parts_done(struct jose_jws *p)
{
	free(p->protected_b64);
	free(p->payload_b64);
	free(p->signature_b64);
}

int jws_verify(const struct json *jws, const struct key *k, const char *alg, struct err *e)
{
	AUTO(parts_done) struct jose_jws parts = parts_of(jws);
	return jose_verify(k, alg, &parts, e);
}

int jws_verify_hmac(const struct json *jws, const void *hmac_key, size_t n, const char *alg, struct err *e)
{
	AUTO(parts_done) struct jose_jws parts = parts_of(jws);
	return jose_verify_hmac(hmac_key, n, alg, &parts, e);
}

int jws_open(struct call *c)
{
	struct err e = {0};
	if (strcmp(c->rq->content_type, "application/jose+json") != 0)
		return call_problem(c, 415, "malformed", "the content type must be application/jose+json, not \"%s\"",
			c->rq->content_type);
	if (json_parse(c->rq->body, c->rq->body_n, "the request's body", &c->jws, &e))
		return malformed(c, "the JWS", &e);
	if (open_parts(c, c->jws, "the JWS", &c->protected, &c->protected_text, &c->payload_text))
		return -1;
	const char *alg = json_str(json_get(c->protected, "alg"));
	const char *nonce = json_str(json_get(c->protected, "nonce"));
	if (check_alg(c, alg) || check_url(c) || check_signer(c))
		return -1;
	if (!nonce || !nonces_take(c->ca->nonces, nonce))
		return call_problem(
			c, 400, "badNonce", "the nonce is %s", nonce ? "not one of ours, or used already" : "missing");
	if (jws_verify(c->jws, c->key ? c->key : c->account->key, alg, &e))
		return malformed(c, "the JWS", &e);
	/* A POST-as-GET has an empty payload (RFC 8555 section 6.3). */
	if (c->payload_text.n && json_parse(c->payload_text.p, c->payload_text.n, "the payload", &c->payload, &e))
		return malformed(c, "the JWS", &e);
	if (c->payload && !json_is_object(c->payload))
		return call_problem(c, 400, "malformed", "the payload is no JSON object");
	return 0;
}

int jws_inner_open(struct call *c, const struct json *jws, const char *what, struct jws_inner *ret)
{
	*ret = (struct jws_inner){
		.protected_text = buf_make(BUF_MAX_HTTP_BODY), .payload_text = buf_make(BUF_MAX_HTTP_BODY)};
	if (open_parts(c, jws, what, &ret->protected, &ret->protected_text, &ret->payload_text))
		return -1;
	ret->alg = json_str(json_get(ret->protected, "alg"));
	ret->url = json_str(json_get(ret->protected, "url"));
	if (!ret->alg || !ret->url)
		return call_problem(c, 400, "malformed", "%s: \"alg\" or \"url\" is missing", what);
	return 0;
}

void jws_inner_done(struct jws_inner *i)
{
	json_free(i->protected);
	buf_done(&i->protected_text);
	buf_done(&i->payload_text);
}
