/*
 * control.h: the daemon's control socket: JSON lines. A request is {"do":"status"}, {"do":"renew","names":[…],
 * "force":false}, {"do":"reload"} or {"do":"stop"}; an answer has "ok", and "error" and "hint" when that is false.
 */
#ifndef PERDURE_DAEMON_CONTROL_H
#define PERDURE_DAEMON_CONTROL_H

#include "loop/lines.h"

struct daemon;
struct err;

/* Listens; d->control ends with lines_free(). ERR_CONFIG, ERR_SYS. */
int control_open(struct daemon *d, struct err *e);

#endif
