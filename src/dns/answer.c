/* answer.c: the answers in a view, and what a view says as a whole. */
#include "dns/answer.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

static const char *const result_names[] = {
	[DNS_FOUND] = "found",
	[DNS_NODATA] = "nodata",
	[DNS_NXDOMAIN] = "nxdomain",
	[DNS_FAILED] = "failed",
	[DNS_TIMEOUT] = "timeout",
};
_Static_assert(sizeof(result_names) / sizeof(result_names[0]) == DNS_RESULT_N_, "one name per result");

const char *dns_result_name(enum dns_result r)
{
	return r < DNS_RESULT_N_ ? result_names[r] : "unknown";
}

void answer_init(struct dns_answer *a, const char *server, const char *address)
{
	*a = (struct dns_answer){.server = xstrdup(server), .address = xstrdup(address), .text = xstrdup("")};
}

void answer_done(struct dns_answer *a)
{
	for (size_t i = 0; i < a->n_txt; i++)
		dns_txt_done(&a->txt[i]);
	free(a->txt);
	free(a->server);
	free(a->address);
	free(a->text);
	*a = (struct dns_answer){0};
}

void answer_fail(struct dns_answer *a, enum dns_result result, const char *text)
{
	a->result = result;
	free(a->text);
	a->text = xstrdup(text);
}

static int order(const void *a, const void *b)
{
	return dns_txt_cmp(a, b);
}

void answer_take_txt(struct dns_answer *a, const struct message *m, const char *name)
{
	size_t n = 0, kept = 0;
	a->txt = xcalloc(m->n_rr, sizeof(*a->txt));
	for (size_t i = 0; i < m->n_rr; i++) {
		const struct message_rr *rr = &m->rr[i];
		if (rr->section == MESSAGE_ANSWER && rr->type == MESSAGE_TXT && strcmp(rr->owner, name) == 0)
			dns_txt_copy(&a->txt[n++], &rr->txt);
	}
	qsort(a->txt, n, sizeof(*a->txt), order);
	for (size_t i = 0; i < n; i++) {
		if (kept && dns_txt_cmp(&a->txt[kept - 1], &a->txt[i]) == 0)
			dns_txt_done(&a->txt[i]);
		else
			a->txt[kept++] = a->txt[i];
	}
	a->n_txt = kept;
}

static bool is_answer(const struct dns_answer *a)
{
	return a->result == DNS_FOUND || a->result == DNS_NODATA || a->result == DNS_NXDOMAIN;
}

const struct dns_answer *dns_view_any(const struct dns_view *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (is_answer(&v->answers[i]))
			return &v->answers[i];
	return NULL;
}

static bool same(const struct dns_answer *a, const struct dns_answer *b)
{
	if (a->result != b->result || a->n_txt != b->n_txt)
		return false;
	for (size_t i = 0; i < a->n_txt; i++)
		if (dns_txt_cmp(&a->txt[i], &b->txt[i]) != 0)
			return false;
	return true;
}

bool dns_view_agree(const struct dns_view *v)
{
	const struct dns_answer *first = dns_view_any(v);
	for (size_t i = 0; i < v->n; i++)
		if (first && is_answer(&v->answers[i]) && !same(first, &v->answers[i]))
			return false;
	return true;
}

void dns_view_free(struct dns_view *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->n; i++)
		answer_done(&v->answers[i]);
	free(v->answers);
	free(v->owner);
	free(v->zone);
	strv_done(&v->chain);
	free(v);
}
