/*
 * tokens.h: token records: standing TXT records with a secret value, which proves to whoever was told the value that a
 * name is ours. The value is in a file of the operator's, or made here and kept in tokens/ID of the state directory
 * (0600). It is public where the record stands, but who does not know the name cannot look: so it is in no log, no
 * error, no plan and no --json. Only the DNS, the journal (to take a change back), a rotation in work and what was
 * asked for as an export have it. What is shown instead tells values apart: "[token ID 1f0c9a2b]".
 */
#ifndef PERDURE_INVENTORY_TOKENS_H
#define PERDURE_INVENTORY_TOKENS_H

#include <stddef.h>

#include "base/secret.h"

struct config;
struct config_token;
struct err;
struct plan;
struct strv;
struct wishes;
struct written;

/* One value that a token has, or had. */
struct token_value {
	const struct config_token *conf;
	struct secret text; /* with the prefix */
};
struct tokens {
	struct token_value *now; /* one for each of the configuration, in its order */
	size_t n;
	struct token_value *before; /* what was written at their names earlier */
	size_t n_before;
};
void tokens_done(struct tokens *t);
/*
 * Reads all values of the configuration; one that is to be made and is not there yet is made and kept. ERR_CONFIG for
 * a file that is missing, open to others, or no line of printable ASCII; ERR_SYS.
 */
int tokens_open(const struct config *c, struct tokens *ret, struct err *e);
/* Learns what was written earlier, so that it can be hidden, too. w may be NULL. */
void tokens_learn(struct tokens *t, const struct written *w);
/* Adds their records: of one (by id; NULL: of all). */
void tokens_wishes(const struct tokens *t, const char *id, struct wishes *w);
/* The same of record data. */
void tokens_learn_data(struct tokens *t, const struct config_token *conf, const struct strv *data);
/* Whose value it is: one of t, or NULL. */
const struct token_value *tokens_whose(const struct tokens *t, const char *data);
/* The token of that id; ERR_USAGE with what there is. */
int tokens_find(struct tokens *t, const char *id, struct token_value **ret, struct err *e);
/* Gives a token a new value, which is not kept yet; the old one is remembered as one that it had. ERR_CONFIG for one
 * whose value is in a file of the operator's. */
int tokens_renew(struct tokens *t, struct token_value *v, struct err *e);
/* Keeps the value (with its prefix) as that of the token. ERR_SYS. */
int tokens_keep(const struct config *c, const struct config_token *conf, const char *text, size_t n, struct err *e);

/* Puts what is shown in the place of each value, in record data and texts. t may be NULL: nothing is hidden. */
void tokens_hide(const struct tokens *t, struct plan *p);
void tokens_hide_all(const struct tokens *t, struct strv *data);
void tokens_hide_text(const struct tokens *t, char *text, size_t cap);
/* The opposite, for a plan that was shown or kept. ERR_POLICY when a value is not known any more. */
int tokens_reveal(const struct tokens *t, struct plan *p, struct err *e);

#endif
