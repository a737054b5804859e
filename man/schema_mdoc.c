/* schema_mdoc.c: prints the schema of the configuration as the KEYS part of perdure.yaml(5). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "config/schema.h"

enum { LINE_MAX_OCTETS = 78, TEXT_MAX = 4096 };

/* Text in lines of moderate length, a new one for each sentence, as mdoc wants it. */
static void put_text(const char *s)
{
	size_t column = 0;
	for (;;) {
		size_t n = strcspn(s, " ");
		if (!n)
			break;
		if (column && column + 1 + n > LINE_MAX_OCTETS) {
			putchar('\n');
			column = 0;
		}
		/* A dot or an apostrophe would make the line a request. */
		const char *guard = !column && (*s == '.' || *s == '\'') ? "\\&" : "";
		column += (size_t)printf("%s%s%.*s", column ? " " : "", guard, (int)n, s);
		bool ends = s[n - 1] == '.' && n > 1 && s[n] && s[n + 1] >= 'A' && s[n + 1] <= 'Z';
		s += n + (s[n] == ' ');
		if (ends) {
			putchar('\n');
			column = 0;
		}
	}
	if (column)
		putchar('\n');
}

static void put_key(enum schema_id id)
{
	const struct schema_key *k = &schema_keys[id];
	struct buf b = buf_make(TEXT_MAX);
	printf(".It Cm %s\n", schema_path(id).text);
	put_text(k->help);
	if (k->text)
		put_text(k->text);
	buf_puts(&b, "Value: ");
	schema_describe(id, &b);
	buf_puts(&b, ".");
	if (k->def)
		buf_printf(&b, " Default: %s.", k->def);
	put_text(buf_str(&b));
	buf_done(&b);
}

static void put_below(enum schema_id parent)
{
	for (enum schema_id id = SCHEMA_ROOT + 1; id < SCHEMA_N_; id++) {
		if (schema_keys[id].parent != parent)
			continue;
		put_key(id);
		put_below(id);
	}
}

int main(void)
{
	for (enum schema_id id = SCHEMA_ROOT + 1; id < SCHEMA_N_; id++) {
		if (schema_keys[id].parent != SCHEMA_ROOT)
			continue;
		printf(".Ss %s\n.Bl -tag -width Ds\n", schema_keys[id].name);
		put_key(id);
		put_below(id);
		puts(".El");
	}
	return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
