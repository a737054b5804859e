/* prove.c: how the names of one order are proved. */
#include "fleet/prove.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "dns/view.h"
#include "fleet/place.h"
#include "fleet/recorduntil.h"
#include "inventory/httpanswer.h"
#include "inventory/presenter.h"
#include "inventory/recordcheck.h"
#include "inventory/site.h"

struct prove {
	struct prove_setup s;
	bool answers;
	unsigned ways; /* 1U << enum config_validation, of those that were taken */
	char *how;

	struct recordcheck_query *check;
	struct recordcheck_ahead *ahead; /* the DNS is asked while the order is placed */
	acme_judged_fn judged;
	void *judged_ctx;
	int64_t until; /* of the record that ends first; UNIX seconds, 0 for none */

	struct place_query *look;
	acme_chosen_fn chosen;
	void *chosen_ctx;
	bool http; /* http-01 would do for the name being chosen for */
	bool refused; /* the record of the name being chosen for would not do */

	struct places places; /* where the names' values go */
	struct presenter_value *values; /* to be written */
	char **names; /* whose values they are */
	char **texts;
	size_t n_values, at;
	struct presenter_request *request;
	struct httpanswers_request *http_request;
	acme_ready_fn ready;
	void *ready_ctx;
};

struct prove *prove_new(const struct prove_setup *s)
{
	struct prove *p = xcalloc(1, sizeof(*p));
	p->s = *s;
	return p;
}

static void drop_values(struct prove *p)
{
	for (size_t i = 0; i < p->n_values; i++) {
		free(p->names[i]);
		free(p->texts[i]);
	}
	xfreep(&p->values);
	xfreep(&p->names);
	xfreep(&p->texts);
	p->n_values = 0;
}

void prove_free(struct prove *p)
{
	if (!p)
		return;
	recordcheck_cancel(p->check);
	recordcheck_ahead_free(p->ahead);
	place_cancel(p->look);
	presenter_cancel(p->request);
	httpanswers_cancel(p->http_request);
	drop_values(p);
	places_done(&p->places);
	free(p->how);
	free(p);
}

bool prove_answers(const struct prove *p)
{
	return p->answers;
}

const char *prove_how(const struct prove *p)
{
	return p->how ? p->how : "";
}

static void note_way(struct prove *p, enum config_validation v)
{
	if (p->ways & 1U << v)
		return;
	p->ways |= 1U << v;
	char *how = p->how ? xasprintf("%s,%s", p->how, config_validation_name(v)) : xstrdup(config_validation_name(v));
	free(p->how);
	p->how = how;
}

int prove_noted(struct store *s, const char *cert, char **ret, struct err *e)
{
	AUTO(xfreep) char *key = xasprintf("validated/%s", cert);
	return store_fact_get(s, key, ret, e);
}

/* The standing record is the rule, and is written down only where it was something else before. */
int prove_note(const struct prove *p, struct err *e)
{
	AUTO(xfreep) char *old = NULL;
	if (!p->how)
		return 0;
	if (recorduntil_note(p->s.site->store, p->s.cert, p->until, e))
		return -1;
	if (prove_noted(p->s.site->store, p->s.cert->name, &old, e))
		return -1;
	if (!strcmp(p->how, old ? old : config_validation_name(CONFIG_VALIDATION_PERSIST)))
		return 0;
	AUTO(xfreep) char *key = xasprintf("validated/%s", p->s.cert->name);
	return store_fact_put(p->s.site->store, key, p->how, e);
}

/* --- the standing record --- */

static bool may_persist(const struct prove *p)
{
	enum config_validation v = p->s.cert->validation;
	return v == CONFIG_VALIDATION_AUTO || v == CONFIG_VALIDATION_PERSIST;
}

void prove_ahead(struct prove *p)
{
	const char *first = p->s.cert->names.v[0];
	recordcheck_ahead_free(p->ahead);
	p->ahead = NULL;
	if (may_persist(p))
		p->ahead = recordcheck_ahead_start(
			p->s.site->dns, p->s.site->clk, strncmp(first, "*.", 2) ? first : first + 2);
}

