/*
 * internal.h: what the files of libperdure share. ASCII only and free of locale: a record is octets, not text of the
 * user's language.
 */
#ifndef PERDURE_PERSIST_INTERNAL_H
#define PERDURE_PERSIST_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "perdure/persist.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* For large buffers on the way of every verdict, where clearing them first would take longer than the work. */
#if defined(__has_attribute)
#if __has_attribute(uninitialized)
#define SCRATCH __attribute__((uninitialized))
#endif
#endif
#ifndef SCRATCH
#define SCRATCH
#endif

enum {
	RDATA_MAX = 65535, /* octets of RDATA, length octets of the character-strings included */
	STRING_MAX = 255, /* octets of one character-string */
	URL_MAX = 2048, /* octets of an account URL or a prefix that we hash or write */
	THUMBPRINT_LEN = 43 /* base64url of a SHA-256 digest */
};

static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool is_alnum(char c)
{
	char l = ascii_lower(c);
	return is_digit(c) || (l >= 'a' && l <= 'z');
}

/* What RFC 8659 allows in a parameter's value: printable, without space and `;`. */
extern const bool value_octets[256];
static inline bool is_value_octet(char c)
{
	return value_octets[(unsigned char)c];
}

static inline struct perdure_text text_of(const char *s)
{
	return (struct perdure_text){.p = s, .n = s ? strlen(s) : 0};
}

static inline bool text_eq(struct perdure_text a, struct perdure_text b)
{
	return a.n == b.n && (!a.n || !memcmp(a.p, b.p, a.n));
}

