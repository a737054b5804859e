/*
 * rollover.h: another key for an account (RFC 8555 section 7.3.5). The new key is on disk, beside the one in use,
 * before the CA hears of it, and both stay there until the CA has said which of them it knows; so whatever is lost or
 * killed on the way, the key of the account is not. What a run leaves undone the next one ends: rollover_settle().
 */
#ifndef PERDURE_INVENTORY_ROLLOVER_H
#define PERDURE_INVENTORY_ROLLOVER_H

#include <stdbool.h>

struct err;
struct site;
struct site_ca;

/* Whether a rollover was begun and has not ended. */
bool rollover_pending(const struct site *s, const struct site_ca *ca);

/*
 * Makes a key and has the CA take it for the account, or ends a rollover that was begun (*ret_resumed). On success the
 * account, its thumbprints (the new one first) and the session have the new key. The account must be ready
 * (site_account_ready()), the state open for writing; runs the loop. When the CA refuses, the old key stays in use and
 * the new one is removed. When it cannot be learnt which key the CA knows, both are kept (ERR_NET, …).
 */
int rollover_run(struct site *s, struct site_ca *ca, bool *ret_resumed, struct err *e);

/*
 * Ends a rollover that was begun, if there is one and the state is open for writing: with the new key, or, with a
 * warning, with the old one when the CA refuses. -1 when neither could be learnt.
 */
int rollover_settle(struct site *s, struct site_ca *ca, struct err *e);

/*
 * Asks the CA for the account of our key, or of the one that a rollover was about to bring (newAccount with
 * onlyReturnExisting: none is made), after ours was forgotten. *ret_url: heap string, NULL when the CA knows none. The
 * key is loaded. Runs the loop. -1: it could not be learnt.
 */
int rollover_find_account(struct site *s, struct site_ca *ca, char **ret_url, struct err *e);

/* For what must know which key is the account's without asking the CA: ERR_CONFIG with what to do while one is pending.
 */
int rollover_check_none(const struct site *s, const struct site_ca *ca, struct err *e);

#endif