static void record_checked(struct recordcheck *c, void *ctx)
{
	static const enum acme_judgement judgements[] = {
		[RECORDCHECK_GOOD] = ACME_RECORD_GOOD,
		[RECORDCHECK_REFUSED] = ACME_RECORD_REFUSED,
		[RECORDCHECK_UNKNOWN] = ACME_RECORD_UNKNOWN,
	};
	struct prove *p = ctx;
	enum acme_judgement judgement = judgements[c->result];
	p->check = NULL;
	if (judgement == ACME_RECORD_REFUSED && p->s.force_record)
		judgement = ACME_RECORD_UNKNOWN;
	if (judgement == ACME_RECORD_GOOD && err_is(&c->e))
		log_warn("%s: %s", p->s.cert->name, c->e.msg);
	if (!c->view->looked) {
		/* As it was configured, for all names alike. */
		if (!p->s.site->told_blind)
			log_warn("with dns: {mode: none} no record is looked at before a CA is asked");
		p->s.site->told_blind = true;
		err_done(&c->e);
	}
	if (judgement != ACME_RECORD_REFUSED)
		note_way(p, CONFIG_VALIDATION_PERSIST);
	if (judgement == ACME_RECORD_GOOD && c->has_until && (!p->until || c->until < p->until))
		p->until = c->until;
	p->judged(judgement, &c->e, p->judged_ctx);
	recordcheck_free(c);
}

void prove_judge(const struct acme_persist_offer *offer, acme_judged_fn judged, void *judged_ctx, struct prove *p)
{
	AUTO(xfreep) char *wildcard = xasprintf("*.%s", offer->name);
	struct recordcheck_question q = {
		.name = offer->name,
		.wildcard = offer->wildcard,
		.level = offer->level,
		.issuers = offer->issuers,
		.account_uri = offer->account_uri,
		.account_url = offer->account_url,
		.thumbprints = &p->s.ca->account.thumbprints,
		.prefix = offer->account_hash_prefix,
		.ttl = (uint32_t)p->s.site->config->record_ttl,
		.suggest_wildcard = strv_has(&p->s.cert->names, wildcard),
		.now = clk_wall(p->s.site->clk) / 1000,
	};
	p->answers = true;
	p->judged = judged;
	p->judged_ctx = judged_ctx;
	struct recordcheck_query *check = recordcheck_start(p->s.site->dns, p->ahead, &q, record_checked, p);
	/* Without one it has been judged already, and perhaps the next one is in work. */
	if (check)
		p->check = check;
}

/* --- the choice --- */

static void no_such_offer(const struct prove *p, const struct acme_choice *c, acme_chosen_fn chosen, void *chosen_ctx)
{
	struct err e = {0};
	err_set(&e, ERR_CONFIG, "%s does not offer what validation: %s needs for %s%s", p->s.ca->conf->name,
		config_validation_name(p->s.cert->validation), c->wildcard ? "*." : "", c->name);
	err_hint(&e, "say validation: auto, or choose another CA (`perdure ca list`, `perdure ca probe`)");
	err_retry(&e, RETRY_AFTER_OPERATOR, 0);
	chosen(ACME_CHALLENGE_TYPE_N_, &e, chosen_ctx);
	err_done(&e);
}

static void take(struct prove *p, enum config_validation how, enum acme_challenge_type type)
{
	if (p->refused && !(p->ways & 1U << how))
		log_warn("%s: no record that the CA would accept stands; validated by %s", p->s.cert->name,
			config_validation_name(how));
	note_way(p, how);
	p->answers = true;
	p->chosen(type, NULL, p->chosen_ctx);
}

static void placed(const struct dnsplace *place, enum config_validation how, const struct err *e, void *ctx)
{
	struct prove *p = ctx;
	p->look = NULL;
	if (place) {
		if (place->warning)
			log_warn("%s: %s", p->s.cert->name, place->warning);
		take(p, how, ACME_CHALLENGE_DNS);
		return;
	}
	if (p->http) {
		log_debug("%s: dns-01 is no way: %s", p->s.cert->name, e->msg);
		take(p, CONFIG_VALIDATION_HTTP, ACME_CHALLENGE_HTTP);
		return;
	}
	/* What speaks against the record says more than why nothing else helps. */
	if (p->refused)
		log_debug("%s: dns-01 is no way either: %s", p->s.cert->name, e->msg);
	p->chosen(ACME_CHALLENGE_TYPE_N_, p->refused ? NULL : e, p->chosen_ctx);
}

static bool may_serve(const struct prove *p)
{
	enum config_validation v = p->s.cert->validation;
	return p->s.presenter &&
	       (v == CONFIG_VALIDATION_HTTP ||
		       (v == CONFIG_VALIDATION_AUTO && (p->s.cert->webroot || p->s.site->config->http.listen)));
}

