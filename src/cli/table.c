/* table.c: the table of verbs, and parsing a command line by it. No option may be abbreviated: that would break when
 * another is added. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/verbs.h"

static const struct cli_verb *const verbs[] = {
	&verb_init,
	&verb_config_check,
	&verb_account_register,
	&verb_account_show,
	&verb_account_list,
	&verb_account_rollover,
	&verb_account_deactivate,
	&verb_account_export,
	&verb_account_import,
	&verb_ca_list,
	&verb_ca_probe,
	&verb_record_show,
	&verb_record_plan,
	&verb_record_apply,
	&verb_record_rotate,
	&verb_record_prune,
	&verb_record_export,
	&verb_record_template,
	&verb_record_judge,
	&verb_check,
	&verb_audit,
	&verb_provider_list,
	&verb_provider_test,
	&verb_provider_policy,
	&verb_provider_register,
	&verb_issue,
	&verb_renew,
	&verb_deploy,
	&verb_run,
	&verb_control_status,
	&verb_control_renew,
	&verb_control_reload,
	&verb_control_stop,
	&verb_status,
	&verb_delete,
	&verb_migrate_certbot,
	&verb_migrate_acmesh,
	&verb_migrate_lego,
	&verb_migrate_dehydrated,
	&verb_migrate_dns01,
	&verb_events_show,
	&verb_events_verify,
	&verb_events_key,
	&verb_notify_test,
	&verb_doctor,
};

const struct cli_option cli_common_options[] = {
	{"config", 'c', "FILE", false,
		"configuration file (default: $PERDURE_CONFIG, /etc/perdure/perdure.yaml, or the user's own)"},
	{"json", 0, NULL, false, "print JSON: one object, or one object a line"},
	{"quiet", 'q', NULL, false, "print warnings and errors only"},
	{"verbose", 'v', NULL, true, "say more"},
	{"help", 'h', NULL, false, "print this help"},
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb *const *cli_verbs(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(verbs);
	return verbs;
}

void cli_done(struct cli *c)
{
	strv_done(&c->args);
	for (size_t i = 0; i < CLI_MAX_OPTIONS; i++)
		strv_done(&c->values[i]);
}

static int index_of(const struct cli_option *o, const char *name, size_t n, char letter)
{
	for (int i = 0; o && o[i].name; i++)
		if (letter ? o[i].letter == letter : strlen(o[i].name) == n && !strncmp(o[i].name, name, n))
			return i;
	return -1;
}

static void set_common(struct cli *c, int i, const char *value)
{
	switch (cli_common_options[i].name[0]) {
	case 'c':
		c->config = value;
		break;
	case 'j':
		c->json = true;
		break;
	case 'q':
		c->quiet = true;
		break;
	default:
		c->verbose++;
		break;
	}
}

/* What is being parsed: the rest of the command line. */
struct line {
	int argc;
	char **argv;
	int at;
	bool help;
};

/* One option, long or short; value is what stood behind "=", or NULL. */
static int take_option(struct cli *c, struct line *l, const char *shown, const char *name, size_t n, char letter,
	const char *value, struct err *e)
{
	int common = index_of(cli_common_options, name, n, letter);
	int own = common < 0 && c->verb ? index_of(c->verb->options, name, n, letter) : -1;
	if (common < 0 && own < 0) {
		const char *verb = c->verb ? c->verb->name : "";
		err_set(e, ERR_USAGE, "\"perdure%s%s\" has no option %s", c->verb ? " " : "", verb, shown);
		err_hint(
			e, c->verb ? "\"perdure %s --help\" lists them" : "options of a command come after it%s", verb);
		return -1;
	}
	const struct cli_option *o = common >= 0 ? &cli_common_options[common] : &c->verb->options[own];
	if (!o->arg && value)
		return err_set(e, ERR_USAGE, "option --%s takes no argument", o->name);
	if (o->arg && !value) {
		if (l->at + 1 >= l->argc)
			return err_set(e, ERR_USAGE, "option --%s needs an argument: %s", o->name, o->arg);
		value = l->argv[++l->at];
	}
	if (common >= 0 && !strcmp(o->name, "help")) {
		l->help = true;
	} else if (common >= 0) {
		set_common(c, common, value);
	} else {
		if (c->values[own].n && !o->repeatable)
			return err_set(e, ERR_USAGE, "option --%s is given twice", o->name);
		strv_add(&c->values[own], value ? value : "");
	}
	return 0;
}

static int take_long(struct cli *c, struct line *l, struct err *e)
{
	const char *name = l->argv[l->at] + 2;
	const char *eq = strchr(name, '=');
	size_t n = eq ? (size_t)(eq - name) : strlen(name);
	return take_option(c, l, l->argv[l->at], name, n, 0, eq ? eq + 1 : NULL, e);
}

static int take_short(struct cli *c, struct line *l, struct err *e)
{
	const char *all = l->argv[l->at];
	for (const char *p = all + 1; *p; p++) {
		char shown[] = {'-', *p, '\0'};
		if (take_option(c, l, shown, "", 0, *p, NULL, e))
			return -1;
		if (l->help || l->argv[l->at] != all)
			break;
	}
	return 0;
}

/* Finds the verb in front of the line: two words go before one. */
static const struct cli_verb *find_verb(int argc, char **argv, int *ret_words)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		const char *space = strchr(verbs[i]->name, ' ');
		size_t n = space ? (size_t)(space - verbs[i]->name) : strlen(verbs[i]->name);
		if (strlen(argv[1]) != n || strncmp(argv[1], verbs[i]->name, n))
			continue;
		if (space && (argc < 3 || strcmp(argv[2], space + 1)))
			continue;
		*ret_words = space ? 2 : 1;
		return verbs[i];
	}
	return NULL;
}

