/* deploy_run.c: the deploy actions command, shell and systemd: one program. */
#include "base/xalloc.h"
#include "fleet/deploywork.h"

static void make_argv(const struct deploy_work *w, struct strv *ret)
{
	const struct config_deploy *d = w->action;
	if (d->kind == CONFIG_DEPLOY_SHELL) {
		deploy_shell_argv(d->shell, ret);
	} else if (d->kind == CONFIG_DEPLOY_SYSTEMD) {
		strv_add(ret, "systemctl");
		strv_add(ret, "--no-ask-password");
		strv_add(ret, d->verb);
		strv_add(ret, "--");
		/* Those who share a run have the same unit, whichever name is put in. */
		strv_add_take(ret, deploy_expand(d->unit, w->certs->v[0]));
	} else {
		strv_copy(ret, &d->argv);
	}
}

static int start(struct deploy_work *w, struct err *e)
{
	AUTO(strv_done) struct strv argv = {0};
	make_argv(w, &argv);
	return deploy_run_only(w, &argv, NULL, e);
}

const struct deploy_kind deploy_kind_run = {.start = start, .release = deploy_run_only_release};
