/*
 * passed.h: which domains a CA for tests has issued for, kept in the state directory (records/rehearsed-CA), a line for
 * each, so that a run that was stopped goes on behind them.
 */
#ifndef PERDURE_MIGRATE_PASSED_H
#define PERDURE_MIGRATE_PASSED_H

struct err;
struct site;
struct site_ca;
struct strv;

/* Appends what was kept for the account that the CA has now, sorted. ERR_SYS. */
int passed_read(const struct site *s, const struct site_ca *ca, struct strv *ret, struct err *e);
/* Adds one: any word without blanks. ERR_SYS. */
int passed_add(const struct site *s, const struct site_ca *ca, const char *what, struct err *e);

#endif
