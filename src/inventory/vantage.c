/* vantage.c: the quorum of several points of view. */
#include "inventory/vantage.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"

enum { REMOTE_MIN = 2, REMOTE_MANY = 6 };

size_t vantage_allowed(size_t n)
{
	return n < REMOTE_MIN ? 0 : n < REMOTE_MANY ? 1 : 2;
}

/*
 * From when on how many, as section 3.2.2.9 has it since ballot SC-067. From the first date to 2025-09-15 a CA could go
 * on without them.
 */
static const struct {
	int year, month;
	size_t n, regions;
} steps[] = {{2026, 12, 5, 2}, {2026, 6, 4, 2}, {2026, 3, 3, 2}, {2025, 3, 2, 0}};

static size_t step(int64_t now)
{
	size_t i = 0;
	while (i < ARRAY_LEN(steps) && now < clock_utc(steps[i].year, steps[i].month, 15, 0, 0, 0))
		i++;
	return i;
}

size_t vantage_required(int64_t now)
{
	size_t i = step(now);
	return i < ARRAY_LEN(steps) ? steps[i].n : 0;
}

size_t vantage_regions_required(int64_t now)
{
	size_t i = step(now);
	return i < ARRAY_LEN(steps) ? steps[i].regions : 0;
}

static const char *const regions[] = {"afrinic", "apnic", "arin", "lacnic", "ripe"};

const char *vantage_region(size_t i)
{
	return i < ARRAY_LEN(regions) ? regions[i] : NULL;
}

bool vantage_is_region(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(regions); i++)
		if (!strcmp(regions[i], word))
			return true;
	return false;
}

static bool same_account(const struct vantage *a, const struct vantage *b)
{
	return !strcmp(a->account ? a->account : "", b->account ? b->account : "");
}

/* What is seen from there corroborates what the primary perspective sees. */
static bool agrees(const struct vantage *primary, const struct vantage *v)
{
	return primary->result == VANTAGE_VALID && v->result == VANTAGE_VALID && same_account(primary, v);
}

/* Different regions among n perspectives, all or (primary not NULL) those that agree with it. */
static size_t count_regions(const struct vantage *v, size_t n, const struct vantage *primary)
{
	size_t count = 0;
	for (size_t k = 0; k < ARRAY_LEN(regions); k++) {
		bool there = false;
		for (size_t i = 0; i < n; i++)
			there |=
				v[i].region && !strcmp(v[i].region, regions[k]) && (!primary || agrees(primary, &v[i]));
		count += there;
	}
	return count;
}

static size_t count_unplaced(const struct vantage *v, size_t n)
{
	size_t count = 0;
	for (size_t i = 0; i < n; i++)
		count += !v[i].region || !vantage_is_region(v[i].region);
	return count;
}

/* What is to be said of regions, and whether the quorum fails for them. */
static bool judge_regions(const struct vantage *primary, const struct vantage *remote, size_t n,
	struct vantage_quorum *q, char text[static 160])
{
	size_t asked = count_regions(remote, n, NULL), unplaced = count_unplaced(remote, n);
	q->regions = count_regions(remote, n, primary);
	*text = '\0';
	if (!n || q->regions >= q->regions_required || !q->agree)
		return false;
	if (unplaced)
		snprintf(text, 160, "; the region of %zu is not told, public CAs need those of %zu regions to agree",
			unplaced, q->regions_required);
	else if (asked < q->regions_required)
		snprintf(
			text, 160, "; all are in the region of one registry, public CAs need %zu", q->regions_required);
	else
		snprintf(text, 160, "; all that agree are in the region of one registry, and %zu are needed",
			q->regions_required);
	return !unplaced && asked >= q->regions_required;
}

/* The words, and behind them what the operator's own points of view cannot tell. */
static void put_text(struct vantage_quorum *q, const struct vantage *primary, size_t others, const char *where)
{
	char head[224], tail[96] = "";
	if (primary->result != VANTAGE_VALID)
		snprintf(head, sizeof(head), "%.80s sees no record that the CA would accept, so nothing else counts",
			primary->where);
	else if (!q->remote)
		snprintf(head, sizeof(head), "nobody else was asked");
	else
		snprintf(head, sizeof(head), "%zu of %zu other points of view agree%s; %zu may fail", q->agree,
			q->remote, others ? ", some see a record of another account" : "", q->allowed);
	if (q->remote < q->required)
		snprintf(
			tail, sizeof(tail), "; public CAs must ask %zu, so this tells less than they see", q->required);
	snprintf(q->text, sizeof(q->text), "%s%s%s", head, where, tail);
}

void vantage_judge(
	const struct vantage *primary, const struct vantage *remote, size_t n, int64_t now, struct vantage_quorum *ret)
{
	struct vantage_quorum q = {.remote = n,
		.allowed = vantage_allowed(n),
		.required = vantage_required(now),
		.regions_required = vantage_regions_required(now)};
	size_t others = 0;
	char where[160];
	for (size_t i = 0; i < n && primary->result == VANTAGE_VALID; i++) {
		q.agree += agrees(primary, &remote[i]);
		others += remote[i].result == VANTAGE_VALID && !agrees(primary, &remote[i]);
	}
	bool narrow = judge_regions(primary, remote, n, &q, where);
	q.corroborated = primary->result == VANTAGE_VALID && q.agree + q.allowed >= n && !narrow;
	put_text(&q, primary, others, where);
	*ret = q;
}

size_t vantage_shares(const struct vantage *v, size_t n, struct vantage_share *ret)
{
	size_t kinds = 0;
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;
		while (k < kinds && (ret[k].result != v[i].result || strcmp(ret[k].answer, v[i].answer) != 0))
			k++;
		if (k == kinds)
			ret[kinds++] = (struct vantage_share){.answer = v[i].answer, .result = v[i].result};
		ret[k].n++;
	}
	/* Insertion keeps equal counts in the order they were seen. */
	for (size_t i = 1; i < kinds; i++) {
		struct vantage_share s = ret[i];
		size_t k = i;
		for (; k && ret[k - 1].n < s.n; k--)
			ret[k] = ret[k - 1];
		ret[k] = s;
	}
	for (size_t k = 0; k < kinds; k++)
		ret[k].percent = (unsigned)((ret[k].n * 200 + n) / (2 * n));
	return kinds;
}
