/*
 * provider_tool.c: one call to a provider of a configuration after the other, each answered by a line of JSON, for the
 * tests that drive the drivers against real servers.
 *
 *   provider_tool CONFIG PROVIDER < COMMANDS
 *
 *   zone NAME                               find the zone
 *   read NAME TYPE
 *   change NAME TYPE TTL [+DATA|-DATA]…     with what was read last as expected (fields separated by tabs)
 *   ensure NAME TYPE TTL [+DATA|-DATA]…     read and change until it is not lost
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "loop/loop.h"
#include "provider/provider.h"
#include "provider/rdata.h"
#include "json/json.h"

enum { FIELDS_MAX = 64, LINE_MAX_OCTETS = 65536, LOST_MAX = 200 };

struct tool {
	struct loop *loop;
	struct provider *p;
	struct provider_zone zone;
	struct provider_rrset last;
	struct err e;
	bool ok;
	enum provider_outcome outcome;
	char *ticket, *note;
	unsigned lost;
};

static void on_zone(const struct provider_zone *z, const struct err *e, void *ctx)
{
	struct tool *t = ctx;
	provider_zone_done(&t->zone);
	t->ok = z != NULL;
	if (z)
		provider_zone_copy(&t->zone, z);
	err_copy(&t->e, e);
	loop_stop(t->loop);
}

static void on_read(const struct provider_rrset *s, const struct err *e, void *ctx)
{
	struct tool *t = ctx;
	provider_rrset_done(&t->last);
	t->ok = s != NULL;
	if (s)
		provider_rrset_copy(&t->last, s);
	err_copy(&t->e, e);
	loop_stop(t->loop);
}

static void on_change(const struct provider_result *r, size_t n, const struct err *e, void *ctx)
{
	struct tool *t = ctx;
	t->ok = !err_is(e) && n == 1;
	t->outcome = r[0].outcome;
	if (r[0].after.name) {
		provider_rrset_done(&t->last);
		provider_rrset_copy(&t->last, &r[0].after);
	}
	free(t->ticket);
	t->ticket = r[0].ticket ? xstrdup(r[0].ticket) : NULL;
	free(t->note);
	t->note = r[0].note ? xstrdup(r[0].note) : NULL;
	err_copy(&t->e, e);
	loop_stop(t->loop);
}

static void on_sync(const struct err *e, void *ctx)
{
	struct tool *t = ctx;
	t->ok = !err_is(e);
	err_copy(&t->e, e);
	loop_stop(t->loop);
}

static void run(struct tool *t)
{
	struct err e = {0};
	if (loop_run(t->loop, &e)) {
		err_print(&e);
		exit(1);
	}
}

static void say(const struct tool *t, bool change)
{
	static const char *const outcomes[] = {"changed", "unchanged", "lost", "failed"};
	struct buf b = buf_make(1 << 20);
	struct json_out w = json_out_make(&b);
	json_out_object(&w, NULL);
	json_out_bool(&w, "ok", t->ok);
	json_out_str(&w, "zone", t->zone.name);
	json_out_int(&w, "calls", (int64_t)provider_calls(t->p));
	json_out_int(&w, "lost", t->lost);
	if (change)
		json_out_str(&w, "outcome", outcomes[t->outcome]);
	json_out_str(&w, "note", t->note);
	if (err_is(&t->e)) {
		json_out_str(&w, "kind", err_kind_name(t->e.kind));
		json_out_str(&w, "cause", provider_cause_name(provider_cause(&t->e)));
		json_out_str(&w, "message", t->e.msg);
		json_out_str(&w, "hint", t->e.hint);
	}
	json_out_int(&w, "ttl", t->last.ttl);
	json_out_array(&w, "values");
	for (size_t i = 0; i < t->last.n; i++)
		json_out_str(&w, NULL, t->last.values[i].data);
	json_out_end_array(&w);
	json_out_end_object(&w);
	puts(buf_str(&b));
	fflush(stdout);
	buf_done(&b);
}

static enum provider_type type_of(const char *s)
{
	return !strcmp(s, "CNAME") ? PROVIDER_CNAME : !strcmp(s, "CAA") ? PROVIDER_CAA : PROVIDER_TXT;
}

static void find(struct tool *t, const char *name)
{
	provider_find_zone(t->p, name, on_zone, t);
	run(t);
}

static void read_set(struct tool *t, const char *name, const char *type)
{
	provider_read(t->p, &t->zone, name, type_of(type), on_read, t);
	run(t);
}

static void change(struct tool *t, char **field, size_t n)
{
	struct strv add = {0}, del = {0};
	enum provider_type type = type_of(field[2]);
	for (size_t i = 4; i < n; i++) {
		struct err e = {0};
		char *data = NULL;
		if (rdata_parse(type, field[i] + 1, &data, &e)) {
			err_print(&e);
			exit(1);
		}
		strv_add_take(*field[i] == '+' ? &add : &del, data);
	}
	int64_t ttl = strtoll(field[3], NULL, 10);
	struct provider_change c = {.name = field[1],
		.type = type,
		.ttl = t->last.n && !ttl ? t->last.ttl : ttl,
		.add = &add,
		.del = &del,
		.expect = &t->last};
	provider_change(t->p, &t->zone, &c, 1, on_change, t);
	run(t);
	strv_done(&add);
	strv_done(&del);
	if (t->ok && t->ticket) {
		provider_sync(t->p, &t->zone, t->ticket, on_sync, t);
		run(t);
	}
}

static void command(struct tool *t, char *line)
{
	char *field[FIELDS_MAX] = {0};
	size_t n = 0;
	for (char *rest = line, *f; n < FIELDS_MAX && (f = strsep(&rest, "\t"));)
		field[n++] = f;
	err_done(&t->e);
	t->lost = 0;
	bool is_change = !strcmp(field[0], "change"), is_ensure = !strcmp(field[0], "ensure");
	if (n < 2 || ((is_change || is_ensure) && n < 4))
		exit(2);
	if (!is_change)
		find(t, field[1]);
	if (!t->ok || !strcmp(field[0], "zone")) {
		say(t, false);
		return;
	}
	if (is_change) {
		change(t, field, n);
		say(t, true);
		return;
	}
	for (;; t->lost++) {
		read_set(t, field[1], field[2]);
		if (!t->ok || !is_ensure)
			break;
		change(t, field, n);
		if (!t->ok || t->outcome != PROVIDER_LOST || t->lost >= LOST_MAX)
			break;
	}
	say(t, is_ensure);
}

int main(int argc, char **argv)
{
	struct tool t = {0};
	struct config *c = NULL;
	char line[LINE_MAX_OCTETS];
	const struct config_provider *conf;
	if (argc != 3)
		return 2;
	log_set_level(LOG_LEVEL_DEBUG);
	if (config_load(argv[1], &c, &t.e) || !(conf = config_find_provider(c, argv[2])) ||
		loop_new(clk_real(), &t.loop, &t.e) || provider_open(t.loop, conf, &t.p, &t.e)) {
		err_print(&t.e);
		loop_free(t.loop);
		config_free(c);
		err_done(&t.e);
		return 1;
	}
	t.ok = true;
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		command(&t, line);
	}
	provider_free(t.p);
	loop_free(t.loop);
	config_free(c);
	provider_zone_done(&t.zone);
	provider_rrset_done(&t.last);
	free(t.ticket);
	free(t.note);
	err_done(&t.e);
	return 0;
}
