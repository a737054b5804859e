/* flow_prepare.c: having set up what challenges other than dns-persist-01 need (RFC 8555 sections 8.1, 8.3, 8.4). */
#include <string.h>

#include "acme/flow_internal.h"
#include "base/codec.h"
#include "base/fault.h"
#include "base/xalloc.h"
#include "crypto/jose.h"

static bool needs_setup(const struct flow_authz *a)
{
	return (a->state == AUTHZ_OFFERED || a->state == AUTHZ_ANSWERED) && a->type != ACME_CHALLENGE_PERSIST &&
	       a->type != ACME_CHALLENGE_TYPE_N_;
}

static void on_ready(const struct err *failed, void *ctx)
{
	struct acme_flow *f = ctx;
	struct err e = {0};
	if (!failed || !err_is(failed)) {
		FAULT("acme-prepared");
		flow_answer(f);
		return;
	}
	err_copy(&e, failed);
	flow_fail(f, &e, false);
}

void flow_prepare(struct acme_flow *f)
{
	char thumbprint[JOSE_THUMBPRINT_LEN + 1];
	struct err e = {0};
	size_t n = 0;
	for (size_t i = 0; i < f->n_authzs; i++)
		n += needs_setup(&f->authzs[i]);
	if (!n || !f->hooks->prepare) {
		flow_answer(f);
		return;
	}
	if (jose_thumbprint(acme_session_key(f->s), thumbprint, &e)) {
		flow_fail(f, &e, false);
		return;
	}
	AUTO(xfreep) struct acme_setup *v = xcalloc(n, sizeof(*v));
	AUTO(strv_done) struct strv texts = {0};
	n = 0;
	for (size_t i = 0; i < f->n_authzs; i++) {
		const struct flow_authz *a = &f->authzs[i];
		if (!needs_setup(a))
			continue;
		uint8_t hash[32];
		char *ka = xasprintf("%s.%s", a->tokens[a->type], thumbprint);
		jose_sha256(ka, strlen(ka), hash);
		char *txt = codec_b64url_str(hash, sizeof(hash));
		strv_add_take(&texts, ka);
		strv_add_take(&texts, txt);
		v[n++] = (struct acme_setup){.name = a->name,
			.wildcard = a->wildcard,
			.type = a->type,
			.token = a->tokens[a->type],
			.key_authorization = ka,
			.txt = txt};
	}
	flow_step(f, "prepare", NULL);
	f->prepared = true;
	f->hooks->prepare(v, n, on_ready, f, f->ctx);
}

void flow_cleanup(struct acme_flow *f, bool kept)
{
	if (!f->prepared)
		return;
	f->prepared = false;
	if (f->hooks->cleanup)
		f->hooks->cleanup(kept, f->ctx);
}
