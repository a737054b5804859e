/* update.c: UPDATE messages. */
#include "dns/update.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "dns/message.h"
#include "dns/name.h"

enum { CLASS_IN = 1, CLASS_NONE = 254, CLASS_ANY = 255, TYPE_ANY = 255, OPCODE_UPDATE = 5 << 3 };

static void put16(struct update *u, unsigned v)
{
	uint8_t p[] = {(uint8_t)(v >> 8), (uint8_t)v};
	buf_put(&u->wire, p, sizeof(p));
}

static void put_name(struct update *u, const char *name)
{
	uint8_t wire[NAME_WIRE_MAX];
	size_t n;
	struct err e = {0};
	if (!name_wire(name, wire, &n, &e)) {
		buf_put(&u->wire, wire, n);
		return;
	}
	if (!u->failed) {
		u->failed = xcalloc(1, sizeof(*u->failed));
		err_move(u->failed, &e);
	}
	err_done(&e);
}

void update_begin(struct update *u, const char *zone, uint16_t id)
{
	*u = (struct update){.wire = buf_make(UINT16_MAX)};
	put16(u, id);
	put16(u, OPCODE_UPDATE << 8);
	put16(u, 1);
	put16(u, 0);
	put16(u, 0);
	put16(u, 0);
	put_name(u, zone);
	put16(u, MESSAGE_SOA);
	put16(u, CLASS_IN);
}

void update_done(struct update *u)
{
	buf_done(&u->wire);
	if (u->failed)
		err_done(u->failed);
	free(u->failed);
	u->failed = NULL;
}

static void put_rr(
	struct update *u, const char *name, unsigned type, unsigned class, uint32_t ttl, const void *data, size_t n)
{
	put_name(u, name);
	put16(u, type);
	put16(u, class);
	put16(u, ttl >> 16);
	put16(u, ttl & UINT16_MAX);
	put16(u, (unsigned)n);
	if (n)
		buf_put(&u->wire, data, n);
}

static void require(struct update *u, const char *name, unsigned type, unsigned class, const void *data, size_t n)
{
	put_rr(u, name, type, class, 0, data, n);
	u->n_prerequisites++;
}

void update_require_value(struct update *u, const char *name, uint16_t type, const void *data, size_t n)
{
	require(u, name, type, CLASS_IN, data, n);
}

void update_require_no_rrset(struct update *u, const char *name, uint16_t type)
{
	require(u, name, type, CLASS_NONE, NULL, 0);
}

void update_require_no_name(struct update *u, const char *name)
{
	require(u, name, TYPE_ANY, CLASS_NONE, NULL, 0);
}

void update_require_name(struct update *u, const char *name)
{
	require(u, name, TYPE_ANY, CLASS_ANY, NULL, 0);
}

static void change(
	struct update *u, const char *name, unsigned type, unsigned class, uint32_t ttl, const void *data, size_t n)
{
	put_rr(u, name, type, class, ttl, data, n);
	u->n_updates++;
}

void update_add(struct update *u, const char *name, uint16_t type, uint32_t ttl, const void *data, size_t n)
{
	change(u, name, type, CLASS_IN, ttl, data, n);
}

void update_delete(struct update *u, const char *name, uint16_t type, const void *data, size_t n)
{
	change(u, name, type, CLASS_NONE, 0, data, n);
}

void update_delete_rrset(struct update *u, const char *name, uint16_t type)
{
	change(u, name, type, CLASS_ANY, 0, NULL, 0);
}

int update_end(struct update *u, const uint8_t **ret, size_t *ret_n, struct err *e)
{
	if (u->failed) {
		err_copy(e, u->failed);
		return -1;
	}
	if (buf_check(&u->wire, "an UPDATE message", e))
		return -1;
	uint8_t *p = (uint8_t *)u->wire.p;
	p[6] = (uint8_t)(u->n_prerequisites >> 8);
	p[7] = (uint8_t)u->n_prerequisites;
	p[8] = (uint8_t)(u->n_updates >> 8);
	p[9] = (uint8_t)u->n_updates;
	*ret = p;
	*ret_n = u->wire.n;
	return 0;
}
