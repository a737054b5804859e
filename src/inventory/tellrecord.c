/* tellrecord.c: a change of records, as an event and as a number. */
#include "inventory/tellrecord.h"

#include <perdure/persist.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "crypto/jose.h"
#include "inventory/tell.h"
#include "provider/rdata.h"

/* The values as they may be shown. */
static void shown(enum provider_type type, const struct strv *values, struct strv *ret)
{
	for (size_t i = 0; i < values->n; i++) {
		AUTO(buf_done) struct buf text = buf_make(RDATA_MAX), digest = buf_make(RDATA_MAX);
		struct perdure_record r;
		uint8_t hash[32];
		if (type == PROVIDER_TXT)
			rdata_text(values->v[i], &text);
		if (type != PROVIDER_TXT || perdure_record_read(buf_str(&text), text.n, &r, NULL, NULL) == PERDURE_OK) {
			strv_add(ret, values->v[i]);
			continue;
		}
		jose_sha256(buf_str(&text), text.n, hash);
		buf_puts(&digest, "sha256:");
		codec_hex(&digest, hash, sizeof(hash));
		strv_add(ret, buf_str(&digest));
	}
}

void tell_record(struct site *s, const struct provider *p, const char *zone, enum provider_type type, const char *owner,
	const struct strv *added, const struct strv *removed, const struct err *e)
{
	AUTO(strv_done) struct strv before = {0}, after = {0};
	const char *provider = provider_conf(p)->name;
	shown(type, removed, &before);
	shown(type, added, &after);
	metrics_add(tell_metrics(s), METRIC_DNS_WRITES, METRIC_L(provider, e ? "failure" : "success"), 1);
	tell_event(s, &(struct event){.type = e ? EVENT_RECORD_FAILED : EVENT_RECORD_CHANGED,
			      .name = owner,
			      .provider = provider,
			      .zone = zone,
			      .rrtype = provider_type_name(type),
			      .before = &before,
			      .after = &after,
			      .e = e});
}
