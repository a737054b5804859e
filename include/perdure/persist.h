/*
 * persist.h: libperdure, the ACME `dns-persist-01` validation record and its verdict (draft-ietf-acme-dns-persist-00 to
 * -02).
 *
 * The library does no I/O, keeps no state, never aborts and starts no thread; every function may be called from any
 * thread. What needs a digest takes it as a callback (struct perdure_hash); <perdure/hash.h> has a ready one.
 *
 * Conventions:
 * - Strings are NUL-terminated ASCII unless a length stands beside them. DNS names carry no dot at the end.
 * - ${ret_…} is written only when the function returns PERDURE_OK, unless said otherwise. Heap strings handed out are
 * released with perdure_free(). Input is borrowed: the library keeps no pointer to it, but some results point into it,
 * as noted.
 * - Times are UNIX seconds. Positions are octets from the start of the joined value, the first octet being 0.
 * - Section numbers are those of draft-ietf-acme-dns-persist-02 unless another text is named.
 */
#ifndef PERDURE_PERSIST_H
#define PERDURE_PERSIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define PERDURE_API __attribute__((visibility("default")))
#else
#define PERDURE_API
#endif

/* What a function returns. */
enum perdure_status {
	PERDURE_OK = 0,
	PERDURE_ENOMEM, /* memory is short */
	PERDURE_EINVAL, /* the arguments cannot be worked with: something needed is missing or impossible */
	PERDURE_EMALFORMED, /* the octets are not what they should be; a position comes with it where there is one */
	PERDURE_ELIMIT, /* larger or later than the protocol allows */
	PERDURE_EHASH, /* the hash callback failed */
	PERDURE_EHASHALG, /* not a hash name that may be used here */
	PERDURE_EISSUER, /* not an issuer domain name (lower case, A-labels, no dot at the end, at most 253 octets) */
	PERDURE_EURI, /* a URI with an octet that an issue-value cannot carry, or an empty one */
	PERDURE_ETHUMBPRINT, /* not the 43 characters of a base64url SHA-256 JWK thumbprint */
	PERDURE_ENAMEEMPTY, /* a domain name without any label, or with an empty label */
	PERDURE_ENAMECHAR, /* a domain name with a character that host names do not have */
	PERDURE_ENAMELABEL, /* a label of more than 63 octets */
	PERDURE_ENAMELONG, /* a domain name too long for what is asked */
	PERDURE_ENAMEWILD, /* `*` elsewhere than as the one first label before a name */
	PERDURE_ENAMEIP, /* an IP address: the method is for identifiers of type dns */
	PERDURE_ENAMEIDN /* an internationalised name that IDNA2008 does not allow, or octets that are not UTF-8 */
};

/**
 * perdure_strerror(status):
 * Return a short English text for ${status}, without a full stop; a static string, never NULL.
 */
PERDURE_API const char *perdure_strerror(enum perdure_status status);

/**
 * perdure_free(p):
 * Release a heap string that this library handed out. NULL is allowed.
 */
PERDURE_API void perdure_free(void *p);

/* Octets that belong to somebody else; NULs may be among them. */
struct perdure_text {
	const char *p;
	size_t n;
};

/* ---- Names
 * ---------------------------------------------------------------------------------------------------------------- */

enum {
	PERDURE_NAME_SIZE = 256, /* room for any DNS name in text form and its NUL */
	PERDURE_FQDN_MAX = 233, /* octets of an FQDN that can carry a record: 253 - strlen("_validation-persist.") */
	PERDURE_ISSUER_MAX = 253 /* octets of an issuer domain name, section 3.1 */
};

/**
 * perdure_name_normalize(name, ret_fqdn, ret_wildcard):
 * Write into ${ret_fqdn} the form of the domain ${name} (UTF-8) that certificates and records use: case folded, NFC,
 * A-labels (IDNA2008 with UTS 46 non-transitional processing), one dot at the end dropped, one leading "*." dropped,
 * which ${ret_wildcard} (may be NULL) reports. Section 9.2. Only host names pass: letters, digits and inner hyphens
 * (RFC 1123), so underscores are refused. A name of one label is allowed, for private CAs. Names up to 253 octets pass;
 * a record needs perdure_owner_name(). Return PERDURE_OK, PERDURE_ENOMEM or one of the PERDURE_ENAME… codes.
 */
