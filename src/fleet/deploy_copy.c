/* deploy_copy.c: the deploy action copy: files of the certificate at other places. */
#include <string.h>

#include "base/secret.h"
#include "base/xalloc.h"
#include "fleet/deploywork.h"

static struct secret text_of(const struct deploy_subject *s, const char *part)
{
	const struct certfiles_texts *t = &s->files;
	if (!strcmp(part, "privkey.pem"))
		return secret_dup(t->key_pem.p, t->key_pem.n);
	if (!strcmp(part, "combined.pem"))
		return secret_dup(t->combined_pem.p, t->combined_pem.n);
	const char *text = !strcmp(part, "cert.pem")    ? t->cert_pem
			   : !strcmp(part, "chain.pem") ? t->chain_pem
							: t->fullchain_pem;
	return secret_dup(text, strlen(text));
}

static int start(struct deploy_work *w, struct err *e)
{
	const struct config_deploy *d = w->action;
	const char *name = w->subject->cert->name;
	AUTO(deploy_files_done) struct deploy_files f = {.make_dir = deploy_expand(d->make_dir, name)};
	for (size_t i = 0; i < d->n_files; i++) {
		const char *part = d->files[i].part;
		bool private = !strcmp(part, "privkey.pem") || !strcmp(part, "combined.pem");
		if (private && deploy_need_key(w, e))
			return -1;
		deploy_files_add(&f, deploy_expand(d->files[i].to, name), text_of(w->subject, part),
			private ? d->mode : d->cert_mode);
	}
	return deploy_files_start(w, &f, e);
}

const struct deploy_kind deploy_kind_copy = {.start = start, .release = deploy_files_release};
