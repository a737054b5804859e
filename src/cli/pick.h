/* pick.h: what most verbs begin with: the installation, and the CA, certificates or names that the command line means.
 */
#ifndef PERDURE_CLI_PICK_H
#define PERDURE_CLI_PICK_H

#include "inventory/site.h"
#include "json/json.h"

struct cafacts;
struct cli;
struct desired;
struct err;
struct strv;

/* How long a verb waits for another perdure that works on the same state. */
enum { PICK_LOCK_WAIT_MS = 30000 };

/* Opens the installation that --config or the default path names. */
int pick_site(const struct cli *c, enum site_state state, struct site *ret, struct err *e);
/* site_write() of what was opened with less, when the arguments are known to be good: a wrong command makes no state.
 */
int pick_writing(struct site *s, struct err *e);
/* The CA of --ca, or the only one configured. */
int pick_one_ca(const struct cli *c, struct site *s, struct site_ca **ret, struct err *e);
/* The facts of a CA, from its directory, or without it (with a warning, or silently when offline) from configuration
 * and preset. */
int pick_cafacts(struct site *s, struct site_ca *ca, bool offline, struct cafacts *ret, struct err *e);
/*
 * Appends to d the validation records of the names (empty: of all configured certificates) at the CA of --ca, or at
 * all; the verb has --ca and --offline. each (may be NULL) is told of each CA and its facts, both borrowed. ERR_CONFIG,
 * ERR_USAGE.
 */
typedef int (*pick_ca_fn)(const struct site_ca *ca, const struct cafacts *f, void *ctx, struct err *e);
int pick_desired(const struct cli *c, struct site *s, const struct strv *names, struct desired *d, pick_ca_fn each,
	void *ctx, struct err *e);
/* Normalises the names on the command line. ERR_USAGE. */
int pick_names(const struct strv *args, struct strv *ret, struct err *e);
/* The lineages that the arguments name: by lineage name or by a domain as configured ("*." or not). ERR_USAGE. */
int pick_lineages(const struct site *s, const struct strv *args, struct strv *ret, struct err *e);
/* The account as members of an object. */
void pick_json_account(struct json_out *w, const struct store_account *a);

#endif
