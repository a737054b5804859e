/* rules_priv.h: what the files of rules share. Internal to src/watch. */
#ifndef PERDURE_WATCH_RULES_PRIV_H
#define PERDURE_WATCH_RULES_PRIV_H

#include "watch/context.h"
#include "watch/facts.h"
#include "watch/rules.h"

struct rules_run {
	const struct audit_context *c;
	const struct facts *f;
	const struct rule *rule;
	finding_fn tell;
	void *ctx;
	/* The verdicts on the name at its CAs, made when the first rule asks: one for each want and level. */
	struct verdicts *verdicts;
};

/* What a finding is about, beside the name. All may be NULL. */
struct about {
	const char *ca, *server, *fix, *owner;
	const struct facts_rr *rr;
	const char *key; /* goes into the fingerprint where record, CA and server do not tell findings apart */
};

/* Tells a finding of the rule that is running. */
void found(struct rules_run *r, struct about a, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Tells one that is about a name without facts: a CA, a change. */
void found_elsewhere(finding_fn tell, void *ctx, const struct rule *rule, const char *name, struct about a,
	const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* Goes over each RR, equal ones of several sets once. */
/* NOLINTBEGIN(bugprone-macro-parentheses): the names are declared here. */
#define EACH_RR(f, set, rr)                                                                                            \
	for (const struct facts_set *set = (f)->sets; set < (f)->sets + (f)->n_sets; set++)                            \
		for (const struct facts_rr *rr = set->rr; rr < set->rr + set->n; rr++)                                 \
			if (!rr->again)
/* NOLINTEND(bugprone-macro-parentheses) */

/* The server to name for an RR of this set (or, with rr NULL, for the set): NULL when all serve it. */
const char *facts_only_at(const struct facts *f, const struct facts_set *set, const struct facts_rr *rr);

/* One want at one level, judged. */
struct verdict_at {
	const struct audit_want *want;
	int level;
	bool accepted;
	char *reason; /* one sentence, "" when accepted */
	char *fix; /* zone line or "" */
};
struct verdicts {
	struct verdict_at *v;
	size_t n;
};
/* Made once for a run. */
const struct verdicts *verdicts_of(struct rules_run *r);
void verdicts_free(struct verdicts *v);

/* rules_text.c */
void rule_malformed(struct rules_run *r);
void rule_stray_text(struct rules_run *r);
void rule_split_record(struct rules_run *r);
void rule_literal_quotes(struct rules_run *r);
void rule_space_at_join(struct rules_run *r);
void rule_many_strings(struct rules_run *r);
void rule_not_ascii(struct rules_run *r);
void rule_readings_differ(struct rules_run *r);
void rule_no_owner(struct rules_run *r);
void rule_literal_wildcard(struct rules_run *r);
void rule_public_suffix(struct rules_run *r);
void rule_bad_line(struct rules_run *r);
void rule_large_set(struct rules_run *r);
/* rules_account.c */
void rule_issuer_not_allowed(struct rules_run *r);
void rule_issuer_lookalike(struct rules_run *r);
void rule_account_unexplained(struct rules_run *r);
void rule_old_key(struct rules_run *r);
void rule_any_domain(struct rules_run *r);
void rule_clear_url(struct rules_run *r);
void rule_hashed_too_early(struct rules_run *r);
void rule_dead_account(struct rules_run *r);
void rule_hash_ill_formed(struct rules_run *r);
void rule_duplicate(struct rules_run *r);
void rule_shadowed(struct rules_run *r);
void rule_move_incomplete(struct rules_run *r);
void rule_other_name(struct rules_run *r);
/* rules_scope.c */
void rule_too_wide(struct rules_run *r);
void rule_no_end(struct rules_run *r);
void rule_expired(struct rules_run *r);
void rule_expiring(struct rules_run *r);
void rule_absurd_end(struct rules_run *r);
void rule_ttl_long(struct rules_run *r);
void rule_ttl_short(struct rules_run *r);
void rule_zone_below(struct rules_run *r);
void rule_alias_below(struct rules_run *r);
void rule_forgotten(struct rules_run *r);
void rule_not_accepted(struct rules_run *r);
void rule_unused_ca(struct rules_run *r);
void rule_not_served(struct rules_run *r);
/* rules_alias.c */
void rule_alias(struct rules_run *r);
void rule_alias_outside(struct rules_run *r);
void rule_alias_dangling(struct rules_run *r);
void rule_alias_loop(struct rules_run *r);
void rule_alias_hops(struct rules_run *r);
void rule_synthesised(struct rules_run *r);
void rule_delegation_dangling(struct rules_run *r);
void rule_delegation_outside(struct rules_run *r);
void rule_delegation_hops(struct rules_run *r);
void rule_delegation_beside(struct rules_run *r);
void rule_delegation_ttl(struct rules_run *r);
void rule_standing_token(struct rules_run *r);
/* rules_server.c */
void rule_bogus(struct rules_run *r);
void rule_unsigned(struct rules_run *r);
void rule_disagree(struct rules_run *r);
void rule_lame(struct rules_run *r);
void rule_silent(struct rules_run *r);
void rule_not_observed(struct rules_run *r);
void rule_ns_drift(struct rules_run *r);
void rule_ns_parent(struct rules_run *r);
/* rules_caa.c */
void rule_caa_forbids(struct rules_run *r);
void rule_caa_method(struct rules_run *r);
void rule_caa_account(struct rules_run *r);
void rule_caa_missing(struct rules_run *r);
void rule_caa_unbound(struct rules_run *r);
/* rules_ct.c */
void rule_ct_unknown(struct rules_run *r);
void rule_ct_issuer(struct rules_run *r);
void rule_ct_earlier(struct rules_run *r);
void rule_ct_none(struct rules_run *r);

#endif
