/* endrun.h: the end of a run of renewals: people are told, numbers are written. */
#ifndef PERDURE_FLEET_ENDRUN_H
#define PERDURE_FLEET_ENDRUN_H

struct err;
struct renew_summary;
struct site;

/* Nothing of it fails the run; what goes wrong is warned of. */
void endrun(struct site *s, const struct renew_summary *sum);
/* The same for a run that failed as a whole, or could not open its state: people are told. */
void endrun_failed(struct site *s, const struct err *why);

#endif
