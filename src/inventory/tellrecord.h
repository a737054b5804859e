/* tellrecord.h: a change of records, as an event and as a number. */
#ifndef PERDURE_INVENTORY_TELLRECORD_H
#define PERDURE_INVENTORY_TELLRECORD_H

#include "provider/provider.h"

struct err;
struct provider;
struct site;
struct strv;

/*
 * A change that a provider has made, or has not (e says why; else NULL): before is what was taken away, after what was
 * added. TXT values that are no validation records may be secrets, or the proof of one, and appear by their digests.
 */
void tell_record(struct site *s, const struct provider *p, const char *zone, enum provider_type type, const char *owner,
	const struct strv *added, const struct strv *removed, const struct err *e);

#endif
