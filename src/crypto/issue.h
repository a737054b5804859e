/*
 * issue.h: the other side of the table: making certificates. For the CA in a box and for tests; perdure itself issues
 * nothing.
 */
#ifndef PERDURE_CRYPTO_ISSUE_H
#define PERDURE_CRYPTO_ISSUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct key;
struct strv;

/* A key with a certificate that may issue. Issuing may run on several threads at once. */
struct issue_ca;

/* From and to (both included), in UNIX seconds. */
struct issue_validity {
	int64_t not_before;
	int64_t not_after;
};

/*
 * Makes a CA with the common name. parent is NULL for a self-signed root. k, which must hold the private part, is
 * referenced. ERR_CRYPTO.
 */
int issue_ca_new(const struct issue_ca *parent, struct key *k, const char *name, const struct issue_validity *v,
	struct issue_ca **ret, struct err *e);
void issue_ca_free(struct issue_ca *ca);
void issue_ca_freep(struct issue_ca **ca);
/* Appends the CA's own certificate as PEM. */
void issue_ca_pem(const struct issue_ca *ca, struct buf *out);

/*
 * Issues a server certificate for the DNS names to the public part of k: serial of 16 random octets, empty subject.
 * Appends it as PEM, without the CA's. ERR_CRYPTO.
 */
int issue_leaf(const struct issue_ca *ca, const struct key *k, const struct strv *names, const struct issue_validity *v,
	struct buf *pem, struct err *e);

/* What a leaf is to be. */
struct issue_leaf_request {
	const struct strv *names; /* DNS names, at least one */
	const char *const *addresses; /* IP addresses, for the server's own certificate */
	size_t n_addresses;
	struct issue_validity validity;
	bool must_staple; /* TLS feature status_request (RFC 7633) */
};
/* How a leaf is found again. */
struct issue_leaf_info {
	char serial[41]; /* hexadecimal, lower case */
	char ari_id[64]; /* RFC 9773 section 4.1 */
	uint8_t sha256[32]; /* of the DER */
};
/* As issue_leaf(), with more to choose and to know; ret may be NULL. */
int issue_leaf_for(const struct issue_ca *ca, const struct key *k, const struct issue_leaf_request *r, struct buf *pem,
	struct issue_leaf_info *ret, struct err *e);

/*
 * Reads and verifies a certification request in PEM or DER as a CA must: its own signature, DNS names only. names is
 * appended to; ret_key needs key_free(). ERR_CRYPTO.
 */
int issue_csr_read(
	const void *csr, size_t n, struct strv *names, struct key **ret_key, bool *ret_must_staple, struct err *e);

/* The public key of a certification request in PEM or DER. Its signature is x509_csr_read()'s to verify. ERR_CRYPTO. */
int issue_csr_key(const void *csr, size_t n, struct key **ret, struct err *e);

#endif
