/* audit.h: the parts of `perdure audit`: what it measures by, and what it prints for people. */
#ifndef PERDURE_CLI_AUDIT_H
#define PERDURE_CLI_AUDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "watch/audit.h"

struct cli;
struct ct;
struct err;
struct site;

/* audit_setup.c: the context by configuration, state, directories of the CAs and command line. */
int audit_context_make(struct cli *c, struct site *s, struct audit_context **ret, struct err *e);

/* audit_ct.c: certificates from the logs, NULL when none are given, and which of them are ours. */
int audit_ct_make(const struct cli *c, const struct site *s, struct ct **ret, struct err *e);

/* audit_print.c: rules, findings and the sum as text. */
void audit_print_rules(const struct cli *c);
void audit_print_finding(const struct cli *c, const struct finding *f);
/* by_rule: how many findings, in the order of rules_all(). */
void audit_print_summary(const struct report_summary *s, const size_t *by_rule);
/* A line for the terminal. percent is negative when nobody knows. */
void audit_print_progress(const struct report_summary *s, int percent);

#endif
