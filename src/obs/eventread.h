/* eventread.h: an event read back from a line of the log, to be shown in another form. */
#ifndef PERDURE_OBS_EVENTREAD_H
#define PERDURE_OBS_EVENTREAD_H

#include "base/err.h"
#include "base/strv.h"
#include "obs/eventline.h"

struct json;

struct eventread {
	struct event event; /* its strings are borrowed from the JSON */
	struct eventline_stamp stamp;
	struct err e;
	struct strv names, before, after;
};

/* -1 for a line that is none of ours (no error value: it is passed over). ret needs eventread_done(), before the JSON
 * is released. */
int eventread(const struct json *j, struct eventread *ret);
void eventread_done(struct eventread *r);

#endif
