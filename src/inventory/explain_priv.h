/* explain_priv.h: the parts of an explanation; each adds its remarks. */
#ifndef PERDURE_INVENTORY_EXPLAIN_PRIV_H
#define PERDURE_INVENTORY_EXPLAIN_PRIV_H

#include "inventory/explain.h"

struct explain {
	const struct explain_question *q;
	const struct observation *o;
	struct explained *x;
};

/* explainrecord.c: the record set and the account. */
void explain_record(struct explain *e);
/* explainservers.c: who answers, and whether they agree. */
void explain_servers(struct explain *e);
/* explainway.c: aliases, wildcards, DNSSEC. */
void explain_way(struct explain *e);
/* explaincaa.c */
void explain_caa(struct explain *e);
/* explainvantage.c */
void explain_vantages(struct explain *e);
/* explaindelegation.c */
void explain_delegation(struct explain *e);

/* A remark that is an error for CAs in public, and a warning for software that does not look. */
struct remark *explain_public(struct explain *e, struct remark *m);

/* wording.c: words of the CA's own error for the code, or NULL; static. */
const char *wording(enum perdure_dialect d, enum remark_code c);

#endif
