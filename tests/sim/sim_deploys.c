/* sim_deploys.c: services that take a new certificate, or do not. */
#include "sim_deploys.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "fleet/deploy.h"
#include "fleet/deploywork.h"
#include "fleet/schedule.h"
#include "loop/loop.h"

enum { DAY_S = 86400, WORKS_MS = 1000, HANGS_MS = 120000 };
enum { BROKEN_OF = 50, BROKEN_DAYS = 4, BROKEN_EVERY_DAYS = 40 };

struct own {
	struct deploy_work *w;
	struct loop_timer *end;
	bool fails;
};

static struct sim_deploys *world(const struct deploy_work *w)
{
	return w->clk->ctx;
}

static uint64_t chance(struct sim_deploys *s)
{
	s->random = s->random * 6364136223846793005 + 1442695040888963407;
	return s->random >> 33;
}

static void ended(void *ctx)
{
	struct own *o = ctx;
	struct sim_deploys *s = world(o->w);
	struct sim_service *v = &s->services[strtoul(o->w->subject->cert->name + 1, NULL, 10)];
	if (o->fails) {
		err_set(&o->w->e, ERR_SYS, "the service does not take it");
		v->failed_at = clk_wall(o->w->clk) / 1000;
		v->tries++;
		s->most_tries = v->tries > s->most_tries ? v->tries : s->most_tries;
		s->failed++;
	} else {
		v->tries = 0;
		s->done++;
	}
	deploy_finish(o->w);
}

static int start(struct deploy_work *w, struct err *e)
{
	struct sim_deploys *s = world(w);
	size_t number = strtoul(w->subject->cert->name + 1, NULL, 10);
	const struct sim_service *v = &s->services[number];
	int64_t now = clk_wall(w->clk) / 1000;
	bool broken = number % BROKEN_OF == 7 && (now / DAY_S + (int64_t)number) % BROKEN_EVERY_DAYS < BROKEN_DAYS;
	struct own *o = xcalloc(1, sizeof(*o));
	(void)e;
	s->hasty += v->tries && now < v->failed_at + schedule_backoff(v->tries, 0);
	*o = (struct own){.w = w, .fails = now < s->well_from && (broken || chance(s) % 100 < 3)};
	o->end = loop_timer_new(w->loop, ended, o);
	loop_timer_start(o->end, broken && number % 4 == 1 ? HANGS_MS : WORKS_MS);
	w->own = o;
	return 0;
}

static void release(struct deploy_work *w)
{
	struct own *o = w->own;
	if (o)
		loop_timer_free(o->end);
	free(o);
	w->own = NULL;
}

static int read_subject(const struct config *c, const struct config_cert *cert, const char *ca,
	struct deploy_subject *ret, struct err *e)
{
	(void)c;
	(void)e;
	*ret = (struct deploy_subject){.cert = cert, .ca = xstrdup(ca)};
	return 0;
}

static const struct deploy_kind service = {.start = start, .release = release};
static const struct deploy_kind *const kinds[CONFIG_DEPLOY_KIND_N_] = {[CONFIG_DEPLOY_COMMAND] = &service};
const struct deploy_ops sim_deploy_ops = {.read = read_subject, .kinds = kinds};
