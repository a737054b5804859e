/* telldeploy.h: what becomes of a deploy action, as an event and as numbers. */
#ifndef PERDURE_FLEET_TELLDEPLOY_H
#define PERDURE_FLEET_TELLDEPLOY_H

#include <stdbool.h>

struct deploy_report;
struct site;

/* The end of an action. failing: the certificate has an action that failed last. */
void tell_deploy(struct site *s, const struct deploy_report *r, bool failing);

#endif