static bool is_group(const char *word)
{
	size_t n = strlen(word);
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (!strncmp(verbs[i]->name, word, n) && verbs[i]->name[n] == ' ')
			return true;
	return false;
}

static bool asks_help(const char *s)
{
	return !strcmp(s, "--help") || !strcmp(s, "-h") || !strcmp(s, "help");
}

/* "perdure", "perdure help …", "perdure --version", "perdure account": lines without a verb. 0 when it was one of
 * those. */
static int without_verb(int argc, char **argv, struct err *e)
{
	if (argc < 2) {
		cli_help(NULL);
		return err_set(e, ERR_USAGE, "what is to be done?");
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "version")) {
		printf("perdure " PERDURE_VERSION "\n");
		return 0;
	}
	if (asks_help(argv[1])) {
		int words;
		const struct cli_verb *v = argc > 2 ? find_verb(argc - 1, argv + 1, &words) : NULL;
		if (argc > 2 && !v && is_group(argv[2]))
			cli_help_group(argv[2]);
		else
			cli_help(v);
		return 0;
	}
	if (is_group(argv[1])) {
		cli_help_group(argv[1]);
		if (argc > 2 && asks_help(argv[2]))
			return 0;
		return err_set(e, ERR_USAGE, "\"perdure %s%s%s\" is not a command", argv[1], argc > 2 ? " " : "",
			argc > 2 ? argv[2] : "");
	}
	err_set(e, ERR_USAGE, "\"perdure %s\" is not a command", argv[1]);
	err_hint(e, "\"perdure --help\" lists the commands; options come after the command");
	return -1;
}

static int check_args(const struct cli *c, struct err *e)
{
	const struct cli_verb *v = c->verb;
	if (v->max_args >= 0 && c->args.n > (size_t)v->max_args)
		err_set(e, ERR_USAGE, "\"perdure %s\": \"%s\" is one argument too many", v->name,
			c->args.v[v->max_args]);
	else if (c->args.n < (size_t)v->min_args)
		err_set(e, ERR_USAGE, "\"perdure %s\" needs %s", v->name, v->args);
	else
		return 0;
	err_hint(e, "usage: perdure %s [OPTION…] %s", v->name, v->args);
	return -1;
}

/* The options that every verb takes may also stand before it. */
static int take_leading(struct cli *c, struct line *l, struct err *e)
{
	for (; l->at < l->argc && l->argv[l->at][0] == '-'; l->at++) {
		const char *a = l->argv[l->at];
		if (asks_help(a) || !strcmp(a, "--version"))
			break;
		if (a[1] == '-' ? take_long(c, l, e) : take_short(c, l, e))
			return -1;
	}
	return 0;
}

static int take_rest(struct cli *c, struct line *l, struct err *e)
{
	bool only_args = false;
	for (; l->at < l->argc && !l->help; l->at++) {
		const char *a = l->argv[l->at];
		int r = 0;
		if (only_args || a[0] != '-' || !a[1])
			strv_add(&c->args, a);
		else if (!strcmp(a, "--"))
			only_args = true;
		else
			r = a[1] == '-' ? take_long(c, l, e) : take_short(c, l, e);
		if (r)
			return -1;
	}
	return 0;
}

int cli_parse(int argc, char **argv, struct cli *ret, struct err *e)
{
	int words = 0;
	struct line l = {.argc = argc, .argv = argv, .at = 1};
	*ret = (struct cli){0};
	if (take_leading(ret, &l, e))
		return -1;
	ret->verb = l.at < argc ? find_verb(argc - l.at + 1, argv + l.at - 1, &words) : NULL;
	if (!ret->verb)
		return without_verb(argc - l.at + 1, argv + l.at - 1, e);
	l.at += words;
	if (take_rest(ret, &l, e))
		return -1;
	if (l.help) {
		cli_help(ret->verb);
		ret->verb = NULL;
		return 0;
	}
	return check_args(ret, e);
}

const struct strv *cli_values(const struct cli *c, const char *name)
{
	int i = index_of(c->verb->options, name, strlen(name), 0);
	if (i < 0)
		abort();
	return &c->values[i];
}

bool cli_flag(const struct cli *c, const char *name)
{
	return cli_values(c, name)->n > 0;
}

const char *cli_value(const struct cli *c, const char *name)
{
	const struct strv *v = cli_values(c, name);
	return v->n ? v->v[v->n - 1] : NULL;
}

int cli_number(
	const struct cli *c, const char *name, int64_t dflt, int64_t min, int64_t max, int64_t *ret, struct err *e)
{
	const char *s = cli_value(c, name);
	char *end;
	if (!s) {
		*ret = dflt;
		return 0;
	}
	errno = 0;
	long long v = strtoll(s, &end, 10);
	if (errno || end == s || *end || v < min || v > max)
		return err_set(e, ERR_USAGE, "--%s %s: a whole number from %lld to %lld is needed", name, s,
			(long long)min, (long long)max);
	*ret = v;
	return 0;
}

int cli_status_of(const struct err *e)
{
	if (e->kind == ERR_USAGE || e->kind == ERR_CONFIG)
		return EXIT_USAGE;
	return e->retry == RETRY_LATER || e->retry == RETRY_NOW ? EXIT_LATER : EXIT_FAILED;
}
