/* cmd_deploy.c: perdure deploy: deploy actions by hand. */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/deployprint.h"
#include "cli/output.h"
#include "cli/pick.h"
#include "cli/verbs.h"

static void reported(const struct deploy_report *r, void *ctx)
{
	deploy_print_report(ctx, r);
}

static void print_summary(const struct cli *c, const struct deploy_summary *s)
{
	if (c->json) {
		struct out_json j;
		out_json_begin(&j);
		json_out_object(&j.w, "summary");
		json_out_int(&j.w, "certificates", (int64_t)s->certificates);
		json_out_int(&j.w, "done", (int64_t)s->done);
		json_out_int(&j.w, "unchanged", (int64_t)s->unchanged);
		json_out_int(&j.w, "failed", (int64_t)s->failed);
		json_out_end_object(&j.w);
		out_json_end(&j);
	} else if (!c->quiet && !s->certificates) {
		out_text("nothing is to be deployed\n");
	}
}

struct plan {
	const struct cli *c;
	const struct site *s;
	const struct strv *only;
	bool force;
	size_t due;
};

static int plan_one(const struct store_cert *row, void *ctx, struct err *e)
{
	struct plan *p = ctx;
	const struct config_cert *cert = config_find_cert(p->s->config, row->name);
	(void)e;
	if (cert && row->generation && (!p->only->n || strv_has(p->only, row->name)))
		p->due += deploy_print_plan(p->c, p->s, cert, row->generation, p->force, 0);
	return 0;
}

static int dry_run(const struct cli *c, const struct site *s, const struct strv *only, struct err *e)
{
	struct plan p = {.c = c, .s = s, .only = only, .force = cli_flag(c, "force")};
	if (s->store && store_cert_each(s->store, plan_one, &p, e))
		return -1;
	if (!p.due && !c->json && !c->quiet)
		out_text("nothing is to be deployed\n");
	return EXIT_DONE;
}

/* Whoever names a certificate wants to hear why nothing happens. */
static void warn_idle(const struct site *s, const struct strv *only)
{
	for (size_t i = 0; i < only->n; i++) {
		const struct config_cert *cert = config_find_cert(s->config, only->v[i]);
		if (cert && !cert->deploy)
			log_warn("%s has no deploy actions in %s", cert->name, s->config->path);
	}
}

static int run(struct cli *c, struct err *e)
{
	static const struct deploy_hooks hooks = {.report = reported};
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	AUTO(strv_done) struct strv only = {0};
	bool dry = cli_flag(c, "dry-run");
	if (pick_site(c, dry ? SITE_STATE_READ : SITE_STATE_NONE, &s, e) || pick_lineages(&s, &c->args, &only, e) ||
		(!dry && pick_writing(&s, e)))
		return -1;
	warn_idle(&s, &only);
	if (dry)
		return dry_run(c, &s, &only, e);
	const struct deploy_options o = {.ignore_wait = true, .force = cli_flag(c, "force")};
	struct deploy_summary sum;
	if (deploy_all(&s, NULL, only.n ? &only : NULL, &o, &hooks, c, &sum, e))
		return -1;
	print_summary(c, &sum);
	if (!sum.failed)
		return EXIT_DONE;
	return sum.done + sum.unchanged ? EXIT_PARTLY : EXIT_FAILED;
}

static const struct cli_option options[] = {
	{"force", 0, NULL, false, "also what is done already"},
	{"dry-run", 'n', NULL, false, "say what would be done"},
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb verb_deploy = {
	.name = "deploy",
	.args = "[CERT…]",
	.min_args = 0,
	.max_args = -1,
	.summary = "put live certificates where they are used, as their deploy actions say",
	.about = "\"perdure renew\" and \"perdure issue\" do so by themselves. This does what they could not, or what "
		 "was added to the configuration\n"
		 "since; nobody waits for a failure to be some time ago. Certificates without actions are passed by.",
	.options = options,
	.examples = "  perdure deploy                 what is not deployed yet\n  perdure deploy example.com --force\n"
		    "  perdure deploy --dry-run",
	.run = run,
};
