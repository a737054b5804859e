/* one.h: one certificate now, whether the configuration knows it or not. */
#ifndef PERDURE_FLEET_ONE_H
#define PERDURE_FLEET_ONE_H

#include "fleet/issue.h"

struct err;

/*
 * Runs the job to its end on the site's loop; report is called once with the result. SIGINT and SIGTERM park the order:
 * ERR_CANCEL, RETRY_LATER. The CA's session must have the account, the site's DNS must be open.
 */
int issue_one(const struct issue_request *r, void (*step)(const char *cert, const char *what, void *ctx),
	void (*report)(const struct issue_report *r, void *ctx), void *ctx, struct err *e);

#endif
