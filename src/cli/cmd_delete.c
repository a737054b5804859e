/* cmd_delete.c: perdure delete: a lineage with its keys and certificates. */
#include "base/err.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/pick.h"
#include "cli/verbs.h"
#include "inventory/tell.h"
#include "state/certfiles.h"
#include "state/deployrows.h"

static int forget(struct site *s, const char *name, struct err *e)
{
	AUTO(store_order_done) struct store_order o = {0};
	bool found = false;
	if (store_order_get(s->store, name, &o, &found, e) || (found && store_order_delete(s->store, o.id, e)))
		return -1;
	return store_deploy_delete(s->store, name, NULL, e) || store_cert_delete(s->store, name, e) ||
			       store_commit(s->store, e)
		       ? -1
		       : 0;
}

static void print_json(const char *name, bool dry)
{
	struct out_json j;
	out_json_begin(&j);
	json_out_str(&j.w, "deleted", name);
	json_out_bool(&j.w, "dry_run", dry);
	out_json_end(&j);
}

static int run(struct cli *c, struct err *e)
{
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	const char *name = c->args.v[0];
	bool dry = cli_flag(c, "dry-run"), in_state = false;
	AUTO(store_cert_done) struct store_cert row = {0};
	AUTO(strv_done) struct strv on_disk = {0};
	if (pick_site(c, SITE_STATE_READ, &s, e))
		return -1;
	if ((s.store && store_cert_get(s.store, name, &row, &in_state, e)) ||
		certfiles_list(s.config->state_dir, &on_disk, e))
		return -1;
	if (!in_state && !strv_has(&on_disk, name)) {
		err_set(e, ERR_USAGE, "there is no certificate \"%s\" in %s", name, s.config->state_dir);
		err_hint(e, "\"perdure status\" lists them");
		return -1;
	}
	if (dry && c->json) {
		print_json(name, true);
		return EXIT_DONE;
	}
	if (dry) {
		out_text("would delete %s: live/%s, archive/%s and what is known of it\n", name, name, name);
		return EXIT_DONE;
	}
	if (!cli_flag(c, "yes") && !out_confirm("Delete %s, its private keys and all its generations?", name)) {
		err_set(e, ERR_USAGE, "nothing was deleted");
		err_hint(e, "answer y, or give --yes");
		return -1;
	}
	if (pick_writing(&s, e) || certfiles_delete(s.config->state_dir, name, e) || forget(&s, name, e))
		return -1;
	tell_event(&s, &(struct event){.type = EVENT_CERT_DELETED, .name = name});
	if (c->json) {
		print_json(name, false);
	} else {
		out_text("%s is deleted%s\n", name,
			config_find_cert(s.config, name)
				? "; it is still configured, and the next renewal issues it anew"
				: "");
	}
	return EXIT_DONE;
}

static const struct cli_option options[] = {
	{"yes", 'y', NULL, false, "do not ask"},
	{"dry-run", 'n', NULL, false, "say what would be deleted"},
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb verb_delete = {
	.name = "delete",
	.args = "CERT",
	.min_args = 1,
	.max_args = 1,
	.summary = "delete a certificate with its keys, after asking",
	.about = "Nothing is revoked, and no DNS record is touched.",
	.options = options,
	.examples = "  perdure delete old.example.com",
	.run = run,
};