PERDURE_API enum perdure_status perdure_name_normalize(
	const char *name, char ret_fqdn[PERDURE_NAME_SIZE], bool *ret_wildcard);

/**
 * perdure_owner_name(name, ret_owner):
 * Write into ${ret_owner} the name of the validation record of ${name}, which is taken as in perdure_name_normalize():
 * "_validation-persist." and the FQDN, no dot at the end. Sections 4 and 5. "*.example.com" and "example.com" have the
 * same one. Return as perdure_name_normalize(); PERDURE_ENAMELONG already when the FQDN has more than PERDURE_FQDN_MAX
 * octets.
 */
PERDURE_API enum perdure_status perdure_owner_name(const char *name, char ret_owner[PERDURE_NAME_SIZE]);

/**
 * perdure_issuer_ok(issuer):
 * Return whether ${issuer} is well-formed as an entry of a CA's list of issuer domain names: section 3.1 wants lower
 * case, A-labels, no dot at the end and at most 253 octets.
 */
PERDURE_API bool perdure_issuer_ok(const char *issuer);

/* ---- The issue-value (RFC 8659 section 4.2, with erratum 7139)
 * ------------------------------------------------------------------ */

/* Why a value was refused. */
enum perdure_fault {
	PERDURE_FAULT_NONE = 0,
	PERDURE_FAULT_ISSUER, /* the issuer domain name is not one */
	PERDURE_FAULT_NO_ISSUER, /* there is no issuer domain name; legal as an issue-value, useless as a record */
	PERDURE_FAULT_EMPTY, /* nothing between two `;`, or a `;` at the end */
	PERDURE_FAULT_TAG, /* a tag with an octet that tags do not have, or an empty one */
	PERDURE_FAULT_NO_EQUALS, /* a parameter without `=` */
	PERDURE_FAULT_VALUE, /* a value with an octet that values do not have: controls, space inside, or above 0x7E */
	PERDURE_FAULT_DUPLICATE, /* a parameter that is there already */
	PERDURE_FAULT_NO_ACCOUNT, /* `accounturi` is missing or empty */
	PERDURE_FAULT_UNTIL /* `persistUntil` is not a base-10 integer */
};

/**
 * perdure_fault_text(fault):
 * Return a short English text for ${fault}, without a full stop; a static string, never NULL.
 */
PERDURE_API const char *perdure_fault_text(enum perdure_fault fault);

struct perdure_param {
	struct perdure_text tag, value;
	size_t tag_at, value_at;
};

struct perdure_issuevalue {
	struct perdure_text issuer; /* points into the parsed octets; n == 0 when there is none */
	size_t issuer_at;
	struct perdure_param
		*params; /* in the order of the value; the array is owned, the texts point into the parsed octets */
	size_t n_params;
	enum perdure_fault fault; /* when refused */
	size_t fault_at; /* the first octet that does not fit; the length when the value ends too early */
};

/**
 * perdure_issuevalue_parse(p, n, ret):
 * Parse the ${n} octets at ${p}, which may be anything, by the grammar of RFC 8659 section 4.2, strictly; never read
 * beyond them. White space is dropped, tags keep their case, repeated tags and a missing issuer are no fault of the
 * grammar. ${p} must outlive
 * ${ret}. ${ret} is written in every case: on PERDURE_EMALFORMED with the fault, its position, and what was read before
 * it. It needs perdure_issuevalue_done(). Return PERDURE_OK, PERDURE_EMALFORMED, PERDURE_ENOMEM.
 */
PERDURE_API enum perdure_status perdure_issuevalue_parse(const char *p, size_t n, struct perdure_issuevalue *ret);

