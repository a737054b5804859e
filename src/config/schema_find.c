/* schema_find.c: look-ups in the table of configuration keys, and its rows in words. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "config/schema.h"

enum { SUGGEST_MAX = 32 };

enum schema_id schema_find(enum schema_id parent, const char *name)
{
	for (enum schema_id id = SCHEMA_ROOT + 1; id < SCHEMA_N_; id++)
		if (schema_keys[id].parent == parent && !strcmp(schema_keys[id].name, name))
			return id;
	return SCHEMA_ROOT;
}

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;
	return m < c ? m : c;
}

/* Insertions, deletions and replacements from a to b; both at most SUGGEST_MAX octets. */
static size_t distance(const char *a, const char *b)
{
	size_t row[SUGGEST_MAX + 1];
	size_t nb = strlen(b);
	for (size_t j = 0; j <= nb; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t up = row[j];
			row[j] = min3(up + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = up;
		}
	}
	return row[nb];
}

/* One begins with the other, and that is not chance. */
static bool shares_start(const char *a, const char *b)
{
	size_t na = strlen(a);
	size_t nb = strlen(b);
	size_t n = na < nb ? na : nb;
	return n >= 4 && !memcmp(a, b, n);
}

const char *schema_suggest(enum schema_id parent, const char *name)
{
	const char *best = NULL;
	size_t n = strlen(name);
	size_t least = n / 3 + 1;
	if (n > SUGGEST_MAX)
		return NULL;
	for (enum schema_id id = SCHEMA_ROOT + 1; id < SCHEMA_N_; id++) {
		if (schema_keys[id].parent != parent)
			continue;
		size_t d = distance(name, schema_keys[id].name);
		if (d <= least && (!best || d < least)) {
			best = schema_keys[id].name;
			least = d;
		} else if (!best && shares_start(name, schema_keys[id].name)) {
			best = schema_keys[id].name;
		}
	}
	return best;
}

void schema_allowed(enum schema_id parent, struct buf *out)
{
	const char *between = "";
	for (enum schema_id id = SCHEMA_ROOT + 1; id < SCHEMA_N_; id++) {
		if (schema_keys[id].parent != parent)
			continue;
		buf_printf(out, "%s%s", between, schema_keys[id].name);
		between = ", ";
	}
}

struct schema_path schema_path(enum schema_id id)
{
	struct schema_path p = {.text = "the file"};
	if (id == SCHEMA_ROOT)
		return p;
	enum schema_id up = schema_keys[id].parent;
	if (up == SCHEMA_ROOT) {
		snprintf(p.text, sizeof(p.text), "%s", schema_keys[id].name);
		return p;
	}
	struct schema_path above = schema_path(up);
	snprintf(p.text, sizeof(p.text), "%.40s%s.%s", above.text, schema_keys[up].type == SCHEMA_LIST ? "[]" : "",
		schema_keys[id].name);
	return p;
}

static const char *form_words(enum schema_form form)
{
	switch (form) {
	case SCHEMA_LABEL:
		return "name of letters, digits, '.', '_' and '-'";
	case SCHEMA_PATH:
		return "path, relative to the directory of the file that names it";
	case SCHEMA_URL:
		return "https URL";
	case SCHEMA_URL_HTTP:
		return "https or http URL";
	case SCHEMA_ISSUER:
	case SCHEMA_ZONE:
	case SCHEMA_HOST:
		return "domain name";
	case SCHEMA_ADDRESS:
		return "IP address";
	case SCHEMA_ADDRESS_PORT:
		return "IP address, with \"@PORT\" or without";
	case SCHEMA_RESOLVER:
		return "IP address, with \"@PORT\" or without, with \"tcp://\" or without, or https URL";
	case SCHEMA_MAIL:
		return "mail address";
	case SCHEMA_MODE:
		return "rights of a file as three or four octal digits, such as 0640";
	case SCHEMA_HOST_PORT:
		return "HOST:PORT";
	case SCHEMA_THUMBPRINT:
		return "43 characters of base64url";
	case SCHEMA_TEXT:
		break;
	}
	return "text";
}

/* 7200000 → "2h" */
static void put_duration(struct buf *out, int64_t ms)
{
	static const struct {
		int64_t ms;
		char unit;
	} units[] = {{86400000, 'd'}, {3600000, 'h'}, {60000, 'm'}, {1000, 's'}};
	size_t i = 0;
	while (ms % units[i].ms)
		i++;
	buf_printf(out, "%lld%c", (long long)(ms / units[i].ms), units[i].unit);
}

static void put_words(struct buf *out, const char *words)
{
	for (const char *p = words; *p; p++) {
		if (*p == ' ')
			buf_puts(out, ", ");
		else
			buf_putc(out, *p);
	}
}

void schema_describe(enum schema_id id, struct buf *out)
{
	const struct schema_key *k = &schema_keys[id];
	switch (k->type) {
	case SCHEMA_MAP:
		buf_puts(out, "map");
		return;
	case SCHEMA_LIST:
		buf_puts(out, id == SCHEMA_CAS ? "list of preset names and maps" : "list of maps");
		return;
	case SCHEMA_BOOL:
		buf_puts(out, "true or false");
		return;
	case SCHEMA_INT:
		buf_printf(out, "whole number, %lld to %lld", (long long)k->min, (long long)k->max);
		return;
	case SCHEMA_DURATION:
		buf_puts(out, "duration such as 10s, 5m, 2h or 30d, ");
		put_duration(out, k->min);
		buf_puts(out, " to ");
		put_duration(out, k->max);
		return;
	case SCHEMA_TIME:
		buf_puts(out, "time such as 2027-11-21T00:00:00Z, or UNIX seconds");
		return;
	case SCHEMA_WORD:
		buf_puts(out, "one of ");
		put_words(out, k->words);
		return;
	case SCHEMA_STRING:
		buf_puts(out, form_words(k->form));
		return;
	case SCHEMA_STRINGS:
		buf_printf(out, "%s, or a list of 1 to %lld", form_words(k->form), (long long)k->max);
		return;
	}
}

bool schema_has_word(const char *words, const char *word)
{
	size_t n = strlen(word);
	for (const char *p = words; n && *p;) {
		size_t len = strcspn(p, " ");
		if (len == n && !memcmp(p, word, n))
			return true;
		p += len + (p[len] == ' ');
	}
	return false;
}
