/* recordplan.h: what record plan and record apply share: making a plan from the command line, and printing it. */
#ifndef PERDURE_CLI_RECORDPLAN_H
#define PERDURE_CLI_RECORDPLAN_H

struct cafacts;
struct cli;
struct err;
struct ours;
struct plan;
struct publisher;
struct site;
struct site_ca;
struct tokens;
struct written;

/*
 * The plan for the names and the CA of the command line, or for everything, tokens too. The site's DNS must be open;
 * publisher may be NULL. *ret_tokens gets the values that are to be hidden when the plan is shown.
 */
int recordplan_make(struct cli *c, struct site *s, struct publisher *publisher, struct tokens *ret_tokens,
	struct plan *ret, struct err *e);
/* The tokens of the configuration, with what was written for them earlier. */
int recordplan_tokens(const struct site *s, const struct written *w, struct tokens *ret, struct err *e);
void recordplan_print(const struct cli *c, const struct plan *p);
/* A line of JSON for each RRset. */
void recordplan_json(const struct plan *p);
/* For pick_desired(): adds the CA's account to what is ours; ctx is the struct ours. */
int recordplan_account(const struct site_ca *ca, const struct cafacts *f, void *ctx, struct err *e);
/* What was written from here before is ours, too. */
int recordplan_written(const struct site *s, struct ours *o, struct err *e);

#endif
