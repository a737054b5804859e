/* rules.c: the table of rules, and how a finding is told. docs/audit-rules.md has a section for each row. */
#include "watch/rules.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "watch/rules_priv.h"

static const struct rule rules[] = {
	{"PD101", "malformed-record", SEVERITY_ERROR, "a record for a known CA is malformed",
		"publish the record again as \"perdure record show\" prints it", rule_malformed},
	{"PD102", "stray-text", SEVERITY_WARNING, "a TXT record at the validation name is no validation record",
		"remove it; nothing else belongs at this name", rule_stray_text},
	{"PD103", "split-record", SEVERITY_ERROR, "one record was published as two TXT records",
		"publish the value as one TXT record, of several character-strings where it is long",
		rule_split_record},
	{"PD104", "literal-quotes", SEVERITY_ERROR, "quotation marks are part of the value",
		"enter the value without quotation marks: the provider adds those of the zone file",
		rule_literal_quotes},
	{"PD105", "space-at-join", SEVERITY_WARNING,
		"white space where two character-strings meet becomes part of the value",
		"publish the value without white space", rule_space_at_join},
	{"PD106", "many-strings", SEVERITY_WARNING, "a short value is cut into several character-strings",
		"publish it as one character-string: some CAs read the first one only", rule_many_strings},
	{"PD107", "not-ascii", SEVERITY_ERROR, "the value has octets that are not printable ASCII",
		"publish the record again as \"perdure record show\" prints it", rule_not_ascii},
	{"PD108", "readings-differ", SEVERITY_WARNING, "known CA software differs in how it reads the record",
		"publish the canonical form that \"perdure record show\" prints", rule_readings_differ},
	{"PD109", "no-owner", SEVERITY_ERROR, "the name cannot carry a validation record",
		"use a shorter or another name; IP addresses need another method", rule_no_owner},
	{"PD110", "literal-wildcard", SEVERITY_WARNING,
		"a record stands below a literal \"*\" label, where no CA looks",
		"publish it at _validation-persist of the name itself, with policy=wildcard", rule_literal_wildcard},
	{"PD111", "public-suffix", SEVERITY_ERROR, "a record stands at a public suffix",
		"remove it, and find out who published it", rule_public_suffix},
	{"PD112", "bad-line", SEVERITY_ERROR, "a line of the zone about a validation name cannot be read",
		"correct the line: a character-string has at most 255 octets", rule_bad_line},
	{"PD113", "large-set", SEVERITY_WARNING, "the records do not fit into one UDP answer",
		"remove records that are not needed, and let TCP port 53 through", rule_large_set},

	{"PD201", "issuer-not-allowed", SEVERITY_ERROR, "a record lets a CA issue that is not on the allow-list",
		"remove the record, and find out who published it; or allow the issuer", rule_issuer_not_allowed},
	{"PD202", "issuer-lookalike", SEVERITY_ERROR, "a record names an issuer that only looks like an allowed one",
		"correct the issuer name, or find out who published the record", rule_issuer_lookalike},
	{"PD203", "account-unexplained", SEVERITY_ERROR, "a record lets an account issue that is none of ours",
		"remove the record at once, find out who published it, and look for certificates in the CT logs",
		rule_account_unexplained},
	{"PD204", "old-key", SEVERITY_WARNING, "a record is bound to an earlier key of the account",
		"publish the record for the current key, then remove this one", rule_old_key},
	{"PD205", "any-domain", SEVERITY_WARNING, "a record is bound to the account for any domain",
		"publish the record with the digest of this domain, unless many names share one record",
		rule_any_domain},
	{"PD206", "clear-url", SEVERITY_WARNING, "a record shows the account URL to a CA that wants the hashed form",
		"remove it: it validates nothing and tells whose it is", rule_clear_url},
	{"PD207", "hashed-too-early", SEVERITY_WARNING, "a hashed account URI at a CA that reads account URLs",
		"publish the form that the CA reads; \"perdure record show\" prints it", rule_hashed_too_early},
	{"PD208", "dead-account", SEVERITY_WARNING, "a record names an account that is deactivated",
		"remove it: it validates nothing", rule_dead_account},
	{"PD209", "hash-ill-formed", SEVERITY_ERROR, "a hashed account URI that no CA can read",
		"publish the record again as \"perdure record show\" prints it", rule_hash_ill_formed},
	{"PD210", "duplicate", SEVERITY_WARNING, "two records say the same", "remove one of them", rule_duplicate},
	{"PD211", "shadowed", SEVERITY_WARNING,
		"a record for the same issuer and account grants more, so that this one has no effect",
		"remove the one that is not meant: the widest counts", rule_shadowed},
	{"PD212", "move-incomplete", SEVERITY_WARNING,
		"the CA moves from one level of the draft to another, and one form is missing",
		"publish both forms side by side until the move is over", rule_move_incomplete},
	{"PD213", "other-name", SEVERITY_ERROR, "the digest behind an alias was made for another name",
		"names that share a record need the digest over \"*\"", rule_other_name},

	{"PD301", "too-wide", SEVERITY_WARNING, "a record has policy=wildcard, and no wildcard or subdomain is managed",
		"publish it without policy=wildcard", rule_too_wide},
	{"PD302", "no-end", SEVERITY_INFO, "a record has no persistUntil: it holds until it is removed",
		"set persist_until: where records are to end by themselves", rule_no_end},
	{"PD303", "expired", SEVERITY_ERROR, "the persistUntil of a record has passed",
		"publish it with a later moment, or remove it", rule_expired},
	{"PD304", "expiring", SEVERITY_WARNING,
		"the persistUntil of a record comes before the next renewal and its slack",
		"publish it with a later moment", rule_expiring},
	{"PD305", "absurd-end", SEVERITY_WARNING, "the persistUntil of a record is not what anybody means",
		"write whole UNIX seconds: digits only, no sign, no leading zero", rule_absurd_end},
	{"PD306", "ttl-long", SEVERITY_INFO, "caches may hold the record for more than a day after it is removed",
		"an hour is enough", rule_ttl_long},
	{"PD307", "ttl-short", SEVERITY_INFO,
		"CAs of level 00 and 01 may use a validation again only while the TTL lasts",
		"an hour or more saves validations", rule_ttl_short},
	{"PD308", "zone-below", SEVERITY_WARNING,
		"policy=wildcard reaches into a subdomain that is delegated to others",
		"drop policy=wildcard, or agree with those who run the subdomain", rule_zone_below},
	{"PD309", "alias-below", SEVERITY_WARNING, "policy=wildcard covers a name that leads out of the zone",
		"make sure that nobody else can take over the target", rule_alias_below},

	{"PD401", "forgotten", SEVERITY_WARNING, "a record is published, and the name is in no inventory",
		"add the name to a certificate, or remove the record", rule_forgotten},
	{"PD402", "not-accepted", SEVERITY_ERROR, "no record is published that the CA would accept",
		"publish the record", rule_not_accepted},
	{"PD403", "unused-ca", SEVERITY_INFO,
		"our account may issue at a CA where no certificate of this name is ordered",
		"remove the record, or name the CA in the certificate", rule_unused_ca},
	{"PD404", "not-served", SEVERITY_INFO, "the name of a record has no other data in its zone",
		"remove the record when the name is no longer in use", rule_not_served},

	{"PD501", "alias", SEVERITY_INFO,
		"the record is found behind an alias: who runs the target can authorise accounts",
		"publish the record at the name itself where that can be done", rule_alias},
	{"PD502", "alias-outside", SEVERITY_WARNING,
		"the alias of the validation name leads to a zone that is not known to be ours",
		"publish the record at the name itself, or list the zone under audit: zones:", rule_alias_outside},
	{"PD503", "alias-dangling", SEVERITY_ERROR, "the alias of the validation name leads to nothing",
		"remove the alias, or publish the record at its target, before somebody else does",
		rule_alias_dangling},
	{"PD504", "alias-loop", SEVERITY_ERROR,
		"the alias of the validation name leads in a circle, or further than CAs follow",
		"point the alias at the record itself", rule_alias_loop},
	{"PD505", "alias-hops", SEVERITY_WARNING, "the record is more than one alias away",
		"point the first alias at the record itself", rule_alias_hops},
	{"PD506", "synthesised", SEVERITY_WARNING, "a DNS wildcard makes the record for every name below it",
		"publish the record at each name that needs it", rule_synthesised},
	{"PD511", "delegation-dangling", SEVERITY_ERROR, "nobody serves the zone to which _acme-challenge is delegated",
		"remove the CNAME before somebody registers or claims its target", rule_delegation_dangling},
	{"PD512", "delegation-outside", SEVERITY_WARNING,
		"_acme-challenge is delegated to a zone that is not known to be ours",
		"remove the CNAME, or list the zone under audit: zones:", rule_delegation_outside},
	{"PD513", "delegation-hops", SEVERITY_WARNING, "_acme-challenge reaches its target by more than one alias",
		"point the CNAME at the validation name itself", rule_delegation_hops},
	{"PD514", "delegation-beside", SEVERITY_ERROR, "other data stands beside the CNAME at _acme-challenge",
		"remove one of them: a CNAME stands alone", rule_delegation_beside},
	{"PD515", "delegation-ttl", SEVERITY_INFO, "the TTLs of the delegation let stale values stay long",
		"at most a day for the CNAME, and five minutes for the TXT records", rule_delegation_ttl},
	{"PD516", "standing-token", SEVERITY_INFO, "values of past dns-01 challenges are left at _acme-challenge",
		"remove them", rule_standing_token},

	{"PD601", "bogus", SEVERITY_ERROR, "the zone is signed and its signatures do not hold: CAs must refuse",
		"repair the signatures or the DS records at the parent", rule_bogus},
	{"PD602", "unsigned", SEVERITY_WARNING,
		"the zone is not signed: whoever can forge an answer can forge the record", "sign the zone",
		rule_unsigned},
	{"PD603", "disagree", SEVERITY_ERROR, "the authoritative servers publish different records",
		"find out why some servers have another version of the zone", rule_disagree},
	{"PD604", "lame", SEVERITY_WARNING, "a name server of the zone does not serve it",
		"make it serve the zone, or take it out of the NS records", rule_lame},
	{"PD605", "silent", SEVERITY_WARNING, "a name server of the zone does not answer",
		"repair it, or take it out of the NS records", rule_silent},
	{"PD606", "not-observed", SEVERITY_ERROR, "the record could not be looked at",
		"make the name servers of the zone answer; CAs see the same", rule_not_observed},
	{"PD607", "ns-drift", SEVERITY_WARNING, "the name servers of the zone are others than in the baseline",
		"make sure that the change was meant, then --update-baseline", rule_ns_drift},
	{"PD608", "ns-parent", SEVERITY_WARNING, "parent and zone name different name servers",
		"make the NS records at the parent and in the zone the same", rule_ns_parent},

	{"PD701", "caa-forbids", SEVERITY_ERROR, "CAA forbids the CA to issue", "publish the CAA record",
		rule_caa_forbids},
	{"PD702", "caa-method", SEVERITY_ERROR, "CAA allows the CA, but not with dns-persist-01",
		"add dns-persist-01 to validationmethods", rule_caa_method},
	{"PD703", "caa-account", SEVERITY_ERROR, "the accounturi in CAA is not our account URL",
		"write the account URL there, never the hashed form", rule_caa_account},
	{"PD704", "caa-missing", SEVERITY_WARNING, "there is no CAA record: every CA may issue",
		"publish CAA records that name the CAs in use", rule_caa_missing},
	{"PD705", "caa-unbound", SEVERITY_INFO, "CAA names the CA, but not our account there",
		"add accounturi with the account URL, so that no other account can issue", rule_caa_unbound},

	{"PD801", "ca-drift", SEVERITY_WARNING, "the CA's directory says something else than in the baseline",
		"compare the records with what the CA wants now, then --update-baseline", NULL},
	{"PD802", "ca-issuer", SEVERITY_ERROR, "the issuer name in use is none that the CA offers",
		"use a name that \"perdure ca probe\" shows", NULL},
	{"PD803", "ca-moves", SEVERITY_WARNING, "the CA moves from one level of the draft to another",
		"publish both forms side by side until the move is over", NULL},

	{"PD811", "ct-unknown", SEVERITY_ERROR, "the logs show a certificate for the name that was not ordered here",
		"find out who ordered it; where nobody did, deactivate the account, remove the records, have the "
		"certificate revoked",
		rule_ct_unknown},
	{"PD812", "ct-issuer", SEVERITY_ERROR, "the logs show a certificate of a CA that is not on the list",
		"find out who ordered it; publish CAA records that name the CAs in use", rule_ct_issuer},
	{"PD813", "ct-earlier", SEVERITY_WARNING,
		"the logs show a certificate that was ordered before our account was made, and may be renewed",
		"find out which account ordered it, and deactivate that when it is no longer needed", rule_ct_earlier},
	{"PD814", "ct-none", SEVERITY_INFO, "a record of ours stands, and the logs show no certificate for the name",
		"remove the record when nothing is issued for the name any more", rule_ct_none},

	{"PD901", "record-added", SEVERITY_WARNING, "a record is there that was not in the baseline",
		"make sure that it was meant, then --update-baseline", NULL},
	{"PD902", "record-removed", SEVERITY_WARNING, "a record of the baseline is gone",
		"make sure that it was meant, then --update-baseline", NULL},
	{"PD903", "record-altered", SEVERITY_WARNING, "a record grants something else than in the baseline",
		"make sure that it was meant, then --update-baseline", NULL},
};

