/* schedule.c: when a certificate is due. */
#include "fleet/schedule.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "state/store.h"

/* With so small a part of its lifetime left, a certificate that could not be renewed is an alarm. */
enum { ALARM_PART = 6 };

/* Of what is left of a live certificate no wait takes more than this part: some tries are left whatever happens. */
enum { WAIT_PART = 8 };

/* What a CA that has paused a name is given, and a little more. */
enum { FAILURE_WAIT_MAX = 8 * 86400 };

enum { DAY = 86400, SHORT_LIFETIME = 10 * DAY, ASK_AGAIN = DAY / 4, ASK_AGAIN_MIN = 60, BACKOFF_MIN = 60 };

static const char *const verdict_names[] = {
	[SCHEDULE_NOT_DUE] = "not-due",
	[SCHEDULE_WAITING] = "waiting",
	[SCHEDULE_NEW] = "new",
	[SCHEDULE_NAMES] = "names",
	[SCHEDULE_CA] = "ca",
	[SCHEDULE_UNFINISHED] = "unfinished",
	[SCHEDULE_WINDOW] = "window",
	[SCHEDULE_EXPIRING] = "expiring",
};
_Static_assert(ARRAY_LEN(verdict_names) == SCHEDULE_N_, "one name per verdict");

const char *schedule_verdict_name(enum schedule_verdict v)
{
	return verdict_names[v];
}

int64_t schedule_renew_at(int64_t not_before, int64_t not_after)
{
	int64_t lifetime = not_after - not_before;
	return not_after - (lifetime <= SHORT_LIFETIME ? lifetime / 2 : lifetime / 3);
}

/* A fleet that was issued in one hour is not renewed in one: each certificate is due up to an eighth of its lifetime
 * before the last moment, always the same for one certificate. */
static int64_t earlier_by(const struct store_cert *row)
{
	int64_t most = (row->not_after - row->not_before) / 8;
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a of the serial number, which is random */
	if (!row->serial || !row->serial[0] || most < 1)
		return 0;
	for (const char *p = row->serial; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 0x100000001b3;
	return (int64_t)((hash >> 16) % (uint64_t)most);
}

int64_t schedule_due_at(const struct store_cert *row)
{
	if (row->window.start)
		return row->window.at;
	return schedule_renew_at(row->not_before, row->not_after) - earlier_by(row);
}

int64_t schedule_alarm_at(int64_t not_before, int64_t not_after)
{
	return not_after - (not_after - not_before) / ALARM_PART;
}

static int useless(int64_t start, int64_t end, const char *why, struct err *e)
{
	char from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX];
	clock_rfc3339(start, from);
	clock_rfc3339(end, to);
	return err_set(e, ERR_PROTO, "the CA's window for its renewal, %s to %s, %s", from, to, why);
}

int schedule_take_window(struct store_cert *row, int64_t start, int64_t end, uint64_t r, struct err *e)
{
	struct store_window *w = &row->window;
	int64_t latest = row->not_after - (row->not_after - row->not_before) / 8;
	if (start <= 0 || end <= start)
		return useless(start, end, "ends before it begins", e);
	if (end < row->not_before)
		return useless(start, end, "ends before the certificate began", e);
	if (start >= latest)
		return useless(start, end, "begins when it is late already", e);
	if (w->start == start && w->end == end)
		return 0;
	bool whole_life = start <= row->not_before && end >= row->not_after;
	int64_t last = end < latest ? end : latest;
	w->start = whole_life ? 0 : start;
	w->end = whole_life ? 0 : end;
	w->at = whole_life ? 0 : start + (int64_t)(r % (uint64_t)(last - start + 1));
	return 0;
}

int64_t schedule_ask_at(int64_t now, int64_t said)
{
	if (!said)
		return now + ASK_AGAIN;
	if (said < now + ASK_AGAIN_MIN)
		return now + ASK_AGAIN_MIN;
	return said > now + DAY ? now + DAY : said;
}

static enum schedule_verdict wanted(const struct config_cert *cert, const struct schedule_facts *f, int64_t now)
{
	const struct store_cert *row = f->row;
	if (!row || !row->generation || !f->live)
		return SCHEDULE_NEW;
	if (!strv_same_set(&cert->names, &row->names))
		return SCHEDULE_NAMES;
	if (!strv_has(&cert->cas, row->ca))
		return SCHEDULE_CA;
	if (now < schedule_due_at(row))
		return f->in_work ? SCHEDULE_UNFINISHED : SCHEDULE_NOT_DUE;
	return row->window.start && now < schedule_renew_at(row->not_before, row->not_after) ? SCHEDULE_WINDOW
											     : SCHEDULE_EXPIRING;
}

enum schedule_verdict schedule_due(const struct config_cert *cert, const struct schedule_facts *f, int64_t now)
{
	enum schedule_verdict v = wanted(cert, f, now);
	if (v == SCHEDULE_NOT_DUE || !f->row || f->row->next_at <= now || f->ignore_wait)
		return v;
	/* No failure waits so long: the clock was ahead then, and was put right since. */
	return f->row->failures && f->row->next_at - now > FAILURE_WAIT_MAX ? v : SCHEDULE_WAITING;
}

const char *schedule_replaces(const struct store_cert *row, const char *ca, const struct strv *names)
{
	if (!row->generation || !row->ari_id[0] || strcmp(row->ca, ca))
		return NULL;
	for (size_t i = 0; i < row->names.n; i++)
		if (strv_has(names, row->names.v[i]))
			return row->ari_id;
	return NULL;
}

int64_t schedule_backoff(int64_t failures, uint64_t r)
{
	int64_t wait = BACKOFF_MIN;
	for (int64_t i = 1; i < failures && wait < DAY; i++)
		wait *= 2;
	if (wait > DAY)
		wait = DAY;
	return wait + (int64_t)(r % (uint64_t)(wait / 10));
}

void schedule_failed(struct store_cert *row, const struct err *e, int64_t now, uint64_t r)
{
	int64_t left = row->generation && row->not_after > now ? row->not_after - now : 0;
	if (row->failures < INT64_MAX)
		row->failures++;
	int64_t wait = schedule_backoff(row->failures, r);
	if (left && wait > left / WAIT_PART)
		wait = left / WAIT_PART > BACKOFF_MIN ? left / WAIT_PART : BACKOFF_MIN;
	row->next_at = now + wait;
	/* A record that is published a moment later must not find us waiting; holding costs the CA nothing. By a clock
	 * that is wrong no moment can be told. */
	if (e->kind == ERR_POLICY || e->kind == ERR_CLOCK)
		row->next_at = 0;
	if (e->retry_at / 1000 > row->next_at)
		row->next_at = e->retry_at / 1000;
	free(row->last_error);
	row->last_error = xstrdup(e->msg);
}
