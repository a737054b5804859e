/* clock.h: the clock as a value that can be passed (and faked), and the textual forms of time. */
#ifndef PERDURE_BASE_CLOCK_H
#define PERDURE_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/* Where time comes from. Both calls return milliseconds. */
struct clk {
	int64_t (*wall)(void *ctx); /* since the UNIX epoch */
	int64_t (*mono)(void *ctx); /* since some fixed moment; never goes back */
	void *ctx;
};

/* The machine's clocks. */
const struct clk *clk_real(void);
/* The same monotonic clock, in microseconds. */
int64_t clk_real_mono_us(void);
/* How many times faster than the machine's clocks those run: 1, but for PERDURE_TIME_RATE (base/fault.h). */
int64_t clk_real_rate(void);

static inline int64_t clk_wall(const struct clk *c)
{
	return c->wall(c->ctx);
}
static inline int64_t clk_mono(const struct clk *c)
{
	return c->mono(c->ctx);
}

enum { CLOCK_TEXT_MAX = 32 };
/*
 * RFC 3339 in UTC with whole seconds, "2026-11-21T08:00:00Z", into out. secs is UNIX seconds. The form has four digits
 * for the year: a moment outside the years 0 to 9999 is written as the nearest inside.
 */
void clock_rfc3339(int64_t secs, char out[static CLOCK_TEXT_MAX]);
/* Reads RFC 3339 (with fraction and offset) into UNIX seconds. -1 with ERR_PARSE otherwise. */
int clock_parse_rfc3339(const char *s, int64_t *ret_secs, struct err *e);
/* Reads the three forms of HTTP-date (RFC 9110 section 5.6.7) into UNIX seconds. -1 with ERR_PARSE otherwise. */
int clock_parse_http_date(const char *s, int64_t *ret_secs, struct err *e);
/*
 * Reads a Retry-After value (RFC 9110 section 10.2.3): seconds or an HTTP-date, white space around it aside.
 * Gives the moment in UNIX milliseconds, held between 0 s and 24 h from now_ms. False for anything else (negative,
 * text, empty): the caller's own back-off applies.
 */
bool clock_retry_after(const char *s, int64_t now_ms, int64_t *ret_at_ms);
/* UNIX seconds of a UTC date; month 1 to 12. Fields are not range-checked. */
int64_t clock_utc(int64_t year, int month, int day, int hour, int min, int sec);

#endif
