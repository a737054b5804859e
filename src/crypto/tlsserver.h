/*
 * tlsserver.h: the server's end of TLS, for the CA in a box and for the listener of metrics: over a non-blocking
 * socket, or handed to libevent. Library of its own: only what needs it links libssl.
 */
#ifndef PERDURE_CRYPTO_TLSSERVER_H
#define PERDURE_CRYPTO_TLSSERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;
struct key;

struct ssl_st; /* OpenSSL's SSL, for those who only pass it on */
struct tls_server;
struct tls_conn;

/*
 * A server that shows the PEM chain (leaf first) of key k: TLS 1.2 and 1.3, ALPN "http/1.1" only, sessions resumed by
 * tickets. k NULL: it has none, and no handshake comes to its end. ERR_CRYPTO, also when k is not the key of the leaf.
 */
int tls_server_new(const struct key *k, const char *chain_pem, size_t n, struct tls_server **ret, struct err *e);
void tls_server_free(struct tls_server *s);
/* A connection for libevent (httpserver.h), which takes it over; it may outlive the server. Never NULL. */
struct ssl_st *tls_server_ssl(const struct tls_server *s);

enum { TLS_CLOSED = 0, TLS_WANT_READ = -1, TLS_WANT_WRITE = -2, TLS_BROKEN = -3 };

/* Takes part in the handshake as reading and writing go. fd (non-blocking, connected) stays the caller's. ERR_CRYPTO.
 */
int tls_conn_new(struct tls_server *s, int fd, struct tls_conn **ret, struct err *e);
/* Octets read (more than 0), or one of the above: wait until fd can be read or written, then call again. */
ssize_t tls_conn_read(struct tls_conn *c, void *p, size_t n);
/* Octets written (more than 0), as above. */
ssize_t tls_conn_write(struct tls_conn *c, const void *p, size_t n);
/* polite: says goodbye first, as far as the socket takes it. NULL is fine. */
void tls_conn_free(struct tls_conn *c, bool polite);

#endif