/**
 * perdure_issuevalue_done(v):
 * Release what ${v} owns and make it empty.
 */
PERDURE_API void perdure_issuevalue_done(struct perdure_issuevalue *v);

/* ---- Records
 * ---------------------------------------------------------------------------------------------------------------- */

/* 9999-12-31T23:59:59Z: later values make one known validator throw, so they are never written. */
#define PERDURE_UNTIL_MAX INT64_C(253402300799)

/* What an issue-value means as a validation record (section 4.1). */
struct perdure_record {
	struct perdure_text issuer;
	struct perdure_text account_uri;
	bool wildcard; /* policy=wildcard; any other policy counts as none */
	bool has_until; /* persistUntil is there */
	int64_t until; /* the record is unusable after this moment; saturates at the ends of the type */
};

/**
 * perdure_record_read(p, n, ret, ret_fault, ret_at):
 * Parse the joined value of one TXT RR as perdure_issuevalue_parse() does and read the parameters of section 4.1: tags
 * in any case, unknown ones ignored, `accounturi`, `policy` and `persistUntil` at most once, `accounturi` not missing.
 * The texts in ${ret} point into ${p}. Allocates nothing. Return PERDURE_OK, or PERDURE_EMALFORMED with ${ret_fault}
 * and ${ret_at} (either may be NULL) telling what and where.
 */
PERDURE_API enum perdure_status perdure_record_read(
	const char *p, size_t n, struct perdure_record *ret, enum perdure_fault *ret_fault, size_t *ret_at);

/**
 * perdure_record_format(r, ret_value):
 * Write the canonical value, which every known validator reads alike:
 * issuer;accounturi=…[;policy=wildcard][;persistUntil=…], tags in exactly this case, no white space, no `;` at the end.
 * ${ret_value} is a heap string; it holds no NUL inside. Return PERDURE_OK, PERDURE_ENOMEM, PERDURE_EISSUER,
 * PERDURE_EURI, or PERDURE_ELIMIT when the moment is negative or after PERDURE_UNTIL_MAX or the value does not fit in
 * RDATA.
 */
PERDURE_API enum perdure_status perdure_record_format(const struct perdure_record *r, char **ret_value);

/**
 * perdure_record_equal(a, b):
 * Return whether two records mean the same: equal issuer and account URI octet for octet, same policy, same
 * persistUntil. Never compare records as strings: spelling differs between those who write them.
 */
PERDURE_API bool perdure_record_equal(const struct perdure_record *a, const struct perdure_record *b);

/**
 * perdure_record_covers(have, want):
 * Return whether ${have} grants at least what ${want} would: equal issuer and account URI, policy=wildcard if wanted,
 * and not ending earlier (no persistUntil being the latest).
 */
PERDURE_API bool perdure_record_covers(const struct perdure_record *have, const struct perdure_record *want);

/* ---- TXT RDATA (section 9.1, RFC 1035 section 3.3.14)
 * ------------------------------------------------------------------------- */

/**
 * perdure_txt_join(strings, n, ret_value, ret_len):
 * Join the character-strings of one RR with nothing between them. ${ret_value} is a heap string of ${ret_len} octets
 * with a NUL after them. Return PERDURE_OK, PERDURE_ENOMEM, PERDURE_ELIMIT beyond 65535 octets.
 */
PERDURE_API enum perdure_status perdure_txt_join(
	const struct perdure_text *strings, size_t n, char **ret_value, size_t *ret_len);

/**
 * perdure_txt_count(len):
 * Return the number of character-strings for a value of ${len} octets: one when it fits in 255 octets, else as few as
 * can be.
 */
PERDURE_API size_t perdure_txt_count(size_t len);

/**
 * perdure_txt_piece(p, len, i):
 * Return the character-string number ${i}, counted from 0, of the value of ${len} octets at ${p}; it points into ${p}.
 * Empty when there is no such string.
 */
PERDURE_API struct perdure_text perdure_txt_piece(const char *p, size_t len, size_t i);

