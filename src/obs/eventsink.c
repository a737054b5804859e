/* eventsink.c: events to journald and to syslog. */
#include "obs/eventsink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/xalloc.h"

enum { FACILITY_DAEMON = 3, SYSLOG_PORT = 514 };

void eventsink_init(struct eventsink *s, const char *journal, const char *syslog)
{
	*s = (struct eventsink){.journal = journal ? xstrdup(journal) : NULL,
		.syslog = syslog ? xstrdup(syslog) : NULL,
		.journal_fd = -1,
		.syslog_fd = -1};
}

void eventsink_done(struct eventsink *s)
{
	if (s->journal_fd >= 0)
		close(s->journal_fd);
	if (s->syslog_fd >= 0)
		close(s->syslog_fd);
	free(s->journal);
	free(s->syslog);
	*s = (struct eventsink){.journal_fd = -1, .syslog_fd = -1};
}

bool eventsink_wanted(const struct eventsink *s)
{
	return s->journal || s->syslog;
}

/* --- the two forms --- */

/* A header's field: printable ASCII without blanks, "-" for nothing (RFC 5424 section 6). */
static void header_field(struct buf *out, const char *s, size_t max)
{
	size_t n = 0;
	for (; *s && n < max; s++)
		if (*s > 0x20 && *s < 0x7f) {
			buf_putc(out, *s);
			n++;
		}
	buf_puts(out, n ? " " : "- ");
}

void eventsink_rfc5424(
	const struct event *ev, const struct eventline_stamp *st, const struct buf *text, struct buf *out)
{
	const struct event_kind *k = event_kind(ev->type);
	char time[40];
	eventline_time(st->time_ms, time);
	buf_printf(out, "<%d>1 %s ", FACILITY_DAEMON * 8 + k->severity, time);
	header_field(out, st->host, 255);
	buf_printf(out, "perdure %ld ", st->pid);
	header_field(out, k->name, 32);
	/* sequenceId is at most 2147483647, then begins anew at 1 (section 7.3.1). */
	buf_printf(out,
		"[origin software=\"perdure\" swVersion=\"" PERDURE_VERSION "\"][meta sequenceId=\"%" PRId64 "\"] ",
		(st->seq - 1) % INT32_MAX + 1);
	buf_put(out, text->p, text->n);
}

/* NAME=VALUE, or with the length in front where the value has a line feed. */
static void journal_field(struct buf *out, const char *name, const char *value, size_t n)
{
	if (!n)
		return;
	if (!memchr(value, '\n', n)) {
		buf_printf(out, "%s=", name);
	} else {
		buf_printf(out, "%s\n", name);
		for (size_t i = 0; i < 8; i++)
			buf_putc(out, (char)((uint64_t)n >> (8 * i) & 0xff));
	}
	buf_put(out, value, n);
	buf_putc(out, '\n');
}

static void journal_str(struct buf *out, const char *name, const char *value)
{
	if (value)
		journal_field(out, name, value, strlen(value));
}

void eventsink_journal(
	const struct event *ev, const struct eventline_stamp *st, const struct buf *text, struct buf *out)
{
	const struct event_kind *k = event_kind(ev->type);
	AUTO(buf_done) struct buf words = buf_make(EVENTSINK_MAX);
	eventline_words(ev, &words);
	journal_field(out, "MESSAGE", buf_str(&words), words.n);
	buf_printf(out, "PRIORITY=%d\nSYSLOG_IDENTIFIER=perdure\nSYSLOG_FACILITY=%d\n", k->severity, FACILITY_DAEMON);
	buf_printf(out, "PERDURE_SEQ=%" PRId64 "\n", st->seq);
	journal_str(out, "PERDURE_EVENT", k->name);
	journal_str(out, "PERDURE_NAME", ev->name);
	journal_str(out, "PERDURE_CA", ev->ca);
	journal_field(out, "PERDURE_DATA", text->p, text->n);
}

/* --- sockets --- */

static int unix_socket(const char *path, struct sockaddr_storage *to, socklen_t *ret_len)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(un.sun_path))
		return -1;
	memcpy(un.sun_path, path, strlen(path) + 1);
	memcpy(to, &un, sizeof(un));
	*ret_len = sizeof(un);
	return AF_UNIX;
}

/* ADDRESS or ADDRESS@PORT. */
static int udp_socket(const char *where, struct sockaddr_storage *to, socklen_t *ret_len)
{
	const char *at = strchr(where, '@');
	AUTO(xfreep) char *address = xstrndup(where, at ? (size_t)(at - where) : strlen(where));
	uint16_t port = htons(at ? (uint16_t)strtoul(at + 1, NULL, 10) : SYSLOG_PORT);
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = port};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = port};
	if (inet_pton(AF_INET, address, &in.sin_addr) == 1) {
		memcpy(to, &in, sizeof(in));
		*ret_len = sizeof(in);
		return AF_INET;
	}
	if (inet_pton(AF_INET6, address, &in6.sin6_addr) != 1)
		return -1;
	memcpy(to, &in6, sizeof(in6));
	*ret_len = sizeof(in6);
	return AF_INET6;
}

/* A server that was away may be there again, so a socket that fails is made anew, once. */
static void send_to(int *fd, const char *where, const struct buf *message)
{
	struct sockaddr_storage to;
	socklen_t len;
	for (int tries = 0; tries < 2; tries++) {
		int family = *where == '/' ? unix_socket(where, &to, &len) : udp_socket(where, &to, &len);
		if (*fd < 0 && family >= 0) {
			*fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
			if (*fd >= 0 && connect(*fd, (const struct sockaddr *)&to, len)) {
				close(*fd);
				*fd = -1;
			}
		}
		if (*fd < 0)
			return;
		if (send(*fd, message->p, message->n, MSG_NOSIGNAL) >= 0 || errno == EAGAIN)
			return;
		close(*fd);
		*fd = -1;
	}
}

void eventsink_send(
	struct eventsink *s, const struct event *ev, const struct eventline_stamp *st, const struct buf *text)
{
	AUTO(buf_done) struct buf message = buf_make((size_t)4 * EVENTSINK_MAX);
	if (s->journal) {
		eventsink_journal(ev, st, text, &message);
		if (!message.bad)
			send_to(&s->journal_fd, s->journal, &message);
	}
	if (s->syslog) {
		buf_clear(&message);
		eventsink_rfc5424(ev, st, text, &message);
		if (!message.bad)
			send_to(&s->syslog_fd, s->syslog, &message);
	}
}
