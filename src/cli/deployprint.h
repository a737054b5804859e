/* deployprint.h: the lines (or JSON objects) on deploy actions. */
#ifndef PERDURE_CLI_DEPLOYPRINT_H
#define PERDURE_CLI_DEPLOYPRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "fleet/deploy.h"

struct cli;
struct config_cert;
struct json_out;
struct site;

/* What an action came to. Output of programs is shown for those that failed, with --verbose for all. */
void deploy_print_report(const struct cli *c, const struct deploy_report *r);
/*
 * What would be done with the certificate, whose live generation that is: an object or a line for each action that is
 * due, with all for each; 0 for a generation that is still to come, for which everything is due. What cannot be read is
 * told as a warning. Returns how many actions are due.
 */
size_t deploy_print_plan(const struct cli *c, const struct site *s, const struct config_cert *cert, int64_t generation,
	bool force, int64_t now);
/* How the actions of a live certificate stand: the member "deploys" of an object, or lines for those that are not done
 * (with --verbose for all). */
void deploy_json_status(
	struct json_out *w, const struct site *s, const struct config_cert *cert, int64_t generation, int64_t now);
void deploy_print_status(
	const struct cli *c, const struct site *s, const struct config_cert *cert, int64_t generation, int64_t now);

#endif
