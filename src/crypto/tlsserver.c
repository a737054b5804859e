/* tlsserver.c: the server's end of TLS, on OpenSSL's SSL over a socket. */
#include "crypto/tlsserver.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "crypto/internal.h"

struct tls_server {
	SSL_CTX *ctx;
};

struct tls_conn {
	SSL *ssl;
	bool broken; /* no goodbye after a fatal error */
};

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

int tls_server_new(const struct key *k, const char *chain_pem, size_t n, struct tls_server **ret, struct err *e)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	if (!ctx || !SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) || !use_chain(ctx, chain_pem, n) ||
		SSL_CTX_use_PrivateKey(ctx, k->pkey) != 1 || !SSL_CTX_set_num_tickets(ctx, 1)) {
		SSL_CTX_free(ctx);
		return ossl_err(e, "setting up the TLS server");
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

int tls_conn_new(struct tls_server *s, int fd, struct tls_conn **ret, struct err *e)
{
	SSL *ssl = SSL_new(s->ctx);
	if (!ssl || !SSL_set_fd(ssl, fd)) {
		SSL_free(ssl);
		return ossl_err(e, "a TLS connection");
	}
	SSL_set_accept_state(ssl);
	struct tls_conn *c = xcalloc(1, sizeof(*c));
	c->ssl = ssl;
	*ret = c;
	return 0;
}

static ssize_t outcome(struct tls_conn *c, int rc)
{
	int why = SSL_get_error(c->ssl, rc);
	if (why == SSL_ERROR_WANT_READ)
		return TLS_WANT_READ;
	if (why == SSL_ERROR_WANT_WRITE)
		return TLS_WANT_WRITE;
	if (why == SSL_ERROR_ZERO_RETURN)
		return TLS_CLOSED;
	c->broken = true;
	ERR_clear_error();
	return TLS_BROKEN;
}

ssize_t tls_conn_read(struct tls_conn *c, void *p, size_t n)
{
	size_t got = 0;
	int rc = SSL_read_ex(c->ssl, p, n, &got);
	return rc == 1 ? (ssize_t)got : outcome(c, rc);
}

ssize_t tls_conn_write(struct tls_conn *c, const void *p, size_t n)
{
	size_t put = 0;
	int rc = SSL_write_ex(c->ssl, p, n, &put);
	return rc == 1 ? (ssize_t)put : outcome(c, rc);
}

void tls_conn_free(struct tls_conn *c, bool polite)
{
	if (!c)
		return;
	if (polite && !c->broken)
		SSL_shutdown(c->ssl);
	ERR_clear_error();
	SSL_free(c->ssl);
	free(c);
}
