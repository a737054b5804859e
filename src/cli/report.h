/* report.h: the line (or JSON object) on one certificate's issuing. */
#ifndef PERDURE_CLI_REPORT_H
#define PERDURE_CLI_REPORT_H

#include <stdbool.h>
#include <stdint.h>

struct cli;
struct issue_report;
struct renew_forecast;
struct renew_summary;

void report_print(const struct cli *c, const struct issue_report *r);
/* The sum of a run. */
void report_print_summary(const struct cli *c, const struct renew_summary *s, bool dry_run);
/* How long it takes at one CA, under its limits; now is UNIX seconds. */
void report_print_forecast(const struct cli *c, const struct renew_forecast *f, int64_t now);
/* The exit status for that one result. */
int report_exit_status(const struct issue_report *r);

#endif
