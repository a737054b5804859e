/*
 * plan.h: what taking over means for this installation: which CA of the configuration an account and a certificate
 * belong to, under which name a certificate goes, what is here already, what cannot be taken and why. Deciding changes
 * nothing, and after an import it gives the same names again.
 */
#ifndef PERDURE_MIGRATE_PLAN_H
#define PERDURE_MIGRATE_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "migrate/migrate.h"

struct buf;
struct config_cert;
struct err;
struct site;
struct site_ca;

enum migrate_action {
	MIGRATE_TAKE, /* to be imported */
	MIGRATE_HERE, /* is here already, the same or newer */
	MIGRATE_NO_CA, /* the configuration has no CA for it yet */
	MIGRATE_UNUSED, /* an account that no certificate uses, at a CA that is not configured */
	MIGRATE_CANNOT, /* `why` says why not */
	MIGRATE_ACTION_N_
};
/* "import", "here", "no-ca", "unused", "cannot". */
const char *migrate_action_name(enum migrate_action a);

struct migrate_account_plan {
	const struct migrate_account *account; /* borrowed, as all below */
	size_t used; /* by so many certificates */
	enum migrate_action action;
	struct site_ca *ca; /* NULL with MIGRATE_NO_CA and MIGRATE_UNUSED */
	char *why; /* NULL unless there is something to say */
};

struct migrate_cert_plan {
	const struct migrate_lineage *lineage;
	char *name; /* of the lineage here */
	enum migrate_action action;
	struct site_ca *ca; /* NULL with MIGRATE_NO_CA */
	char *ca_name; /* that of ca, or the one suggested */
	const struct config_cert *configured; /* that has these names; NULL: to be added to the configuration */
	char *why;
};

/* A CA that the configuration lacks. */
struct migrate_missing_ca {
	char *name; /* suggested */
	char *directory; /* "" when the client does not keep it */
	bool preset; /* the name alone will do */
};

struct migrate_plan {
	const struct migrate_found *found;
	struct migrate_account_plan *accounts; /* one for each found */
	struct migrate_cert_plan *certs;
	struct migrate_missing_ca *missing;
	size_t n_missing;
};

/* found is borrowed until migrate_plan_done(). ERR_STORE, ERR_SYS, ERR_CRYPTO (an account key of ours). */
int migrate_plan_make(struct site *s, const struct migrate_found *found, struct migrate_plan *ret, struct err *e);
void migrate_plan_done(struct migrate_plan *p);

/* Whether the configuration lacks something that the plan could add. */
bool migrate_plan_adds(const struct migrate_plan *p);
/* Appends what to add to the configuration, as YAML: the CAs and certificates that it lacks, with hooks as deploy:
 * entries where they can be such, the others as comments. state_dir is ours. */
void migrate_plan_yaml(const struct migrate_plan *p, const char *state_dir, struct buf *out);

#endif
