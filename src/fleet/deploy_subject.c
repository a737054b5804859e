/* deploy_subject.c: a certificate as deploy actions need it: its files and what stands in it. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "crypto/x509.h"
#include "fleet/deploywork.h"

int deploy_subject_read(const struct config *c, const struct config_cert *cert, const char *ca,
	struct deploy_subject *ret, struct err *e)
{
	struct deploy_subject s = {.cert = cert};
	if (certfiles_read_live(c->state_dir, cert->name, &s.files, e))
		return -1;
	if (x509_chain_parse(s.files.fullchain_pem, strlen(s.files.fullchain_pem), &s.chain, e)) {
		certfiles_texts_done(&s.files);
		return err_ctx(e, "the live certificate %s", cert->name);
	}
	s.info = x509_chain_info(s.chain);
	s.live_dir = xasprintf("%s/live/%s", c->state_dir, cert->name);
	s.ca = xstrdup(ca);
	*ret = s;
	return 0;
}

void deploy_subject_done(struct deploy_subject *s)
{
	free(s->live_dir);
	certfiles_texts_done(&s->files);
	x509_chain_free(s->chain);
	free(s->ca);
	*s = (struct deploy_subject){0};
}

int deploy_need_key(const struct deploy_work *w, struct err *e)
{
	if (w->subject->files.key_pem.n)
		return 0;
	err_set(e, ERR_CONFIG, "the private key of %s is not here: it was issued for a request from elsewhere",
		w->subject->cert->name);
	err_hint(e, "deploy only files without the key: fullchain.pem, cert.pem, chain.pem");
	err_retry(e, RETRY_AFTER_OPERATOR, 0);
	return -1;
}
