/* telldeploy.c: what becomes of a deploy action, as an event and as numbers. */
#include "fleet/telldeploy.h"

#include "fleet/deploy.h"
#include "inventory/tell.h"

void tell_deploy(struct site *s, const struct deploy_report *r, bool failing)
{
	bool failed = r->outcome == DEPLOY_FAILED;
	metrics_add(tell_metrics(s), METRIC_DEPLOYS, METRIC_L(failed ? "failure" : "success"), 1);
	metrics_set(tell_metrics(s), METRIC_DEPLOY_FAILED, METRIC_L(r->cert), failing);
	if (r->outcome == DEPLOY_UNCHANGED)
		return;
	tell_event(s, &(struct event){.type = failed ? EVENT_DEPLOY_FAILED : EVENT_DEPLOY_DONE,
			      .name = r->cert,
			      .generation = r->generation,
			      .action = r->label,
			      .status = (int)r->status,
			      .has_status = r->status >= 0,
			      .duration_ms = r->ms,
			      .e = failed ? r->e : NULL});
}
