/*
 * httpchild.h: the process that answers http-01 (RFC 8555 section 8.3) and nothing else. It is this program started
 * anew, so that there is nothing in its memory to be had: it gives up root, and is told the tokens by its parent.
 */
#ifndef PERDURE_INVENTORY_HTTPCHILD_H
#define PERDURE_INVENTORY_HTTPCHILD_H

#define HTTPCHILD_NAME "perdure-http-01" /* argv[0]; argv[1] is the user to become when it is root */
#define HTTPCHILD_WELL_KNOWN "/.well-known/acme-challenge/"

enum {
	HTTPCHILD_LINE_MAX = 1024,
	HTTPCHILD_ORDERS_FD = 0, /* a socket: lines come in, each is answered by "ok" */
	HTTPCHILD_LISTEN_FD = 3,
};

/*
 * The lines are "+TOKEN KEY_AUTHORIZATION" and "-TOKEN". Before the first it says "ok" by itself, when root is given
 * up and the socket is served, or what went wrong. It ends when the parent does. Returns the exit status.
 */
int httpchild_main(const char *user);

#endif
