/*
 * rehearse.h: a certificate for each domain from a CA for tests, by the standing records alone, and thrown away: the
 * proof that the CA sees and accepts them. Nothing comes into archive/ or live/.
 */
#ifndef PERDURE_MIGRATE_REHEARSE_H
#define PERDURE_MIGRATE_REHEARSE_H

#include <stddef.h>

#include "base/strv.h"

struct err;
struct site;
struct site_ca;

struct rehearse {
	struct site *site;
	struct site_ca *ca; /* its session has the account */
	const struct strv *groups; /* n of them: the names of one order, "*." kept; borrowed */
	size_t n;
	/* Told of each; e is NULL where the CA issued. */
	void (*told)(size_t i, const struct err *e, void *ctx);
	void *ctx;
};
/* As many orders at once as the CA takes; runs the loop until all are told. ERR_SYS, ERR_CANCEL on SIGINT and SIGTERM.
 */
int rehearse_run(const struct rehearse *r, struct err *e);

/*
 * What has passed is kept in the state directory (records/rehearsed-CA), a line for each, so that a run that
 * was stopped goes on behind them. Only those for this account count. Appends them to ret. ERR_SYS.
 */
int rehearse_passed(const struct site *s, const struct site_ca *ca, struct strv *ret, struct err *e);
/* Adds one: any word without blanks. ERR_SYS. */
int rehearse_pass(const struct site *s, const struct site_ca *ca, const char *what, struct err *e);

#endif
