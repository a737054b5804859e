/* dns01.h: what the files of `perdure migrate dns-01` share. */
#ifndef PERDURE_CLI_DNS01_H
#define PERDURE_CLI_DNS01_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strv.h"
#include "inventory/cafacts.h"
#include "inventory/desired.h"
#include "inventory/ours.h"
#include "inventory/site.h"
#include "inventory/wishes.h"
#include "migrate/oldproof.h"

struct cli;
struct err;

/* One domain, with all its names. */
struct dns01_domain {
	const char *fqdn; /* borrowed from names */
	struct strv names; /* of them fqdn, "*.fqdn" */
	char *target; /* of its delegation; NULL with --to persist */
	const struct config_delegation *delegation; /* borrowed; the same */
	bool looked, ready; /* it was looked at; everything stands as it should */
	bool passed; /* the CA for tests has issued for it */
	struct oldproof old; /* when looked at */
};

/* One run. */
struct dns01 {
	struct cli *c;
	bool delegate; /* --to delegation */
	struct site site;
	struct strv names;
	struct dns01_domain *domains; /* sorted by fqdn */
	size_t n;
	struct site_ca **cas; /* whose records are wanted; n_cas of them */
	struct cafacts *facts; /* one for each */
	size_t n_cas;
	struct site_ca *staging; /* NULL without */
	struct desired desired;
	struct wishes wishes;
	struct ours ours;
	size_t failed; /* domains that are not ready or did not pass */
};

/* dns01ask.c: from the command line to what should stand. */
int dns01_ask(struct dns01 *d, struct err *e);
void dns01_done(struct dns01 *d);

/* dns01look.c: every domain looked at, at all its servers, and by the verdict of each CA. Problems are told. */
int dns01_look(struct dns01 *d, struct err *e);

/* dns01stage.c: the rehearsal at the CA for tests. */
int dns01_rehearse(struct dns01 *d, struct err *e);

/*
 * dns01flow.c: an order at the CA for tests for each domain that is ready and has not passed, as many at once as it
 * takes; each is told, with e NULL where the CA issued. Its session has the account; for a delegation the state must be
 * open for writing. ERR_SYS, ERR_STORE, ERR_CANCEL on SIGINT and SIGTERM.
 */
struct dns01_told {
	void (*each)(struct dns01_domain *m, const struct err *e, void *ctx);
	void *ctx;
};
int dns01_order(struct dns01 *d, const struct dns01_told *told, struct err *e);

#endif
