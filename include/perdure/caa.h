/*
 * caa.h: CAA records (RFC 8659 with erratum 7139, RFC 8657) as one CA reads them that validates with
 * `dns-persist-01`.
 *
 * A part of libperdure: what persist.h says of memory, threads and strings holds here. The library is given the
 * relevant RRset; finding it (RFC 8659 section 3: from the FQDN up to the top-level domain, following aliases) is the
 * caller's.
 */
#ifndef PERDURE_CAA_H
#define PERDURE_CAA_H

#include <perdure/persist.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a property is about. Everything that this list does not name is OTHER. */
enum perdure_caa_kind { PERDURE_CAA_ISSUE, PERDURE_CAA_ISSUEWILD, PERDURE_CAA_IODEF, PERDURE_CAA_OTHER };

/* One CAA RR (RFC 8659 section 4.1). */
struct perdure_caa {
	uint8_t flags;
	bool critical; /* the bit with the value 128 */
	enum perdure_caa_kind kind;
	struct perdure_text tag, value; /* point into the RDATA */
};

/**
 * perdure_caa_read(rdata, n, ret):
 * Read the ${n} octets of RDATA at ${rdata}. Tags are compared in any case. Return PERDURE_OK, or PERDURE_EMALFORMED
 * when they are no CAA RDATA: too short, or a tag that is empty or has octets other than letters and digits.
 */
PERDURE_API enum perdure_status perdure_caa_read(const char *rdata, size_t n, struct perdure_caa *ret);

/**
 * perdure_caa_present(rdata, n, ret_text):
 * Write the zone-file form of CAA RDATA, such as `0 issue "ca.example"`, or the form of RFC 3597 section 5 when it is
 * malformed. ${ret_text} is a heap string. Return PERDURE_OK, PERDURE_ENOMEM, PERDURE_ELIMIT beyond 65535 octets.
 */
PERDURE_API enum perdure_status perdure_caa_present(const char *rdata, size_t n, char **ret_text);

/* What the CA is asked and knows. */
struct perdure_caa_question {
	enum perdure_dialect dialect; /* BOULDER: issuer names in exactly this case, flag 1 counts as critical */
	bool wildcard; /* "*." was requested */
	const char *const *issuers; /* names by which the CA knows itself in CAA, at least one */
	size_t n_issuers;
	const char *account_url; /* never the hashed form; NULL while unknown: then `accounturi` is not looked at */
	const char *account_hash_prefix; /* to recognise a hashed form by; may be NULL */
	const char *method; /* label of the validation method; NULL for "dns-persist-01" */
};

/* Why. The order has no meaning. */
enum perdure_caa_reason {
	PERDURE_CAA_NAMED = 0, /* allowed: a property names the CA, and its parameters fit */
	PERDURE_CAA_NO_SET, /* allowed: there is no CAA RRset */
	PERDURE_CAA_UNRESTRICTED, /* allowed: the RRset holds no property about such a request */
	PERDURE_CAA_FORBIDDEN, /* nobody may issue: the issuer name is empty */
	PERDURE_CAA_OTHERS, /* only other CAs are named */
	PERDURE_CAA_METHOD, /* the CA is named, but `validationmethods` does not list the method */
	PERDURE_CAA_ACCOUNT, /* the CA is named, but `accounturi` is another account's */
	PERDURE_CAA_ACCOUNT_HASHED, /* the CA is named, but `accounturi` is a hashed form, which CAA does not know */
	PERDURE_CAA_UNSATISFIABLE, /* the CA is named, but a parameter of RFC 8657 is there twice or malformed */
	PERDURE_CAA_SYNTAX, /* a value is no issue-value, which counts as an empty issuer name */
	PERDURE_CAA_CRITICAL, /* an unknown property is marked critical */
	PERDURE_CAA_MALFORMED, /* RDATA that is none */
	PERDURE_CAA_REASON_N_
};

/**
 * perdure_caa_reason_text(reason):
 * Return one sentence without a full stop for ${reason}; a static string, never NULL.
 */
PERDURE_API const char *perdure_caa_reason_text(enum perdure_caa_reason reason);

struct perdure_caa_verdict {
	bool allowed;
	enum perdure_caa_reason reason;
	ssize_t rr; /* index of the RR that decided, -1 when none did */
	size_t i_issuer; /* which issuer name it has, when it has one of the CA's */
	/* Of the deciding property, when allowed by name: */
	bool has_account; /* bound to the account */
	bool has_methods; /* bound to methods */
};

/**
 * perdure_caa_judge(q, rdatas, n, ret):
 * Decide whether the CA that ${q} describes may issue by the relevant RRset of ${n} RDATA at ${rdatas} (0 for no such
 * RRset), RFC 8659 section 4: a critical unknown property forbids everything; for a wildcard `issuewild` counts, and
 * `issue` where there is no `issuewild`; for another name `issue` alone; one property that names the CA and whose
 * `accounturi` and `validationmethods` (RFC 8657) fit is enough. Of several refusals the one nearest to an allowance is
 * reported. Return PERDURE_OK; PERDURE_EINVAL without an issuer name.
 */
PERDURE_API enum perdure_status perdure_caa_judge(const struct perdure_caa_question *q,
	const struct perdure_text *rdatas, size_t n, struct perdure_caa_verdict *ret);

/**
 * perdure_caa_explain(q, rdatas, v, ret_sentence):
 * Write one sentence for people about the verdict ${v} on ${q} and the RRset at ${rdatas}, with the property in
 * question in it, to the heap string ${ret_sentence}. Printable ASCII only. Return PERDURE_OK, PERDURE_ENOMEM.
 */
PERDURE_API enum perdure_status perdure_caa_explain(const struct perdure_caa_question *q,
	const struct perdure_text *rdatas, const struct perdure_caa_verdict *v, char **ret_sentence);

/* How to mend a refusal. */
struct perdure_caa_fix {
	char *line; /* heap string, the zone line to publish without a line end; NULL when removal alone helps */
	ssize_t replaces; /* index of the RR to take away, -1 when the line comes beside the others */
};

/**
 * perdure_caa_fix(q, rdatas, v, owner, ttl, ret):
 * Say what would turn the refusal ${v} of the RRset at ${rdatas}, which stands at ${owner} (no dot at the end), into an
 * allowance: a property for the first issuer name beside the others; the same property with the method added or the
 * account URL put right; or the removal of what is critical or malformed. ${ret} needs perdure_caa_fix_done(). Return
 * PERDURE_OK; PERDURE_EINVAL when ${v} allows; PERDURE_ENOMEM; PERDURE_EURI for an account URL that a property cannot
 * carry.
 */
PERDURE_API enum perdure_status perdure_caa_fix(const struct perdure_caa_question *q, const struct perdure_text *rdatas,
	const struct perdure_caa_verdict *v, const char *owner, uint32_t ttl, struct perdure_caa_fix *ret);

/**
 * perdure_caa_fix_done(f):
 * Release what ${f} owns and make it empty.
 */
PERDURE_API void perdure_caa_fix_done(struct perdure_caa_fix *f);

#ifdef __cplusplus
}
#endif

#endif
