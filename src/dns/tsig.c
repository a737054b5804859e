/* tsig.c: signing and checking DNS messages (RFC 8945). */
#include "dns/tsig.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "dns/message.h"

enum {
	TYPE_TSIG = 250,
	CLASS_ANY = 255,
	TIMERS = 8, /* octets of time and fudge */
	ERROR_BADSIG = 16,
	ERROR_BADKEY = 17,
	ERROR_BADTIME = 18,
	ERROR_BADTRUNC = 22,
	UNSIGNED_MAX = 99, /* RFC 8945 section 5.3.1 */
};

/* The signature of a message, taken apart. */
struct signature {
	size_t at; /* where its record begins */
	const uint8_t *name;
	size_t name_n;
	const uint8_t *algorithm;
	size_t algorithm_n;
	const uint8_t *timers; /* TIMERS octets */
	int64_t time;
	int64_t fudge;
	const uint8_t *mac;
	size_t mac_n;
	uint16_t original_id;
	uint16_t error;
	const uint8_t *other;
	size_t other_n;
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)((p[0] << 8) | p[1]);
}

static int64_t get48(const uint8_t *p)
{
	int64_t v = 0;
	for (int i = 0; i < 6; i++)
		v = v << 8 | p[i];
	return v;
}

static uint8_t *put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

