/* endrun.c: the end of a run of renewals. */
#include "fleet/endrun.h"

#include "fleet/meter.h"
#include "fleet/notifyrun.h"
#include "fleet/renew.h"

void endrun(struct site *s, const struct renew_summary *sum)
{
	bool clock_wrong = sum->clock_wrong;
	/* First the messages: they are counted, too. */
	if (!sum->stopped)
		notifyrun(s, "fleet", notifyrun_of_fleet, &clock_wrong);
	meter_end_of_run(s, !sum->failed && !sum->stopped);
}
