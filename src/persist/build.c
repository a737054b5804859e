/*
 * build.c: a record ready to be published, for each level of the draft.
 */
#include "persist/internal.h"

#include <stdio.h>
#include <stdlib.h>

void perdure_built_done(struct perdure_built *b)
{
	free(b->fqdn);
	free(b->owner);
	free(b->value);
	free(b->presentation);
	free(b->zone_line);
	*b = (struct perdure_built){0};
}

/* The level's account URI as a heap string. */
static enum perdure_status account_uri(const struct perdure_recipe *r, const char *fqdn, char **ret)
{
	if (r->level == PERDURE_LEVEL_02)
		return perdure_account_uri(r->hash, r->hash_alg ? r->hash_alg : "sha-256", r->account_hash_prefix,
			r->any_domain ? "*" : fqdn, r->thumbprint, r->account_url, ret);
	enum perdure_status status = uri_ok(r->account_url);
	if (status != PERDURE_OK)
		return status;
	*ret = strdup(r->account_url);
	return *ret ? PERDURE_OK : PERDURE_ENOMEM;
}

static bool complete(const struct perdure_recipe *r)
{
	if (!r->domain || !r->issuer || !r->account_url)
		return false;
	return r->level != PERDURE_LEVEL_02 || (r->thumbprint && r->account_hash_prefix && r->hash);
}

static enum perdure_status fill(const struct perdure_recipe *r, bool wildcard, struct perdure_built *b)
{
	char *uri = NULL;
	enum perdure_status status = account_uri(r, b->fqdn, &uri);
	if (status != PERDURE_OK)
		return status;
	struct perdure_record record = {.issuer = text_of(r->issuer),
		.account_uri = text_of(uri),
		.wildcard = r->wildcard || wildcard,
		.has_until = r->has_until,
		.until = r->until};
	status = perdure_issuer_ok(r->issuer) ? perdure_record_format(&record, &b->value) : PERDURE_EISSUER;
	free(uri);
	if (status != PERDURE_OK)
		return status;
	status = perdure_txt_present(b->value, strlen(b->value), &b->presentation);
	if (status != PERDURE_OK)
		return status;
	size_t size = strlen(b->owner) + strlen(b->presentation) + sizeof(". 4294967295 IN TXT ");
	b->zone_line = malloc(size);
	if (!b->zone_line)
		return PERDURE_ENOMEM;
	snprintf(b->zone_line, size, "%s. %lu IN TXT %s", b->owner, (unsigned long)r->ttl, b->presentation);
	return PERDURE_OK;
}

enum perdure_status perdure_record_build(const struct perdure_recipe *recipe, struct perdure_built *ret)
{
	char fqdn[PERDURE_NAME_SIZE], owner[PERDURE_NAME_SIZE];
	bool wildcard = false;
	if (!complete(recipe))
		return PERDURE_EINVAL;
	if (recipe->ttl > INT32_MAX)
		return PERDURE_ELIMIT;
	enum perdure_status status = perdure_name_normalize(recipe->domain, fqdn, &wildcard);
	if (status != PERDURE_OK)
		return status;
	status = perdure_owner_name(fqdn, owner);
	if (status != PERDURE_OK)
		return status;
	struct perdure_built b = {.fqdn = strdup(fqdn), .owner = strdup(owner)};
	status = b.fqdn && b.owner ? fill(recipe, wildcard, &b) : PERDURE_ENOMEM;
	if (status != PERDURE_OK) {
		perdure_built_done(&b);
		return status;
	}
	*ret = b;
	return PERDURE_OK;
}