static uint8_t *put48(uint8_t *p, int64_t v)
{
	for (int i = 5; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
	return p + 6;
}

static uint8_t *put(uint8_t *p, const void *from, size_t n)
{
	if (n)
		memcpy(p, from, n);
	return p + n;
}

static size_t algorithm_wire(enum hmac_hash h, uint8_t out[static NAME_WIRE_MAX])
{
	struct err ignored = {0};
	size_t n = 0;
	name_wire(tsig_algorithm_name(h), out, &n, &ignored);
	return n;
}

/* --- the code --- */

void tsig_init(struct tsig *t, const struct tsig_key *key)
{
	*t = (struct tsig){.key = key};
}

void tsig_done(struct tsig *t)
{
	hmac_free(t->running);
	t->running = NULL;
}

/* A new code, begun with the last one: answers cover the query's, messages of a transfer the one before. */
static int begin(struct tsig *t, struct err *e)
{
	uint8_t length[2];
	hmac_free(t->running);
	t->running = NULL;
	if (hmac_new(t->key->hash, t->key->secret.p, t->key->secret.n, &t->running, e))
		return -1;
	if (t->mac_n) {
		put16(length, (uint16_t)t->mac_n);
		hmac_put(t->running, length, sizeof(length));
		hmac_put(t->running, t->mac, t->mac_n);
	}
	return 0;
}

/* RFC 8945 section 4.3.3: the variables of a signature; of all but a transfer's first message only the timers. */
static void put_variables(struct tsig *t, const uint8_t *timers, uint16_t error, const uint8_t *other, size_t other_n)
{
	static const uint8_t class_and_ttl[] = {0, CLASS_ANY, 0, 0, 0, 0};
	uint8_t algorithm[NAME_WIRE_MAX], tail[4];
	size_t n = algorithm_wire(t->key->hash, algorithm);
	if (t->answered) {
		hmac_put(t->running, timers, TIMERS);
		return;
	}
	hmac_put(t->running, t->key->wire, t->key->wire_n);
	hmac_put(t->running, class_and_ttl, sizeof(class_and_ttl));
	hmac_put(t->running, algorithm, n);
	hmac_put(t->running, timers, TIMERS);
	put16(put16(tail, error), (uint16_t)other_n);
	hmac_put(t->running, tail, sizeof(tail));
	hmac_put(t->running, other, other_n);
}

static int end(struct tsig *t, struct err *e)
{
	uint8_t out[HMAC_OCTETS_MAX];
	int rc = hmac_end(t->running, out, e);
	hmac_free(t->running);
	t->running = NULL;
	t->mac_n = hmac_size(t->key->hash);
	memcpy(t->mac, out, t->mac_n);
	return rc;
}

/* --- signing --- */

int tsig_sign(struct tsig *t, uint8_t *msg, size_t *n, size_t cap, int64_t now_secs, struct err *e)
{
	uint8_t algorithm[NAME_WIRE_MAX], timers[TIMERS];
	size_t algorithm_n = algorithm_wire(t->key->hash, algorithm), mac_n = hmac_size(t->key->hash);
	size_t data = algorithm_n + TIMERS + 2 + mac_n + 6, total = t->key->wire_n + 10 + data;
	if (*n < MESSAGE_HEADER || *n > cap || cap - *n < total)
		return err_set(e, ERR_LIMIT, "no room for a signature in a DNS message of %zu octets", *n);
	t->mac_n = 0;
	t->answered = false;
	put16(put48(timers, now_secs), TSIG_FUDGE);
	if (begin(t, e))
		return -1;
	hmac_put(t->running, msg, *n);
	put_variables(t, timers, 0, NULL, 0);
	if (end(t, e))
		return -1;
	uint8_t *p = put(msg + *n, t->key->wire, t->key->wire_n);
	p = put16(put16(p, TYPE_TSIG), CLASS_ANY);
	p = put16(put16(p, 0), 0); /* TTL */
	p = put16(p, (uint16_t)data);
	p = put(put(p, algorithm, algorithm_n), timers, TIMERS);
	p = put(put16(p, (uint16_t)mac_n), t->mac, mac_n);
	p = put(p, msg, 2); /* original id */
	p = put16(put16(p, 0), 0); /* error, other data */
	put16(msg + 10, (uint16_t)(get16(msg + 10) + 1));
	*n = (size_t)(p - msg);
	return 0;
}

/* --- checking --- */

/* Steps over a name, compressed or not. */
static bool skip_name(const uint8_t *p, size_t n, size_t *at)
{
	while (*at < n) {
		uint8_t len = p[*at];
		if (len >= 0xc0) {
			*at += 2;
			return *at <= n;
		}
		*at += (size_t)len + 1;
		if (!len)
			return *at <= n;
	}
	return false;
}

/* Where the last record begins; false for a message without one, or a damaged one. */
static bool last_record(const uint8_t *p, size_t n, size_t *ret)
{
	size_t at = MESSAGE_HEADER;
	unsigned records = (unsigned)get16(p + 6) + get16(p + 8) + get16(p + 10);
	for (unsigned q = get16(p + 4); q; q--) {
		if (!skip_name(p, n, &at) || n - at < 4)
			return false;
		at += 4;
	}
	if (!get16(p + 10))
		return false;
	for (; records; records--) {
		*ret = at;
		if (!skip_name(p, n, &at) || n - at < 10 || n - at - 10 < get16(p + at + 8))
			return false;
		at += 10U + get16(p + at + 8);
	}
	return at == n;
}

/* An uncompressed name in data; RFC 8945 section 4.2 has no compressed ones. */
static bool take_name(const uint8_t **p, size_t *n, const uint8_t **ret, size_t *ret_n)
{
	size_t at = 0;
	while (at < *n && (*p)[at] && (*p)[at] < 0xc0)
		at += (size_t)(*p)[at] + 1;
	if (at >= *n || (*p)[at])
		return false;
	*ret = *p;
	*ret_n = at + 1;
	*p += at + 1;
	*n -= at + 1;
	return true;
}

static bool take_data(const uint8_t *p, size_t n, struct signature *s)
{
	if (!take_name(&p, &n, &s->algorithm, &s->algorithm_n) || n < TIMERS + 2)
		return false;
	s->timers = p;
	s->time = get48(p);
	s->fudge = get16(p + 6);
	s->mac_n = get16(p + TIMERS);
	p += TIMERS + 2;
	n -= TIMERS + 2;
	if (n < s->mac_n + 6)
		return false;
	s->mac = p;
	p += s->mac_n;
	s->original_id = get16(p);
	s->error = get16(p + 2);
	s->other_n = get16(p + 4);
	s->other = p + 6;
	return n - s->mac_n - 6 == s->other_n;
}

/* False when the message has no signature; *ret_damaged when it has one that cannot be read. */
static bool find_signature(const uint8_t *msg, size_t n, struct signature *s, bool *ret_damaged)
{
	size_t at = 0;
	*ret_damaged = false;
	if (n < MESSAGE_HEADER || !last_record(msg, n, &at))
		return false;
	size_t name = at;
	if (!skip_name(msg, n, &at) || get16(msg + at) != TYPE_TSIG)
		return false;
	const uint8_t *p = msg + name;
	size_t left = at - name;
	s->at = name;
	bool ttl = get16(msg + at + 4) || get16(msg + at + 6);
	*ret_damaged = ttl || get16(msg + at + 2) != CLASS_ANY || !take_name(&p, &left, &s->name, &s->name_n) ||
		       !take_data(msg + at + 10, n - at - 10, s);
	return true;
}

static bool same_name(const uint8_t *a, size_t a_n, const uint8_t *b, size_t b_n)
{
	if (a_n != b_n)
		return false;
	for (size_t i = 0; i < a_n; i++) {
		unsigned x = a[i], y = b[i];
		if (x - 'A' < 26)
			x += 32;
		if (y - 'A' < 26)
			y += 32;
		if (x != y)
			return false;
	}
	return true;
}

static bool is_of_key(const struct tsig *t, const struct signature *s)
{
	uint8_t algorithm[NAME_WIRE_MAX];
	size_t n = algorithm_wire(t->key->hash, algorithm);
	return same_name(s->name, s->name_n, t->key->wire, t->key->wire_n) &&
	       same_name(s->algorithm, s->algorithm_n, algorithm, n);
}

/* The code over what was put into `running` and the signature's variables. */
static bool fits(struct tsig *t, const struct signature *s)
{
	struct err ignored = {0};
	put_variables(t, s->timers, s->error, s->other, s->other_n);
	bool ok = !end(t, &ignored);
	err_done(&ignored);
	return ok && s->mac_n == t->mac_n && hmac_equal(s->mac, t->mac, t->mac_n);
}

static enum tsig_result servers_word(const struct signature *s)
{
	switch (s->error) {
	case ERROR_BADSIG:
		return TSIG_BAD_SIG;
	case ERROR_BADKEY:
		return TSIG_BAD_KEY;
	case ERROR_BADTIME:
		return TSIG_BAD_TIME;
	case ERROR_BADTRUNC:
		return TSIG_BAD_TRUNC;
	default:
		return s->error ? TSIG_WRONG : TSIG_GOOD;
	}
}

/* A message without a signature: of a transfer, if the next signature covers it. */
static enum tsig_result unsigned_message(struct tsig *t, const uint8_t *msg, size_t n, bool last)
{
	struct err ignored = {0};
	if (!t->answered || last || ++t->unsigned_messages > UNSIGNED_MAX)
		return TSIG_UNSIGNED;
	if (!t->running && begin(t, &ignored)) {
		err_done(&ignored);
		return TSIG_WRONG;
	}
	hmac_put(t->running, msg, n);
	return TSIG_GOOD;
}

enum tsig_result tsig_check(struct tsig *t, uint8_t *msg, size_t *n, bool last, int64_t now_secs, int64_t *ret_seconds)
{
	struct signature s = {0};
	struct err ignored = {0};
	bool damaged;
	*ret_seconds = 0;
	if (!find_signature(msg, *n, &s, &damaged))
		return unsigned_message(t, msg, *n, last);
	if (damaged || !is_of_key(t, &s))
		return TSIG_WRONG;
	enum tsig_result word = servers_word(&s);
	if (word == TSIG_BAD_SIG || word == TSIG_BAD_KEY || word == TSIG_BAD_TRUNC || word == TSIG_WRONG)
		return word; /* RFC 8945 section 5.3.2: these come without a code */
	*n = s.at;
	put16(msg + 10, (uint16_t)(get16(msg + 10) - 1));
	put16(msg, s.original_id);
	if (!t->running && begin(t, &ignored)) {
		err_done(&ignored);
		return TSIG_WRONG;
	}
	hmac_put(t->running, msg, *n);
	if (!fits(t, &s))
		return TSIG_WRONG;
	t->answered = true;
	t->unsigned_messages = 0;
	if (word == TSIG_BAD_TIME) {
		*ret_seconds = s.other_n == 6 ? get48(s.other) - now_secs : 0;
		return TSIG_BAD_TIME;
	}
	*ret_seconds = s.time - now_secs;
	return s.time - now_secs > s.fudge || now_secs - s.time > s.fudge ? TSIG_STALE : TSIG_GOOD;
}
