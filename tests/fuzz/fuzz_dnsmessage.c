/* fuzz_dnsmessage.c: DNS answers, from the wire to what they mean. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "dns/answer.h"
#include "dns/message.h"
#include "dns/name.h"
#include "dns/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A name that was read can be asked for, and is then the same name. */
static void ask_back(const struct message *m)
{
	uint8_t query[MESSAGE_QUERY_MAX];
	struct message again;
	struct err e = {0};
	size_t n = 0;
	if (message_query(query, m->qname, m->qtype, m->id, MESSAGE_RD | MESSAGE_EDNS, &n, &e))
		abort();
	query[2] |= 0x80;
	if (message_decode(query, n, &again, &e) || strcmp(again.qname, m->qname) != 0 || again.id != m->id)
		abort();
	message_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message m;
	struct err e = {0};
	if (message_decode(data, size, &m, &e)) {
		if (!err_is(&e))
			abort();
		err_done(&e);
		return 0;
	}
	struct reply r;
	struct dns_answer a;
	const char *zone = name_parent(m.qname);
	reply_read(&m, m.qname, m.qtype, zone ? zone : "", &r);
	if (r.kind == REPLY_REFERRAL && (!name_within(r.zone, zone ? zone : "") || !name_within(m.qname, r.zone)))
		abort();
	if (r.kind == REPLY_ALIAS && !r.target)
		abort();
	reply_read_resolver(&m, m.qname, m.qtype, &r);
	answer_init(&a, "ns.example.test", "192.0.2.1");
	answer_take(&a, &m, m.qname, m.qtype);
	answer_done(&a);
	answer_init(&a, "ns.example.test", "192.0.2.1");
	answer_take_alias(&a, &m, m.qname, r.dname);
	answer_done(&a);
	if (m.has_question)
		ask_back(&m);
	message_done(&m);
	return 0;
}
