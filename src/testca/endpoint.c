/* endpoint.c: the table of resources. */
#include "testca/endpoint.h"

#include <string.h>

#include "base/xalloc.h"

static const struct {
	const char *name;
	const char *path;
	enum { PLAIN, NUMBERED, TEXT } tail;
} table[EP_N_] = {
	[EP_DIRECTORY] = {"directory", "/directory", PLAIN},
	[EP_NEW_NONCE] = {"newNonce", "/acme/new-nonce", PLAIN},
	[EP_NEW_ACCOUNT] = {"newAccount", "/acme/new-account", PLAIN},
	[EP_ACCOUNT] = {"account", "/acme/account/", NUMBERED},
	[EP_ORDERS] = {"orders", "/acme/orders/", NUMBERED},
	[EP_KEY_CHANGE] = {"keyChange", "/acme/key-change", PLAIN},
	[EP_NEW_ORDER] = {"newOrder", "/acme/new-order", PLAIN},
	[EP_ORDER] = {"order", "/acme/order/", NUMBERED},
	[EP_AUTHZ] = {"authz", "/acme/authz/", NUMBERED},
	[EP_CHALLENGE] = {"challenge", "/acme/challenge/", NUMBERED},
	[EP_FINALIZE] = {"finalize", "/acme/finalize/", NUMBERED},
	[EP_CERTIFICATE] = {"certificate", "/acme/certificate/", NUMBERED},
	[EP_REVOKE_CERT] = {"revokeCert", "/acme/revoke-cert", PLAIN},
	[EP_RENEWAL_INFO] = {"renewalInfo", "/acme/renewal-info", TEXT},
	[EP_TERMS] = {"terms", "/terms", PLAIN},
	[EP_OTHER] = {"other", "", PLAIN},
};

const char *endpoint_name(enum endpoint ep)
{
	return table[ep].name;
}

enum endpoint endpoint_find(const char *name)
{
	for (unsigned i = 0; i < EP_N_; i++)
		if (!strcmp(table[i].name, name))
			return (enum endpoint)i;
	return EP_N_;
}

const char *endpoint_path(enum endpoint ep)
{
	return table[ep].path;
}

/* Digits up to a slash or the end; -1 when there are none or too many. */
static int read_id(const char **s, uint64_t *ret)
{
	size_t n = strspn(*s, "0123456789");
	uint64_t v = 0;
	if (!n || n > 18 || ((*s)[n] && (*s)[n] != '/'))
		return -1;
	for (size_t i = 0; i < n; i++)
		v = v * 10 + (uint64_t)((*s)[i] - '0');
	*s += n;
	*ret = v;
	return 0;
}

/* The second number, after its slash. */
static int read_sub(const char **s, uint64_t *ret)
{
	(*s)++;
	return read_id(s, ret);
}

struct endpoint_at endpoint_parse(const char *path)
{
	struct endpoint_at at = {.ep = EP_OTHER, .rest = ""};
	for (unsigned i = 0; i < EP_OTHER; i++) {
		size_t n = strlen(table[i].path);
		const char *s = path + n;
		if (strncmp(path, table[i].path, n) != 0)
			continue;
		if (table[i].tail == TEXT && *s == '/') {
			at.rest = s + 1;
		} else if (table[i].tail == NUMBERED) {
			if (read_id(&s, &at.id) || (*s == '/' && read_sub(&s, &at.sub)) || *s)
				continue;
		} else if (*s) {
			continue;
		}
		at.ep = (enum endpoint)i;
		return at;
	}
	return at;
}
