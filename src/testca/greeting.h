/* greeting.h: how a new connection is met: as it should be, or by a fault. */
#ifndef PERDURE_TESTCA_GREETING_H
#define PERDURE_TESTCA_GREETING_H

#include "testca/web.h"

/* For web_new(); ctx is the struct ca. */
enum web_greeting ca_greet(struct tls_server **ret, void *ctx);

#endif
