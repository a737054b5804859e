/* rdatawire.c: record data between its text and DNS messages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "dns/message.h"
#include "dns/name.h"
#include "provider/rdata.h"

static void txt_wire(const char *data, struct buf *out)
{
	struct dns_txt t;
	rdata_txt(data, &t);
	for (size_t i = 0; i < t.n; i++) {
		buf_putc(out, (char)t.strings[i].n);
		buf_put(out, t.strings[i].p, t.strings[i].n);
	}
	dns_txt_done(&t);
}

static int target_wire(const char *data, struct buf *out, struct err *e)
{
	uint8_t wire[NAME_WIRE_MAX];
	size_t n;
	if (name_wire(data, wire, &n, e))
		return -1;
	buf_put(out, wire, n);
	return 0;
}

/* FLAGS TAG "VALUE" → flags, length of the tag, tag, value. */
static void caa_wire(const char *data, struct buf *out)
{
	struct dns_txt value;
	char *end;
	unsigned long flags = strtoul(data, &end, 10);
	const char *tag = end + 1;
	size_t n = strcspn(tag, " ");
	rdata_txt(tag + n, &value);
	buf_putc(out, (char)flags);
	buf_putc(out, (char)n);
	buf_put(out, tag, n);
	for (size_t i = 0; i < value.n; i++)
		buf_put(out, value.strings[i].p, value.strings[i].n);
	dns_txt_done(&value);
}

int rdata_wire(enum provider_type type, const char *data, struct buf *out, struct err *e)
{
	switch (type) {
	case PROVIDER_TXT:
		txt_wire(data, out);
		break;
	case PROVIDER_CNAME:
		if (target_wire(data, out, e))
			return -1;
		break;
	case PROVIDER_CAA:
		caa_wire(data, out);
		break;
	}
	return buf_check(out, "record data", e);
}

static int caa_text(const uint8_t *p, size_t n, char **ret, struct err *e)
{
	if (n < 3 || !p[1] || p[1] > n - 2)
		return err_set(e, ERR_PARSE, "a damaged CAA record");
	struct dns_string value = {.p = n > 2U + p[1] ? xmemdup(p + 2 + p[1], n - 2 - p[1]) : NULL, .n = n - 2 - p[1]};
	struct dns_txt t = {.strings = &value, .n = 1};
	AUTO(xfreep) char *quoted = rdata_from_txt(&t);
	AUTO(xfreep) char *text = xasprintf("%u %.*s %s", p[0], p[1], (const char *)p + 2, quoted);
	free(value.p);
	return rdata_parse(PROVIDER_CAA, text, ret, e);
}

int rdata_from_rr(const struct message_rr *rr, char **ret, struct err *e)
{
	if (rr->type == PROVIDER_TXT)
		*ret = rdata_from_txt(&rr->txt);
	else if (rr->type == PROVIDER_CNAME)
		*ret = rdata_from_target(rr->target);
	else
		return caa_text(rr->data, rr->n_data, ret, e);
	return 0;
}
