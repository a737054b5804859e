/*
 * renewal.h: renewing and deploying as one: everything that is due is renewed, and what is new is deployed, each
 * certificate as soon as it is live; then what earlier runs could not deploy.
 */
#ifndef PERDURE_FLEET_RENEWAL_H
#define PERDURE_FLEET_RENEWAL_H

#include "fleet/renew.h"

struct renewal;

/*
 * As renew_start(), with the deploy actions, whose reports go to the hook `deployed`; done comes when they are done,
 * too. The summary has both. Nothing is deployed with no_deploy, or in a dry run.
 */
int renewal_start(struct site *s, const struct renew_options *o, const struct renew_ops *ops,
	const struct renew_hooks *hooks, void *ctx, renew_done_fn done, void *done_ctx, struct renewal **ret,
	struct err *e);
/* Whether nothing but deploy actions is at work; the hook `renewed` has said so. */
bool renewal_only_deploys(const struct renewal *r);
/* Then: another look at the certificates within the same run, with the same errors as the first. A service that cannot
 * be reloaded keeps nobody from being renewed. The earlier options are not used any more. */
int renewal_again(struct renewal *r, const struct renew_options *o, struct err *e);
/* As renew_park(); actions at work are killed, are not recorded, and so are done by the next run. */
void renewal_park(struct renewal *r, struct renew_summary *ret);
/* NULL is fine. */
void renewal_free(struct renewal *r);

#endif
