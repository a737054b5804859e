/* directory.h: the directory object and its metadata (RFC 8555 section 7.1.1, RFC 9773, draft-ietf-acme-dns-persist,
 * draft-ietf-acme-profiles). */
#ifndef PERDURE_ACME_DIRECTORY_H
#define PERDURE_ACME_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strv.h"

struct err;

struct acme_profile {
	char *name;
	char *description;
};

struct acme_directory {
	char *new_nonce;
	char *new_account;
	char *new_order;
	char *revoke_cert; /* "" when absent, as the following */
	char *key_change;
	char *renewal_info;
	char *terms_of_service;
	char *website;
	struct strv caa_identities;
	bool external_account_required;
	char *account_hash_prefix; /* level 02; NULL when absent or unusable */
	bool has_issuer_domain_names; /* the member is there and well-formed */
	struct strv issuer_domain_names; /* level 02 */
	struct acme_profile *profiles;
	size_t n_profiles;
};

/* Reads a directory object. ERR_PROTO when it is none (with a hint: is that URL an ACME directory?); URLs must be https
 * and of url's host or are refused. */
int acme_directory_decode(const void *body, size_t n, const char *url, struct acme_directory *ret, struct err *e);
void acme_directory_done(struct acme_directory *d);

#endif
