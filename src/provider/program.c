/* program.c: programs run one after the other, with a clean environment; their ends in words. */
#include "provider/program.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "loop/loop.h"
#include "provider/driver.h"

enum { TIMEOUT_MS = 120000, OUTPUT_MAX = 1 << 20, WORDS_MAX = 400, MASK_MIN = 4 };

static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

TAILQ_HEAD(runs, program_run);

struct program {
	struct provider *p;
	struct strv env; /* holds credentials */
	struct runs runs; /* the first may be running */
	struct loop_timer *turn;
	int64_t timeout_ms;
};

struct program_run {
	TAILQ_ENTRY(program_run) link;
	struct program *g;
	struct process *process;
	struct strv argv, env;
	struct buf input;
	char *what;
	program_fn fn;
	void *ctx;
};

/* --- the environment --- */

static void add_env(struct strv *env, const char *name, size_t name_n, const char *value)
{
	strv_add_take(env, xasprintf("%.*s=%s", (int)name_n, name, value));
}

static void wipe(struct strv *env)
{
	for (size_t i = 0; i < env->n; i++)
		explicit_bzero(env->v[i], strlen(env->v[i]));
	strv_done(env);
}

static size_t name_length(const char *s)
{
	size_t n = 0;
	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	return isdigit((unsigned char)s[0]) ? 0 : n;
}

static int take_variables(struct program *g, struct err *e)
{
	const struct strv *names = config_provider_list(g->p->conf, "env");
	const char *path = getenv("PATH");
	add_env(&g->env, "PATH", strlen("PATH"), path && *path ? path : default_path);
	for (size_t i = 0; i < names->n; i++) {
		const char *name = names->v[i], *value = getenv(name);
		if (!*name || name_length(name) != strlen(name))
			return err_set(e, ERR_CONFIG, "env: \"%s\" is not the name of a variable", name);
		if (!value) {
			err_set(e, ERR_CONFIG, "env: the variable %s is not set", name);
			err_hint(e, "set it before perdure is started, or put it into env_file");
			return -1;
		}
		add_env(&g->env, name, strlen(name), value);
	}
	return 0;
}

/* NAME=VALUE, also as a shell has it: `export` before it, quotes around the value. */
static bool take_line(struct program *g, char *line)
{
	if (!strncmp(line, "export ", strlen("export ")))
		line += strlen("export ");
	size_t n = name_length(line), value_n;
	if (!n || line[n] != '=')
		return false;
	char *value = line + n + 1;
	value_n = strlen(value);
	if (value_n >= 2 && (*value == '"' || *value == '\'') && value[value_n - 1] == *value) {
		value[value_n - 1] = '\0';
		value++;
	}
	add_env(&g->env, line, n, value);
	return true;
}

static int take_file(struct program *g, struct err *e)
{
	const char *path = config_provider_str(g->p->conf, "env_file");
	struct secret s;
	int number = 0, bad = 0;
	if (!path)
		return 0;
	if (fs_read_secret(path, &s, e))
		return err_ctx(e, "env_file");
	if (memchr(s.p, '\0', s.n))
		bad = 1;
	for (char *line = (char *)s.p, *next; line && !bad; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		line[strcspn(line, "\r")] = '\0';
		line += strspn(line, " \t");
		number++;
		if (*line && *line != '#' && !take_line(g, line))
			bad = number;
	}
	secret_done(&s);
	if (!bad)
		return 0;
	err_set(e, ERR_CONFIG, "env_file: %s:%d is no NAME=VALUE", path, bad);
	err_hint(e, "one variable a line; lines that begin with # are comments");
	return -1;
}

/* --- its end, in words --- */

/* Should the program echo a credential, it goes no further. */
static void mask(const struct program *g, char *text)
{
	for (size_t i = 1; i < g->env.n; i++) { /* the first is PATH */
		const char *value = strchr(g->env.v[i], '=') + 1;
		size_t n = strlen(value);
		for (char *at = text; n >= MASK_MIN && (at = strstr(at, value)); at += n)
			memset(at, '*', n);
	}
}

/* The end of what it wrote to standard error, else to standard output, as one line. */
static char *last_words(const struct program *g, const struct process_result *r)
{
	const char *from = r->errors_n ? r->errors : r->out;
	AUTO(xfreep) char *text = xstrdup(from);
	size_t n = strlen(text);
	mask(g, text);
	while (n && isspace((unsigned char)text[n - 1]))
		text[--n] = '\0';
	char *start = n > WORDS_MAX ? text + n - WORDS_MAX : text;
	while ((*start & 0xc0) == 0x80) /* not in the middle of a character */
		start++;
	for (char *at = start; (at = strpbrk(at, "\r\n\t")); at++)
		*at = ' ';
	return xasprintf("%s%s%s", *start ? ": " : "", start > text ? "… " : "", start);
}

