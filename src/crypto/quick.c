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
	OSSL_LIB_CTX *lib; /* NULL when there is none */
} quick;

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

static int start(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *offered, const OSSL_DISPATCH **ret, void **ret_ctx)
{
	static const OSSL_DISPATCH ours[] = {{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query}, {0, NULL}};
	(void)core;
	(void)offered;
	*ret = ours;
	*ret_ctx = OSSL_PROVIDER_get0_provider_ctx(quick.base);
	return 1;
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

static void make(void)
{
	/* A system that is configured for other providers, or for FIPS, is to get those. */
	if (!OSSL_PROVIDER_available(NULL, "default") || EVP_default_properties_is_fips_enabled(NULL))
		return;
	quick.base = OSSL_PROVIDER_load(NULL, "default");
	OSSL_LIB_CTX *lib = quick.base ? OSSL_LIB_CTX_new() : NULL;
	if (!lib) {
		ERR_clear_error();
		return;
	}
	choose(quick.keys, OSSL_OP_KEYMGMT, "", "");
	choose(quick.encoders, OSSL_OP_ENCODER, "output=pem", "structure=PrivateKeyInfo");
	choose(quick.encoders, OSSL_OP_ENCODER, "output=der", "structure=SubjectPublicKeyInfo");
	choose(quick.decoders, OSSL_OP_DECODER, "input=der", "structure=SubjectPublicKeyInfo");
	if (OSSL_PROVIDER_add_builtin(lib, "quick", start) && OSSL_PROVIDER_load(lib, "quick")) {
		quick.lib = lib;
		return;
	}
	ERR_clear_error();
	OSSL_LIB_CTX_free(lib);
}

OSSL_LIB_CTX *quick_lib(void)
{
	static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
	return CRYPTO_THREAD_run_once(&once, make) ? quick.lib : NULL;
}
