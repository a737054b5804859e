/* help.c: help, made from the table of verbs. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

enum { SUMMARY_COLUMN = 26, HELP_COLUMN = 28 };

static void print_verb_line(const struct cli_verb *v)
{
	printf("  %-*s%s\n", SUMMARY_COLUMN - 2, v->name, v->summary);
}

static void help_all(void)
{
	size_t n;
	const struct cli_verb *const *v = cli_verbs(&n);
	puts("perdure: certificates from DNS records that are set once\n\nusage: perdure COMMAND [OPTION…] "
	     "[ARGUMENT…]\n\ncommands:");
	for (size_t i = 0; i < n; i++)
		print_verb_line(v[i]);
	puts("\n\"perdure COMMAND --help\" explains one, with examples. Begin with \"perdure init\".\n\n"
	     "exit status: 0 done (or nothing was due), 1 failed, 2 usage or configuration, 3 nothing was due "
	     "(--exit-code),\n"
	     "             4 partly done, 5 a record would be refused, 75 try later");
}

void cli_help_group(const char *group)
{
	size_t n, len = strlen(group);
	const struct cli_verb *const *v = cli_verbs(&n);
	printf("usage: perdure %s COMMAND [OPTION…] [ARGUMENT…]\n\ncommands:\n", group);
	for (size_t i = 0; i < n; i++)
		if (!strncmp(v[i]->name, group, len) && v[i]->name[len] == ' ')
			print_verb_line(v[i]);
}

static void print_options(const struct cli_option *o)
{
	for (; o && o->name; o++) {
		char head[64];
		int len = snprintf(head, sizeof(head), "  %c%c%s--%s%s%s", o->letter ? '-' : ' ',
			o->letter ? o->letter : ' ', o->letter ? ", " : "  ", o->name, o->arg ? " " : "",
			o->arg ? o->arg : "");
		if (len < HELP_COLUMN)
			printf("%-*s%s\n", HELP_COLUMN, head, o->help);
		else
			printf("%s\n%*s%s\n", head, HELP_COLUMN, "", o->help);
	}
}

void cli_help(const struct cli_verb *v)
{
	if (!v) {
		help_all();
		return;
	}
	printf("usage: perdure %s [OPTION…]%s%s\n\n%s.\n", v->name, v->args[0] ? " " : "", v->args, v->summary);
	if (v->about)
		printf("\n%s\n", v->about);
	puts("\noptions:");
	print_options(v->options);
	print_options(cli_common_options);
	if (v->examples)
		printf("\nexamples:\n%s\n", v->examples);
}
