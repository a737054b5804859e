/* key.c: private keys: types, making, reading, writing. */
#include "crypto/key.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/xalloc.h"
#include "crypto/internal.h"

static const struct {
	const char *name;
	const char *group; /* the curve */
	const char *md;
	int rsa_bits;
} types[KEY_TYPE_N_] = {
	[KEY_EC256] = {"ec256", "prime256v1", "SHA2-256", 0},
	[KEY_EC384] = {"ec384", "secp384r1", "SHA2-384", 0},
	[KEY_ED25519] = {"ed25519", NULL, NULL, 0},
	[KEY_RSA2048] = {"rsa2048", NULL, "SHA2-256", 2048},
	[KEY_RSA3072] = {"rsa3072", NULL, "SHA2-256", 3072},
	[KEY_RSA4096] = {"rsa4096", NULL, "SHA2-256", 4096},
};

const char *key_type_name(enum key_type t)
{
	return t < KEY_TYPE_N_ ? types[t].name : "unknown";
}

int key_type_from_name(const char *name, enum key_type *ret)
{
	for (unsigned t = 0; t < KEY_TYPE_N_; t++)
		if (!strcmp(types[t].name, name)) {
			*ret = (enum key_type)t;
			return 0;
		}
	return -1;
}

const char *key_md_name(enum key_type t)
{
	return types[t].md;
}

const char *key_group_name(enum key_type t)
{
	return types[t].group;
}

static int identify_ec(EVP_PKEY *pkey, const char *what, enum key_type *ret, struct err *e)
{
	char group[64] = "";
	if (!EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), NULL)) {
		ERR_clear_error();
		snprintf(group, sizeof(group), "without a name");
	}
	for (unsigned t = 0; t < KEY_TYPE_N_; t++)
		if (types[t].group && !strcmp(types[t].group, group)) {
			*ret = (enum key_type)t;
			return 0;
		}
	err_set(e, ERR_CRYPTO, "%s: an EC key on the curve %s is not supported", what, group);
	err_hint(e, "use a key on P-256 or P-384");
	return -1;
}

static int identify(EVP_PKEY *pkey, const char *what, enum key_type *ret, struct err *e)
{
	if (EVP_PKEY_is_a(pkey, "EC"))
		return identify_ec(pkey, what, ret, e);
	if (EVP_PKEY_is_a(pkey, "ED25519")) {
		*ret = KEY_ED25519;
		return 0;
	}
	if (EVP_PKEY_is_a(pkey, "RSA")) {
		int bits = EVP_PKEY_get_bits(pkey);
		for (unsigned t = 0; t < KEY_TYPE_N_; t++)
			if (types[t].rsa_bits == bits) {
				*ret = (enum key_type)t;
				return 0;
			}
		err_set(e, ERR_CRYPTO, "%s: an RSA key of %d bits is not supported", what, bits);
		err_hint(e, "use RSA with 2048, 3072 or 4096 bits, or an EC key on P-256 or P-384");
		return -1;
	}
	const char *type = EVP_PKEY_get0_type_name(pkey);
	err_set(e, ERR_CRYPTO, "%s: a key of the type %s is not supported", what, type ? type : "unknown");
	err_hint(e, "use an EC key on P-256 or P-384, Ed25519, or RSA with 2048 to 4096 bits");
	return -1;
}

static int fetch_md(struct key *k, struct err *e)
{
	const char *md = types[k->type].md;
	if (md && !(k->md = EVP_MD_fetch(k->lib, md, NULL)))
		return ossl_err(e, "this OpenSSL has no %s", md);
	return 0;
}

/* Prepares what each signature needs again. */
static int prepare(struct key *k, struct err *e)
{
	if (fetch_md(k, e))
		return -1;
	if (!k->has_private)
		return 0;
	k->signer = EVP_MD_CTX_new();
	if (!k->signer || EVP_DigestSignInit(k->signer, NULL, k->md, NULL, k->pkey) != 1)
		return ossl_err(e, "a key of the type %s cannot sign", types[k->type].name);
	return 0;
}

int key_wrap(EVP_PKEY *pkey, bool has_private, const char *what, struct key **ret, struct err *e)
{
	AUTO(key_freep) struct key *k = xcalloc(1, sizeof(*k));
	k->pkey = pkey;
	k->has_private = has_private;
	atomic_init(&k->refs, 1);
	if (identify(pkey, what, &k->type, e))
		return -1;
	if (prepare(k, e) || jwk_fill(k, e))
		return err_ctx(e, "%s", what);
	*ret = TAKE(k);
	return 0;
}

