/* tlsserver.c: the server's end of TLS: certificate, key, and what is spoken. */
#include "crypto/tlsserver.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "crypto/internal.h"
#include "crypto/tls_internal.h"

static int choose_protocol(
	SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *in, unsigned in_n, void *ctx)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *picked;
	(void)ssl;
	(void)ctx;
	if (SSL_select_next_proto(&picked, out_n, ours, sizeof(ours) - 1, in, in_n) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	*out = picked;
	return SSL_TLSEXT_ERR_OK;
}

static bool use_chain(SSL_CTX *ctx, const char *pem, size_t n)
{
	AUTO(ossl_bio_freep) BIO *in = BIO_new_mem_buf(pem, (int)n);
	size_t count = 0;
	for (X509 *x; in && (x = PEM_read_bio_X509(in, NULL, ossl_no_passphrase, NULL)); count++) {
		/* The leaf is copied by reference, the others are taken over. */
		bool ok = count ? SSL_CTX_add0_chain_cert(ctx, x) == 1 : SSL_CTX_use_certificate(ctx, x) == 1;
		if (!count || !ok)
			X509_free(x);
		if (!ok)
			return false;
	}
	ERR_clear_error(); /* the end of the PEM text */
	return count > 0;
}

/* Of OpenSSL's words for a key that is not the certificate's nobody would be wiser. */
static int not_usable(struct err *e)
{
	int reason = ERR_GET_REASON(ERR_peek_last_error());
	if (ERR_GET_LIB(ERR_peek_last_error()) != ERR_LIB_X509 ||
		(reason != X509_R_KEY_VALUES_MISMATCH && reason != X509_R_KEY_TYPE_MISMATCH))
		return ossl_err(e, "setting up the TLS server");
	ERR_clear_error();
	return err_set(e, ERR_CRYPTO, "the private key is not that of the certificate");
}

int tls_server_new(const struct key *k, const char *chain_pem, size_t n, struct tls_server **ret, struct err *e)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	if (!ctx || !SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) ||
		(k && (!use_chain(ctx, chain_pem, n) || SSL_CTX_use_PrivateKey(ctx, k->pkey) != 1)) ||
		!SSL_CTX_set_num_tickets(ctx, 1)) {
		SSL_CTX_free(ctx);
		return not_usable(e);
	}
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
	struct tls_server *s = xcalloc(1, sizeof(*s));
	s->ctx = ctx;
	*ret = s;
	return 0;
}

void tls_server_free(struct tls_server *s)
{
	if (!s)
		return;
	SSL_CTX_free(s->ctx);
	free(s);
}

struct ssl_st *tls_server_ssl(const struct tls_server *s)
{
	SSL *ssl = SSL_new(s->ctx);
	if (!ssl)
		abort(); /* as all small allocations */
	/* libevent waits for the socket when SSL_pending() says 0, as it does for records that were read ahead. */
	SSL_set_read_ahead(ssl, 0);
	return ssl;
}
