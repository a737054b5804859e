/* tlsconn.c: one connection of the server's end of TLS, on OpenSSL's SSL over a socket. */
#include <openssl/err.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "crypto/internal.h"
#include "crypto/tls_internal.h"
#include "crypto/tlsserver.h"

struct tls_conn {
	SSL *ssl;
	bool broken; /* no goodbye after a fatal error */
};

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