/* NULL when it cannot be made. */
static EVP_PKEY *make_on(OSSL_LIB_CTX *lib, EVP_PKEY *curve)
{
	EVP_PKEY *made = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(lib, curve, NULL);
	if (ctx && EVP_PKEY_keygen_init(ctx) == 1)
		EVP_PKEY_generate(ctx, &made);
	EVP_PKEY_CTX_free(ctx);
	return made;
}

static int make(enum key_type t, OSSL_LIB_CTX *lib, EVP_PKEY **ret, struct err *e)
{
	EVP_PKEY *curve = lib ? quick_curve(t) : NULL;
	if (curve)
		*ret = make_on(lib, curve);
	else if (types[t].rsa_bits)
		*ret = EVP_PKEY_Q_keygen(lib, NULL, "RSA", (size_t)types[t].rsa_bits);
	else if (types[t].group)
		*ret = EVP_PKEY_Q_keygen(lib, NULL, "EC", types[t].group);
	else
		*ret = EVP_PKEY_Q_keygen(lib, NULL, "ED25519");
	return *ret ? 0 : ossl_err(e, "making a key of the type %s", types[t].name);
}

int key_generate(enum key_type t, struct key **ret, struct err *e)
{
	EVP_PKEY *pkey;
	return make(t, NULL, &pkey, e) ? -1 : key_wrap(pkey, true, "the new key", ret, e);
}

int key_generate_for_request(enum key_type t, struct key **ret, struct err *e)
{
	AUTO(key_freep) struct key *k = xcalloc(1, sizeof(*k));
	atomic_init(&k->refs, 1);
	k->type = t;
	k->has_private = true;
	k->lib = t == KEY_ED25519 ? NULL : quick_lib();
	if (make(t, k->lib, &k->pkey, e) || fetch_md(k, e))
		return -1;
	*ret = TAKE(k);
	return 0;
}

/* Whether the two halves of the key fit. Not asked of RSA, where it means testing primes for up to a second. */
static bool is_consistent(EVP_PKEY *pkey)
{
	if (EVP_PKEY_is_a(pkey, "RSA"))
		return true;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	bool ok = ctx && EVP_PKEY_pairwise_check(ctx) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

int key_from_pem(const void *pem, size_t n, const char *what, struct key **ret, struct err *e)
{
	enum { KEY_PEM_MAX = 64 << 10 };
	if (n > KEY_PEM_MAX)
		return err_set(e, ERR_CRYPTO, "%s: %zu octets are too many for a private key", what, n);
	if (memmem(pem, n, "ENCRYPTED", 9)) {
		err_set(e, ERR_CRYPTO, "%s: the private key is encrypted", what);
		err_hint(e, "decrypt it with: openssl pkey -in FILE -out NEWFILE");
		return -1;
	}
	AUTO(ossl_bio_freep) BIO *in = BIO_new_mem_buf(pem, (int)n);
	if (!in)
		return ossl_err(e, "%s", what);
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(in, NULL, ossl_no_passphrase, NULL);
	if (!pkey) {
		ossl_err(e, "%s: no private key in PEM that can be read", what);
		err_hint(e, "a file with -----BEGIN PRIVATE KEY----- is needed");
		return -1;
	}
	AUTO(key_freep) struct key *k = NULL;
	if (key_wrap(pkey, true, what, &k, e))
		return -1;
	if (!is_consistent(k->pkey))
		return ossl_err(e, "%s: the private and the public part do not belong together", what);
	*ret = TAKE(k);
	return 0;
}

int key_to_pem(const struct key *k, struct secret *ret, struct err *e)
{
	if (!k->has_private)
		return err_set(e, ERR_CRYPTO, "writing a private key: only the public part is known");
	/* A memory BIO wipes what it releases. */
	AUTO(ossl_bio_freep) BIO *out = BIO_new(BIO_s_mem());
	char *p;
	if (!out || !PEM_write_bio_PKCS8PrivateKey(out, k->pkey, NULL, NULL, 0, NULL, NULL))
		return ossl_err(e, "writing a private key");
	long n = BIO_get_mem_data(out, &p);
	*ret = secret_dup(p, (size_t)n);
	return 0;
}

struct key *key_ref(struct key *k)
{
	atomic_fetch_add(&k->refs, 1);
	return k;
}

void key_free(struct key *k)
{
	if (!k || atomic_fetch_sub(&k->refs, 1) != 1)
		return;
	EVP_MD_CTX_free(k->signer);
	EVP_MD_free(k->md);
	EVP_PKEY_free(k->pkey);
	free(k->jwk);
	free(k);
}

void key_freep(struct key **k)
{
	key_free(*k);
	*k = NULL;
}

enum key_type key_type(const struct key *k)
{
	return k->type;
}

bool key_same_public(const struct key *a, const struct key *b)
{
	return a->jwk_n == b->jwk_n && !memcmp(a->jwk, b->jwk, a->jwk_n);
}
