/* clock.c: clocks and the textual forms of time. All in UTC, without the C library's locale or time zone. */
#include "base/clock.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/xalloc.h"

static int64_t machine_us(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

#ifdef PERDURE_FAULTS
/* Set before main(), so that every thread may read them. */
static int64_t rate = 1, wall_start, mono_start;

__attribute__((constructor)) static void read_rate(void)
{
	const char *wanted = getenv("PERDURE_TIME_RATE");
	int64_t n = wanted ? strtol(wanted, NULL, 10) : 1;
	rate = n > 1000 ? 1000 : n < 1 ? 1 : n;
	wall_start = machine_us(CLOCK_REALTIME);
	mono_start = machine_us(CLOCK_MONOTONIC);
}

static int64_t read_us(clockid_t id)
{
	int64_t start = id == CLOCK_REALTIME ? wall_start : mono_start;
	return start + (machine_us(id) - start) * rate;
}

int64_t clk_real_rate(void)
{
	return rate;
}
#else
static int64_t read_us(clockid_t id)
{
	return machine_us(id);
}

int64_t clk_real_rate(void)
{
	return 1;
}
#endif

int64_t clk_real_mono_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

static int64_t real_wall(void *ctx)
{
	(void)ctx;
	return read_us(CLOCK_REALTIME) / 1000;
}

static int64_t real_mono(void *ctx)
{
	(void)ctx;
	return read_us(CLOCK_MONOTONIC) / 1000;
}

const struct clk *clk_real(void)
{
	static const struct clk real = {.wall = real_wall, .mono = real_mono};
	return &real;
}

/* Days since the epoch of a proleptic Gregorian date; the year starts in March so that the leap day comes last. */
static int64_t days_from_civil(int64_t y, int m, int d)
{
	y -= m <= 2;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return era * 146097 + doe - 719468;
}

int64_t clock_utc(int64_t year, int month, int day, int hour, int min, int sec)
{
	return days_from_civil(year, month, day) * 86400 + hour * INT64_C(3600) + min * INT64_C(60) + sec;
}

void clock_rfc3339(int64_t secs, char out[static CLOCK_TEXT_MAX])
{
	static const int64_t first = -62167219200, last = 253402300799; /* of the years 0 to 9999 */
	time_t t = (time_t)(secs < first ? first : secs > last ? last : secs);
	struct tm tm;
	gmtime_r(&t, &tm);
	/* Not %Y: it writes years before 1000 with fewer than four digits. */
	int n = snprintf(out, CLOCK_TEXT_MAX, "%04d", tm.tm_year + 1900);
	strftime(out + n, CLOCK_TEXT_MAX - (size_t)n, "-%m-%dT%H:%M:%SZ", &tm);
}

/* Reads exactly n digits. */
static bool digits(const char **s, int n, int *ret)
{
	int v = 0;
	for (int i = 0; i < n; i++) {
		if (!isdigit((unsigned char)(*s)[i]))
			return false;
		v = v * 10 + ((*s)[i] - '0');
	}
	*s += n;
	*ret = v;
	return true;
}

static bool literal(const char **s, const char *lit)
{
	size_t n = strlen(lit);
	if (strncmp(*s, lit, n))
		return false;
	*s += n;
	return true;
}

static bool hms(const char **s, int *h, int *m, int *sec)
{
	return digits(s, 2, h) && literal(s, ":") && digits(s, 2, m) && literal(s, ":") && digits(s, 2, sec) &&
	       *h < 24 && *m < 60 && *sec <= 60;
}

static bool sane_day(int y, int m, int d)
{
	static const int len[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
	return m >= 1 && m <= 12 && d >= 1 && d <= len[m - 1] && (m != 2 || d < 29 || leap);
}

int clock_parse_rfc3339(const char *s, int64_t *ret_secs, struct err *e)
{
	const char *p = s;
	int y, mo, d, h, mi, sec, oh = 0, om = 0, sign = 0;
	bool ok = digits(&p, 4, &y) && literal(&p, "-") && digits(&p, 2, &mo) && literal(&p, "-") &&
		  digits(&p, 2, &d) && (literal(&p, "T") || literal(&p, "t") || literal(&p, " ")) &&
		  hms(&p, &h, &mi, &sec) && sane_day(y, mo, d);
	if (ok && *p == '.') {
		p++;
		ok = isdigit((unsigned char)*p);
		while (isdigit((unsigned char)*p))
			p++;
	}
	if (ok && (*p == 'Z' || *p == 'z')) {
		p++;
	} else if (ok && (*p == '+' || *p == '-')) {
		sign = *p++ == '+' ? 1 : -1;
		ok = digits(&p, 2, &oh) && literal(&p, ":") && digits(&p, 2, &om) && oh < 24 && om < 60;
	} else {
		ok = false;
	}
	if (!ok || *p)
		return err_set(e, ERR_PARSE, "\"%.40s\" is not an RFC 3339 time", s);
	*ret_secs = clock_utc(y, mo, d, h, mi, sec) - sign * (oh * INT64_C(3600) + om * INT64_C(60));
	return 0;
}

static bool month_name(const char **s, int *ret)
{
	static const char names[12][4] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	for (int i = 0; i < 12; i++)
		if (literal(s, names[i])) {
			*ret = i + 1;
			return true;
		}
	return false;
}

/* The day name is not compared with the date: it carries nothing. */
static bool skip_day_name(const char **s, char end)
{
	const char *p = *s;
	while (isalpha((unsigned char)*p))
		p++;
	if (p - *s < 3 || *p != end)
		return false;
	*s = p + 1;
	return true;
}

static bool imf_fixdate(const char *p, int *y, int *mo, int *d, int *h, int *mi, int *s)
{
	return skip_day_name(&p, ',') && literal(&p, " ") && digits(&p, 2, d) && literal(&p, " ") &&
	       month_name(&p, mo) && literal(&p, " ") && digits(&p, 4, y) && literal(&p, " ") && hms(&p, h, mi, s) &&
	       literal(&p, " GMT") && !*p;
}

static bool rfc850_date(const char *p, int *y, int *mo, int *d, int *h, int *mi, int *s)
{
	if (!(skip_day_name(&p, ',') && literal(&p, " ") && digits(&p, 2, d) && literal(&p, "-") &&
		    month_name(&p, mo) && literal(&p, "-") && digits(&p, 2, y) && literal(&p, " ") &&
		    hms(&p, h, mi, s) && literal(&p, " GMT") && !*p))
		return false;
	*y += *y < 70 ? 2000 : 1900;
	return true;
}

static bool asctime_date(const char *p, int *y, int *mo, int *d, int *h, int *mi, int *s)
{
	if (!(skip_day_name(&p, ' ') && month_name(&p, mo) && literal(&p, " ")))
		return false;
	bool day = *p == ' ' ? (p++, digits(&p, 1, d)) : digits(&p, 2, d);
	return day && literal(&p, " ") && hms(&p, h, mi, s) && literal(&p, " ") && digits(&p, 4, y) && !*p;
}

int clock_parse_http_date(const char *s, int64_t *ret_secs, struct err *e)
{
	int y, mo, d, h, mi, sec;
	if (!(imf_fixdate(s, &y, &mo, &d, &h, &mi, &sec) || rfc850_date(s, &y, &mo, &d, &h, &mi, &sec) ||
		    asctime_date(s, &y, &mo, &d, &h, &mi, &sec)) ||
		!sane_day(y, mo, d))
		return err_set(e, ERR_PARSE, "\"%.40s\" is not an HTTP-date", s);
	*ret_secs = clock_utc(y, mo, d, h, mi, sec);
	return 0;
}

bool clock_retry_after(const char *s, int64_t now_ms, int64_t *ret_at_ms)
{
	enum { DAY_MS = 86400000 };
	int64_t wait_ms;
	s += strspn(s, " \t");
	size_t len = strlen(s);
	while (len && (s[len - 1] == ' ' || s[len - 1] == '\t'))
		len--;
	AUTO(xfreep) char *value = xstrndup(s, len);
	if (len && strspn(value, "0123456789") == len) {
		/* More digits than the type holds become its largest number. */
		long long secs = strtoll(value, NULL, 10);
		wait_ms = secs > DAY_MS / 1000 ? DAY_MS : secs * 1000;
	} else {
		struct err e = {0};
		int64_t at;
		if (clock_parse_http_date(value, &at, &e)) {
			err_done(&e);
			return false;
		}
		wait_ms = at * 1000 - now_ms;
	}
	if (wait_ms < 0)
		wait_ms = 0;
	*ret_at_ms = now_ms + (wait_ms > DAY_MS ? DAY_MS : wait_ms);
	return true;
}
