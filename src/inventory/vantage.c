/* vantage.c: the quorum of several points of view. */
#include "inventory/vantage.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

enum { REMOTE_MIN = 2, REMOTE_MANY = 6 };

size_t vantage_allowed(size_t n)
{
	return n < REMOTE_MIN ? 0 : n < REMOTE_MANY ? 1 : 2;
}

size_t vantage_required(int64_t now)
{
	/* From when on how many, as ballot SC-067 has it. */
	static const struct {
		int year, month;
		size_t n;
	} steps[] = {{2026, 12, 5}, {2026, 6, 4}, {2026, 3, 3}, {2025, 3, 2}};
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (now >= clock_utc(steps[i].year, steps[i].month, 15, 0, 0, 0))
			return steps[i].n;
	return 0;
}

static bool same_account(const struct vantage *a, const struct vantage *b)
{
	return !strcmp(a->account ? a->account : "", b->account ? b->account : "");
}

/* The words, and behind them what the operator's own points of view cannot tell. */
static void put_text(struct vantage_quorum *q, const struct vantage *primary, size_t others)
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
	snprintf(q->text, sizeof(q->text), "%s%s", head, tail);
}

void vantage_judge(
	const struct vantage *primary, const struct vantage *remote, size_t n, int64_t now, struct vantage_quorum *ret)
{
	struct vantage_quorum q = {.remote = n, .allowed = vantage_allowed(n), .required = vantage_required(now)};
	size_t others = 0;
	for (size_t i = 0; i < n && primary->result == VANTAGE_VALID; i++) {
		if (remote[i].result != VANTAGE_VALID)
			continue;
		if (same_account(primary, &remote[i]))
			q.agree++;
		else
			others++;
	}
	q.corroborated = primary->result == VANTAGE_VALID && q.agree + q.allowed >= n;
	put_text(&q, primary, others);
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
