/* result.c: what a job came to: its word, and the exit status of many. */
#include "base/strv.h"
#include "base/xalloc.h"
#include "fleet/issue.h"
#include "fleet/renew.h"

static const char *const result_names[] = {
	[ISSUE_ISSUED] = "issued",
	[ISSUE_RENEWED] = "renewed",
	[ISSUE_HELD] = "held",
	[ISSUE_PARKED] = "parked",
	[ISSUE_FAILED] = "failed",
};
_Static_assert(ARRAY_LEN(result_names) == ISSUE_RESULT_N_, "one name per result");

const char *issue_result_name(enum issue_result r)
{
	return result_names[r];
}

int renew_exit_status(const struct renew_summary *s)
{
	size_t good = s->issued + s->renewed, bad = s->held + s->failed;
	if (bad)
		return good ? 4 : 1;
	/* The certificates are here, only not where they are used. */
	if (s->deploy.failed)
		return 4;
	if (s->parked)
		return good ? 4 : 75;
	return 0;
}
