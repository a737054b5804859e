/*
 * internal.h: what the files of this folder share. OpenSSL's types stay behind it: nobody outside includes it.
 */
#ifndef PERDURE_CRYPTO_INTERNAL_H
#define PERDURE_CRYPTO_INTERNAL_H

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/jose.h"
#include "crypto/key.h"

struct buf;
struct strv;

/* Immutable once made, so that threads may share it; what signing needs again and again is prepared here once. */
struct key {
	EVP_PKEY *pkey;
	OSSL_LIB_CTX *lib; /* the context of pkey and md; NULL is OpenSSL's default */
	bool has_private;
	EVP_MD *md; /* what its signatures hash with; NULL for Ed25519 */
	EVP_MD_CTX *signer; /* ready to sign JWS, to be copied; NULL when there is only the public part */
	enum key_type type;
	atomic_uint refs;
	size_t jwk_n;
	char *jwk;
	char thumbprint[JOSE_THUMBPRINT_LEN + 1];
};

/* The longest JWS signature: RSA 4096. */
enum { SIG_MAX = 512 };

/*
 * As err_set(ERR_CRYPTO), with the reason OpenSSL gives appended and OpenSSL's queue of errors emptied.
 */
#define ossl_err(e, ...)                                                                                               \
	(__extension__({                                                                                               \
		ossl_err_((e), __FILE__, __LINE__, __VA_ARGS__);                                                       \
		-1;                                                                                                    \
	}))
void ossl_err_(struct err *e, const char *file, int line, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* A passphrase callback that has none: OpenSSL's own would ask on the terminal. */
int ossl_no_passphrase(char *out, int size, int writing, void *ctx);

/*
 * The library context for new keys of certificates and for reading certificates, where OpenSSL finds its way quickly:
 * it has the default provider's algorithms, but of keys only EC and RSA, writes them as PEM of PKCS#8 and their public
 * part as DER, and reads public keys only. NULL, OpenSSL's default context, where the system's configuration wants
 * other providers. Threads share it; it lasts as long as the process.
 */
OSSL_LIB_CTX *quick_lib(void);
/* The same, for certificates whose key nobody asks for: it is not decoded, which takes most of reading one. */
OSSL_LIB_CTX *quick_keyless_lib(void);
/* The curve of a type of keys, borrowed, to make keys of quick_lib() with: one that OpenSSL has worked out already.
 * NULL for other types, and where there is no quick_lib(). */
EVP_PKEY *quick_curve(enum key_type t);

/* SHA-256, which OpenSSL 3 otherwise looks for each time. NULL when it has none. */
const EVP_MD *quick_sha256(void);

/* For AUTO(). */
void ossl_pkey_freep(EVP_PKEY **p);
void ossl_bio_freep(BIO **p);
void ossl_mdctx_freep(EVP_MD_CTX **p);
void ossl_x509_freep(X509 **p);
void ossl_req_freep(X509_REQ **p);
void ossl_names_freep(GENERAL_NAMES **p);

/* Wraps pkey, which it takes in every case. what names the key in errors. Unsupported types and sizes are refused. */
int key_wrap(EVP_PKEY *pkey, bool has_private, const char *what, struct key **ret, struct err *e);
/* A new key that is only to be written and to sign its request: it has neither signer nor jwk nor thumbprint.
 * ERR_CRYPTO. */
int key_generate_for_request(enum key_type t, struct key **ret, struct err *e);
/* The JWS hash of a type, by OpenSSL's name; NULL for Ed25519. */
const char *key_md_name(enum key_type t);
/* The curve of a type, by OpenSSL's name; NULL for what is not ECDSA. */
const char *key_group_name(enum key_type t);
/* Computes jwk and thumbprint. */
int jwk_fill(struct key *k, struct err *e);

/* A signature in the form of JWS: r and s of fixed size for ECDSA (RFC 7518 section 3.4). */
int sign_jws(const struct key *k, const void *p, size_t n, uint8_t sig[static SIG_MAX], size_t *ret_n, struct err *e);
/* ERR_CRYPTO when the signature is not k's over the n octets at p. */
int sign_verify_jws(const struct key *k, const void *p, size_t n, const uint8_t *sig, size_t sig_n, struct err *e);

/* Appends PEM with the label around the DER. */
void pem_write(struct buf *out, const char *label, const uint8_t *der, size_t n);

enum { SAN_MAX_NAMES = 1000 };
/* Whether the n octets can be a DNS name in a certificate: 1 to 253 of letters, digits, "-", "_", "." and "*". */
bool san_is_dns_name(const char *s, size_t n);
/* Makes ASCII letters lower case. */
void san_lower(char *s);
/* Appends the names in lower case, each once. ERR_PROTO for another type of name, for what is no DNS name, and for more
 * than SAN_MAX_NAMES. */
int san_read(const GENERAL_NAMES *names, struct strv *ret, struct err *e);
/* The names as an extension's content; to be freed by GENERAL_NAMES_free(). ERR_CRYPTO. */
int san_make(const struct strv *names, GENERAL_NAMES **ret, struct err *e);
/* The SHA-256 of a public key's DER, hexadecimal. */
int san_spki_sha256(X509_PUBKEY *pub, char ret[static 65], struct err *e);

/* A request in PEM or DER of at most 256 KiB, or NULL with OpenSSL's reason queued. */
X509_REQ *csr_decode(const void *p, size_t n);
/* The same with its signature verified and its DNS names appended; what names it in errors. ERR_CRYPTO. */
int csr_open(const void *p, size_t n, const char *what, struct strv *names, X509_REQ **ret, struct err *e);

#endif
