/* eventsink.h: events to journald (its native protocol) and to syslog (RFC 5424), over datagram sockets. */
#ifndef PERDURE_OBS_EVENTSINK_H
#define PERDURE_OBS_EVENTSINK_H

#include "obs/eventline.h"

enum { EVENTSINK_MAX = 8 << 10 }; /* octets of a message; syslog servers need not take more (RFC 5424 section 6.1) */

struct eventsink {
	char *journal; /* path of the socket, or NULL */
	char *syslog; /* path of a socket, or ADDRESS@PORT, or NULL */
	int journal_fd; /* -1 until the first event */
	int syslog_fd;
};

/* Nothing is opened yet. */
void eventsink_init(struct eventsink *s, const char *journal, const char *syslog);
void eventsink_done(struct eventsink *s);
bool eventsink_wanted(const struct eventsink *s);
/* Sends it; what does not get through is dropped: the log has it. */
void eventsink_send(
	struct eventsink *s, const struct event *ev, const struct eventline_stamp *st, const struct buf *text);

/* Appends one message of RFC 5424: header, structured data, text. */
void eventsink_rfc5424(
	const struct event *ev, const struct eventline_stamp *st, const struct buf *text, struct buf *out);
/* Appends the fields of one entry for journald. */
void eventsink_journal(
	const struct event *ev, const struct eventline_stamp *st, const struct buf *text, struct buf *out);

#endif
