/*
 * acmeaccounts.h: the file with the accounts at an acme-dns server. It is the one that other clients keep: a JSON
 * object with an account for each domain (lego, certbot's hooks, cert-manager, acme-dns-client), or one account alone,
 * as the server gave it out. The spelling of the members (lego's older files: "FullDomain") does not matter.
 */
#ifndef PERDURE_PROVIDER_ACMEACCOUNTS_H
#define PERDURE_PROVIDER_ACMEACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

struct config_provider;
struct err;
struct json;

struct acmeaccount {
	char *domain; /* lower case, without "*."; "" for the one that is shared */
	char *fulldomain; /* the name that it may write; lower case, no dot at the end */
	char *subdomain; /* its first label */
	char *username;
	char *password; /* wiped when released */
};
void acmeaccount_done(struct acmeaccount *a);
/* Reads the members of one account. ERR_CONFIG (the caller says where it stands). ret needs acmeaccount_done(). */
int acmeaccount_read(const struct json *v, const char *domain, struct acmeaccount *ret, struct err *e);

/* What a file holds. Zeroed: nothing was read yet. */
struct acmeaccounts {
	char *path;
	struct acmeaccount *v; /* sorted by domain */
	size_t n;
	bool shared; /* the file is one account */
	struct stat seen; /* the file as it was read; st_ino is 0 when there was none */
};
void acmeaccounts_done(struct acmeaccounts *a);
/*
 * Reads the file of conf, a provider of type acme-dns, unless it has not changed since it was read into a. A file that
 * does not exist has no accounts. ERR_CONFIG when others can read it or it is malformed, ERR_SYS.
 */
int acmeaccounts_read(struct acmeaccounts *a, const struct config_provider *conf, struct err *e);
/*
 * The account of a domain: with `one` that which all share, whatever the domain. ERR_CONFIG (RETRY_AFTER_OPERATOR) when
 * there is none, or the file is of the other kind. Borrowed.
 */
int acmeaccounts_for(const struct acmeaccounts *a, const struct config_provider *conf, bool one, const char *domain,
	const struct acmeaccount **ret, struct err *e);
/* The account that may write the name, or NULL. Borrowed. */
const struct acmeaccount *acmeaccounts_at(const struct acmeaccounts *a, const char *fulldomain);
/*
 * Writes the account (its JSON, as the server gave it out) into the file that was read into a, beside what stands
 * there, in one step and with mode 0600. The caller has a lock. ERR_SYS.
 */
int acmeaccounts_add(struct acmeaccounts *a, const char *domain, const char *json, struct err *e);

#endif
