/* migrate.h: what the files of `perdure migrate` share. */
#ifndef PERDURE_CLI_MIGRATE_H
#define PERDURE_CLI_MIGRATE_H

#include <stdbool.h>
#include <stddef.h>

#include "inventory/site.h"
#include "migrate/plan.h"

struct cli;
struct err;

/* One run. */
struct migrate_run {
	struct cli *c;
	struct migrate_found found;
	struct site site;
	struct migrate_plan plan;
	size_t done; /* imported, exchanged or put back */
	size_t failed;
};

/* migrateprint.c: what was found and what is planned. */
void migrate_print(const struct migrate_run *r, const char *yaml, const char *written);
/* What became of one thing; e (may be NULL) is why it failed. what: "account", "certificate", "place". */
void migrate_print_result(
	const struct migrate_run *r, const char *what, const char *name, const char *result, const struct err *e);
void migrate_print_summary(const struct migrate_run *r);

/* migratedo.c: carrying out. What fails for one thing is told and counted. */
int migrate_do_import(struct migrate_run *r, struct err *e);
/* ERR_USAGE when it was not agreed to, ERR_POLICY while a timer would write through our links. */
int migrate_do_commit(struct migrate_run *r, struct err *e);
void migrate_do_undo(struct migrate_run *r);
/* The places that would be exchanged, or put back. */
void migrate_show_places(const struct migrate_run *r, bool back);

#endif
