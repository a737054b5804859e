/* tellissue.c: what becomes of an order, as events and as numbers. */
#include "fleet/tellissue.h"

#include "acme/problem.h"
#include "config/config.h"
#include "fleet/issue.h"
#include "inventory/tell.h"
#include "state/store.h"

void tell_placed(struct site *s, const struct config_cert *c, const char *ca, const char *order_url)
{
	tell_event(s,
		&(struct event){
			.type = EVENT_ORDER_PLACED, .name = c->name, .names = &c->names, .ca = ca, .order = order_url});
}

static void count(struct site *s, const struct issue_report *r, bool good)
{
	struct metrics *m = tell_metrics(s);
	int64_t until = r->e->retry_at / 1000;
	metrics_add(m, METRIC_RENEWALS, METRIC_L(issue_result_name(r->result)), 1);
	metrics_add(m, METRIC_COMPAT_RENEWALS, METRIC_L(r->name, good ? "success" : "failure"), 1);
	if (good) {
		metrics_observe(m, METRIC_RENEWAL_SECONDS, METRIC_L(r->ca), (double)r->ms / 1000);
		metrics_observe(m, METRIC_COMPAT_RENEWAL_SECONDS, METRIC_L(r->name), (double)r->ms / 1000);
	}
	if (acme_problem_is(r->e, "rateLimited"))
		metrics_add(m, METRIC_RATE_WAITS, METRIC_L(r->ca), 1);
	if (acme_problem_is(r->e, "rateLimited") && r->e->retry_at)
		metrics_set(m, METRIC_RATE_UNTIL, METRIC_L(r->ca), (double)until);
}

void tell_issue(struct site *s, const struct issue_report *r, const struct store_cert *row, const char *order_url)
{
	static const enum event_type types[] = {
		[ISSUE_ISSUED] = EVENT_CERT_ISSUED,
		[ISSUE_RENEWED] = EVENT_CERT_RENEWED,
		[ISSUE_HELD] = EVENT_ORDER_HELD,
		[ISSUE_PARKED] = EVENT_ORDER_PARKED,
		[ISSUE_FAILED] = EVENT_ORDER_FAILED,
	};
	bool good = r->result == ISSUE_ISSUED || r->result == ISSUE_RENEWED;
	count(s, r, good);
	tell_event(s, &(struct event){.type = types[r->result],
			      .name = r->name,
			      .names = r->names,
			      .ca = r->ca,
			      .order = order_url,
			      .generation = good ? r->generation : 0,
			      .not_after = good ? r->not_after : 0,
			      .serial = good ? row->serial : NULL,
			      .duration_ms = r->ms,
			      .e = r->e});
	if (good)
		tell_event(s, &(struct event){.type = EVENT_CERT_INSTALLED,
				      .name = r->name,
				      .ca = r->ca,
				      .generation = r->generation,
				      .not_after = r->not_after});
}
