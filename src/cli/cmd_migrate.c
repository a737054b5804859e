/* cmd_migrate.c: perdure migrate certbot, acme.sh, lego, dehydrated. */
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/migrate.h"
#include "cli/output.h"
#include "cli/pick.h"
#include "cli/verbs.h"

static void run_done(struct migrate_run *r)
{
	if (r->plan.found)
		migrate_plan_done(&r->plan);
	migrate_found_done(&r->found);
	site_close(&r->site);
}

static enum migrate_client client_of(const struct cli *c)
{
	const char *word = strchr(c->verb->name, ' ') + 1;
	unsigned i = 0;
	while (i + 1 < MIGRATE_CLIENT_N_ && strcmp(migrate_client_name((enum migrate_client)i), word) != 0)
		i++;
	return (enum migrate_client)i;
}

/* ---- the configuration ---- */

/* FILE in conf.d beside the main file, the only place where it is read from. */
static int config_target(const struct site *s, const char *file, char **ret, struct err *e)
{
	const char *slash = strrchr(s->config->path, '/');
	AUTO(xfreep) char *dir = slash ? xstrndup(s->config->path, (size_t)(slash - s->config->path)) : xstrdup(".");
	AUTO(xfreep) char *conf_d = xasprintf("%s/conf.d/", dir);
	AUTO(xfreep) char *path = *file == '/' ? xstrdup(file) : xasprintf("%s/%s", dir, file);
	const char *name = !strncmp(path, conf_d, strlen(conf_d)) ? path + strlen(conf_d) : NULL;
	size_t n = strlen(path);
	if (!name || strchr(name, '/') || *name == '.' || n < 6 || strcmp(path + n - 5, ".yaml") != 0) {
		err_set(e, ERR_USAGE, "--write-config %s: perdure would not read that file", file);
		err_hint(e, "name one that ends in .yaml in %s", conf_d);
		return -1;
	}
	if (fs_exists(path)) {
		err_set(e, ERR_USAGE, "--write-config %s: %s exists already", file, path);
		err_hint(e, "nothing is overwritten; name another file");
		return -1;
	}
	*ret = TAKE(path);
	return 0;
}

/* What does not make a good configuration is taken back. */
static int write_config(struct site *s, const char *path, const struct buf *yaml, struct err *e)
{
	struct config *tried = NULL;
	AUTO(xfreep) char *conf_d = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	if (fs_mkdirs(conf_d, 0755, e) || fs_write_atomic(path, yaml->p, yaml->n, 0644, e))
		return -1;
	if (config_load(s->config->path, &tried, e)) {
		unlink(path);
		err_hint(e, "the file was not kept; take over by hand what \"perdure migrate\" prints without "
			    "--write-config");
		return err_ctx(e, "--write-config");
	}
	config_free(tried);
	return 0;
}

/* Writes what the configuration lacks; what was planned counts anew then. */
static int add_config(struct migrate_run *r, enum site_state state, char **ret_written, struct err *e)
{
	const char *file = cli_value(r->c, "write-config");
	AUTO(buf_done) struct buf yaml = buf_make(BUF_MAX_CONFIG);
	AUTO(xfreep) char *path = NULL;
	if (!file || !migrate_plan_adds(&r->plan))
		return 0;
	migrate_plan_yaml(&r->plan, r->site.config->state_dir, &yaml);
	if (buf_check(&yaml, "the configuration", e) || config_target(&r->site, file, &path, e))
		return -1;
	if (cli_flag(r->c, "dry-run"))
		return 0;
	if (write_config(&r->site, path, &yaml, e))
		return -1;
	*ret_written = TAKE(path);
	if (state == SITE_STATE_READ && !cli_flag(r->c, "import"))
		return 0;
	migrate_plan_done(&r->plan);
	site_close(&r->site);
	return pick_site(r->c, state, &r->site, e) || migrate_plan_make(&r->site, &r->found, &r->plan, e) ? -1 : 0;
}

/* ---- the verb ---- */

static int check_flags(const struct cli *c, struct err *e)
{
	bool undo = cli_flag(c, "undo");
	if (undo && (cli_flag(c, "import") || cli_flag(c, "commit") || cli_value(c, "write-config")))
		return err_set(e, ERR_USAGE, "--undo stands alone");
	return 0;
}

static int exit_status(const struct migrate_run *r)
{
	size_t bad = r->failed;
	for (size_t i = 0; i < r->found.n_accounts; i++)
		bad += r->plan.accounts[i].action == MIGRATE_CANNOT && r->plan.accounts[i].used;
	for (size_t i = 0; i < r->found.n_lineages; i++)
		bad += r->plan.certs[i].action == MIGRATE_CANNOT;
	if (!bad)
		return EXIT_DONE;
	return r->done || bad < r->found.n_accounts + r->found.n_lineages ? EXIT_PARTLY : EXIT_FAILED;
}

