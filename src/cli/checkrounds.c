/* checkrounds.c: the names looked at once, or again and again until something changes or is as it should be. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "cli/check.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "config/form.h"
#include "dns/dns.h"
#include "inventory/observe.h"
#include "loop/loop.h"

enum {
	ANSWER_MAX = 16 << 20, /* octets of one answer as text */
	PROGRESS_MS = 100,
};

enum goal { GOAL_ONCE, GOAL_CHANGE, GOAL_ACCEPTED, GOAL_REFUSED };

struct rounds {
	const struct cli *c;
	struct check_ask *a;
	enum goal goal;
	int64_t interval_ms, deadline; /* monotonic; 0 for none */
	enum recordcheck_result *verdicts; /* of the last round, by item */
	enum recordcheck_result *before;
	char **texts; /* of the last round; NULL where it was printed at once */
	bool keep; /* the texts, because nobody knows yet whether they are wanted */
	size_t n_told, counts[RECORDCHECK_N_];
	int64_t progress_at;
};

static void put(const struct rounds *r, const char *text)
{
	if (!r->c->json)
		out_text("%s", text);
	else if (fputs(text, stdout) >= 0)
		fflush(stdout);
}

static void told(const struct checkall_item *i, const struct observation *o, const struct explained *x, void *ctx)
{
	struct rounds *r = ctx;
	size_t n = (size_t)(i - r->a->items);
	AUTO(buf_done) struct buf b = buf_make(ANSWER_MAX);
	r->verdicts[n] = x->verdict;
	r->counts[x->verdict]++;
	r->n_told++;
	check_print(r->c, i, o, x, &b);
	if (r->keep) {
		free(r->texts[n]);
		r->texts[n] = xstrdup(buf_str(&b));
		return;
	}
	if (b.n)
		put(r, buf_str(&b));
	int64_t now = clk_mono(r->a->site.clk);
	if (now >= r->progress_at) {
		out_progress("%zu of %zu checked", r->n_told, r->a->n);
		r->progress_at = now + PROGRESS_MS;
	}
}

/* Begins with nothing remembered: what changed in the DNS must be seen. */
static int new_observer(struct check_ask *a, struct err *e)
{
	const struct config_dns *d = &a->site.config->dns;
	dns_free(a->site.dns);
	a->site.dns = NULL;
	if (site_dns(&a->site, e) || (a->vantages.n && site_doh(&a->site, e)))
		return -1;
	a->observer = observer_new(a->site.dns);
	for (size_t i = 0; i < d->n_stubs; i++)
		observer_set_top(a->observer, d->stubs[i].zone);
	if (a->vantages.n)
		observer_set_vantages(a->observer, &a->vantages, a->site.doh);
	return 0;
}

static void end_observer(struct check_ask *a)
{
	observe_ahead_free(a->ahead);
	observer_free(a->observer);
	a->ahead = NULL;
	a->observer = NULL;
}

static int round_once(struct rounds *r, struct err *e)
{
	struct check_ask *a = r->a;
	if (!a->observer && new_observer(a, e))
		return -1;
	int64_t now = clk_wall(a->site.clk) / 1000;
	for (size_t i = 0; i < a->n; i++)
		a->items[i].q.q.now = now;
	memset(r->counts, 0, sizeof(r->counts));
	r->n_told = 0;
	struct checkall all = {
		.items = a->items, .n = a->n, .what = a->what, .ahead = a->ahead, .told = told, .ctx = r};
	int result = checkall_run(&a->site, a->observer, &all, e);
	end_observer(a);
	out_progress_clear();
	return result;
}

/* The FQDNs of the names; false when there are too many. */
static bool add_few(const struct strv *names, struct strv *to)
{
	for (size_t i = 0; i < names->n && to->n <= CHECKALL_PROMPT_MAX; i++) {
		const char *fqdn = names->v[i] + (strncmp(names->v[i], "*.", 2) ? 0 : 2);
		if (!strv_has(to, fqdn))
			strv_add(to, fqdn);
	}
	return to->n <= CHECKALL_PROMPT_MAX;
}

int check_ahead(const struct cli *c, struct check_ask *a, struct err *e)
{
	const struct config *conf = a->site.config;
	AUTO(strv_done) struct strv fqdns = {0};
	bool few = add_few(&a->names, &fqdns);
	if (cli_flag(c, "offline") || cli_flag(c, "advise") || cli_flag(c, "if-published"))
		return 0; /* nobody is waited for, or other things are looked at */
	for (size_t i = 0; cli_flag(c, "all") && few && i < conf->n_certs; i++)
		few = (!cli_value(c, "ca") || strv_has(&conf->certs[i].cas, cli_value(c, "ca"))) &&
		      add_few(&conf->certs[i].names, &fqdns);
	if (!few || !fqdns.n)
		return 0;
	if (new_observer(a, e))
		return -1;
	a->ahead = observe_ahead_start(a->observer, &fqdns, a->what | OBSERVE_PROMPT);
	return 0;
}

static bool reached(const struct rounds *r, bool first)
{
	switch (r->goal) {
	case GOAL_ONCE:
		return true;
	case GOAL_ACCEPTED:
		return r->counts[RECORDCHECK_GOOD] == r->a->n;
	case GOAL_REFUSED:
		return r->counts[RECORDCHECK_REFUSED] == r->a->n;
	case GOAL_CHANGE:
		break;
	}
	return !first && memcmp(r->verdicts, r->before, r->a->n * sizeof(*r->verdicts)) != 0;
}

