/* cmd_init.c: perdure init: a configuration to begin with. */
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/pick.h"
#include "cli/verbs.h"
#include "config/init.h"

static int make_key(const char *path, const char *ca_name, char **ret_key, struct err *e)
{
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	struct site_options o = {.config_path = path, .state = SITE_STATE_WRITE, .lock_wait_ms = PICK_LOCK_WAIT_MS};
	struct site_ca *ca;
	if (site_open(&o, &s, e) || site_find_ca(&s, ca_name, &ca, e) || site_account_key_make(&s, ca, e))
		return -1;
	*ret_key = site_account_key_path(&s, ca);
	return 0;
}

static int run(struct cli *c, struct err *e)
{
	AUTO(xfreep) char *path = c->config ? xstrdup(c->config) : config_default_path();
	AUTO(xfreep) char *key = NULL;
	AUTO(strv_done) struct strv names = {0};
	const char *ca = cli_value(c, "ca"), *state_dir = cli_value(c, "state-dir");
	if (state_dir && (state_dir[0] != '/' || strpbrk(state_dir, "\"\\\n")))
		return err_set(e, ERR_USAGE,
			"--state-dir %s: an absolute path without quotes and backslashes is needed", state_dir);
	if (pick_names(&c->args, &names, e) || config_init_check(ca, &names, e))
		return -1;
	if (cli_flag(c, "dry-run")) {
		AUTO(xfreep) char *text = config_init_text(ca, &names, state_dir);
		if (c->json) {
			struct out_json j;
			out_json_begin(&j);
			json_out_str(&j.w, "config", path);
			json_out_str(&j.w, "text", text);
			json_out_bool(&j.w, "dry_run", true);
			out_json_end(&j);
		} else {
			out_text("%s", text);
		}
		return EXIT_DONE;
	}
	if (config_init_write(path, ca, &names, state_dir, e) || (ca && make_key(path, ca, &key, e)))
		return -1;
	if (c->json) {
		struct out_json j;
		out_json_begin(&j);
		json_out_str(&j.w, "config", path);
		json_out_str(&j.w, "account_key", key);
		out_json_end(&j);
		return EXIT_DONE;
	}
	out_text("configuration: %s\n", path);
	if (key)
		out_text("account key:   %s\n", key);
	if (c->quiet)
		return EXIT_DONE;
	const char *flag = c->config ? " --config " : "", *at = c->config ? path : "";
	const struct config_preset *preset = ca ? config_find_preset(ca) : NULL;
	out_text("\nnext:\n%s%s"
		 "  perdure account register%s%s --agree-tos\n"
		 "  perdure record show%s%s            publish what it prints\n"
		 "  perdure check --all%s%s            until every name is accepted\n"
		 "  perdure renew%s%s                  and again from a timer, for ever\n",
		ca && names.n ? ""
			      : "  set cas: and certificates: in the configuration; every key is explained there\n",
		preset && preset->eab ? "  set eab: of the CA in the configuration: it takes an account only with what "
					"it gave you for that\n"
				      : "",
		flag, at, flag, at, flag, at, flag, at);
	return EXIT_DONE;
}

static const struct cli_option options[] = {
	{"ca", 0, "NAME", false, "begin with this CA; \"perdure ca list\" shows the names"},
	{"state-dir", 0, "DIR", false, "keep keys and certificates there and not in the default directory"},
	{"dry-run", 'n', NULL, false, "print the configuration and write nothing"},
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb verb_init = {
	.name = "init",
	.args = "[NAME…]",
	.min_args = 0,
	.max_args = -1,
	.summary = "write a commented configuration, make the account key, say what comes next",
	.about = "An existing configuration is never overwritten. The names become the first certificate.",
	.options = options,
	.examples = "  perdure init --ca letsencrypt-staging example.com '*.example.com'",
	.run = run,
};
