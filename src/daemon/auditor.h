/*
 * auditor.h: the inventory is audited now and then, by a process of its own: `perdure audit` with a baseline, so that
 * each drift is told once. What it needs of memory and what hostile answers do to it stay there.
 */
#ifndef PERDURE_DAEMON_AUDITOR_H
#define PERDURE_DAEMON_AUDITOR_H

#include <stdint.h>

struct auditor;
struct daemon;

/* As the configuration's daemon.audit says; NULL when it is off. */
struct auditor *auditor_new(struct daemon *d);
/* Ends it, with an audit under way. NULL is fine. */
void auditor_free(struct auditor *a);
/* UNIX seconds of the next one, of the one under way; 0 when it is off (NULL). */
int64_t auditor_next_at(const struct auditor *a);

#endif