void prove_choose(const struct acme_choice *c, acme_chosen_fn chosen, void *chosen_ctx, struct prove *p)
{
	enum config_validation how = p->s.cert->validation;
	bool dns = how == CONFIG_VALIDATION_AUTO || how == CONFIG_VALIDATION_DELEGATION || how == CONFIG_VALIDATION_DNS;
	p->http = may_serve(p) && !c->wildcard && c->offered & 1U << ACME_CHALLENGE_HTTP;
	p->refused = c->refused != NULL;
	p->chosen = chosen;
	p->chosen_ctx = chosen_ctx;
	if (may_persist(p) && c->offered & 1U << ACME_CHALLENGE_PERSIST) {
		chosen(ACME_CHALLENGE_PERSIST, NULL, chosen_ctx);
	} else if (dns && c->offered & 1U << ACME_CHALLENGE_DNS) {
		p->look = place_start(p->s.site, p->s.presenter, p->s.cert, c->name, &p->places, placed, p);
	} else if (p->http) {
		take(p, CONFIG_VALIDATION_HTTP, ACME_CHALLENGE_HTTP);
	} else if (c->refused) {
		chosen(ACME_CHALLENGE_TYPE_N_, NULL, chosen_ctx);
	} else {
		no_such_offer(p, c, chosen, chosen_ctx);
	}
}

/* --- dns-01 --- */

static void on_served(const struct err *failed, void *ctx)
{
	struct prove *p = ctx;
	p->request = NULL;
	if (failed)
		p->ready(failed, p->ready_ctx);
	else
		p->s.served(p->s.ctx);
}

void prove_go_on(struct prove *p)
{
	p->ready(NULL, p->ready_ctx);
}

static void on_step(const char *what, void *ctx)
{
	const struct prove *p = ctx;
	p->s.step(what, p->s.ctx);
}

static void write_values(struct prove *p)
{
	const struct config_delegation *d = p->s.cert->delegation;
	for (size_t i = 0; i < p->n_values; i++)
		p->values[i] = (struct presenter_value){.owner = places_find(&p->places, p->names[i]),
			.text = p->texts[i],
			.ttl = d->txt_ttl,
			.keep = d->keep,
			.values_max = d->values_max,
			.wait_ms = d->wait_ms};
	p->request = presenter_want(p->s.presenter, p->s.cert->name, p->values, p->n_values, on_served, on_step, p);
	if (p->s.waiting)
		p->s.waiting(p->s.ctx);
}

static void find_places(struct prove *p);

/* Of a name whose challenge an earlier run has answered. */
static void found_again(const struct dnsplace *place, enum config_validation how, const struct err *e, void *ctx)
{
	struct prove *p = ctx;
	p->look = NULL;
	if (!place) {
		p->ready(e, p->ready_ctx);
		return;
	}
	note_way(p, how);
	p->at++;
	find_places(p);
}

static void find_places(struct prove *p)
{
	while (p->at < p->n_values && places_find(&p->places, p->names[p->at]))
		p->at++;
	if (p->at < p->n_values)
		p->look =
			place_start(p->s.site, p->s.presenter, p->s.cert, p->names[p->at], &p->places, found_again, p);
	else
		write_values(p);
}

/* What http-01 needs is served, or nothing is needed. */
static void on_answers(const struct err *failed, void *ctx)
{
	struct prove *p = ctx;
	p->http_request = NULL;
	if (failed || !p->n_values)
		p->ready(failed, p->ready_ctx);
	else
		find_places(p);
}

void prove_prepare(const struct acme_setup *v, size_t n, acme_ready_fn ready, void *ready_ctx, struct prove *p)
{
	AUTO(xfreep) struct httpanswer *answers = xcalloc(n, sizeof(*answers));
	size_t n_answers = 0;
	drop_values(p);
	p->values = xcalloc(n, sizeof(*p->values));
	p->names = xcalloc(n, sizeof(char *));
	p->texts = xcalloc(n, sizeof(char *));
	for (size_t i = 0; i < n; i++) {
		if (v[i].type == ACME_CHALLENGE_HTTP) {
			answers[n_answers++] = (struct httpanswer){v[i].token, v[i].key_authorization};
			note_way(p, CONFIG_VALIDATION_HTTP);
			continue;
		}
		p->names[p->n_values] = xstrdup(v[i].name);
		p->texts[p->n_values++] = xstrdup(v[i].txt);
	}
	p->at = 0;
	p->ready = ready;
	p->ready_ctx = ready_ctx;
	if (n_answers)
		p->http_request =
			httpanswers_want(presenter_http(p->s.presenter), p->s.cert, answers, n_answers, on_answers, p);
	else
		find_places(p);
}

void prove_cleanup(bool kept, struct prove *p)
{
	presenter_release(p->s.presenter, p->s.cert->name, kept);
}
