/* deploy_work.c: one deploy action at work, and which file does it. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "fleet/deploy.h"
#include "fleet/deploywork.h"
#include "inventory/site.h"
#include "loop/loop.h"

static const struct deploy_kind *const kinds[] = {
	[CONFIG_DEPLOY_COMMAND] = &deploy_kind_run,
	[CONFIG_DEPLOY_SHELL] = &deploy_kind_run,
	[CONFIG_DEPLOY_SYSTEMD] = &deploy_kind_run,
	[CONFIG_DEPLOY_COPY] = &deploy_kind_copy,
	[CONFIG_DEPLOY_PEM] = &deploy_kind_pem,
	[CONFIG_DEPLOY_PKCS12] = &deploy_kind_pkcs12,
	[CONFIG_DEPLOY_KUBERNETES] = &deploy_kind_kubernetes,
	[CONFIG_DEPLOY_CERTBOT] = &deploy_kind_certbot,
	[CONFIG_DEPLOY_LEGO] = &deploy_kind_lego,
	[CONFIG_DEPLOY_PROBE] = &deploy_kind_probe,
};
_Static_assert(ARRAY_LEN(kinds) == CONFIG_DEPLOY_KIND_N_, "a file for each kind");

const struct deploy_ops deploy_real = {.read = deploy_subject_read, .kinds = kinds};

/* Its kind may still be on the stack: what comes after is for the next turn. */
void deploy_finish(struct deploy_work *w)
{
	w->ended = true;
	loop_timer_start(w->turn, 0);
}

void deploy_work_free(struct deploy_work *w)
{
	if (!w)
		return;
	w->kind->release(w);
	buf_done(&w->output);
	err_done(&w->e);
	free(w);
}

struct deploy_work *deploy_work_start(struct site *s, struct loop_timer *turn, const struct config_deploy *action,
	const struct deploy_kind *kind, const struct deploy_subject *subject, const struct strv *certs)
{
	struct deploy_work *w = xcalloc(1, sizeof(*w));
	*w = (struct deploy_work){.loop = s->loop,
		.clk = s->clk,
		.config = s->config,
		.action = action,
		.subject = subject,
		.certs = certs,
		.kind = kind,
		.turn = turn,
		.changed = true,
		.status = -1,
		.output = buf_make(DEPLOY_OUTPUT_MAX)};
	/* Failing at once is an end like any other. */
	if (kind->start(w, &w->e))
		deploy_finish(w);
	return w;
}
