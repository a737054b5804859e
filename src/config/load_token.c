/* load_token.c: `tokens`: standing TXT records with a secret value. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "config/load.h"

enum { OWNER_MAX_OCTETS = 253 };

static int add_token(struct load *l, const struct section_item *item, struct err *e)
{
	AUTO(section_done) struct section s;
	struct config *c = l->c;
	section_init(&s);
	if (section_read(&s, item->doc, item->node, SCHEMA_TOKENS, e))
		return -1;
	const struct section_value *v = s.v;
	if (!v[SCHEMA_TOKEN_NAME].s) {
		CONFIG_ERROR(e, &item->mark, "this token has no name");
		err_hint(e, "add name: and the name that the TXT record stands at");
		return -1;
	}
	AUTO(xfreep) char *owner = load_zone_name(v[SCHEMA_TOKEN_NAME].s);
	const char *id = v[SCHEMA_TOKEN_ID].s ? v[SCHEMA_TOKEN_ID].s : owner;
	if (strlen(owner) > OWNER_MAX_OCTETS)
		return CONFIG_ERROR(e, &v[SCHEMA_TOKEN_NAME].mark, "%.60s… is too long for a name", owner);
	for (size_t i = 0; i < c->n_tokens; i++)
		if (!strcmp(c->tokens[i].id, id)) {
			CONFIG_ERROR(e, &item->mark, "there is a token '%s' already", id);
			err_hint(e, "give one of them another id:");
			return -1;
		}
	c->tokens = xreallocarray(c->tokens, c->n_tokens + 1, sizeof(*c->tokens));
	struct config_token *t = &c->tokens[c->n_tokens++];
	*t = (struct config_token){
		.id = xstrdup(id),
		.owner = TAKE(owner),
		.prefix = xstrdup(v[SCHEMA_TOKEN_PREFIX].s ? v[SCHEMA_TOKEN_PREFIX].s : ""),
		.value_file =
			v[SCHEMA_TOKEN_FILE].s ? load_path(&v[SCHEMA_TOKEN_FILE].mark, v[SCHEMA_TOKEN_FILE].s) : NULL,
		.ttl = v[SCHEMA_TOKEN_TTL].i / 1000,
		.mark = item->mark,
	};
	return 0;
}

int load_tokens(struct load *l, struct err *e)
{
	for (size_t i = 0; i < l->top.v[SCHEMA_TOKENS].n; i++)
		if (add_token(l, &l->top.v[SCHEMA_TOKENS].items[i], e))
			return -1;
	return 0;
}

void load_tokens_done(struct config *c)
{
	for (size_t i = 0; i < c->n_tokens; i++) {
		free(c->tokens[i].id);
		free(c->tokens[i].owner);
		free(c->tokens[i].prefix);
		free(c->tokens[i].value_file);
	}
	free(c->tokens);
}
