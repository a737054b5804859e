/* remark.c: the table of codes, and lists of remarks. */
#include "inventory/remark.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"

#define E REMARK_ERROR
#define W REMARK_WARNING
#define I REMARK_INFO
static const struct remark_kind kinds[] = {
	[REMARK_RECORD_MISSING] = {"record-missing", E, "there is no validation record"},
	[REMARK_RECORD_OTHER_CA] = {"record-other-ca", E, "no record names this CA"},
	[REMARK_RECORD_MALFORMED] = {"record-malformed", E, "the record for this CA breaks the grammar"},
	[REMARK_RECORD_ACCOUNT] = {"record-account", E, "the record names another account"},
	[REMARK_RECORD_URI] = {"record-uri", E, "the account URI has not the form that this level wants"},
	[REMARK_RECORD_NOT_WILDCARD] = {"record-not-wildcard", E, "the record does not cover the wildcard"},
	[REMARK_RECORD_EXPIRED] = {"record-expired", E, "persistUntil has passed"},
	[REMARK_RECORD_UNTIL_RANGE] = {"record-until-range", E, "this CA's software fails on so late a persistUntil"},
	[REMARK_RECORD_LONG] = {"record-long", E, "the record is longer than a record can be"},
	[REMARK_RECORD_ALIAS_REFUSED] = {"record-alias-refused", E,
		"this CA's software takes no record behind a CNAME"},
	[REMARK_RECORD_ENDS_EARLY] = {"record-ends-early", W,
		"persistUntil comes before the next renewal and its slack"},
	[REMARK_RECORD_OLD_KEY] = {"record-old-key", W, "the record is that of an earlier account key"},
	[REMARK_RECORD_SPLIT] = {"record-split", W, "one record was published as two"},
	[REMARK_RECORD_QUOTED] = {"record-quoted", W, "quotes have become part of the record"},
	[REMARK_RECORD_TTL_LONG] = {"record-ttl-long", W, "a removed record would be believed for more than a day"},
	[REMARK_RECORD_TTL_SHORT] = {"record-ttl-short", I, "the CA may use a validation only as long as the TTL"},
	[REMARK_READING_DIFFERS] = {"reading-differs", W, "the draft's text and this CA's software decide differently"},
	[REMARK_ACCOUNT_DEACTIVATED] = {"account-deactivated", E, "the account is deactivated or revoked"},
	[REMARK_ACCOUNT_UNKNOWN] = {"account-unknown", I, "the account's status is not known on this host"},
	[REMARK_CAA_FORBIDDEN] = {"caa-forbidden", E, "CAA forbids every CA"},
	[REMARK_CAA_OTHER_CA] = {"caa-other-ca", E, "CAA names other CAs only"},
	[REMARK_CAA_METHOD] = {"caa-method", E, "CAA does not list dns-persist-01 for this CA"},
	[REMARK_CAA_ACCOUNT] = {"caa-account", E, "CAA names another account of this CA"},
	[REMARK_CAA_HASHED] = {"caa-hashed", E, "CAA has a hashed account URI instead of the account URL"},
	[REMARK_CAA_UNSATISFIABLE] = {"caa-unsatisfiable", E, "a CAA parameter is repeated or malformed"},
	[REMARK_CAA_MALFORMED] = {"caa-malformed", E, "a CAA record cannot be read"},
	[REMARK_CAA_CRITICAL] = {"caa-critical", E, "an unknown CAA property is marked critical"},
	[REMARK_CAA_FAILED] = {"caa-failed", E, "CAA could not be looked up"},
	[REMARK_CAA_DISAGREE] = {"caa-disagree", W, "servers publish different CAA records"},
	[REMARK_CAA_NONE] = {"caa-none", I, "no CAA record restricts who may issue"},
	[REMARK_DNSSEC_BOGUS] = {"dnssec-bogus", E, "DNSSEC validation fails"},
	[REMARK_DNSSEC_INSECURE] = {"dnssec-insecure", I, "the zone is not signed"},
	[REMARK_DNSSEC_UNKNOWN] = {"dnssec-unknown", I, "DNSSEC could not be judged"},
	[REMARK_SERVERS_DISAGREE] = {"servers-disagree", W, "servers publish different records"},
	[REMARK_SERVERS_NONE] = {"servers-none", W, "no server of the zone answers"},
	[REMARK_SERVERS_DRIFT] = {"servers-drift", W, "the parent and the zone name different servers"},
	[REMARK_SERVER_LAME] = {"server-lame", W, "a server does not serve the zone"},
	[REMARK_SERVER_REFUSING] = {"server-refusing", W, "a server refuses the question"},
	[REMARK_SERVER_ERROR] = {"server-error", W, "a server answers with an error"},
	[REMARK_SERVER_MALFORMED] = {"server-malformed", W, "a server's answer makes no sense"},
	[REMARK_SERVER_UNREACHABLE] = {"server-unreachable", W, "a server cannot be reached"},
	[REMARK_SERVER_SILENT] = {"server-silent", W, "a server does not answer in time"},
	[REMARK_SERVERS_HALF_SEEN] = {"servers-half-seen", I, "IPv6 addresses cannot be judged from here"},
	[REMARK_SERVER_ADDRESSLESS] = {"server-addressless", W, "a server's name has no address"},
	[REMARK_SERVER_DIVERGING] = {"server-diverging", W, "a server has another alias than the others"},
	[REMARK_ALIAS_CHAIN] = {"alias-chain", W, "several aliases lead to the record"},
	[REMARK_ALIAS_TOO_LONG] = {"alias-too-long", E, "more aliases than a CA follows"},
	[REMARK_ALIAS_LOOP] = {"alias-loop", E, "the aliases lead in a circle"},
	[REMARK_ALIAS_DANGLING] = {"alias-dangling", E, "the alias leads to nothing"},
	[REMARK_WILDCARD_ANSWER] = {"wildcard-answer", W, "the record comes from a DNS wildcard"},
	[REMARK_VANTAGE_DIFFERS] = {"vantage-differs", W, "a resolver elsewhere sees something else"},
	[REMARK_VANTAGE_SILENT] = {"vantage-silent", W, "a resolver elsewhere sees nothing"},
	[REMARK_QUORUM_MISSED] = {"quorum-missed", E, "too few points of view agree"},
	[REMARK_DELEGATION_MISSING] = {"delegation-missing", E, "there is no CNAME at _acme-challenge"},
	[REMARK_DELEGATION_BESIDE] = {"delegation-beside", E, "a CNAME and other data stand at one name"},
	[REMARK_DELEGATION_CHAIN] = {"delegation-chain", W, "the delegation takes more than one hop"},
	[REMARK_DELEGATION_BROKEN] = {"delegation-broken", E, "the delegation's aliases lead in a circle or too far"},
	[REMARK_DELEGATION_UNSERVED] = {"delegation-unserved", E, "nobody serves the delegation's target"},
	[REMARK_DELEGATION_CNAME_TTL] = {"delegation-cname-ttl", W,
		"a changed delegation takes more than a day to be seen"},
	[REMARK_DELEGATION_TXT_TTL] = {"delegation-txt-ttl", W, "an old token may be seen for more than five minutes"},
	[REMARK_DELEGATION_WILDCARD] = {"delegation-wildcard", W, "the delegation comes from a DNS wildcard"},
	[REMARK_PREFLIGHT_SILENCES_WILDCARD] = {"preflight-silences-wildcard", E,
		"the record would silence a DNS wildcard"},
	[REMARK_PREFLIGHT_BELOW_DELEGATION] = {"preflight-below-delegation", E, "the record would never be served"},
	[REMARK_PREFLIGHT_CNAME] = {"preflight-cname", E, "there is a CNAME where the record would stand"},
	[REMARK_PREFLIGHT_DNAME] = {"preflight-dname", E, "a DNAME hides the place of the record"},
	[REMARK_PREFLIGHT_OWNER_LONG] = {"preflight-owner-long", E, "the name of the record would be too long"},
	[REMARK_PREFLIGHT_TRUNCATES] = {"preflight-truncates", W, "the answer would need TCP"},
	[REMARK_PREFLIGHT_LARGE] = {"preflight-large", W, "the answer would be larger than many resolvers expect"},
	[REMARK_PREFLIGHT_UNKNOWN] = {"preflight-unknown", W, "something could not be looked at"},
};
#undef E
#undef W
#undef I
_Static_assert(ARRAY_LEN(kinds) == REMARK_CODE_N_, "one line per code");

