/*
 * dialect.c: how published validators read, as data. What is not set is as the text of the draft has it.
 */
#include "persist/internal.h"

static const struct dialect dialects[PERDURE_DIALECT_N_] = {
	[PERDURE_DIALECT_DRAFT] =
		{
			.name = "draft",
			.scan = {.lone_semicolon = true},
			.issuer = ISSUER_GRAMMAR,
			.issuer_fold = true,
			.until = UNTIL_TEXT,
			.climb = CLIMB_ALL,
			.malformed = "malformed",
			.unauthorized = "unauthorized",
			.no_record = "unauthorized",
		},
	[PERDURE_DIALECT_BOULDER] =
		{
			.name = "boulder",
			.escaped = true,
			.scan = {.any_tag = true},
			.issuer = ISSUER_COMPARE,
			.issuer_fold = true,
			.dots = DOTS_ONE,
			.one_issuer = true,
			.until = UNTIL_GO,
			.until_year1_ok = true,
			.climb = CLIMB_NONE,
			.malformed = "malformed",
			.unauthorized = "unauthorized",
			.no_record = "unauthorized",
		},
	[PERDURE_DIALECT_PEBBLE] =
		{
			.name = "pebble",
			.escaped = true,
			.scan = {.any_tag = true},
			.issuer = ISSUER_COMPARE,
			.dup_unknown = true,
			.until = UNTIL_GO,
			.climb = CLIMB_NONE,
			.malformed = "malformed",
			.unauthorized = "unauthorized",
			.no_record = "unauthorized",
		},
	[PERDURE_DIALECT_ACME2CERTIFIER] =
		{
			.name = "acme2certifier",
			.strings = STRINGS_FIRST,
			.strip_quotes = true,
			.scan = {.any_space = true, .any_tag = true, .any_value = true, .skip_empty = true},
			.issuer = ISSUER_NO_EQUALS,
			.issuer_fold = true,
			.syntax_of_all = true,
			.dup_unknown = true,
			.account_empty_unauthorized = true,
			.until = UNTIL_DIGITS,
			.until_empty_ok = true,
			.until_late = true,
			.climb = CLIMB_NONE,
			.malformed = "malformed",
			.unauthorized = "unauthorized",
			.no_record = "unauthorized",
		},
	[PERDURE_DIALECT_UCM] =
		{
			.name = "ucm",
			.scan = {.any_space = true,
				.any_tag = true,
				.any_value = true,
				.skip_empty = true,
				.skip_no_equals = true,
				.empty_tag = true},
			.issuer = ISSUER_TWO_LABELS,
			.issuer_fold = true,
			.dots = DOTS_ALL,
			.syntax_of_all = true,
			.dup_unknown = true,
			.known_needs_equals = true,
			.until = UNTIL_DIGITS,
			.climb = CLIMB_TWO_LABELS,
			.unauthorized_first = true,
			.malformed = "malformed",
			.unauthorized = "unauthorized",
			.no_record = "incorrectResponse",
		},
	[PERDURE_DIALECT_ADCS] =
		{
			.name = "adcs",
			.strings = STRINGS_APART,
			.scan = {.any_space = true,
				.any_tag = true,
				.any_value = true,
				.skip_empty = true,
				.skip_no_equals = true,
				.empty_tag = true},
			.issuer = ISSUER_COMPARE,
			.issuer_fold = true,
			.dup_policy_ok = true,
			.until = UNTIL_DOTNET,
			.policy_exact = true,
			.climb = CLIMB_ONE,
			.alias_refused = true,
			.malformed = "incorrectResponse",
			.unauthorized = "incorrectResponse",
			.no_record = "incorrectResponse",
		},
};

const struct dialect *dialect_get(enum perdure_dialect d)
{
	unsigned i = (unsigned)d;
	return &dialects[i < PERDURE_DIALECT_N_ ? i : PERDURE_DIALECT_DRAFT];
}

const char *perdure_dialect_name(enum perdure_dialect dialect)
{
	unsigned i = (unsigned)dialect;
	return i < PERDURE_DIALECT_N_ ? dialects[i].name : NULL;
}

enum perdure_status perdure_dialect_find(const char *name, enum perdure_dialect *ret)
{
	for (unsigned i = 0; name && i < PERDURE_DIALECT_N_; i++)
		if (!strcmp(name, dialects[i].name)) {
			*ret = (enum perdure_dialect)i;
			return PERDURE_OK;
		}
	return PERDURE_EINVAL;
}
