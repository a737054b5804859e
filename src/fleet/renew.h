/*
 * renew.h: everything that is due, at once: many orders in flight on one loop, as many per CA as it takes.
 */
#ifndef PERDURE_FLEET_RENEW_H
#define PERDURE_FLEET_RENEW_H

#include <stdbool.h>
#include <stddef.h>

#include "fleet/issue.h"
#include "fleet/schedule.h"

struct config_cert;
struct err;
struct site;
struct store_cert;

struct renew_options {
	const struct strv *only; /* lineage names; NULL for all of the configuration. Their back-off is ignored */
	bool force_renewal; /* due or not */
	bool force_record; /* go on where the record would be refused */
	bool dry_run; /* only tell what is due */
};

struct renew_hooks {
	/* One for every certificate looked at, before anything begins; row is NULL when nothing is known of it. */
	void (*planned)(
		const struct config_cert *cert, const struct store_cert *row, enum schedule_verdict v, void *ctx);
	void (*step)(const char *cert, const char *what, void *ctx);
	void (*report)(const struct issue_report *r, void *ctx);
	/* Now and then, for a progress line: of `due` certificates `done` are finished and `in_flight` at work. */
	void (*progress)(size_t done, size_t in_flight, size_t due, void *ctx);
};

struct renew_summary {
	size_t looked, due, waiting, issued, renewed, held, parked, failed;
	bool stopped; /* by a signal: what was in work is parked */
};

/*
 * Asks the CAs for the windows that are not known any more (windows.h), looks at every certificate, then works on those
 * that are due until all have a result. SIGINT and SIGTERM park what is in flight. The site's state must be open for
 * writing (for a dry run: for reading). ERR_CONFIG when a name in `only` is not configured; what fails for one
 * certificate is in its report.
 */
int renew_run(struct site *s, const struct renew_options *o, const struct renew_hooks *hooks, void *ctx,
	struct renew_summary *ret, struct err *e);

/* Exit status of the program for such a summary (0, 1, 4 or 75). */
int renew_exit_status(const struct renew_summary *s);

#endif
