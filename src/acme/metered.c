/* metered.c: the requests of a session as numbers. */
#include "acme/metered.h"

#include <stdio.h>
#include <string.h>

#include "acme/session_internal.h"
#include "http/http.h"
#include "obs/metrics.h"

const char *metered_action(const struct acme_session *s, const char *url, const char *payload, unsigned flags)
{
	const struct acme_directory *d = &s->dir;
	if (flags & ACME_POST_PEM)
		return "certificate";
	if (!payload)
		return "poll";
	if (s->have_dir && !strcmp(url, d->new_order))
		return "newOrder";
	if (s->have_dir && !strcmp(url, d->new_account))
		return "newAccount";
	if (s->have_dir && !strcmp(url, d->revoke_cert))
		return "revokeCert";
	if (s->have_dir && !strcmp(url, d->key_change))
		return "keyChange";
	if (!strcmp(payload, "{}"))
		return "challenge";
	return !strncmp(payload, "{\"csr\"", 6) ? "finalize" : "account";
}

void metered_reply(const struct acme_session *s, const char *action, int64_t sent_ms, const struct http_reply *r)
{
	char status[16] = "error";
	if (r)
		snprintf(status, sizeof(status), "%d", r->status);
	metrics_add(s->metrics, METRIC_ACME_REQUESTS, METRIC_L(s->name, action, status), 1);
	if (r)
		metrics_observe(s->metrics, METRIC_ACME_SECONDS, METRIC_L(s->name, action),
			(double)(session_mono(s) - sent_ms) / 1000);
}
