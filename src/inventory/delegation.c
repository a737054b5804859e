/* delegation.c: names of the delegation of dns-01. */
#include "inventory/delegation.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "crypto/jose.h"
#include "provider/acmeaccounts.h"

enum { NAME_MAX_OCTETS = 253, LABEL_MAX = 63, LABEL_CAP = 1024, HASH_OCTETS = 8 };

char *delegation_owner(const char *fqdn)
{
	return xasprintf("_acme-challenge.%s", fqdn);
}

/* The label of a domain of its own. */
static char *own_label(const char *fqdn)
{
	AUTO(buf_done) struct buf b = buf_make(LABEL_CAP);
	buf_putc(&b, '_');
	for (const char *p = fqdn; *p; p++)
		buf_puts(&b, *p == '.' ? "-" : *p == '-' ? "--" : (char[]){*p, '\0'});
	if (b.n <= LABEL_MAX)
		return buf_take(&b);
	AUTO(buf_done) struct buf hex = buf_make(LABEL_CAP);
	uint8_t hash[32];
	jose_sha256(fqdn, strlen(fqdn), hash);
	codec_hex(&hex, hash, HASH_OCTETS);
	return xasprintf("%.*s_%s", LABEL_MAX - 1 - 2 * HASH_OCTETS, buf_str(&b), buf_str(&hex));
}

static int account_target(
	const struct config_delegation *d, struct acmeaccounts *kept, const char *fqdn, char **ret, struct err *e)
{
	AUTO(acmeaccounts_done) struct acmeaccounts own = {0};
	struct acmeaccounts *accounts = kept ? kept : &own;
	const struct acmeaccount *a;
	if (acmeaccounts_read(accounts, d->provider, e) ||
		acmeaccounts_for(accounts, d->provider, d->one_account, fqdn, &a, e))
		return -1;
	*ret = xstrdup(a->fulldomain);
	return 0;
}

int delegation_of(const struct config_delegation *d, struct acmeaccounts *accounts, const char *fqdn,
	struct delegation *ret, struct err *e)
{
	AUTO(xfreep) char *target = NULL;
	AUTO(xfreep) char *owner = delegation_owner(fqdn);
	if (!config_delegation_given(d)) {
		err_set(e, ERR_CONFIG, "no validation zone is configured for %.253s", fqdn);
		err_hint(e, "add delegation: { zone: ZONE }");
		return -1;
	}
	if (strlen(owner) > NAME_MAX_OCTETS)
		return err_set(e, ERR_CONFIG, "%.300s is too long for a domain name", owner);
	AUTO(xfreep) char *label = d->provider || d->name ? NULL : own_label(fqdn);
	if (!d->provider)
		target = d->name ? xstrdup(d->name) : xasprintf("%s.%s", label, d->zone);
	else if (account_target(d, accounts, fqdn, &target, e))
		return -1;
	*ret = (struct delegation){.owner = TAKE(owner),
		.target = TAKE(target),
		.shared = d->provider ? d->one_account : d->name != NULL,
		.account = d->provider != NULL,
		.cname_ttl = d->cname_ttl,
		.txt_ttl = d->txt_ttl};
	return 0;
}

void delegation_done(struct delegation *d)
{
	free(d->owner);
	free(d->target);
	*d = (struct delegation){0};
}
