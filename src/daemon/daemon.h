/*
 * daemon.h: `perdure run`: renews whatever becomes due, audits the inventory now and then, answers a control socket,
 * until a signal ends it. One installation, one loop; a run of renew.h at a time.
 */
#ifndef PERDURE_DAEMON_DAEMON_H
#define PERDURE_DAEMON_DAEMON_H

#include <stdbool.h>
#include <stddef.h>

#include "fleet/renew.h"

struct err;
struct site;

struct daemon_hooks {
	/* As those of a run; planned may be NULL. */
	struct renew_hooks renew;
	/* A run has ended. */
	void (*summary)(const struct renew_summary *sum, void *ctx);
	/* One line of `perdure audit --json`, borrowed. */
	void (*audit_line)(const char *line, void *ctx);
	/* Whether the configuration could be taken as it is now: opened for a try and closed again. ERR_CONFIG, … */
	int (*try_config)(void *ctx, struct err *e);
};

enum daemon_end {
	DAEMON_STOPPED, /* by SIGTERM, SIGINT or the control socket */
	DAEMON_RELOAD, /* the configuration is to be read again: close the site, open it anew and go on */
};

/* Runs until one of the ends; orders in flight are parked then. The site's state must be open for writing. ERR_SYS when
 * the control socket cannot be made; ERR_STORE when the state fails for good. */
int daemon_run(struct site *s, const struct daemon_hooks *hooks, void *ctx, enum daemon_end *ret, struct err *e);

#endif
