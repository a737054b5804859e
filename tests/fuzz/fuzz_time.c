/*
 * fuzz_time.c: times as CAs, records and operators write them. What is read must be said again and read the same; a
 * Retry-After never leaves the day it is held to.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Offsets of up to a day may lead out of the years 0 to 9999, which the text cannot say. */
static void check_text(int64_t secs)
{
	static const int64_t first = -62167219200, last = 253402300799;
	struct err e = {0};
	char text[CLOCK_TEXT_MAX];
	int64_t again;
	clock_rfc3339(secs, text);
	if (clock_parse_rfc3339(text, &again, &e))
		abort();
	if (again != (secs < first ? first : secs > last ? last : secs))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { DAY_MS = 86400000 };
	static const int64_t now = INT64_C(1795248000500);
	struct err e = {0};
	int64_t secs, at;
	char *s = malloc(size + 1);
	if (!s)
		return 0;
	if (size)
		memcpy(s, data, size);
	s[size] = '\0';
	if (!clock_parse_rfc3339(s, &secs, &e))
		check_text(secs);
	err_done(&e);
	bool date = !clock_parse_http_date(s, &secs, &e);
	if (date)
		check_text(secs);
	err_done(&e);
	bool after = clock_retry_after(s, now, &at);
	if (after && (at < now || at > now + DAY_MS))
		abort();
	if (date && !after)
		abort();
	free(s);
	return 0;
}