const char *remark_severity_name(enum remark_severity s)
{
	static const char *const names[] = {"info", "warning", "error"};
	_Static_assert(ARRAY_LEN(names) == REMARK_SEVERITY_N_, "one name per severity");
	return names[s];
}

const struct remark_kind *remark_kind(enum remark_code c)
{
	return &kinds[c];
}

void remarks_done(struct remarks *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->v[i].text);
		free(r->v[i].fix);
	}
	free(r->v);
	*r = (struct remarks){0};
}

/* What servers said may be in it: no control characters. */
static char *printable(const char *fmt, va_list ap)
{
	char *s;
	if (vasprintf(&s, fmt, ap) < 0)
		abort();
	for (char *p = s; *p; p++)
		if (((unsigned char)*p < 0x20) || *p == 0x7F)
			*p = '?';
	return s;
}

struct remark *remarks_add(struct remarks *r, enum remark_code c, const char *fmt, ...)
{
	va_list ap;
	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 8;
		r->v = xreallocarray(r->v, r->cap, sizeof(*r->v));
	}
	va_start(ap, fmt);
	struct remark *m = &r->v[r->n++];
	*m = (struct remark){.code = c, .severity = kinds[c].severity, .text = printable(fmt, ap), .fix = xstrdup("")};
	va_end(ap);
	return m;
}

void remark_fix(struct remark *m, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	free(m->fix);
	m->fix = printable(fmt, ap);
	va_end(ap);
}

const struct remark *remarks_worst(const struct remarks *r)
{
	const struct remark *worst = NULL;
	for (size_t i = 0; i < r->n; i++)
		if (!worst || r->v[i].severity > worst->severity)
			worst = &r->v[i];
	return worst;
}

bool remarks_has(const struct remarks *r, enum remark_code c)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].code == c)
			return true;
	return false;
}
