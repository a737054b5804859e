/*
 * prove.h: how the names of one order are proved to the CA: by which challenge, whether the standing record would do,
 * and what has to be written for dns-01. The hooks of the order's flow come here.
 */
#ifndef PERDURE_FLEET_PROVE_H
#define PERDURE_FLEET_PROVE_H

#include <stdbool.h>

#include "acme/flow.h"

struct config_cert;
struct err;
struct presenter;
struct prove;
struct site;
struct site_ca;
struct store;

struct prove_setup {
	struct site *site; /* DNS open */
	const struct site_ca *ca;
	const struct config_cert *cert;
	struct presenter *presenter; /* NULL: nothing can be written from here */
	bool force_record; /* go on although the record would be refused */
	void (*step)(const char *what, void *ctx);
	/* The order waits for the DNS, and not for the CA. May be NULL. */
	void (*waiting)(void *ctx);
	/* What was written is served: prove_go_on() makes the order go on, now or later. */
	void (*served)(void *ctx);
	void *ctx;
};
/* Everything is borrowed. */
struct prove *prove_new(const struct prove_setup *s);
/* Ends what is under way without callbacks; what was written stays. NULL is fine. */
void prove_free(struct prove *p);

/* The order is about to be placed: the name servers are asked already for the record of its first name. */
void prove_ahead(struct prove *p);
/* The hooks of struct acme_flow_hooks, with p for ctx. */
void prove_choose(const struct acme_choice *c, acme_chosen_fn chosen, void *chosen_ctx, struct prove *p);
void prove_judge(const struct acme_persist_offer *offer, acme_judged_fn judged, void *judged_ctx, struct prove *p);
void prove_prepare(const struct acme_setup *v, size_t n, acme_ready_fn ready, void *ready_ctx, struct prove *p);
void prove_cleanup(bool kept, struct prove *p);
/* After served(). */
void prove_go_on(struct prove *p);
/* Whether challenges are answered in this run: a refusal is this run's then, and counts at the CA. */
bool prove_answers(const struct prove *p);
/* How the names were proved: "dns-persist-01", "delegation", "dns-01", several with a comma between; "" when the CA
 * asked for nothing. Borrowed. */
const char *prove_how(const struct prove *p);

/* Keeps that in the state, for the certificate. ERR_STORE. */
int prove_note(const struct prove *p, struct err *e);
/* What was kept; NULL when nothing is known. Heap string in *ret. ERR_STORE. */
int prove_noted(struct store *s, const char *cert, char **ret, struct err *e);

#endif
