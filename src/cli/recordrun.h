/*
 * recordrun.h: what the verbs that change records share: asking for consent, carrying a plan out with a journal, and
 * telling what became of each RRset.
 */
#ifndef PERDURE_CLI_RECORDRUN_H
#define PERDURE_CLI_RECORDRUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/cli.h"

struct apply_report;
struct err;
struct plan;
struct site;
struct tokens;

/* The options of such a verb, for its table: recordrun_wait() reads them. */
#define RECORDRUN_OPTIONS                                                                                              \
	{"yes", 'y', NULL, false, "do not ask"}, {"dry-run", 0, NULL, false, "show what would be changed"},            \
	{                                                                                                              \
		"timeout", 0, "SECONDS", false, "how long to wait until all name servers have a change (default: 600)" \
	}

struct recordrun {
	const struct cli *c;
	struct site *site; /* its DNS must be open */
	struct plan *plan;
	const struct tokens *tokens; /* whose values are not to be shown; may be NULL */
	bool remove, exact, verify, literal; /* as in struct apply */
	int64_t wait_ms;
	/* Told of each RRset beside what is printed; may be NULL. */
	void (*each)(const struct apply_report *r, void *ctx);
	void *ctx;
	/* What came of it. */
	size_t good, late, shifted, failed;
};
/* The milliseconds of --timeout. ERR_USAGE. */
int recordrun_wait(const struct cli *c, int64_t *ret_ms, struct err *e);
/* Shows the plan and asks, unless there is --yes. n: how many RRsets would change. ERR_USAGE when not agreed. */
int recordrun_agreed(struct recordrun *r, size_t n, struct err *e);
/* For --dry-run, and where there is nothing to do: prints the plan, as lines of JSON with --json. It is of no use
 * after. */
void recordrun_show(struct recordrun *r);
/* Carries the plan out, prints each RRset and the sum. As apply_run(). */
int recordrun(struct recordrun *r, struct err *e);
/* The exit status when `blocked` items could not even be tried. */
int recordrun_status(const struct recordrun *r, size_t blocked);

#endif
