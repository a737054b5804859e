/* cmd_notify.c: perdure notify test. */
#include "base/err.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/pick.h"
#include "cli/verbs.h"
#include "fleet/notifyrun.h"

struct results {
	const struct cli *c;
	size_t failed;
};

static const char *type_name(const struct config_notify *c)
{
	static const char *const names[] = {[CONFIG_NOTIFY_WEBHOOK] = "webhook",
		[CONFIG_NOTIFY_MAIL] = "mail",
		[CONFIG_NOTIFY_COMMAND] = "command"};
	return names[c->type];
}

static void told(const struct config_notify *ch, const struct err *e, void *ctx)
{
	struct results *r = ctx;
	bool good = !err_is(e);
	r->failed += !good;
	if (r->c->json) {
		struct out_json j;
		out_json_begin(&j);
		json_out_str(&j.w, "channel", ch->name);
		json_out_str(&j.w, "type", type_name(ch));
		json_out_bool(&j.w, "sent", good);
		out_json_err(&j.w, e);
		out_json_end(&j);
	} else if (good) {
		out_text("%s (%s): sent\n", ch->name, type_name(ch));
	} else {
		out_text("%s (%s): %sfailed%s: %s\n", ch->name, type_name(ch), out_colour_on(OUT_BAD), out_colour_off(),
			e->msg);
		if (e->hint[0])
			out_text("  hint: %s\n", e->hint);
	}
}

static int run(struct cli *c, struct err *e)
{
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	struct results r = {.c = c};
	if (pick_site(c, SITE_STATE_NONE, &s, e) || notifyrun_test(&s, c->args.n ? c->args.v[0] : NULL, told, &r, e))
		return -1;
	return r.failed ? EXIT_FAILED : EXIT_DONE;
}

const struct cli_verb verb_notify_test = {
	.name = "notify test",
	.args = "[NAME]",
	.min_args = 0,
	.max_args = 1,
	.summary = "send a test message to one channel, or to all",
	.about = "The channels are those below notify: in the configuration. Exit status 1 when one did not take it.",
	.examples = "  perdure notify test\n  perdure notify test oncall",
	.run = run,
};