static void blame(const struct program_run *run, const struct process_result *r, struct err *e)
{
	const struct provider *p = run->g->p;
	const char *program = run->argv.v[0];
	AUTO(xfreep) char *words = last_words(run->g, r);
	switch (r->end) {
	case PROCESS_TIMEOUT:
		err_set(e, ERR_TIMEOUT, "%s: %s took longer than %lld s and was killed%s", run->what, program,
			(long long)(run->g->timeout_ms / 1000), words);
		provider_err_name(e, p);
		err_retry(e, RETRY_LATER, 0);
		err_hint(e, "try it by hand; timeout: of the provider sets the limit");
		return;
	case PROCESS_OVERFLOW:
		provider_err(e, p, PROVIDER_REPLY, "%s: %s wrote more than %d octets and was killed", run->what,
			program, OUTPUT_MAX);
		break;
	case PROCESS_SIGNALLED:
		provider_err(
			e, p, PROVIDER_OTHER, "%s: %s was killed by signal %d%s", run->what, program, r->status, words);
		break;
	case PROCESS_EXITED:
		provider_err(e, p, r->status == PROGRAM_LATER ? PROVIDER_BUSY : PROVIDER_OTHER,
			"%s: %s ended with %d%s", run->what, program, r->status, words);
		break;
	}
	if (provider_cause(e) == PROVIDER_BUSY)
		provider_hint(e, p);
	else
		err_hint(e, "try the program by hand: docs/providers.md says how it is called");
}

/* --- runs --- */

static void run_free(struct program_run *run)
{
	process_cancel(run->process);
	strv_done(&run->argv);
	wipe(&run->env);
	buf_done(&run->input);
	free(run->what);
	free(run);
}

static void on_end(const struct process_result *r, void *ctx)
{
	struct program_run *run = ctx;
	struct program *g = run->g;
	struct err e = {0};
	run->process = NULL;
	if (r->end != PROCESS_EXITED || r->status)
		blame(run, r, &e);
	TAILQ_REMOVE(&g->runs, run, link);
	if (!TAILQ_EMPTY(&g->runs))
		loop_timer_start(g->turn, 0);
	run->fn(r->end == PROCESS_EXITED ? r : NULL, &e, run->ctx);
	err_done(&e);
	run_free(run);
}

static const char **pointers(const struct strv *a, const struct strv *b)
{
	const char **v = xcalloc(a->n + b->n + 1, sizeof(*v));
	for (size_t i = 0; i < a->n; i++)
		v[i] = a->v[i];
	for (size_t i = 0; i < b->n; i++)
		v[a->n + i] = b->v[i];
	return v;
}

static void on_turn(void *ctx)
{
	static const struct strv none;
	struct program *g = ctx;
	struct program_run *run = TAILQ_FIRST(&g->runs);
	struct err e = {0};
	if (!run || run->process)
		return;
	const char **argv = pointers(&run->argv, &none), **env = pointers(&g->env, &run->env);
	struct process_request q = {.argv = argv,
		.env = env,
		.input = run->input.p,
		.input_n = run->input.n,
		.output_max = OUTPUT_MAX,
		.timeout_ms = g->timeout_ms};
	g->p->calls++;
	int r = process_start(g->p->loop, &q, on_end, run, &run->process, &e);
	free(argv);
	free(env);
	if (!r)
		return;
	err_ctx(&e, "%s", run->what);
	provider_err_name(&e, g->p);
	err_hint(&e, "the program must be there, and this user must be allowed to execute it");
	TAILQ_REMOVE(&g->runs, run, link);
	loop_timer_start(g->turn, 0);
	run->fn(NULL, &e, run->ctx);
	err_done(&e);
	run_free(run);
}

struct program_run *program_start(struct program *g, const struct program_call *c, program_fn fn, void *ctx)
{
	struct program_run *run = xcalloc(1, sizeof(*run));
	run->g = g;
	strv_copy(&run->argv, c->argv);
	if (c->env)
		strv_copy(&run->env, c->env);
	run->input = buf_make(c->input_n);
	buf_put(&run->input, c->input, c->input_n);
	run->what = xstrdup(c->what);
	run->fn = fn;
	run->ctx = ctx;
	TAILQ_INSERT_TAIL(&g->runs, run, link);
	loop_timer_start(g->turn, 0);
	return run;
}

void program_cancel(struct program_run *run)
{
	if (!run)
		return;
	TAILQ_REMOVE(&run->g->runs, run, link);
	if (!TAILQ_EMPTY(&run->g->runs))
		loop_timer_start(run->g->turn, 0);
	run_free(run);
}

/* --- open, close --- */

int program_new(struct provider *p, struct program **ret, struct err *e)
{
	struct program *g = xcalloc(1, sizeof(*g));
	g->p = p;
	TAILQ_INIT(&g->runs);
	g->turn = loop_timer_new(p->loop, on_turn, g);
	g->timeout_ms = config_provider_int(p->conf, "timeout", TIMEOUT_MS);
	if (take_variables(g, e) || take_file(g, e)) {
		program_free(g);
		return -1;
	}
	*ret = g;
	return 0;
}

void program_free(struct program *g)
{
	if (!g)
		return;
	for (struct program_run *run; (run = TAILQ_FIRST(&g->runs));)
		program_cancel(run);
	loop_timer_free(g->turn);
	wipe(&g->env);
	free(g);
}

int64_t program_timeout(const struct program *g)
{
	return g->timeout_ms;
}

const char *program_variable(const struct program *g, const char *name)
{
	size_t n = strlen(name);
	for (size_t i = 0; i < g->env.n; i++)
		if (!strncmp(g->env.v[i], name, n) && g->env.v[i][n] == '=')
			return g->env.v[i] + n + 1;
	return NULL;
}
