/*
 * sim_deploys.h: the services of a simulated fleet: what becomes of a deploy action there. The queue of actions, their
 * back-off and the database (fleet/deploy.h) are the real ones.
 */
#ifndef PERDURE_TESTS_SIM_DEPLOYS_H
#define PERDURE_TESTS_SIM_DEPLOYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct deploy_ops;

/* What is known of one certificate's service. */
struct sim_service {
	int64_t tries; /* that failed in a row */
	int64_t failed_at; /* UNIX seconds */
};

/* The context of the simulated clock begins with this: an action has nothing else by which to find it. */
struct sim_deploys {
	int64_t well_from; /* UNIX seconds: no service fails from then on */
	uint64_t random;
	struct sim_service *services; /* by number of the certificate */
	size_t done, failed;
	size_t hasty; /* tries before the back-off had passed */
	int64_t most_tries; /* in a row, for one certificate */
};

/* Three of a hundred tries fail by chance. One certificate of fifty has a service that is broken for four days in
 * forty: every second of these hangs until its time is over. */
extern const struct deploy_ops sim_deploy_ops;

#endif
