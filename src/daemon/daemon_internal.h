/* daemon_internal.h: the daemon's state, and what its parts ask of each other. */
#ifndef PERDURE_DAEMON_DAEMON_INTERNAL_H
#define PERDURE_DAEMON_DAEMON_INTERNAL_H

#include "base/strv.h"
#include "daemon/daemon.h"

struct auditor;
struct lines;
struct loop_timer;
struct renewal;
struct telling_daemon;

struct daemon {
	struct site *site;
	const struct daemon_hooks *hooks;
	void *ctx;
	int64_t started; /* UNIX seconds */

	struct renewal *run; /* NULL between runs */
	struct renew_options options;
	struct renew_hooks run_hooks;
	struct strv only; /* of the run */
	struct strv asked; /* for the next */
	bool force;
	size_t done, in_flight, due; /* of the run */
	struct renew_summary last;
	int64_t last_end; /* UNIX seconds; 0 before the first */
	bool last_failed;
	int64_t clock_ms; /* how far wall and monotonic clock are apart */
	struct loop_timer *next;
	int64_t next_at; /* UNIX seconds; 0 while one runs */

	struct auditor *auditor;
	struct telling_daemon *telling;
	struct lines *control;
	struct loop_timer *watchdog;
	int64_t watchdog_ms;
	enum daemon_end end;
};

/* Takes lineages, which must be configured, into the next run, due or not waiting; it begins as soon as it can. */
void daemon_ask(struct daemon *d, const struct strv *names, bool force);
/* Ends with DAEMON_STOPPED, after this turn of the loop. */
void daemon_stop(struct daemon *d);
/* Ends with DAEMON_RELOAD when the configuration could be taken; else says why not and goes on. */
int daemon_reload(struct daemon *d, struct err *e);

#endif
