/*
 * x509.h: certification requests, and certificates and chains as a CA hands them out (RFC 5280, RFC 8555 sections 7.4
 * and 7.4.2).
 */
#ifndef PERDURE_CRYPTO_X509_H
#define PERDURE_CRYPTO_X509_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "base/strv.h"
#include "crypto/key.h"

struct buf;
struct err;

struct x509_csr_options {
	bool must_staple; /* TLS feature status_request (RFC 7633) */
};
/* Appends the DER of a PKCS#10 request for the DNS names (A-labels, "*." allowed): empty subject, names in
 * subjectAltName. ERR_CRYPTO. */
int x509_csr(const struct key *k, const struct strv *names, const struct x509_csr_options *o, struct buf *der,
	struct err *e);

/* The SHA-256 of the key's SubjectPublicKeyInfo, hexadecimal: how requests and certificates name their key. ERR_CRYPTO.
 */
int x509_spki_sha256(const struct key *k, char ret[static 65], struct err *e);

/* A key and a request for a certificate of it. */
struct x509_request {
	struct secret key_pem; /* PKCS#8 */
	struct secret csr_der;
	char spki_sha256[65]; /* hexadecimal: names the key */
};
/*
 * Makes a key of type t (or takes old_key, PEM, when that is not empty) and its request, as x509_csr() would. It may
 * run on any thread. ERR_CRYPTO.
 */
int x509_request(enum key_type t, const struct secret *old_key, const struct strv *names,
	const struct x509_csr_options *o, struct x509_request *ret, struct err *e);
void x509_request_done(struct x509_request *r);

/* What a request that somebody else made (issue --csr) asks for. */
struct x509_csr_info {
	struct strv names; /* DNS names of subjectAltName, and the CN when there is no subjectAltName; lower case */
	char spki_sha256[65]; /* hexadecimal: names the key */
};
/* Reads PEM or DER; verifies the self-signature; refuses names of other types than DNS and keys weaker than
 * RSA of 2048 bits. Appends the DER. ERR_CRYPTO. */
int x509_csr_read(const void *p, size_t n, const char *what, struct buf *der, struct x509_csr_info *ret, struct err *e);
void x509_csr_info_done(struct x509_csr_info *i);

/* A chain as downloaded: leaf first. Immutable; threads may share it. */
struct x509_chain;

struct x509_info {
	struct strv names; /* DNS names of the leaf's subjectAltName, lower case, each once */
	int64_t not_before; /* UNIX seconds */
	int64_t not_after;
	char serial[64]; /* hexadecimal, lower case, no separators */
	char sha256[65]; /* fingerprint of the leaf */
	char spki_sha256[65];
	char *issuer; /* one line */
	char *ari_id; /* RFC 9773 section 4.1: base64url(AKI keyIdentifier) "." base64url(serial); "" without an AKI */
};

/*
 * Reads a PEM chain of at most 10 certificates and BUF_MAX_CHAIN octets (anything in it but certificates and white
 * space is refused, RFC 8555 section 9.1) and puts it in order: the leaf first, then each certificate that issued the
 * one before. A chain that links as it came keeps its order. ERR_PROTO when one does not link or names are not DNS.
 */
int x509_chain_parse(const void *pem, size_t n, struct x509_chain **ret, struct err *e);
/* As x509_chain_parse(). What stands above the leaf of known (NULL: nothing) and comes again is shared with it rather
 * than decoded, which is what reading a chain takes most time for. */
int x509_chain_parse_like(
	const void *pem, size_t n, const struct x509_chain *known, struct x509_chain **ret, struct err *e);
/* One more owner, who must call x509_chain_free() too. */
struct x509_chain *x509_chain_ref(struct x509_chain *c);
void x509_chain_free(struct x509_chain *c);
void x509_chain_freep(struct x509_chain **c);
const struct x509_info *x509_chain_info(const struct x509_chain *c);
/* Whether any certificate of the chain was issued by, or is, one whose subject common name is cn (the choice of
 * alternate chains). */
bool x509_chain_has_issuer(const struct x509_chain *c, const char *cn);
/* Appends PEM: the leaf alone, the rest alone, all. */
void x509_chain_pem_leaf(const struct x509_chain *c, struct buf *out);
void x509_chain_pem_rest(const struct x509_chain *c, struct buf *out);
void x509_chain_pem_all(const struct x509_chain *c, struct buf *out);

/*
 * Whether the chain may replace what is in use: the leaf's key is k's (or spki_sha256's when k is NULL), its DNS names
 * are exactly `names` (lower case), each certificate is signed by the next, and each but a root at the end is valid at
 * now_s (an hour of clock difference is allowed at notBefore). ERR_CRYPTO says which fails.
 */
int x509_chain_check(const struct x509_chain *c, const struct key *k, const char *spki_sha256, const struct strv *names,
	int64_t now_s, struct err *e);

#endif
