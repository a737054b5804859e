/*
 * acmesh.c: the DNS hooks of acme.sh, in a checkout that the user has: nothing of it is in here. A few lines of shell
 * read the user's acme.sh as a library, then the hook, and call its function that adds a value. The one that removes is
 * never called: many of them remove the whole RRset. What stands there, a name server says (bridge.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "provider/bridge.h"
#include "provider/drivers.h"
#include "provider/program.h"

struct acmesh {
	struct bridge b; /* first */
	char *folder; /* what acme.sh writes goes there, and with it at the end; NULL: there is none */
};

/*
 * acme.sh ends by running its own arguments, so it is given a command that does nothing. Everything it would keep
 * (account.conf with the credentials among them) goes into our folder.
 */
static const char script[] = "umask 077\n"
			     "export HOME=\"$PERDURE_TEMP\" LE_WORKING_DIR=\"$PERDURE_TEMP\"\n"
			     "export LE_CONFIG_HOME=\"$PERDURE_TEMP\" CERT_HOME=\"$PERDURE_TEMP\"\n"
			     "export ACCOUNT_CONF_PATH=\"$PERDURE_TEMP/account.conf\"\n"
			     "export DOMAIN_CONF=\"$PERDURE_TEMP/domain.conf\"\n"
			     "export HTTP_HEADER=\"$PERDURE_TEMP/http.header\"\n"
			     "exec 1>&2\n"
			     "set -- true\n"
			     ". \"$PERDURE_PATH/acme.sh\" || exit 1\n"
			     "file=\"$PERDURE_PATH/dnsapi/$PERDURE_HOOK.sh\"\n"
			     "[ -f \"$file\" ] || file=\"$PERDURE_PATH/$PERDURE_HOOK.sh\"\n"
			     ". \"$file\" || exit 1\n"
			     "\"${PERDURE_HOOK}_add\" \"$PERDURE_NAME\" \"$PERDURE_VALUE\"\n";

static const char prefix_words[] = "it knows names that begin with _acme-challenge only";

/* Hooks that cannot do what is wanted, or do harm at once. */
static const struct {
	const char *hook, *why;
} denied[] = {
	{"dns_artfiles", prefix_words},
	{"dns_arvan", prefix_words},
	{"dns_dnsservices", prefix_words},
	{"dns_exoscale", prefix_words},
	{"dns_firestorm", prefix_words},
	{"dns_lexicon", prefix_words},
	{"dns_virakcloud", prefix_words},
	{"dns_acmedns", "acme-dns holds two values of 43 characters, the newest"},
	{"dns_duckdns", "DuckDNS has one TXT value for all names of a domain"},
	{"dns_he_ddns", "it replaces what stands at the name"},
	{"dns_namecheap", "it writes the whole zone, and what it leaves out is deleted"},
};

static void put_variable(struct strv *env, const char *name, const char *value)
{
	strv_add_take(env, xasprintf("%s=%s", name, value));
}

static void put_call(
	struct bridge *b, bool add, const char *name, const char *value, struct strv *argv, struct strv *env)
{
	const struct config_provider *conf = b->p.conf;
	(void)add; /* add_only */
	strv_add(argv, "/bin/sh");
	strv_add(argv, "-c");
	strv_add(argv, script);
	put_variable(env, "PERDURE_TEMP", ((struct acmesh *)b)->folder);
	put_variable(env, "PERDURE_PATH", config_provider_str(conf, "path"));
	put_variable(env, "PERDURE_HOOK", config_provider_str(conf, "hook"));
	put_variable(env, "PERDURE_NAME", name);
	put_variable(env, "PERDURE_VALUE", value);
}

static void free_driver(struct provider *p)
{
	struct acmesh *d = (struct acmesh *)p;
	struct err e = {0};
	bridge_done(&d->b);
	if (d->folder && fs_remove_tree(d->folder, &e))
		log_warn("provider %s: %s: remove it, there may be credentials in it", p->conf->name, e.msg);
	err_done(&e);
	free(d->folder);
	free(d);
}

