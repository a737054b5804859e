/*
 * quick.c: a library context of OpenSSL's that knows the key types of certificates alone. For each key it reads or
 * writes OpenSSL 3.0 looks through all key types, encoders and decoders of a context, which takes longer than making
 * the key or verifying with it. Here there are few; the algorithms are the default provider's own.
 */
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <string.h>

#include "crypto/internal.h"

enum { LIST_MAX = 8 };

/* Made once by whoever needs it first, and never changed after that. */
static struct {
	OSSL_PROVIDER *base;
	OSSL_ALGORITHM keys[LIST_MAX + 1], encoders[LIST_MAX + 1], decoders[LIST_MAX + 1];
	OSSL_LIB_CTX *lib, *keyless; /* NULL when there is none */
	EVP_PKEY *curves[KEY_TYPE_N_]; /* parameters alone, of lib */
} quick;

static EVP_MD *sha256; /* of OpenSSL's default context */

static const OSSL_ALGORITHM *query(void *provider, int operation, int *ret_no_cache)
{
	(void)provider;
	*ret_no_cache = 0;
	switch (operation) {
	case OSSL_OP_KEYMGMT:
		return quick.keys;
	case OSSL_OP_ENCODER:
		return quick.encoders;
	case OSSL_OP_DECODER:
		return quick.decoders;
	default:
		return OSSL_PROVIDER_query_operation(quick.base, operation, ret_no_cache);
	}
}

static const OSSL_ALGORITHM *query_keyless(void *provider, int operation, int *ret_no_cache)
{
	return operation == OSSL_OP_DIGEST ? query(provider, operation, ret_no_cache) : NULL;
}

static int start_with(const OSSL_DISPATCH *ours, const OSSL_DISPATCH **ret, void **ret_ctx)
{
	*ret = ours;
	*ret_ctx = OSSL_PROVIDER_get0_provider_ctx(quick.base);
	return 1;
}

static int start(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *offered, const OSSL_DISPATCH **ret, void **ret_ctx)
{
	static const OSSL_DISPATCH ours[] = {{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query}, {0, NULL}};
	(void)core;
	(void)offered;
	return start_with(ours, ret, ret_ctx);
}

static int start_keyless(
	const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *offered, const OSSL_DISPATCH **ret, void **ret_ctx)
{
	static const OSSL_DISPATCH ours[] = {
		{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query_keyless}, {0, NULL}};
	(void)core;
	(void)offered;
	return start_with(ours, ret, ret_ctx);
}

/* Whether name is the first of a list with colons between. */
static bool begins(const char *list, const char *name)
{
	size_t n = strlen(name);
	return !strncmp(list, name, n) && (!list[n] || list[n] == ':');
}

/* Adds the default provider's algorithms for EC and RSA, with both properties, to the list. */
static void choose(OSSL_ALGORITHM *list, int operation, const char *property, const char *other)
{
	int no_cache;
	size_t n = 0;
	while (list[n].algorithm_names)
		n++;
	const OSSL_ALGORITHM *all = OSSL_PROVIDER_query_operation(quick.base, operation, &no_cache);
	for (; all && all->algorithm_names && n < LIST_MAX; all++)
		if ((begins(all->algorithm_names, "EC") || begins(all->algorithm_names, "RSA")) &&
			strstr(all->property_definition, property) && strstr(all->property_definition, other))
			list[n++] = *all;
}

/* A context with one provider; NULL when there is none. */
static OSSL_LIB_CTX *context(OSSL_provider_init_fn *init)
{
	OSSL_LIB_CTX *lib = OSSL_LIB_CTX_new();
	if (lib && OSSL_PROVIDER_add_builtin(lib, "quick", init) && OSSL_PROVIDER_load(lib, "quick"))
		return lib;
	ERR_clear_error();
	OSSL_LIB_CTX_free(lib);
	return NULL;
}

static EVP_PKEY *curve(const char *name)
{
	EVP_PKEY *made = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(quick.lib, "EC", NULL);
	if (!ctx || EVP_PKEY_paramgen_init(ctx) != 1 || EVP_PKEY_CTX_set_group_name(ctx, name) != 1 ||
		EVP_PKEY_paramgen(ctx, &made) != 1)
		ERR_clear_error();
	EVP_PKEY_CTX_free(ctx);
	return made;
}

static void make(void)
{
	/* A system that is configured for other providers, or for FIPS, is to get those. */
	if (!OSSL_PROVIDER_available(NULL, "default") || EVP_default_properties_is_fips_enabled(NULL))
		return;
	quick.base = OSSL_PROVIDER_load(NULL, "default");
	if (!quick.base) {
		ERR_clear_error();
		return;
	}
	choose(quick.keys, OSSL_OP_KEYMGMT, "", "");
	choose(quick.encoders, OSSL_OP_ENCODER, "output=pem", "structure=PrivateKeyInfo");
	choose(quick.encoders, OSSL_OP_ENCODER, "output=der", "structure=SubjectPublicKeyInfo");
	choose(quick.decoders, OSSL_OP_DECODER, "input=der", "structure=SubjectPublicKeyInfo");
	quick.lib = context(start);
	if (!quick.lib)
		return;
	quick.keyless = context(start_keyless);
	for (unsigned t = 0; t < KEY_TYPE_N_; t++)
		if (key_group_name((enum key_type)t))
			quick.curves[t] = curve(key_group_name((enum key_type)t));
}

static bool made(void)
{
	static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
	return CRYPTO_THREAD_run_once(&once, make);
}

OSSL_LIB_CTX *quick_lib(void)
{
	return made() ? quick.lib : NULL;
}

OSSL_LIB_CTX *quick_keyless_lib(void)
{
	return made() ? quick.keyless : NULL;
}

EVP_PKEY *quick_curve(enum key_type t)
{
	return made() ? quick.curves[t] : NULL;
}

static void fetch(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
}

const EVP_MD *quick_sha256(void)
{
	static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
	return CRYPTO_THREAD_run_once(&once, fetch) ? sha256 : NULL;
}
