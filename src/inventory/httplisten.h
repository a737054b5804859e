/*
 * httplisten.h: the built-in listener for http-01: the socket, and the process of its own that answers there
 * (httpchild.h). It serves the tokens it is given, until it is freed.
 */
#ifndef PERDURE_INVENTORY_HTTPLISTEN_H
#define PERDURE_INVENTORY_HTTPLISTEN_H

#include <stddef.h>

struct err;
struct httplisten;
struct loop;

/* What has been asked for is done, or failed is set: the listener is of no use any more. On the loop; freeing it is
 * not allowed in it. */
typedef void (*httplisten_fn)(const struct err *failed, void *ctx);
/*
 * where: "ADDRESS@PORT", or "systemd" for a socket that systemd has handed over: the one named "http", else the first.
 * user: whom the process becomes when we are root. The port is taken when this returns. ERR_CONFIG, ERR_SYS.
 */
int httplisten_open(struct loop *l, const char *where, const char *user, httplisten_fn changed, void *ctx,
	struct httplisten **ret, struct err *e);
/* Closes the socket and ends the process. NULL is fine. */
void httplisten_free(struct httplisten *h);
/* Both texts without blanks. It is served when httplisten_done() has reached what this returns. */
size_t httplisten_add(struct httplisten *h, const char *token, const char *content);
void httplisten_remove(struct httplisten *h, const char *token);
size_t httplisten_done(const struct httplisten *h);

#endif
