/* eventforms.h: the forms that programs for security events read: ECS and CEF. */
#ifndef PERDURE_OBS_EVENTFORMS_H
#define PERDURE_OBS_EVENTFORMS_H

#include "obs/eventline.h"

struct json_out;

/* Writes the members of the event itself. */
void eventforms_members(const struct event *ev, bool brief, struct json_out *w);
/* "success", "failure", "unknown" */
const char *eventforms_outcome(const struct event *ev);

/* Appends a document of the Elastic Common Schema 8; what it has no place for is below "perdure". */
void eventforms_ecs(const struct event *ev, const struct eventline_stamp *st, bool brief, struct buf *out);
/* Appends a message of the Common Event Format, version 0. */
void eventforms_cef(const struct event *ev, const struct eventline_stamp *st, struct buf *out);

#endif