/* The hook's name becomes that of a file and of a shell function. */
static int check_hook(const struct config_provider *conf, struct err *e)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	const char *path = config_provider_str(conf, "path"), *hook = config_provider_str(conf, "hook");
	AUTO(xfreep) char *library = xasprintf("%s/acme.sh", path);
	AUTO(xfreep) char *usual = xasprintf("%s/dnsapi/%s.sh", path, hook);
	AUTO(xfreep) char *own = xasprintf("%s/%s.sh", path, hook);
	for (size_t i = 0; i < ARRAY_LEN(denied); i++) {
		if (strcmp(denied[i].hook, hook) != 0)
			continue;
		err_set(e, ERR_CONFIG, "hook: %s cannot be used: %s", hook, denied[i].why);
		err_hint(e, "set these records by hand (\"perdure record show\"), or by a driver of their own");
		return -1;
	}
	if (hook[strspn(hook, letters)])
		return err_set(e, ERR_CONFIG, "hook: \"%s\" is no name of a hook, such as dns_cf", hook);
	if (!fs_exists(library)) {
		err_set(e, ERR_CONFIG, "path: there is no %s", library);
		err_hint(e, "path: is the folder of your own acme.sh, with dnsapi/ in it");
		return -1;
	}
	if (!fs_exists(usual) && !fs_exists(own))
		return err_set(e, ERR_CONFIG, "hook: there is no %s", usual);
	return 0;
}

static int make_folder(struct acmesh *d, struct err *e)
{
	const char *base = getenv("TMPDIR");
	AUTO(xfreep) char *folder = xasprintf("%s/perdure-hook-XXXXXX", base && *base ? base : "/tmp");
	if (!mkdtemp(folder))
		return err_sys(e, "cannot make a folder %s", folder);
	d->folder = TAKE(folder);
	return 0;
}

/* acme.sh gives curl the option --insecure then. */
static void warn_of_insecure(const struct bridge *b)
{
	const char *value = program_variable(b->program, "HTTPS_INSECURE");
	if (value && *value)
		log_warn("provider %s: HTTPS_INSECURE is set in its variables: acme.sh does not check whether it talks "
			 "to "
			 "the provider, and anybody in between can read the credentials",
			b->p.conf->name);
}

static int open_driver(struct loop *l, const struct config_provider *conf, struct provider **ret, struct err *e)
{
	struct acmesh *d = xcalloc(1, sizeof(*d));
	provider_init(&d->b.p, &driver_acmesh, l, conf);
	if (check_hook(conf, e) || bridge_init(&d->b, put_call, true, e) || make_folder(d, e)) {
		free_driver(&d->b.p);
		return -1;
	}
	warn_of_insecure(&d->b);
	*ret = &d->b.p;
	return 0;
}

static void policy(const struct config_provider *conf, const struct strv *owners, struct buf *out)
{
	buf_printf(out,
		"The variables that the hook %s needs are at the beginning of its file in %s/dnsapi, and stand in\n"
		"env_file, mode 0600. acme.sh puts credentials into arguments of curl, which everybody on the machine "
		"can read\nwhile it runs. Let them change TXT records and nothing else, at\n\n",
		config_provider_str(conf, "hook"), config_provider_str(conf, "path"));
	for (size_t i = 0; i < owners->n; i++)
		buf_printf(out, "  %s.\n", owners->v[i]);
	if (!owners->n)
		buf_puts(out, "  _validation-persist.* of each zone with standing records\n");
}

const struct provider_driver driver_acmesh = {
	.type = "acme-sh",
	.title = "a DNS hook of your own checkout of acme.sh; values are added only",
	.open = open_driver,
	.free = free_driver,
	.has_zone = bridge_has_zone,
	.read = bridge_read,
	.change = bridge_change,
	.drop = bridge_drop,
	.policy = policy,
};
