/* ossl.c: OpenSSL's errors in our words, and its destructors in our form. */
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>

#include "crypto/internal.h"

void ossl_err_(struct err *e, const char *file, int line, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* The first error of the queue is the cause; those after it were added on the way up. */
	unsigned long code = ERR_peek_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;
	err_set_(e, ERR_CRYPTO, file, line, "%s%s%s", text, reason ? ": " : "", reason ? reason : "");
	ERR_clear_error();
}

int ossl_no_passphrase(char *out, int size, int writing, void *ctx)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

void ossl_pkey_freep(EVP_PKEY **p)
{
	EVP_PKEY_free(*p);
}

void ossl_bio_freep(BIO **p)
{
	BIO_free(*p);
}

void ossl_mdctx_freep(EVP_MD_CTX **p)
{
	EVP_MD_CTX_free(*p);
}

void ossl_x509_freep(X509 **p)
{
	X509_free(*p);
}

void ossl_req_freep(X509_REQ **p)
{
	X509_REQ_free(*p);
}

void ossl_names_freep(GENERAL_NAMES **p)
{
	GENERAL_NAMES_free(*p);
}
