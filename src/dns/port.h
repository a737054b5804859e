/*
 * port.h: connected UDP sockets to one address, each with several questions in flight. The kernel picks a port at
 * random for every socket; after some questions, some time or anything suspicious the next question gets a new one.
 */
#ifndef PERDURE_DNS_PORT_H
#define PERDURE_DNS_PORT_H

#include <stdbool.h>

struct exchange;

/*
 * Sends x->query to its peer with an id of its own, put into the query; fresh: from a port that was not used before.
 * 0, or -1 with errno: then x waits for nothing.
 */
int port_send(struct exchange *x, bool fresh);
/* x waits for no packet any more; fine when it does not. */
void port_leave(struct exchange *x);

#endif
