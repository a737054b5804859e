/* rr.c: resource records as values. */
#include "dns/rr.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "dns/name.h"

/* A record has at most 65535 octets; each takes four characters, with a bit of room around the fields. */
enum { TEXT_MAX = 8 * UINT16_MAX };

void dns_txt_done(struct dns_txt *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->strings[i].p);
	free(t->strings);
	*t = (struct dns_txt){0};
}

int dns_txt_cmp(const struct dns_txt *a, const struct dns_txt *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++) {
		const struct dns_string *x = &a->strings[i], *y = &b->strings[i];
		size_t n = x->n < y->n ? x->n : y->n;
		int c = n ? memcmp(x->p, y->p, n) : 0;
		if (c)
			return c;
		if (x->n != y->n)
			return x->n < y->n ? -1 : 1;
	}
	return a->n == b->n ? 0 : a->n < b->n ? -1 : 1;
}

void dns_txt_copy(struct dns_txt *dst, const struct dns_txt *src)
{
	dst->n = src->n;
	dst->strings = xcalloc(src->n ? src->n : 1, sizeof(*dst->strings));
	for (size_t i = 0; i < src->n; i++) {
		dst->strings[i].n = src->strings[i].n;
		dst->strings[i].p = src->strings[i].n ? xmemdup(src->strings[i].p, src->strings[i].n) : NULL;
	}
}

int dns_rr_cmp(const struct dns_rr *a, const struct dns_rr *b)
{
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	size_t n = a->n < b->n ? a->n : b->n;
	int c = n ? memcmp(a->data, b->data, n) : 0;
	return c ? c : a->n == b->n ? 0 : a->n < b->n ? -1 : 1;
}

/* --- text --- */

static char *unknown_text(const struct dns_rr *r)
{
	struct buf b = buf_make(TEXT_MAX);
	buf_printf(&b, "\\# %zu%s", r->n, r->n ? " " : "");
	for (size_t i = 0; i < r->n; i++)
		buf_printf(&b, "%02x", r->data[i]);
	return buf_take(&b);
}

/* The record's fields as ldns sees them; NULL when the data is damaged. */
static ldns_rr *parse(const struct dns_rr *r)
{
	if (r->n > UINT16_MAX)
		return NULL;
	size_t n = 11 + r->n, pos = 0;
	AUTO(xfreep) uint8_t *wire = xcalloc(1, n);
	ldns_write_uint16(wire + 1, r->type);
	ldns_write_uint16(wire + 3, LDNS_RR_CLASS_IN);
	ldns_write_uint16(wire + 9, (uint16_t)r->n);
	if (r->n)
		memcpy(wire + 11, r->data, r->n);
	ldns_rr *rr = NULL;
	if (ldns_wire2rr(&rr, wire, n, &pos, LDNS_SECTION_ANSWER) != LDNS_STATUS_OK)
		return NULL;
	if (pos == n)
		return rr;
	ldns_rr_free(rr);
	return NULL;
}

char *dns_rr_text(const struct dns_rr *r)
{
	ldns_rr *rr = r->n ? parse(r) : NULL;
	if (!rr)
		return unknown_text(r);
	struct buf b = buf_make(TEXT_MAX);
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		char *s = ldns_rdf2str(ldns_rr_rdf(rr, i));
		buf_printf(&b, "%s%s", i ? " " : "", s ? s : "");
		free(s);
	}
	ldns_rr_free(rr);
	return buf_take(&b);
}

const char *dns_type_name(uint16_t type, char buf[static 16])
{
	const ldns_rr_descriptor *d = ldns_rr_descript(type);
	if (d && d->_name)
		return d->_name;
	snprintf(buf, 16, "TYPE%u", type);
	return buf;
}

/* --- fields --- */

char *dns_rr_name(const struct dns_rr *r)
{
	char text[NAME_TEXT_MAX];
	if (r->type != DNS_TYPE_NS && r->type != DNS_TYPE_CNAME && r->type != DNS_TYPE_DNAME && r->type != DNS_TYPE_SOA)
		return NULL;
	name_from_wire(r->data, r->n, text);
	return xstrdup(text);
}

bool dns_rr_caa(const struct dns_rr *r, struct dns_caa *ret)
{
	if (r->type != DNS_TYPE_CAA || r->n < 2 || r->data[1] == 0 || r->n - 2 < r->data[1])
		return false;
	*ret = (struct dns_caa){
		.flags = r->data[0],
		.tag = (const char *)r->data + 2,
		.n_tag = r->data[1],
		.value = r->data + 2 + r->data[1],
		.n_value = r->n - 2 - r->data[1],
	};
	return true;
}

bool dns_rr_soa(const struct dns_rr *r, struct dns_soa *ret)
{
	if (r->type != DNS_TYPE_SOA || r->n < 22)
		return false;
	const uint8_t *p = r->data + r->n - 20;
	*ret = (struct dns_soa){.serial = ldns_read_uint32(p), .minimum = ldns_read_uint32(p + 16)};
	return true;
}
