/* endrun.c: the end of a run of renewals. */
#include "fleet/endrun.h"

#include "base/err.h"
#include "fleet/meter.h"
#include "fleet/notifyrun.h"
#include "fleet/problems.h"
#include "fleet/renew.h"
#include "inventory/site.h"

void endrun(struct site *s, const struct renew_summary *sum)
{
	struct problems_run run = {.clock_wrong = sum->clock_wrong};
	/* First the messages: they are counted, too. */
	if (!sum->stopped)
		notifyrun(s, "fleet", notifyrun_of_fleet, &run);
	meter_end_of_run(s, !sum->failed && !sum->stopped);
}

void endrun_failed(struct site *s, const struct err *why)
{
	struct problems_run run = {.failed = why};
	if (s->store)
		notifyrun(s, "fleet", notifyrun_of_fleet, &run);
	else if (why->kind == ERR_STORE || why->kind == ERR_SYS)
		notifyrun_forgetful(s, "fleet", notifyrun_of_fleet, &run);
}
