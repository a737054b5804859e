/* tls_internal.h: what the files about the server's end of TLS share. */
#ifndef PERDURE_CRYPTO_TLS_INTERNAL_H
#define PERDURE_CRYPTO_TLS_INTERNAL_H

#include <openssl/ssl.h>

struct tls_server {
	SSL_CTX *ctx;
};

#endif
