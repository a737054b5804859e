/* exchange_priv.h: what exchange.c (the packets) and peer.c (who may ask when) share. Nobody else includes it. */
#ifndef PERDURE_DNS_EXCHANGE_PRIV_H
#define PERDURE_DNS_EXCHANGE_PRIV_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "dns/exchange.h"
#include "dns/map.h"

struct loop_fd;
struct loop_timer;
struct port;

enum {
	EXCHANGE_BUCKETS = 512,
	EXCHANGE_PACKETS = 16,
	EXCHANGE_PACKET_MAX = 4096, /* three times what we announce; a packet that is larger is cut off */
};

enum exchange_state {
	EXCHANGE_QUEUED,
	EXCHANGE_UDP,
	EXCHANGE_TCP,
	EXCHANGE_ENDING, /* failed; waits for the loop's next turn to say so */
};

TAILQ_HEAD(exchange_waits, exchange_wait);
TAILQ_HEAD(exchanges, exchange);
TAILQ_HEAD(peers, peer);
LIST_HEAD(exchange_bucket, exchange);

struct exchange {
	struct exchanger *s;
	struct peer *peer;
	TAILQ_ENTRY(exchange) link; /* in the peer's queue or among its active ones */
	LIST_ENTRY(exchange) same; /* those whose hash is alike */
	struct exchange_waits waits;
	enum exchange_state state;
	bool counted; /* holds one of the slots of its peer */
	bool edns;
	bool delivering;
	bool over_tcp; /* failed over TCP */
	enum exchange_status status; /* in EXCHANGE_ENDING */
	uint16_t type;
	unsigned flags;
	unsigned tries;
	uint32_t hash; /* of the question */
	struct port *port; /* where its answer is awaited over UDP, or NULL */
	struct addr addr;
	char *name;
	int fd; /* for TCP */
	struct loop_fd *watch;
	struct loop_timer *timer;
	int64_t sent_at; /* monotonic ms */
	size_t query_n;
	size_t out_n; /* of the query with its length, what TCP has taken */
	uint8_t *in; /* the answer over TCP, in_want octets; NULL while its length is read */
	size_t in_n;
	size_t in_want;
	uint8_t prefix[2];
	uint8_t query[MESSAGE_QUERY_MAX];
	char text[200];
};

/* What we know of one address. */
struct peer {
	struct exchanges queue;
	struct exchanges active;
	struct port *port; /* the one for the next question, or NULL */
	TAILQ_ENTRY(peer) link; /* among the ready or the held ones */
	unsigned n_active; /* those counted */
	bool ready; /* in the list of peers with something to start and room for it */
	bool held; /* in the list of peers that wait for their pace */
	bool own; /* no pace is kept */
	bool proven; /* has answered */
	bool unheard; /* counted among those that were silent before any answered */
	bool v6;
	int64_t silent_until; /* monotonic ms; 0 when it is not known to be silent */
	int64_t answered_at; /* monotonic ms; -1 for never */
	int64_t paced_to; /* monotonic microseconds: when the questions so far would have been asked at an even pace */
};

struct exchanger {
	struct loop *loop;
	int64_t timeout_ms;
	unsigned per_server;
	unsigned pace;
	unsigned n_active;
	struct map peers; /* by address text */
	struct peers ready;
	struct peers held;
	struct loop_timer *pace_timer;
	int64_t pace_due; /* monotonic ms; when the timer fires, INT64_MAX when it does not run */
	bool heard; /* any address has ever answered */
	unsigned n_unheard; /* how many were silent before that */
	int64_t blocked_until; /* monotonic ms */
	bool v6_works; /* some IPv6 address has answered, or refused */
	unsigned v6_silent; /* how many IPv6 addresses were silent before any answered */
	int64_t v6_silent_until;
	struct exchange_bucket buckets[EXCHANGE_BUCKETS]; /* exchanges that others may join, by their question */
	uint8_t *packets; /* for receiving, each of EXCHANGE_PACKET_MAX octets */
	uint16_t ids[128]; /* at random, those not used yet in front */
	size_t n_ids;
};

struct peer *peer_get(struct exchanger *s, const struct addr *addr);
/* For exchange.hash. */
uint32_t peer_hash(const char *name, uint16_t type, unsigned flags);
/* The exchange with this question that is under way or queued, or NULL. */
struct exchange *peer_find(struct exchanger *s, const struct peer *p, const char *name, uint16_t type, unsigned flags);
/* Queues a new exchange at its peer; starts it (exchange_start) or refuses it (exchange_refuse) when it may. */
void peer_join(struct exchange *x, int64_t now);
/* One packet more went to the peer than its questions: a second try, or the way over TCP. */
void peer_charge(struct exchange *x, int64_t now);
/* The first try was in vain. */
void peer_unheard(struct exchange *x, int64_t now);
/* The peer has answered this one. */
void peer_heard(struct exchange *x, int64_t now);
/* Takes it from its peer and lets the next ones start; silent: it waited in vain. */
void peer_leave(struct exchange *x, bool silent, int64_t now);

/* Sends the first packet. */
void exchange_start(struct exchange *x);
/* Ends it as timed out, because its peer has been silent. */
void exchange_refuse(struct exchange *x);
/* Whether the packet is an answer with our id to our question (RFC 5452 section 9.1), letters' case aside. */
bool exchange_is_ours(const struct exchange *x, const uint8_t *p, size_t n);
/* Such a packet has come over UDP; cut: its end was cut off here. The exchange ends or takes another way. */
void exchange_packet(struct exchange *x, const uint8_t *p, size_t n, bool cut);
/* Its socket does not work: errno. */
void exchange_lost(struct exchange *x, int err);
/* Too many packets came that were no answers: somebody is guessing. */
void exchange_mistrust(struct exchange *x);
/* Releases it without callbacks. */
void exchange_drop(struct exchange *x);

#endif
