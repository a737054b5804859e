/* found.h: what the readers of the clients share: putting together what was found. Private to src/migrate. */
#ifndef PERDURE_MIGRATE_FOUND_H
#define PERDURE_MIGRATE_FOUND_H

#include "migrate/migrate.h"

/* The readers. ERR_USAGE, ERR_SYS as for migrate_read(). */
int certbot_read(struct migrate_found *f, struct err *e);
int acmesh_read(struct migrate_found *f, struct err *e);
int lego_read(struct migrate_found *f, struct err *e);
int dehydrated_read(struct migrate_found *f, struct err *e);

/* Append an empty one; borrowed until the next. */
struct migrate_account *found_account(struct migrate_found *f, const char *id);
struct migrate_lineage *found_lineage(struct migrate_found *f, const char *id, const char *base);
/* Nothing is added for an empty command or path. Copied. */
void found_hook(struct migrate_lineage *l, const char *when, const char *command, const char *where);
void found_hook_all(struct migrate_found *f, const char *when, const char *command, const char *where);
void found_copy(struct migrate_lineage *l, const char *what, const char *path);

void found_note(struct migrate_found *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void found_lineage_note(struct migrate_lineage *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Replaces an owned string; NULL counts as "". */
void found_set(char **field, const char *value);
/* Moves the error's words and hint into an owned string, releasing it. */
void found_set_error(char **field, struct err *e);

/* Appends the names, blank or comma separated, normalised, each once; those that cannot be in a certificate of ours
 * become the lineage's notes. */
void found_names(struct migrate_lineage *l, const char *list);
/* "mailto:" is put before an address that has none. Empty ones are passed over. */
void found_contact(struct migrate_account *a, const char *address);

#endif