/* All texts, or with --watch those of the names whose verdict is another one. */
static void print_kept(const struct rounds *r, bool changed_only)
{
	for (size_t i = 0; i < r->a->n; i++)
		if (r->texts[i] && (!changed_only || r->verdicts[i] != r->before[i]))
			put(r, r->texts[i]);
}

static void on_timer(void *ctx)
{
	loop_stop(ctx);
}

struct pause {
	struct loop *loop;
	bool stopped;
};

static void on_signal(int signo, void *ctx)
{
	struct pause *p = ctx;
	(void)signo;
	p->stopped = true;
	loop_stop(p->loop);
}

static int wait_a_while(struct rounds *r, int64_t ms, struct err *e)
{
	struct pause p = {.loop = r->a->site.loop};
	struct loop_timer *t = loop_timer_new(p.loop, on_timer, p.loop);
	loop_on_stop_signal(p.loop, on_signal, &p);
	loop_timer_start(t, ms);
	int result = loop_run(p.loop, e);
	loop_timer_free(t);
	if (!result && p.stopped)
		return err_set(e, ERR_CANCEL, "stopped while waiting");
	return result;
}

static int status(const struct rounds *r)
{
	if (r->goal == GOAL_ACCEPTED || r->goal == GOAL_REFUSED)
		return EXIT_DONE;
	return r->counts[RECORDCHECK_REFUSED] ? EXIT_REFUSED : r->counts[RECORDCHECK_UNKNOWN] ? EXIT_LATER : EXIT_DONE;
}

static void print_sum(const struct rounds *r)
{
	if (!r->c->json && !r->c->quiet && r->a->n > 1)
		out_text("%zu checked: %zu accepted, %zu refused, %zu unknown\n", r->a->n, r->counts[RECORDCHECK_GOOD],
			r->counts[RECORDCHECK_REFUSED], r->counts[RECORDCHECK_UNKNOWN]);
}

/* Gives the exit status. */
static int go(struct rounds *r, struct err *e)
{
	for (bool first = true;; first = false) {
		r->keep = r->goal == GOAL_ACCEPTED || r->goal == GOAL_REFUSED || (r->goal == GOAL_CHANGE && !first);
		if (round_once(r, e))
			return -1;
		int64_t now = clk_mono(r->a->site.clk);
		bool done = reached(r, first), late = r->deadline && now >= r->deadline;
		if (done || late) {
			print_kept(r, r->goal == GOAL_CHANGE && done);
			print_sum(r);
			return done ? status(r) : EXIT_LATER;
		}
		if (first && r->goal == GOAL_CHANGE) {
			print_sum(r);
			memcpy(r->before, r->verdicts, r->a->n * sizeof(*r->verdicts));
		}
		int64_t pause = r->deadline && r->deadline - now < r->interval_ms ? r->deadline - now : r->interval_ms;
		if (out_flush(e) || wait_a_while(r, pause, e))
			return -1;
	}
}

static int duration(const struct cli *c, const char *name, const char *dflt, int64_t *ret, struct err *e)
{
	const char *s = cli_value(c, name);
	if (form_duration(s ? s : dflt, ret) || *ret <= 0)
		return err_set(e, ERR_USAGE, "--%s %s: a duration like 10s, 5m or 1h is needed", name, s);
	return 0;
}

static int read_goal(const struct cli *c, enum goal *ret, struct err *e)
{
	const char *wait = cli_value(c, "wait");
	*ret = cli_flag(c, "watch") ? GOAL_CHANGE : GOAL_ONCE;
	if (wait && *ret == GOAL_CHANGE)
		return err_set(e, ERR_USAGE, "--watch and --wait exclude each other");
	if (!wait)
		return 0;
	if (strcmp(wait, "accepted") && strcmp(wait, "refused"))
		return err_set(e, ERR_USAGE, "--wait %s: accepted or refused is needed", wait);
	*ret = wait[0] == 'a' ? GOAL_ACCEPTED : GOAL_REFUSED;
	return 0;
}

int check_rounds(const struct cli *c, struct check_ask *a, struct err *e)
{
	struct rounds r = {.c = c, .a = a};
	int64_t timeout;
	if (read_goal(c, &r.goal, e) || duration(c, "interval", "10s", &r.interval_ms, e) ||
		duration(c, "timeout", "10m", &timeout, e))
		return -1;
	bool bounded = r.goal == GOAL_ACCEPTED || r.goal == GOAL_REFUSED || cli_value(c, "timeout");
	r.deadline = bounded && r.goal != GOAL_ONCE ? clk_mono(a->site.clk) + timeout : 0;
	r.verdicts = xcalloc(a->n, sizeof(*r.verdicts));
	r.before = xcalloc(a->n, sizeof(*r.before));
	r.texts = xcalloc(a->n, sizeof(*r.texts));
	int result = go(&r, e);
	for (size_t i = 0; i < a->n; i++)
		free(r.texts[i]);
	free(r.texts);
	free(r.verdicts);
	free(r.before);
	return result;
}
