/* check.h: what the files of `perdure check` share. */
#ifndef PERDURE_CLI_CHECK_H
#define PERDURE_CLI_CHECK_H

#include "base/strv.h"
#include "inventory/cafacts.h"
#include "inventory/checkall.h"
#include "inventory/site.h"

struct buf;
struct cli;
struct err;
struct observe_ahead;
struct observer;

/* The questions of one run and what they borrow from. */
struct check_ask {
	struct site site;
	struct strv names; /* as given, normalised; empty with --all */
	struct strv sorted; /* the same, in order */
	struct strv issuers, thumbprints; /* by hand */
	struct cafacts *facts; /* one for each CA */
	size_t n_facts;
	struct checkall_item *items;
	size_t n, cap;
	unsigned what; /* of observe_what */
	struct strv vantages;
	struct observer *observer; /* of the first round, where it has begun already; else NULL */
	struct observe_ahead *ahead; /* what it looks at already */
};

/* checkask.c: from the command line, and the configuration where there is one. */
int check_ask(const struct cli *c, struct check_ask *ret, struct err *e);
void check_ask_done(struct check_ask *a);
/* The dialect of --dialect; -1 when it is not given. ERR_USAGE. */
int check_dialect(const struct cli *c, int *ret, struct err *e);
/* Names of the arguments and of --names, normalised. ERR_USAGE, ERR_SYS. */
int check_names(const struct cli *c, struct strv *ret, struct err *e);

/* checkprint.c: one answer as text or as a line of JSON, appended to out. */
void check_print(const struct cli *c, const struct checkall_item *i, const struct observation *o,
	const struct explained *x, struct buf *out);
/* The table of codes. */
void check_print_codes(const struct cli *c);
/* Remarks as text, but for those that are only good to know and not asked for. */
void check_print_remarks(const struct cli *c, const struct remarks *r, const char *reason, struct buf *out);
struct json_out;
void check_json_remarks(struct json_out *w, const struct remarks *r);

/* checkrounds.c: begins to look at the names while the CAs are asked for their directories, where the names are few. */
int check_ahead(const struct cli *c, struct check_ask *a, struct err *e);
/* Once, or again and again for --watch and --wait. Gives the exit status. */
int check_rounds(const struct cli *c, struct check_ask *a, struct err *e);

/* checkmerge.c: results of other hosts. */
int check_merge(const struct cli *c, struct err *e);

/* checkadvise.c: by which ways could they be proved? Gives the exit status. */
int check_advise(const struct cli *c, struct check_ask *a, struct err *e);

/* checkflight.c: would records that are not there yet hurt? */
int check_flight(const struct cli *c, struct check_ask *a, struct err *e);

#endif
