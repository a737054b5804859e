/* rfc2136_say.c: what servers of dynamic updates mean by their answers, and the rights that a key needs there. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "dns/message.h"
#include "dns/name.h"
#include "dns/update.h"
#include "provider/rfc2136_internal.h"

static const char *key_name(const struct rfc2136 *d)
{
	return d->has_key ? d->key.name : "";
}

static void policy_hint(const struct rfc2136 *d, struct err *e)
{
	if (d->has_key)
		err_hint(e, "give the key %s these rights at the server: \"perdure provider policy %s\" prints them",
			key_name(d), d->p.conf->name);
	else
		err_hint(e, "the update is not signed: set tsig with a key that the server knows, or let it accept "
			    "this address");
}

static void clock_words(const struct rfc2136 *d, const struct stream_answer *a, const char *what, struct err *e)
{
	long long off = a->seconds < 0 ? -(long long)a->seconds : (long long)a->seconds;
	provider_err(e, &d->p, PROVIDER_CLOCK, "%s: %s", what, a->e->msg);
	if (a->seconds)
		err_hint(e,
			"this machine's clock is %lld s %s the server's, %d s are allowed: set it (NTP), here or there",
			off, a->seconds < 0 ? "ahead of" : "behind", TSIG_FUDGE);
	provider_hint(e, &d->p);
}

void rfc2136_not_served(const struct rfc2136 *d, const char *what, const char *answer, struct err *e)
{
	provider_err(e, &d->p, PROVIDER_NO_ZONE, "%s: %s %s", what, d->server.text, answer);
	err_hint(e, "server must be the primary server of the zone, and let this key and address ask");
}

void rfc2136_no_answer(
	const struct rfc2136 *d, const struct stream_answer *a, bool update, const char *what, struct err *e)
{
	if (a->status == STREAM_FAILED) {
		err_copy(e, a->e);
		err_ctx(e, "%s", what);
		provider_err_name(e, &d->p);
		err_hint(e, "is %s the primary server, and does it answer over TCP?", d->server.text);
		return;
	}
	unsigned rcode = a->n >= MESSAGE_HEADER ? a->p[3] & 15U : 0;
	switch (a->tsig) {
	case TSIG_BAD_TIME:
	case TSIG_STALE:
		clock_words(d, a, what, e);
		return;
	case TSIG_BAD_KEY:
		/* Knot says BADKEY, too, of what a good key may not do. */
		provider_err(e, &d->p, d->key_good ? PROVIDER_POLICY : PROVIDER_KEY, "%s: %s", what, a->e->msg);
		if (d->key_good)
			policy_hint(d, e);
		else
			err_hint(e,
				"the server has no key \"%s\" of this algorithm, or (Knot) its acl does not let it do "
				"this: "
				"compare name and algorithm with the server's configuration",
				key_name(d));
		return;
	case TSIG_BAD_SIG:
	case TSIG_WRONG:
		provider_err(e, &d->p, PROVIDER_KEY, "%s: %s", what, a->e->msg);
		err_hint(e, "the key \"%s\" has another secret at the server: copy its key file again", key_name(d));
		return;
	case TSIG_UNSIGNED:
	case TSIG_BAD_TRUNC:
	case TSIG_GOOD:
		break;
	}
	if (rcode) {
		char word[16], answer[32];
		snprintf(answer, sizeof(answer), "answers %s", message_rcode_name((uint16_t)rcode, word));
		if (update)
			rfc2136_refused(d, rcode, what, NULL, e);
		else
			rfc2136_not_served(d, what, answer, e);
		return;
	}
	provider_err(e, &d->p, PROVIDER_KEY, "%s: %s", what, a->e->msg);
	err_hint(e, "does the server know the key \"%s\"? Its answers are not believed without a signature",
		key_name(d));
}