/**
 * perdure_txt_present(p, len, ret_text):
 * Write the zone-file form (RFC 1035 section 5.1) of TXT RDATA holding the value of ${len} octets at ${p}: quoted
 * character-strings with a space between, `"` and `\` escaped by `\`, octets outside 0x20 to 0x7E as \DDD. ${ret_text}
 * is a heap string. Return PERDURE_OK, PERDURE_ENOMEM, PERDURE_ELIMIT when the RDATA would be longer than 65535 octets.
 */
PERDURE_API enum perdure_status perdure_txt_present(const char *p, size_t len, char **ret_text);

/* ---- The hashed account URI of level 02 (section 4.1(3))
 * ------------------------------------------------------------------------ */

/**
 * A digest: hash the ${n} octets at ${in} with ${alg}, a name of the Named Information Hash Algorithm Registry (RFC
 * 6920 section 9.4) such as "sha-256", write it to ${out} and its length to ${out_len}. Return 0, or -1 when it cannot
 * be done.
 */
typedef int (*perdure_hash_fn)(
	void *ctx, const char *alg, const uint8_t *in, size_t n, uint8_t out[64], size_t *out_len);

struct perdure_hash {
	perdure_hash_fn fn;
	void *ctx; /* handed to fn as it is */
};

/**
 * perdure_hash_length(alg):
 * Return the digest length in octets of the registered hash ${alg} when level 02 can use it (exact name, 256 bits or
 * more, not a truncated form), else 0.
 */
PERDURE_API size_t perdure_hash_length(const char *alg);

/**
 * perdure_account_hash(hash, alg, domain, thumbprint, account_url, ret_digest, ret_len):
 * Compute the digest of section 4.1(3): over one octet with the length of ${domain}, ${domain}, ${thumbprint},
 * ${account_url}.
 * ${domain} is the FQDN that carries the record in the form of perdure_name_normalize(), or "*" for a value that fits
 * any domain;
 * ${thumbprint} the 43 characters of the key's base64url SHA-256 thumbprint (RFC 7638); ${account_url} the exact octets
 * of the Location header of newAccount. Return PERDURE_OK, PERDURE_ENOMEM, PERDURE_EHASH, PERDURE_EHASHALG,
 * PERDURE_ETHUMBPRINT, PERDURE_EURI, PERDURE_ENAMELONG when
 * ${domain} has more than PERDURE_FQDN_MAX octets, PERDURE_ENAMEEMPTY.
 */
PERDURE_API enum perdure_status perdure_account_hash(const struct perdure_hash *hash, const char *alg,
	const char *domain, const char *thumbprint, const char *account_url, uint8_t ret_digest[64], size_t *ret_len);

/**
 * perdure_account_uri(hash, alg, prefix, domain, thumbprint, account_url, ret_uri):
 * Write the `accounturi` of level 02 to the heap string ${ret_uri}: ${prefix} (the directory's `accountHashPrefix`,
 * nothing is put after it), ${alg}, "/" and the digest of perdure_account_hash() as base64url without padding. Return
 * as perdure_account_hash(); PERDURE_EURI also for a ${prefix} that an issue-value cannot carry.
 */
PERDURE_API enum perdure_status perdure_account_uri(const struct perdure_hash *hash, const char *alg,
	const char *prefix, const char *domain, const char *thumbprint, const char *account_url, char **ret_uri);

/* ---- Building a record
 * ------------------------------------------------------------------------------------------------------------ */

/* Which text of the draft a CA speaks. */
enum perdure_level {
	PERDURE_LEVEL_00, /* account URL, the challenge does not tell it */
	PERDURE_LEVEL_01, /* account URL, the challenge tells it */
	PERDURE_LEVEL_02 /* hashed account URI */
};