const char *severity_name(enum severity s)
{
	return s == SEVERITY_ERROR ? "error" : s == SEVERITY_WARNING ? "warning" : "info";
}

const struct rule *rules_all(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(rules);
	return rules;
}

const struct rule *rules_find(const char *id)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (!strcmp(rules[i].id, id))
			return &rules[i];
	return NULL;
}

const char *facts_only_at(const struct facts *f, const struct facts_set *set, const struct facts_rr *rr)
{
	return f->n_sets > 1 && !(rr && rr->everywhere) ? set->server : NULL;
}

/* FNV-1a, with an end mark after each part. */
static uint64_t mix(uint64_t h, const char *s)
{
	for (; s && *s; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
	return (h ^ 0xff) * UINT64_C(1099511628211);
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static void tell(finding_fn fn, void *ctx, const struct rule *rule, const char *name, const struct about *a,
	const char *evidence)
{
	char *record = NULL;
	if (a->rr && perdure_txt_present(a->rr->p, a->rr->n, &record))
		record = NULL;
	struct finding f = {
		.rule = rule,
		.name = name,
		.owner = a->owner ? a->owner : name,
		.ca = or_empty(a->ca),
		.server = or_empty(a->server),
		.record = or_empty(record),
		.evidence = evidence,
		.remedy = rule->remedy,
		.fix = or_empty(a->fix),
	};
	uint64_t h = UINT64_C(14695981039346656037);
	const char *parts[] = {rule->id, name, f.ca, f.server, f.record, a->key};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		h = mix(h, parts[i]);
	f.fingerprint = h;
	fn(&f, ctx);
	perdure_free(record);
}

enum { EVIDENCE_MAX = 64 << 10 };

void found(struct rules_run *r, struct about a, const char *fmt, ...)
{
	if (context_ignored(r->c, r->rule->id, r->f->fqdn))
		return;
	AUTO(buf_done) struct buf b = buf_make(EVIDENCE_MAX);
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	if (!a.owner)
		a.owner = r->f->owner;
	tell(r->tell, r->ctx, r->rule, r->f->fqdn, &a, buf_str(&b));
}

void found_elsewhere(
	finding_fn fn, void *ctx, const struct rule *rule, const char *name, struct about a, const char *fmt, ...)
{
	AUTO(buf_done) struct buf b = buf_make(EVIDENCE_MAX);
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	tell(fn, ctx, rule, name, &a, buf_str(&b));
}

void rules_check(const struct facts *f, const struct audit_context *c, finding_fn fn, void *ctx)
{
	struct rules_run r = {.c = c, .f = f, .tell = fn, .ctx = ctx};
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		r.rule = &rules[i];
		if (r.rule->check)
			r.rule->check(&r);
	}
	verdicts_free(r.verdicts);
}

void rules_check_one(
	const struct rule *rule, const struct facts *f, const struct audit_context *c, finding_fn fn, void *ctx)
{
	struct rules_run r = {.c = c, .f = f, .tell = fn, .ctx = ctx, .rule = rule};
	if (rule->check)
		rule->check(&r);
	verdicts_free(r.verdicts);
}