void rfc2136_refused(const struct rfc2136 *d, unsigned rcode, const char *what, const char *zone, struct err *e)
{
	char word[16];
	const char *name = message_rcode_name((uint16_t)rcode, word);
	switch (rcode) {
	case UPDATE_REFUSED:
	case UPDATE_NOTIMP:
		provider_err(e, &d->p, PROVIDER_POLICY, "%s: %s answers %s", what, d->server.text, name);
		policy_hint(d, e);
		return;
	case UPDATE_NOTAUTH:
		/* An unsigned update that Knot does not take looks the same. */
		provider_err(e, &d->p, d->has_key ? PROVIDER_NO_ZONE : PROVIDER_POLICY, "%s: %s answers %s", what,
			d->server.text, name);
		if (d->has_key)
			err_hint(e, "server must be the primary server of the zone %s", zone ? zone : "");
		else
			policy_hint(d, e);
		return;
	case UPDATE_NOTZONE:
		provider_err(e, &d->p, PROVIDER_NO_ZONE, "%s: %s answers %s: not in its zone %s", what, d->server.text,
			name, zone ? zone : "");
		provider_hint(e, &d->p);
		return;
	case MESSAGE_SERVFAIL:
		provider_err(e, &d->p, PROVIDER_BUSY, "%s: %s answers %s", what, d->server.text, name);
		err_hint(e, "is the zone frozen, or its file or journal not writable? The server's log says why");
		return;
	default:
		provider_err(e, &d->p, PROVIDER_REPLY, "%s: %s answers %s", what, d->server.text, name);
		err_hint(e, "the server's log says why");
	}
}

void rfc2136_alias(const struct rfc2136 *d, const char *name, const char *target, bool dname, struct err *e)
{
	provider_err(e, &d->p, PROVIDER_CNAME_THERE,
		dname ? "%s is below a DNAME (it becomes %s)" : "%s is a CNAME to %s", name, target);
	if (dname)
		err_hint(e, "nothing below a DNAME is served: put the record at %s", target);
	else
		err_hint(e, "remove the CNAME, or put the record at %s", target);
}

void rfc2136_other_data(const struct rfc2136 *d, const char *name, struct err *e)
{
	provider_err(e, &d->p, PROVIDER_CNAME_THERE, "%s has other records, beside which no CNAME can stand", name);
	err_hint(e, "remove them first, or leave the name as it is");
}

void rfc2136_delegated(const struct rfc2136 *d, const char *name, const char *zone, struct err *e)
{
	provider_err(e, &d->p, PROVIDER_DELEGATED,
		"%s is below the delegation of %s: what %s holds there is never served", name, zone, d->server.text);
	err_hint(e, "the record belongs in the zone %s: use the provider that hosts it", zone);
}

/* --- least privilege --- */

static const char *types_of(const char *owner)
{
	return !strncmp(owner, "_acme-challenge.", 16) ? "CNAME" : "TXT";
}

static void bind_policy(const char *key, const struct strv *owners, struct buf *out)
{
	buf_puts(out, "\tupdate-policy {\n");
	for (size_t i = 0; i < owners->n; i++)
		buf_printf(out, "\t\tgrant %s name %s. %s;\n", key, owners->v[i], types_of(owners->v[i]));
	if (!owners->n)
		buf_printf(out, "\t\tgrant %s zonesub TXT CNAME;\n", key);
	buf_puts(out, "\t};\n");
}

static void put_list(struct buf *out, const struct strv *list)
{
	for (size_t i = 0; i < list->n; i++)
		buf_printf(out, "%s%s.", i ? ", " : "", list->v[i]);
}

static void knot_policy(const char *key, const struct strv *owners, struct buf *out)
{
	buf_printf(out,
		"acl:\n  - id: perdure\n    key: %s.\n    action: [query, update]\n    update-type: [TXT, CNAME]\n",
		key);
	if (!owners->n)
		return;
	buf_puts(out, "    update-owner: name\n    update-owner-match: equal\n    update-owner-name: [");
	put_list(out, owners);
	buf_puts(out, "]\n");
}

void rfc2136_policy(const struct config_provider *conf, const struct strv *owners, struct buf *out)
{
	const char *name = config_provider_str(conf, "tsig.name");
	AUTO(xfreep) char *key = xstrdup(name ? name : "perdure-key");
	const char *zone = conf->zones.n ? conf->zones.v[0] : "example.com";
	name_lower(key);
	buf_printf(out,
		"# BIND, in the statement of each zone, for example\n"
		"zone \"%s\" {\n\ttype primary;\n",
		zone);
	bind_policy(key, owners, out);
	buf_puts(out, "};\n\n# Knot DNS\n");
	knot_policy(key, owners, out);
	buf_printf(out, "zone:\n  - domain: %s.\n    acl: [perdure]\n\n", zone);
	buf_printf(out,
		"# PowerDNS (dnsupdate=yes in pdns.conf; it knows no rights below the zone)\n"
		"pdnsutil set-meta %s TSIG-ALLOW-DNSUPDATE %s\n",
		zone, key);
}