struct perdure_recipe {
	enum perdure_level level;
	const char *domain; /* as perdure_name_normalize() takes it; a leading "*." also sets the policy */
	const char *issuer; /* exactly as the CA offers it */
	const char *account_url; /* level 01 takes the challenge's `accounturi` when the operator has accepted another
				    one */
	const char *thumbprint; /* level 02: of the current key */
	const char *account_hash_prefix; /* level 02: from the directory */
	const char *hash_alg; /* level 02: NULL means "sha-256" */
	const struct perdure_hash *hash; /* level 02 */
	bool any_domain; /* level 02: hash "*" in place of the domain */
	bool wildcard; /* write policy=wildcard */
	bool has_until;
	int64_t until;
	uint32_t ttl; /* seconds, for the zone line */
};

/* A record ready to be published. All strings are owned. */
struct perdure_built {
	char *fqdn; /* the domain, normalised */
	char *owner; /* the name of the TXT RR, no dot at the end */
	char *value; /* canonical; cut into character-strings by perdure_txt_piece() */
	char *presentation; /* the RDATA in zone-file form */
	char *zone_line; /* "owner. TTL IN TXT …" without a line end */
};

/**
 * perdure_record_build(recipe, ret):
 * Make the record that ${recipe} describes. ${ret} needs perdure_built_done(). Level 02 needs no order, challenge or
 * private key (section 4.5). Return PERDURE_OK, PERDURE_EINVAL when something that the level needs is NULL, or any code
 * of perdure_owner_name(), perdure_account_uri() and perdure_record_format(), PERDURE_ELIMIT also for a TTL above
 * 2^31-1.
 */
PERDURE_API enum perdure_status perdure_record_build(const struct perdure_recipe *recipe, struct perdure_built *ret);

/**
 * perdure_built_done(b):
 * Release what ${b} owns and make it empty.
 */
PERDURE_API void perdure_built_done(struct perdure_built *b);

/* ---- The verdict (section 4.3)
 * ---------------------------------------------------------------------------------------------------- */

/* Whose reading. All but DRAFT are published validators and know level 01; at other levels they differ from DRAFT in
 * syntax only. */
enum perdure_dialect {
	PERDURE_DIALECT_DRAFT, /* the text; an ancestor's record counts, which a CA may leave out */
	PERDURE_DIALECT_BOULDER,
	PERDURE_DIALECT_PEBBLE,
	PERDURE_DIALECT_ACME2CERTIFIER,
	PERDURE_DIALECT_UCM,
	PERDURE_DIALECT_ADCS,
	PERDURE_DIALECT_N_
};

/**
 * perdure_dialect_name(dialect):
 * Return the word for ${dialect} ("draft", "boulder", …); a static string, NULL when there is no such dialect.
 */
PERDURE_API const char *perdure_dialect_name(enum perdure_dialect dialect);

/**
 * perdure_dialect_find(name, ret):
 * Write the dialect called ${name} to ${ret}. Return PERDURE_OK or PERDURE_EINVAL.
 */
PERDURE_API enum perdure_status perdure_dialect_find(const char *name, enum perdure_dialect *ret);

/* One TXT RR: its character-strings in order. */
struct perdure_rr {
	const struct perdure_text *strings;
	size_t n;
};

/* What a CA is asked and knows. Names are in the form of perdure_name_normalize(); ASCII case does not matter in them.
 */
struct perdure_question {
	enum perdure_level level;
	enum perdure_dialect dialect;
	const char *identifier; /* the requested name without "*." */
	bool wildcard; /* "*." was requested */
	const char *fqdn; /* whose record it is: the identifier (also when NULL) or an ancestor of it */
	const char *const *issuers;
	size_t n_issuers;
	const char *const
		*account_urls; /* the first is the account URL; further ones name the same account (level 01) */
	size_t n_account_urls;
	const char *const *thumbprints; /* level 02: the current key, then earlier ones, newest first */
	size_t n_thumbprints;
	const char *account_hash_prefix; /* level 02 */
	const char *const *hash_algs; /* level 02: what the CA accepts; none means "sha-256" alone */
	size_t n_hash_algs;
	const struct perdure_hash *hash; /* level 02 */
	bool deactivated; /* the account is not valid any more */
	bool via_alias; /* the RRset was found behind a CNAME */
	int64_t now;
};

