/*
 * record.c: the record behind an issue-value: reading, canonical writing, comparison, and TXT character-strings.
 */
#include "persist/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum perdure_status perdure_record_read(
	const char *p, size_t n, struct perdure_record *ret, enum perdure_fault *ret_fault, size_t *ret_at)
{
	const struct dialect *d = dialect_get(PERDURE_DIALECT_DRAFT);
	struct scan s;
	struct reading r;
	reading_issuer(d, &s, p, n, &r);
	if (r.issuer_bad) {
		r.fault = r.issuer.n ? PERDURE_FAULT_ISSUER : PERDURE_FAULT_NO_ISSUER;
		r.fault_at = r.issuer_fault_at;
	} else {
		enum perdure_status status = reading_params(d, &s, &r);
		if (status != PERDURE_OK)
			return status;
	}
	if (r.fault != PERDURE_FAULT_NONE) {
		if (ret_fault)
			*ret_fault = r.fault;
		if (ret_at)
			*ret_at = r.fault_at;
		return PERDURE_EMALFORMED;
	}
	*ret = (struct perdure_record){.issuer = r.issuer,
		.account_uri = r.account,
		.wildcard = r.wildcard,
		.has_until = r.has_until,
		.until = r.until};
	return PERDURE_OK;
}

static bool canonical_issuer(struct perdure_text t)
{
	if (!issuer_grammar(t, NULL))
		return false;
	for (size_t i = 0; i < t.n; i++)
		if (ascii_lower(t.p[i]) != t.p[i])
			return false;
	return true;
}

bool perdure_issuer_ok(const char *issuer)
{
	size_t label = 0;
	for (const char *c = issuer; c && *c; c++) {
		label = *c == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return issuer && canonical_issuer(text_of(issuer));
}

enum perdure_status perdure_record_format(const struct perdure_record *r, char **ret_value)
{
	if (!canonical_issuer(r->issuer))
		return PERDURE_EISSUER;
	if (!r->account_uri.n)
		return PERDURE_EURI;
	for (size_t i = 0; i < r->account_uri.n; i++)
		if (!is_value_octet(r->account_uri.p[i]))
			return PERDURE_EURI;
	if (r->has_until && (r->until < 0 || r->until > PERDURE_UNTIL_MAX))
		return PERDURE_ELIMIT;
	char until[sizeof(";persistUntil=") + 20] = "";
	if (r->has_until)
		snprintf(until, sizeof(until), ";persistUntil=%" PRId64, r->until);
	const char *policy = r->wildcard ? ";policy=wildcard" : "";
	if (r->account_uri.n > RDATA_MAX)
		return PERDURE_ELIMIT;
	size_t n = r->issuer.n + strlen(";accounturi=") + r->account_uri.n + strlen(policy) + strlen(until);
	if (n + perdure_txt_count(n) > RDATA_MAX)
		return PERDURE_ELIMIT;
	char *value = malloc(n + 1);
	if (!value)
		return PERDURE_ENOMEM;
	snprintf(value, n + 1, "%.*s;accounturi=%.*s%s%s", (int)r->issuer.n, r->issuer.p, (int)r->account_uri.n,
		r->account_uri.p, policy, until);
	*ret_value = value;
	return PERDURE_OK;
}

static bool same_issuer_and_account(const struct perdure_record *a, const struct perdure_record *b)
{
	return text_eq(a->issuer, b->issuer) && text_eq(a->account_uri, b->account_uri);
}

bool perdure_record_equal(const struct perdure_record *a, const struct perdure_record *b)
{
	return same_issuer_and_account(a, b) && a->wildcard == b->wildcard && a->has_until == b->has_until &&
	       (!a->has_until || a->until == b->until);
}

bool perdure_record_covers(const struct perdure_record *have, const struct perdure_record *want)
{
	if (!same_issuer_and_account(have, want) || (want->wildcard && !have->wildcard))
		return false;
	return !have->has_until || (want->has_until && have->until >= want->until);
}

enum perdure_status perdure_txt_join(const struct perdure_text *strings, size_t n, char **ret_value, size_t *ret_len)
{
	size_t len = 0;
	for (size_t i = 0; i < n; i++) {
		if (strings[i].n > RDATA_MAX || len + strings[i].n > RDATA_MAX)
			return PERDURE_ELIMIT;
		len += strings[i].n;
	}
	char *value = malloc(len + 1);
	if (!value)
		return PERDURE_ENOMEM;
	size_t at = 0;
	for (size_t i = 0; i < n; i++) {
		if (strings[i].n)
			memcpy(value + at, strings[i].p, strings[i].n);
		at += strings[i].n;
	}
	value[len] = '\0';
	*ret_value = value;
	*ret_len = len;
	return PERDURE_OK;
}

size_t perdure_txt_count(size_t len)
{
	return len ? (len - 1) / STRING_MAX + 1 : 1;
}

struct perdure_text perdure_txt_piece(const char *p, size_t len, size_t i)
{
	if (i >= perdure_txt_count(len))
		return (struct perdure_text){.p = p, .n = 0};
	size_t from = i * STRING_MAX;
	size_t n = len - from < STRING_MAX ? len - from : STRING_MAX;
	return (struct perdure_text){.p = p + from, .n = n};
}

size_t escaped_size(unsigned char c)
{
	if (c == '"' || c == '\\')
		return 2;
	return c < 0x20 || c > 0x7E ? 4 : 1;
}

char *put_escaped(char *out, unsigned char c)
{
	size_t size = escaped_size(c);
	if (size > 1)
		*out++ = '\\';
	if (size < 4) {
		*out++ = (char)c;
		return out;
	}
	*out++ = (char)('0' + c / 100);
	*out++ = (char)('0' + c / 10 % 10);
	*out++ = (char)('0' + c % 10);
	return out;
}

char *put_quoted(char *out, struct perdure_text t)
{
	*out++ = '"';
	for (size_t i = 0; i < t.n; i++)
		out = put_escaped(out, (unsigned char)t.p[i]);
	*out++ = '"';
	return out;
}

enum perdure_status perdure_txt_present(const char *p, size_t len, char **ret_text)
{
	if (len > RDATA_MAX || len + perdure_txt_count(len) > RDATA_MAX)
		return PERDURE_ELIMIT;
	size_t n = perdure_txt_count(len);
	char *text = malloc(len * 4 + n * 3);
	if (!text)
		return PERDURE_ENOMEM;
	char *out = text;
	for (size_t i = 0; i < n; i++) {
		if (i)
			*out++ = ' ';
		out = put_quoted(out, perdure_txt_piece(p, len, i));
	}
	*out = '\0';
	*ret_text = text;
	return PERDURE_OK;
}
