/* checkflight.c: perdure check --if-published: records that are not there yet. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "cli/check.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "config/name.h"
#include "inventory/preflight.h"
#include "loop/loop.h"

enum { IN_WORK = 64, TEXT_MAX = 1 << 20, VALUE_TYPICAL = 120 };

struct flight;
struct slot {
	struct flight *f;
	size_t item;
	struct preflight_query *query;
};

struct flight {
	const struct cli *c;
	struct check_ask *a;
	char *zone;
	size_t next, in_work;
	size_t errors, unknown;
	bool stopped;
	bool filling; /* names that are known at once come back from inside */
	struct slot slots[IN_WORK];
};

static void print(struct flight *f, const struct checkall_item *i, const struct preflight *p)
{
	const struct remark *worst = remarks_worst(&p->remarks);
	bool hurts = worst && worst->severity == REMARK_ERROR,
	     unknown = remarks_has(&p->remarks, REMARK_PREFLIGHT_UNKNOWN);
	const char *word = hurts ? "harmful" : unknown ? "unknown" : "harmless";
	AUTO(buf_done) struct buf b = buf_make(TEXT_MAX);
	f->errors += hurts;
	f->unknown += !hurts && unknown;
	if (f->c->json) {
		struct out_json j;
		out_json_begin(&j);
		json_out_str(&j.w, "name", i->q.q.name);
		json_out_str(&j.w, "ca", i->ca);
		json_out_str(&j.w, "owner", p->owner[0] ? p->owner : NULL);
		json_out_str(&j.w, "zone", p->zone[0] ? p->zone : NULL);
		json_out_str(&j.w, "verdict", word);
		AUTO(xfreep) char *line = recordcheck_line(&i->q.q);
		json_out_str(&j.w, "publish", line[0] ? line : NULL);
		check_json_remarks(&j.w, &p->remarks);
		out_json_end(&j);
		return;
	}
	if (f->c->quiet && !worst)
		return;
	buf_printf(&b, "%s%s%s %s%s%s\n",
		out_colour_on(hurts     ? OUT_BAD
			      : unknown ? OUT_WARN
					: OUT_GOOD),
		word, out_colour_off(), p->owner[0] ? p->owner : i->q.q.name, p->zone[0] ? " in the zone " : "",
		p->zone);
	check_print_remarks(f->c, &p->remarks, NULL, &b);
	out_text("%s", buf_str(&b));
}

static void fill(struct flight *f);

static void known(struct preflight *p, void *ctx)
{
	struct slot *s = ctx;
	struct flight *f = s->f;
	s->query = NULL;
	f->in_work--;
	print(f, &f->a->items[s->item], p);
	preflight_free(p);
	if (!f->filling)
		fill(f);
}

/* How long the record's value will be: of the zone line what stands behind the type. */
static size_t value_len(const struct checkall_item *i)
{
	AUTO(xfreep) char *line = recordcheck_line(&i->q.q);
	const char *value = strstr(line, " TXT ");
	return value ? strlen(value) : VALUE_TYPICAL;
}

static void start(struct flight *f, struct slot *s)
{
	const struct checkall_item *i = &f->a->items[f->next];
	struct preflight_question q = {.fqdn = i->q.q.name, .zone = f->zone, .value_len = value_len(i)};
	*s = (struct slot){.f = f, .item = f->next++};
	f->in_work++;
	s->query = preflight_start(f->a->site.dns, &q, known, s);
}

static void fill(struct flight *f)
{
	f->filling = true;
	for (size_t i = 0; i < IN_WORK; i++)
		while (f->next < f->a->n && !f->slots[i].query)
			start(f, &f->slots[i]);
	f->filling = false;
	if (!f->in_work)
		loop_stop(f->a->site.loop);
}

static void on_signal(int signo, void *ctx)
{
	struct flight *f = ctx;
	(void)signo;
	f->stopped = true;
	loop_stop(f->a->site.loop);
}

int check_flight(const struct cli *c, struct check_ask *a, struct err *e)
{
	struct flight f = {.c = c, .a = a};
	if (cli_value(c, "zone") && name_normalize(cli_value(c, "zone"), &f.zone, e)) {
		e->kind = ERR_USAGE;
		return -1;
	}
	int result = site_dns(&a->site, e);
	if (!result) {
		loop_on_stop_signal(a->site.loop, on_signal, &f);
		fill(&f);
		result = loop_run(a->site.loop, e);
	}
	for (size_t i = 0; i < IN_WORK; i++)
		preflight_cancel(f.slots[i].query);
	free(f.zone);
	if (!result && f.stopped)
		return err_set(e, ERR_CANCEL, "stopped after %zu of %zu names", f.next, a->n);
	return result ? -1 : f.errors ? EXIT_REFUSED : f.unknown ? EXIT_LATER : EXIT_DONE;
}