/* Why. The order has no meaning. */
enum perdure_reason {
	PERDURE_REASON_OK = 0,
	PERDURE_REASON_NO_RECORD, /* the RRset is empty */
	PERDURE_REASON_NOT_OURS, /* no record names an issuer of this CA */
	PERDURE_REASON_SYNTAX, /* a record for this CA is malformed: fault and at tell what and where */
	PERDURE_REASON_ACCOUNT, /* a record names another account, or a key the account never had */
	PERDURE_REASON_URI_PREFIX, /* level 02: accounturi does not begin with the CA's prefix */
	PERDURE_REASON_URI_HASH, /* level 02: unknown, truncated or not accepted hash name */
	PERDURE_REASON_URI_DIGEST, /* level 02: the digest is not base64url of the right length */
	PERDURE_REASON_SCOPE_WILD, /* "*." was requested and the record has no policy=wildcard */
	PERDURE_REASON_SCOPE_BELOW, /* the record of an ancestor has no policy=wildcard, or this CA does not look at it
				     */
	PERDURE_REASON_SCOPE_NAME, /* the record belongs to a name that does not contain the requested one */
	PERDURE_REASON_EXPIRED, /* persistUntil has passed */
	PERDURE_REASON_DEACTIVATED, /* the account is deactivated */
	PERDURE_REASON_ALIAS, /* this CA does not accept a record behind a CNAME */
	PERDURE_REASON_RANGE, /* this CA's software fails on so late a persistUntil */
	PERDURE_REASON_LONG /* an RR longer than RDATA can be */
};

struct perdure_verdict {
	bool valid;
	const char *problem; /* last part of the ACME error type, or "exception" where the software fails; static, NULL
				when valid */
	enum perdure_reason reason;
	enum perdure_fault fault; /* with PERDURE_REASON_SYNTAX */
	ssize_t rr; /* index of the RR that decided, -1 when none did */
	ssize_t at; /* the octet in question in that RR's joined value, -1 when there is none */
	/* The following describe the deciding record of a valid verdict. */
	bool has_until;
	int64_t until;
	bool policy_wildcard;
	bool any_domain; /* level 02: the digest is the one over "*" */
	size_t i_thumbprint; /* level 02: which key; not 0 means: publish the record for the current key */
	size_t i_account_url; /* which account URL */
	size_t i_issuer; /* which issuer name */
};

/**
 * perdure_judge(q, rrs, n, ret):
 * Decide what the CA that ${q} describes would decide on the RRset of ${n} RRs at ${rrs}. Every RRset has a verdict,
 * whatever octets it holds. The first RR that passes everything decides; when none does, a malformed one goes before
 * others in most dialects. Allocates only for an RR that must be joined or escaped and takes more than 2048 octets
 * then, and for more than 48 unknown parameters in the dialects that refuse repeated ones. Hashes only when a record of
 * this CA has the right form. Return PERDURE_OK; PERDURE_EINVAL when ${q} lacks what its level needs (identifier,
 * issuers, account URL; at level 02 thumbprint, prefix and hash), PERDURE_ENOMEM, PERDURE_EHASH, PERDURE_ETHUMBPRINT,
 * PERDURE_ENAMELONG.
 */
PERDURE_API enum perdure_status perdure_judge(
	const struct perdure_question *q, const struct perdure_rr *rrs, size_t n, struct perdure_verdict *ret);

/**
 * perdure_reason_text(reason):
 * Return one sentence without a full stop for ${reason}; a static string, never NULL.
 */
PERDURE_API const char *perdure_reason_text(enum perdure_reason reason);

/**
 * perdure_verdict_explain(q, v, ret_sentence):
 * Write one sentence for people about the verdict ${v} on ${q}, with names, values and position in it, to the heap
 * string
 * ${ret_sentence}. Printable ASCII only.
 * Return PERDURE_OK, PERDURE_ENOMEM.
 */
