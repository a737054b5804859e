/* recordplan.h: what record plan and record apply share: making a plan from the command line, and printing it. */
#ifndef PERDURE_CLI_RECORDPLAN_H
#define PERDURE_CLI_RECORDPLAN_H

struct cli;
struct err;
struct plan;
struct publisher;
struct site;

/* The plan for the names and the CA of the command line. The site's DNS must be open; publisher may be NULL. */
int recordplan_make(struct cli *c, struct site *s, struct publisher *publisher, struct plan *ret, struct err *e);
void recordplan_print(const struct cli *c, const struct plan *p);

#endif
