/* report.h: the line (or JSON object) on one certificate's issuing. */
#ifndef PERDURE_CLI_REPORT_H
#define PERDURE_CLI_REPORT_H

struct cli;
struct issue_report;

void report_print(const struct cli *c, const struct issue_report *r);
/* The exit status for that one result. */
int report_exit_status(const struct issue_report *r);

#endif