static int plan_and_do(struct migrate_run *r, struct err *e)
{
	const struct cli *c = r->c;
	bool dry = cli_flag(c, "dry-run");
	bool changes = !dry && (cli_flag(c, "import") || cli_flag(c, "commit"));
	enum site_state state = changes ? SITE_STATE_WRITE : SITE_STATE_READ;
	AUTO(xfreep) char *written = NULL;
	AUTO(buf_done) struct buf yaml = buf_make(BUF_MAX_CONFIG);
	if (pick_site(c, state, &r->site, e) || migrate_plan_make(&r->site, &r->found, &r->plan, e))
		return -1;
	if (migrate_plan_adds(&r->plan))
		migrate_plan_yaml(&r->plan, r->site.config->state_dir, &yaml);
	if (buf_check(&yaml, "the configuration", e) || add_config(r, state, &written, e))
		return -1;
	migrate_print(r, yaml.n ? buf_str(&yaml) : NULL, written);
	if (changes && cli_flag(c, "import") && migrate_do_import(r, e))
		return -1;
	if (changes && cli_flag(c, "commit") && migrate_do_commit(r, e))
		return -1;
	if (dry && cli_flag(c, "commit"))
		migrate_show_places(r, false);
	migrate_print_summary(r);
	return exit_status(r);
}

static int run(struct cli *c, struct err *e)
{
	AUTO(run_done) struct migrate_run r = {.c = c, .site = {.lock = {.fd = -1}}};
	enum migrate_client client = client_of(c);
	if (check_flags(c, e))
		return -1;
	AUTO(xfreep) char *path = c->args.n ? xstrdup(c->args.v[0]) : migrate_default_path(client);
	if (migrate_read(client, path, &r.found, e))
		return -1;
	if (!cli_flag(c, "undo"))
		return plan_and_do(&r, e);
	if (cli_flag(c, "dry-run"))
		migrate_show_places(&r, true);
	else
		migrate_do_undo(&r);
	migrate_print_summary(&r);
	return r.failed ? (r.done ? EXIT_PARTLY : EXIT_FAILED) : EXIT_DONE;
}

static const struct cli_option options[] = {
	{"write-config", 0, "FILE", false,
		"add what is missing to the configuration: conf.d/NAME.yaml, which must not exist"},
	{"import", 0, NULL, false, "take accounts and certificates; nothing in PATH is changed"},
	{"commit", 0, NULL, false, "put links to our files where services read those in PATH; the old ones are kept"},
	{"undo", 0, NULL, false, "put back what --commit replaced"},
	{"force", 0, NULL, false, "commit although the client seems to be started still, or others may read a key"},
	{"yes", 'y', NULL, false, "do not ask"},
	{"dry-run", 'n', NULL, false, "change nothing, whatever else is given"},
	{NULL, 0, NULL, false, NULL},
};

#define ABOUT                                                                                                          \
	"Prints what would be taken, under which names, which hooks there are and what they become, and what cannot "  \
	"be "                                                                                                          \
	"taken\n"                                                                                                      \
	"and why; with the options below it does so. Nothing of the other client is run, and nothing in PATH is "      \
	"changed\n"                                                                                                    \
	"without --commit. The account is kept, so CAA records that name it stay right. Safe to stop at any moment, "  \
	"and to\n"                                                                                                     \
	"run again. Exit status 4 when something could not be taken."

#define VERB(id, client, places)                                                                                       \
	const struct cli_verb verb_migrate_##id = {                                                                    \
		.name = "migrate " client,                                                                             \
		.args = "[PATH]",                                                                                      \
		.min_args = 0,                                                                                         \
		.max_args = 1,                                                                                         \
		.summary = "take over accounts and certificates of " client,                                           \
		.about = "PATH is " places "\n" ABOUT,                                                                 \
		.options = options,                                                                                    \
		.examples = "  perdure migrate " client "\n"                                                           \
			    "  perdure migrate " client " --write-config conf.d/" client ".yaml --import\n"            \
			    "  perdure migrate " client " --commit\n"                                                  \
			    "  perdure migrate " client " --undo",                                                     \
		.run = run,                                                                                            \
	}

VERB(certbot, "certbot", "certbot's configuration folder, /etc/letsencrypt by default.");
VERB(acmesh, "acme.sh", "the folder that acme.sh keeps certificates in, ~/.acme.sh by default.");
VERB(lego, "lego", "the folder that lego was given with --path, .lego, ~/.lego or /var/lib/lego by default.");
VERB(dehydrated, "dehydrated", "the folder of dehydrated's config, /etc/dehydrated by default.");