static inline bool text_eq_fold(struct perdure_text a, struct perdure_text b)
{
	if (text_eq(a, b)) /* nearly always decides */
		return true;
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

/* ---- issuevalue.c: one scanner for the strict grammar and for everybody's reading of it ---- */

struct scan_rules {
	bool any_space; /* white space is what C calls so, and 0x1C to 0x1F; not only space and tab */
	bool any_tag; /* the octets of a tag are not looked at */
	bool any_value; /* nor those of a value */
	bool skip_empty; /* an empty parameter is passed over */
	bool skip_no_equals; /* a parameter without `=` is passed over */
	bool empty_tag; /* a tag may be empty */
	bool lone_semicolon; /* "issuer;" has no parameters (as the grammar says) rather than an empty one */
};

extern const struct scan_rules scan_strict;

struct scan {
	const struct scan_rules *rules;
	const char *p;
	size_t n;
	size_t at; /* where the next parameter begins: after its `;` */
	bool more; /* a `;` came before `at` */
	bool first; /* no parameter was read yet */
	struct perdure_text issuer; /* without the white space around it, not checked */
	size_t issuer_at;
	enum perdure_fault fault;
	size_t fault_at;
};

/* Finds the issuer's octets. Cannot fail. */
void scan_open(struct scan *s, const struct scan_rules *rules, const char *p, size_t n);
/* 1 with the next parameter, 0 at the end, -1 with s->fault and s->fault_at. */
int scan_next(struct scan *s, struct perdure_param *ret);

/* Whether t is an issuer-domain-name of RFC 8659; if not, *ret_at (may be NULL) is the octet of t that does not fit. */
bool issuer_grammar(struct perdure_text t, size_t *ret_at);

/* ---- record.c: the zone-file form (RFC 1035 section 5.1) ---- */

/* Octets that c takes when escaped: 1, 2 or 4. */
size_t escaped_size(unsigned char c);
/* Writes c, escaped; gives the end. */
char *put_escaped(char *out, unsigned char c);
/* Writes t escaped between quotes, which takes at most t.n * 4 + 2 octets; gives the end. */
char *put_quoted(char *out, struct perdure_text t);

/* ---- caa.c ---- */

/* Whether a value of `validationmethods` has the method among its labels, whatever else it holds. */
bool caa_lists_method(struct perdure_text list, const char *method);

/* ---- dialect.c ---- */

enum issuer_check {
	ISSUER_GRAMMAR, /* RFC 8659: anything else is no issuer name, the record is passed over */
	ISSUER_COMPARE, /* no check, compared as it is */
	ISSUER_NO_EQUALS, /* empty, or with `=` inside: malformed */
	ISSUER_TWO_LABELS /* the grammar and two labels at least, else malformed */
};

enum dots {
	DOTS_KEPT,
	DOTS_ONE, /* one dot at the end of an issuer name is dropped */
	DOTS_ALL
};

enum until_form {
	UNTIL_TEXT, /* digits, "-" allowed, of any size */
	UNTIL_GO, /* strconv.ParseInt and time.Unix: a sign, 64 bits, and wrapping near the upper end */
	UNTIL_DIGITS, /* digits, of any size */
	UNTIL_DOTNET /* long.TryParse and FromUnixTimeSeconds: white space, a sign, 64 bits, throws outside the years 1
			to 9999 */
};

enum climb {
	CLIMB_NONE, /* looks at the very name only */
	CLIMB_ALL, /* any ancestor */
	CLIMB_ONE, /* the parent, and not for wildcards */
	CLIMB_TWO_LABELS /* ancestors of two labels or more */
};

enum strings_use {
	STRINGS_JOINED,
	STRINGS_FIRST, /* only the first character-string is read */
	STRINGS_APART /* each is read as a record of its own */
};

/* How one validator reads; everything in which they differ. */
struct dialect {
	const char *name;
	enum strings_use strings;
	bool escaped; /* the DNS library hands octets over in zone-file escapes */
	bool strip_quotes; /* white space and then quotes around the whole value are dropped */
	struct scan_rules scan;
	enum issuer_check issuer;
	bool issuer_fold; /* ASCII case of issuer names does not matter */
	enum dots dots;
	bool one_issuer; /* the CA has one issuer name: the first */
	bool syntax_of_all; /* other CAs' malformed records count, too */
	bool dup_unknown; /* a repeated unknown tag is malformed */
	bool dup_policy_ok;
	bool known_needs_equals; /* though parameters without `=` are passed over */
	bool account_empty_unauthorized; /* an empty accounturi is a wrong one, not a missing one */
	enum until_form until;
	bool until_empty_ok; /* an empty persistUntil counts as none */
	bool until_late; /* persistUntil is read only when the account is right */
	bool until_year1_ok; /* the zero time of Go, 0001-01-01, counts as none */
	bool policy_exact; /* the case of `wildcard` matters */
	enum climb climb;
	bool alias_refused; /* the owner of the TXT RRs must be the queried name */
	bool unauthorized_first; /* goes before malformed when records fail differently */
	const char *malformed, *unauthorized, *no_record; /* the words for problems */
};

/* The table's line; DRAFT's for a number out of range. */
const struct dialect *dialect_get(enum perdure_dialect d);

/* ---- reading.c: a value as one dialect reads it ---- */

struct reading {
	struct perdure_text issuer; /* cleaned as the dialect does */
	bool issuer_bad; /* no issuer name could be read */
	size_t issuer_fault_at;
	enum perdure_fault fault; /* of the value as a whole; NONE when it is a record */
	size_t fault_at;
	struct perdure_text account;
	size_t account_at;
	bool has_account;
	bool wildcard;
	bool has_until;
	int64_t until;
	size_t until_at;
	bool until_bad; /* of a dialect with until_late */
	bool until_throws;
};

/* Reads the issuer only; the rest of *r is cleared. */
void reading_issuer(const struct dialect *d, struct scan *s, const char *p, size_t n, struct reading *r);
/* Reads the parameters after reading_issuer(). PERDURE_OK (look at r->fault) or PERDURE_ENOMEM. */
enum perdure_status reading_params(const struct dialect *d, struct scan *s, struct reading *r);

/* ---- accounthash.c ---- */

bool thumbprint_ok(const char *s);
/* Non-empty, at most URL_MAX octets, all of them fit for a parameter's value. */
enum perdure_status uri_ok(const char *s);
/* base64url without padding; out needs room for (n * 4 + 2) / 3 octets and a NUL. Returns the length. */
size_t b64url(const uint8_t *in, size_t n, char *out);
/* Strict decoding of exactly want octets: false for another length, alphabet, padding or stray bits. */
bool b64url_decode(struct perdure_text t, uint8_t *out, size_t want);

#endif
