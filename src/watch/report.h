/*
 * report.h: what an audit found, in the forms that other programs read: JSON Lines, SARIF 2.1.0, JUnit XML,
 * OpenMetrics. Everything is written as it comes, so that memory does not grow with the number of names.
 */
#ifndef PERDURE_WATCH_REPORT_H
#define PERDURE_WATCH_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "watch/rules.h"

struct err;

enum report_format { REPORT_JSONL, REPORT_SARIF, REPORT_JUNIT, REPORT_OPENMETRICS, REPORT_FORMAT_N_ };
/* "jsonl", "sarif", "junit", "openmetrics". */
const char *report_format_name(enum report_format f);

struct report_summary {
	size_t names; /* looked at */
	size_t records; /* validation records seen there */
	size_t unseen; /* names that could not be looked at */
	size_t found[3]; /* findings told, by severity */
	size_t known; /* findings left out because the baseline has them */
	size_t gone; /* findings of the baseline that are no more */
	bool baseline;
	int64_t started_ms, ended_ms; /* UNIX milliseconds */
};

struct report;
/* Begins. out is borrowed. artifact is the zone file the findings are about, or NULL. */
struct report *report_new(enum report_format f, FILE *out, const char *artifact);
/* The findings that follow are about this name. */
void report_name(struct report *r, const char *fqdn);
void report_finding(struct report *r, const struct finding *f);
/* Ends. ERR_SYS when out could not take everything. */
int report_end(struct report *r, const struct report_summary *s, struct err *e);
void report_free(struct report *r);
void report_freep(struct report **r);

struct json_out;
/* The members of a finding, and of the sum; docs/json.md lists them. */
void report_json_finding(struct json_out *w, const struct finding *f);
void report_json_summary(struct json_out *w, const struct report_summary *s);

#endif
