/*
 * rules.h: the table of rules, and the findings that they make. A rule is a pure function of the facts about one name
 * and the context of the audit.
 */
#ifndef PERDURE_WATCH_RULES_H
#define PERDURE_WATCH_RULES_H

#include <stddef.h>
#include <stdint.h>

struct audit_context;
struct facts;
struct facts_rr;

enum severity { SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_ERROR };
const char *severity_name(enum severity s);

struct rules_run;
struct rule {
	const char *id; /* "PD201"; never given to another rule */
	const char *name; /* "issuer-not-allowed" */
	enum severity severity;
	const char *title; /* what is wrong, in one sentence */
	const char *remedy; /* what to do about it */
	void (*check)(struct rules_run *r); /* NULL for those that compare with a baseline or look at CAs */
};

/* All rules in the order of their ids; *ret_n of them. */
const struct rule *rules_all(size_t *ret_n);
/* NULL when there is none of that id. */
const struct rule *rules_find(const char *id);

/* One thing found. Strings are borrowed during the call that tells it. */
struct finding {
	const struct rule *rule;
	const char *name; /* the FQDN, or the CA's name */
	const char *owner; /* the DNS name that is at fault; the name itself for a CA */
	const char *ca; /* "" when no CA is meant */
	const char *server; /* "" when no single server is meant */
	const char *record; /* the record in question in zone-file form, or "" */
	const char *evidence; /* what was seen, in words */
	const char *remedy;
	const char *fix; /* the zone line to publish, or "" */
	uint64_t fingerprint; /* of what is found, not of the words: the same for the same trouble in each run */
};
typedef void (*finding_fn)(const struct finding *f, void *ctx);

/* Runs every rule over the facts, which facts_read() has read; findings that the context ignores are left out. */
void rules_check(const struct facts *f, const struct audit_context *c, finding_fn tell, void *ctx);
/* The same for one rule. */
void rules_check_one(
	const struct rule *rule, const struct facts *f, const struct audit_context *c, finding_fn tell, void *ctx);

#endif
