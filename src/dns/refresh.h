/*
 * refresh.h: our copy of the root's keys is brought up to date (RFC 5011) with libunbound, once a day at most, when
 * something is validated.
 *
 * In a process of its own: libunbound ends the process it runs in when the file cannot be written.
 */
#ifndef PERDURE_DNS_REFRESH_H
#define PERDURE_DNS_REFRESH_H

struct validator;

/* Begins it when it is due and the copy can be written. Nobody waits for it, and nobody minds when it fails. */
void refresh_begin(struct validator *v);
/* Ends it when it is not done in a moment. */
void refresh_end(struct validator *v);

#endif