PERDURE_API enum perdure_status perdure_verdict_explain(
	const struct perdure_question *q, const struct perdure_verdict *v, char **ret_sentence);

/**
 * perdure_verdict_fix(q, v, ttl, ret):
 * Make the record that would turn an invalid verdict into a valid one: for the queried FQDN, the first issuer, the
 * current account and key, and policy=wildcard if the request needs it. ${ttl} is for the zone line. ${ret} needs
 * perdure_built_done(). Return PERDURE_OK; PERDURE_EINVAL when no record can help (valid already, account deactivated,
 * a record behind a CNAME that is the trouble); or any code of perdure_record_build().
 */
PERDURE_API enum perdure_status perdure_verdict_fix(
	const struct perdure_question *q, const struct perdure_verdict *v, uint32_t ttl, struct perdure_built *ret);

/* ---- The challenge and the duties of a client (section 3)
 * ----------------------------------------------------------------------- */

enum {
	PERDURE_ISSUERS_MAX = 10 /* entries of a challenge's list, section 3.1 */
};

/* What a CA offers: members of the directory's `meta` and of one challenge object. Absent strings are NULL. */
struct perdure_offer {
	const char *identifier_type; /* of the authorization; NULL means "dns" */
	const char *account_hash_prefix; /* meta.accountHashPrefix */
	const char *const *directory; /* meta.issuerDomainNames (D); NULL when absent or not a list of strings */
	size_t n_directory;
	const char *const *caa; /* meta.caaIdentities (I); NULL when absent or not a list of strings */
	size_t n_caa;
	const char *const *names; /* challenge.issuerDomainNames (level 02); NULL when absent */
	size_t n_names;
	const char *const *names_old; /* challenge.issuer-domain-names (levels 00 and 01); NULL when absent */
	size_t n_names_old;
	const char *account_uri; /* challenge.accounturi */
	const char *account_url; /* the client's own; NULL when not known yet, which skips the comparison */
};

enum perdure_offer_answer {
	PERDURE_OFFER_ACCEPT,
	PERDURE_OFFER_REJECT, /* the challenge is malformed: do not answer it */
	PERDURE_OFFER_CONFIRM, /* level 01 names another account URI than ours: stop unless the operator consents */
	PERDURE_OFFER_NOT_APPLICABLE /* the method is not for this identifier type */
};

struct perdure_offer_result {
	enum perdure_offer_answer answer;
	enum perdure_level level;
	const char *reason; /* one sentence without a full stop; static, "" when accepted */
	ssize_t at; /* index of the name that is at fault in the list that `reason` speaks of, or -1 */
	const char *const *issuers; /* the challenge's list that counts; points into the offer */
	size_t n_issuers;
	bool preprovision; /* D is usable: a record may be published before any order (section 4.5) */
};

/**
 * perdure_level_detect(account_hash_prefix, account_uri):
 * Return the level a CA speaks: 02 when the directory has an `accountHashPrefix`, else 01 when the challenge has an
 * `accounturi`, else 00. Either may be NULL for absent.
 */
PERDURE_API enum perdure_level perdure_level_detect(const char *account_hash_prefix, const char *account_uri);

/**
 * perdure_challenge_check(offer, ret):
 * Do a client's checks on a challenge: 1 to 10 well-formed issuer names; at level 02 every name of D among them and
 * every one of them in I, where D and I are usable (section 3.2), and a prefix that a record can carry; at level 01 the
 * account URI equal to ours. Always returns PERDURE_OK; PERDURE_EINVAL when ${offer} or ${ret} is NULL.
 */
PERDURE_API enum perdure_status perdure_challenge_check(
	const struct perdure_offer *offer, struct perdure_offer_result *ret);

/**
 * perdure_issuer_pick(names, n):
 * Return the index of the lexicographically first of ${n} names: any offered name will do, this makes the choice
 * repeatable. Prefer one for which a record stands already.
 */
PERDURE_API size_t perdure_issuer_pick(const char *const *names, size_t n);

#ifdef __cplusplus
}
#endif

#endif
