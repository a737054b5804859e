/*
 * challenge.c: what a client checks before it answers a challenge (draft-ietf-acme-dns-persist section 3).
 */
#include "persist/internal.h"

enum perdure_level perdure_level_detect(const char *account_hash_prefix, const char *account_uri)
{
	if (account_hash_prefix)
		return PERDURE_LEVEL_02;
	return account_uri ? PERDURE_LEVEL_01 : PERDURE_LEVEL_00;
}

static bool has(const char *const *names, size_t n, struct perdure_text name)
{
	for (size_t i = 0; i < n; i++)
		if (text_eq(text_of(names[i]), name))
			return true;
	return false;
}

/* As entries of D and I may be written: case and one dot at the end do not matter. */
static bool has_normalised(const char *const *names, size_t n, struct perdure_text name)
{
	for (size_t i = 0; i < n; i++) {
		struct perdure_text t = text_of(names[i]);
		if (t.n && t.p[t.n - 1] == '.')
			t.n--;
		if (text_eq_fold(t, name))
			return true;
	}
	return false;
}

/* D: absent, empty, too long or with an ill-formed entry means "no pre-provisioning" (section 3.2). */
static bool directory_usable(const struct perdure_offer *o)
{
	if (!o->directory || !o->n_directory || o->n_directory > PERDURE_ISSUERS_MAX)
		return false;
	for (size_t i = 0; i < o->n_directory; i++)
		if (!perdure_issuer_ok(o->directory[i]))
			return false;
	return true;
}

/* I: caaIdentities; a list that holds no name at all says nothing. */
static bool caa_usable(const struct perdure_offer *o)
{
	if (!o->caa || !o->n_caa)
		return false;
	for (size_t i = 0; i < o->n_caa; i++) {
		struct perdure_text t = text_of(o->caa[i]);
		if (t.n && t.p[t.n - 1] == '.')
			t.n--;
		if (!issuer_grammar(t, NULL))
			return false;
	}
	return true;
}

static void reject(struct perdure_offer_result *r, const char *reason, ssize_t at)
{
	r->answer = PERDURE_OFFER_REJECT;
	r->reason = reason;
	r->at = at;
}

static void choose_list(const struct perdure_offer *o, struct perdure_offer_result *r)
{
	bool newer = r->level == PERDURE_LEVEL_02 ? o->names != NULL : o->names_old == NULL;
	r->issuers = newer ? o->names : o->names_old;
	r->n_issuers = r->issuers ? (newer ? o->n_names : o->n_names_old) : 0;
}

static void check_issuers(struct perdure_offer_result *r)
{
	if (!r->n_issuers)
		reject(r, "the challenge lists no issuer domain name", -1);
	else if (r->n_issuers > PERDURE_ISSUERS_MAX)
		reject(r, "the challenge lists more than 10 issuer domain names", PERDURE_ISSUERS_MAX);
	for (size_t i = 0; i < r->n_issuers && r->answer == PERDURE_OFFER_ACCEPT; i++)
		if (!perdure_issuer_ok(r->issuers[i]))
			reject(r, "the challenge lists an ill-formed issuer domain name", (ssize_t)i);
}

static void check_level_02(const struct perdure_offer *o, struct perdure_offer_result *r)
{
	if (uri_ok(o->account_hash_prefix) != PERDURE_OK) {
		reject(r, "the directory's accountHashPrefix cannot stand in a record", -1);
		return;
	}
	for (size_t i = 0; r->preprovision && i < o->n_directory; i++)
		if (!has(r->issuers, r->n_issuers, text_of(o->directory[i]))) {
			reject(r, "a name of the directory's issuerDomainNames is missing from the challenge",
				(ssize_t)i);
			return;
		}
	for (size_t i = 0; caa_usable(o) && i < r->n_issuers; i++)
		if (!has_normalised(o->caa, o->n_caa, text_of(r->issuers[i]))) {
			reject(r, "a name of the challenge is missing from the directory's caaIdentities", (ssize_t)i);
			return;
		}
}

static void check_level_01(const struct perdure_offer *o, struct perdure_offer_result *r)
{
	if (uri_ok(o->account_uri) != PERDURE_OK) {
		reject(r, "the challenge's accounturi cannot stand in a record", -1);
		return;
	}
	if (o->account_url && strcmp(o->account_uri, o->account_url) != 0) {
		r->answer = PERDURE_OFFER_CONFIRM;
		r->reason = "the challenge names another account URI than this account's URL";
	}
}

enum perdure_status perdure_challenge_check(const struct perdure_offer *offer, struct perdure_offer_result *ret)
{
	if (!offer || !ret)
		return PERDURE_EINVAL;
	*ret = (struct perdure_offer_result){.answer = PERDURE_OFFER_ACCEPT, .reason = "", .at = -1};
	ret->level = perdure_level_detect(offer->account_hash_prefix, offer->account_uri);
	if (offer->identifier_type && strcmp(offer->identifier_type, "dns") != 0) {
		ret->answer = PERDURE_OFFER_NOT_APPLICABLE;
		ret->reason = "dns-persist-01 is for identifiers of type dns only";
		return PERDURE_OK;
	}
	choose_list(offer, ret);
	ret->preprovision = ret->level == PERDURE_LEVEL_02 && directory_usable(offer);
	check_issuers(ret);
	if (ret->answer == PERDURE_OFFER_ACCEPT && ret->level == PERDURE_LEVEL_02)
		check_level_02(offer, ret);
	if (ret->answer == PERDURE_OFFER_ACCEPT && ret->level == PERDURE_LEVEL_01)
		check_level_01(offer, ret);
	return PERDURE_OK;
}

size_t perdure_issuer_pick(const char *const *names, size_t n)
{
	size_t best = 0;
	for (size_t i = 1; i < n; i++)
		if (strcmp(names[i], names[best]) < 0)
			best = i;
	return best;
}
