/* faultreply.h: faults that strike a request or its reply. */
#ifndef PERDURE_TESTCA_FAULTREPLY_H
#define PERDURE_TESTCA_FAULTREPLY_H

#include <stdbool.h>

struct call;
struct web_reply;

/* Before anything is read: whether a fault made the reply already. */
bool faultreply_before(struct call *c);
/* After the JWS has been verified, before the resource: the same for faults that need to know the request. */
bool faultreply_instead(struct call *c);
/* Changes the reply that is about to be sent. */
void faultreply_apply(struct call *c, struct web_reply *r);

#endif
