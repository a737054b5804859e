/* cmd_config.c: perdure config check. */
#include "base/err.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "config/config.h"
#include "inventory/wishes.h"

static int run(struct cli *c, struct err *e)
{
	AUTO(config_freep) struct config *conf = NULL;
	AUTO(xfreep) char *path = c->config ? xstrdup(c->config) : config_default_path();
	if (config_load(path, &conf, e)) {
		e->kind = ERR_CONFIG;
		return -1;
	}
	config_overlaps(conf, &conf->warnings);
	wishes_crowded(conf, &conf->warnings);
	if (c->json) {
		struct out_json j;
		out_json_begin(&j);
		json_out_bool(&j.w, "ok", true);
		json_out_strv(&j.w, "files", &conf->files);
		json_out_str(&j.w, "state_dir", conf->state_dir);
		json_out_int(&j.w, "cas", (int64_t)conf->n_cas);
		json_out_int(&j.w, "certificates", (int64_t)conf->n_certs);
		json_out_strv(&j.w, "warnings", &conf->warnings);
		out_json_end(&j);
		return EXIT_DONE;
	}
	for (size_t i = 0; i < conf->warnings.n; i++)
		log_warn("%s", conf->warnings.v[i]);
	if (!c->quiet)
		out_text("%s: in order; %zu CAs, %zu certificates, state in %s\n", path, conf->n_cas, conf->n_certs,
			conf->state_dir);
	return EXIT_DONE;
}

const struct cli_verb verb_config_check = {
	.name = "config check",
	.args = "",
	.summary = "read the configuration and say what is wrong, with file, line and column",
	.about = "Nothing is asked of a CA or of the DNS, and no secret file is opened. What is allowed, but odd, is "
		 "warned "
		 "of: a name that several certificates have, for one. Exit status 2 when something is wrong.",
	.examples = "  perdure config check --config ./perdure.yaml",
	.run = run,
};
