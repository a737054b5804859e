/* main.c: the program: parse, run the verb, print the error once. */
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/log.h"
#include "base/secret.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "inventory/httpchild.h"
#include "json/json.h"

static int run(struct cli *c, struct err *e)
{
	int status = c->verb->run(c, e);
	if (out_flush(e) && status == EXIT_DONE)
		status = -1;
	return status;
}

static void print_error(const struct cli *c, const struct err *e)
{
	out_progress_clear();
	if (c->json) {
		struct out_json j;
		out_json_begin(&j);
		out_json_err(&j.w, e);
		out_json_end(&j);
	}
	err_print(e);
}

int main(int argc, char **argv)
{
	struct cli c;
	struct err e = {0};
	int status = EXIT_DONE;
	/* Keys and state are nobody else's; a reader that goes away must not kill us in the middle of a step. */
	umask(077);
	secret_guard_process();
	if (argc == 2 && !strcmp(argv[0], HTTPCHILD_NAME))
		return httpchild_main(argv[1]);
	signal(SIGPIPE, SIG_IGN);
	if (cli_parse(argc, argv, &c, &e)) {
		status = -1;
	} else if (c.verb) {
		log_set_level(c.quiet ? LOG_LEVEL_WARN : c.verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
		out_progress_init(&c);
		status = run(&c, &e);
	}
	if (status < 0) {
		print_error(&c, &e);
		status = cli_status_of(&e);
	}
	err_done(&e);
	cli_done(&c);
	return status;
}
