/* port.c: UDP sockets that several questions share. */
#include "dns/port.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/xalloc.h"
#include "dns/exchange_priv.h"
#include "loop/loop.h"

enum {
	PORT_WAITING = 32, /* questions in flight at a time */
	PORT_QUESTIONS = 64, /* questions over its life */
	PORT_MS = 1000, /* how long it takes new ones */
	STRAYS_MAX = 64, /* packets that are no answer to any question, beside one for each, before we turn to TCP */
};

struct port {
	struct peer *peer;
	struct exchanger *s;
	int fd;
	struct loop_fd *watch;
	int64_t opened_at; /* monotonic ms */
	unsigned sent;
	unsigned strays;
	bool retired; /* takes no question any more */
	bool reading; /* stays until it has been read */
	struct exchange *waiting[PORT_WAITING];
	unsigned n;
};

static int64_t now_ms(const struct exchanger *s)
{
	return clk_mono(loop_clk(s->loop));
}

/* A peer lives as long as it has a port that is not retired, or an exchange. */
static void retire(struct port *p)
{
	if (p->retired)
		return;
	p->retired = true;
	p->peer->port = NULL;
}

/* A socket on which nothing is awaited is closed at once: nobody can send anything to it, and idle peers cost none. */
static void close_idle(struct port *p)
{
	if (p->n || p->reading)
		return;
	retire(p);
	loop_fd_free(p->watch);
	close(p->fd);
	free(p);
}

/* --- receiving --- */

static struct exchange *find(const struct port *p, const uint8_t *packet, size_t n)
{
	for (unsigned i = 0; i < p->n; i++)
		if (exchange_is_ours(p->waiting[i], packet, n))
			return p->waiting[i];
	return NULL;
}

/* What was awaited here is asked over TCP, where there is no id to guess. */
static void mistrust(struct port *p)
{
	retire(p);
	while (p->n)
		exchange_mistrust(p->waiting[p->n - 1]);
}

static void lost(struct port *p, int err)
{
	retire(p);
	while (p->n)
		exchange_lost(p->waiting[p->n - 1], err);
}

static void take(struct port *p, const uint8_t *packet, size_t n, bool cut)
{
	struct exchange *x = find(p, packet, n);
	if (x)
		exchange_packet(x, packet, n, cut);
	else if (++p->strays >= STRAYS_MAX + p->sent)
		mistrust(p);
}

/* Gives whether there may be more. */
static bool receive(struct port *p)
{
	struct exchanger *s = p->s;
	struct iovec to[EXCHANGE_PACKETS];
	struct mmsghdr m[EXCHANGE_PACKETS];
	memset(m, 0, sizeof(m));
	for (size_t i = 0; i < EXCHANGE_PACKETS; i++) {
		to[i] = (struct iovec){
			.iov_base = s->packets + i * EXCHANGE_PACKET_MAX, .iov_len = EXCHANGE_PACKET_MAX};
		m[i].msg_hdr.msg_iov = &to[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	int got = recvmmsg(p->fd, m, EXCHANGE_PACKETS, 0, NULL);
	if (got < 0 && errno == EINTR)
		return true;
	if (got < 0) {
		if (errno != EAGAIN)
			lost(p, errno);
		return false;
	}
	for (int i = 0; i < got; i++)
		take(p, s->packets + (size_t)i * EXCHANGE_PACKET_MAX, m[i].msg_len, m[i].msg_hdr.msg_flags & MSG_TRUNC);
	return got == EXCHANGE_PACKETS && p->n;
}

static void readable(unsigned events, void *ctx)
{
	struct port *p = ctx;
	(void)events;
	p->reading = true;
	while (receive(p))
		;
	p->reading = false;
	close_idle(p);
}

/* --- sending --- */

static struct port *port_open(struct exchange *x)
{
	struct exchanger *s = x->s;
	int fd = socket(x->addr.u.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return NULL;
	if (connect(fd, &x->addr.u.sa, x->addr.len)) {
		int err = errno;
		close(fd);
		errno = err;
		return NULL;
	}
	struct port *p = xcalloc(1, sizeof(*p));
	*p = (struct port){.peer = x->peer, .s = s, .fd = fd, .opened_at = now_ms(s)};
	p->watch = loop_fd_new(s->loop, fd, LOOP_READ, readable, p);
	x->peer->port = p;
	return p;
}

static struct port *port_for(struct exchange *x, bool fresh)
{
	struct port *p = x->peer->port;
	if (p && (fresh || p->n == PORT_WAITING || p->sent == PORT_QUESTIONS || now_ms(x->s) - p->opened_at > PORT_MS))
		retire(p);
	return x->peer->port ? x->peer->port : port_open(x);
}

static uint16_t random_id(struct exchanger *s)
{
	if (!s->n_ids) {
		random_octets(s->ids, sizeof(s->ids));
		s->n_ids = ARRAY_LEN(s->ids);
	}
	return s->ids[--s->n_ids];
}

static bool id_is_used(const struct port *p, const uint8_t *query)
{
	for (unsigned i = 0; i < p->n; i++)
		if (memcmp(p->waiting[i]->query, query, 2) == 0)
			return true;
	return false;
}

int port_send(struct exchange *x, bool fresh)
{
	struct port *p = port_for(x, fresh);
	if (!p)
		return -1;
	do {
		uint16_t id = random_id(x->s);
		memcpy(x->query, &id, 2);
	} while (id_is_used(p, x->query));
	p->sent++;
	p->waiting[p->n++] = x;
	x->port = p;
	/* A full send queue is a lost packet like any other. */
	if (send(p->fd, x->query, x->query_n, MSG_NOSIGNAL) >= 0 || errno == EAGAIN || errno == ENOBUFS)
		return 0;
	int err = errno;
	port_leave(x);
	errno = err;
	return -1;
}

void port_leave(struct exchange *x)
{
	struct port *p = x->port;
	if (!p)
		return;
	for (unsigned i = 0; i < p->n; i++)
		if (p->waiting[i] == x)
			p->waiting[i] = p->waiting[p->n - 1];
	p->n--;
	x->port = NULL;
	close_idle(p);
}
