/*
 * import.h: accounts and certificates of a plan taken into our state. Every step can be repeated: what is here already
 * is kept, and a run that was killed is gone on with by the next.
 */
#ifndef PERDURE_MIGRATE_IMPORT_H
#define PERDURE_MIGRATE_IMPORT_H

struct err;
struct migrate_account_plan;
struct migrate_cert_plan;
struct site;

/*
 * Makes the account that of its CA: the key in its file, then the row. The plan must say MIGRATE_TAKE and be made with
 * the state open for writing. ERR_SYS, ERR_STORE, ERR_CONFIG (a change of the account's key is pending).
 */
int migrate_import_account(struct site *s, const struct migrate_account_plan *p, struct err *e);
/*
 * Puts key and chain into archive/ as the next generation (the first, for a lineage that is new here), switches
 * live/NAME to it, then writes the row. As above; ERR_STORE also when live/NAME holds something that the state does not
 * know.
 */
int migrate_import_cert(struct site *s, const struct migrate_cert_plan *p, struct err *e);

#endif
