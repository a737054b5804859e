/*
 * deploy_program.c: programs of deploy actions: found in PATH, with a clean environment and the variables that
 * docs/deploy.md lists; what they wrote; their ends in words.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "crypto/x509.h"
#include "fleet/deploywork.h"
#include "loop/process.h"

/* What is kept of standard output, and of one message. One variable may have NAMES_MAX octets: the kernel takes 128
 * KiB.
 */
enum { OUTPUT_MAX = 4096, WORDS_MAX = 400, NAMES_MAX = 64 << 10, PATH_MAX_OCTETS = 4096 };

static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct deploy_run {
	struct deploy_work *w;
	char *program;
	struct process *process;
	deploy_ran_fn done;
	void *ctx;
};

/* --- the environment --- */

char *deploy_join(const struct strv *names, const char *sep)
{
	struct buf b = buf_make(NAMES_MAX);
	for (size_t i = 0; i < names->n && b.n + strlen(sep) + strlen(names->v[i]) < NAMES_MAX; i++)
		buf_printf(&b, "%s%s", i ? sep : "", names->v[i]);
	return buf_take(&b);
}

static void put(struct strv *env, const char *name, const char *value)
{
	strv_add_take(env, xasprintf("%s=%s", name, value));
}

static void put_file(struct strv *env, const char *name, const struct deploy_subject *s, const char *file)
{
	strv_add_take(env, xasprintf("%s=%s/%s", name, s->live_dir, file));
}

static void put_subject(struct strv *env, const struct deploy_subject *s)
{
	char when[CLOCK_TEXT_MAX];
	AUTO(xfreep) char *domains = deploy_join(&s->cert->names, " ");
	AUTO(xfreep) char *generation = xasprintf("%lld", (long long)s->files.generation);
	clock_rfc3339(s->info->not_after, when);
	put(env, "PERDURE_CERTIFICATE", s->cert->name);
	put(env, "PERDURE_DOMAINS", domains);
	put(env, "PERDURE_GENERATION", generation);
	put(env, "PERDURE_CA", s->ca);
	put(env, "PERDURE_NOT_AFTER", when);
	put(env, "PERDURE_SERIAL", s->info->serial);
	put(env, "PERDURE_SHA256", s->info->sha256);
	put(env, "PERDURE_LIVE", s->live_dir);
	if (s->files.key_pem.n) {
		put_file(env, "PERDURE_KEY", s, "privkey.pem");
		put_file(env, "PERDURE_COMBINED", s, "combined.pem");
	}
	put_file(env, "PERDURE_CERT", s, "cert.pem");
	put_file(env, "PERDURE_CHAIN", s, "chain.pem");
	put_file(env, "PERDURE_FULLCHAIN", s, "fullchain.pem");
}

static int make_env(const struct deploy_work *w, const struct strv *extra, struct strv *env, struct err *e)
{
	const struct strv *wanted = &w->action->env;
	const char *path = getenv("PATH");
	put(env, "PATH", path && *path ? path : default_path);
	for (size_t i = 0; i < wanted->n; i++) {
		const char *value = getenv(wanted->v[i]);
		if (!value) {
			err_set(e, ERR_CONFIG, "env: the variable %s is not set", wanted->v[i]);
			err_hint(e, "set it before perdure is started, or take it out of env");
			return -1;
		}
		put(env, wanted->v[i], value);
	}
	AUTO(xfreep) char *certs = w->certs ? deploy_join(w->certs, " ") : xstrdup(w->subject->cert->name);
	put(env, "PERDURE_CONFIG", w->config->path);
	put(env, "PERDURE_STATE_DIR", w->config->state_dir);
	put(env, "PERDURE_CERTIFICATES", certs);
	if (w->subject)
		put_subject(env, w->subject);
	for (size_t i = 0; extra && i < extra->n; i++)
		strv_add(env, extra->v[i]);
	return 0;
}

/* --- the program --- */

static int find_program(const char *name, char **ret, struct err *e)
{
	const char *path = getenv("PATH");
	if (strchr(name, '/')) {
		*ret = xstrdup(name);
		return 0;
	}
	for (const char *p = path && *path ? path : default_path; *p;) {
		size_t n = strcspn(p, ":");
		AUTO(xfreep) char *file = xasprintf("%.*s/%s", (int)(n < PATH_MAX_OCTETS ? n : 0), p, name);
		/* A relative directory would mean another one wherever perdure is started. */
		if (*p == '/' && !access(file, X_OK)) {
			*ret = TAKE(file);
			return 0;
		}
		p += n + (p[n] == ':');
	}
	err_set(e, ERR_CONFIG, "there is no program %s in PATH", name);
	err_hint(e, "give its absolute path, or install it");
	return -1;
}

void deploy_shell_argv(const char *line, struct strv *ret)
{
	strv_add(ret, "/bin/sh");
	strv_add(ret, "-c");
	strv_add(ret, line);
}

/* --- its end --- */

/* The last line of what it wrote to standard error, else to standard output. */
static char *last_words(const struct process_result *r)
{
	const char *from = r->errors_n ? r->errors : r->out;
	size_t n = strlen(from);
	while (n && isspace((unsigned char)from[n - 1]))
		n--;
	size_t start = n;
	while (start && from[start - 1] != '\n' && n - start < WORDS_MAX)
		start--;
	while (start < n && ((unsigned char)from[start] & 0xc0) == 0x80) /* not in the middle of a character */
		start++;
	return xasprintf("%s%.*s", n > start ? ": " : "", (int)(n - start), from + start);
}

static void blame(const struct deploy_run *run, const struct process_result *r, struct err *e)
{
	AUTO(xfreep) char *words = last_words(r);
	if (r->end == PROCESS_TIMEOUT) {
		err_set(e, ERR_TIMEOUT, "%s took longer than %lld s and was killed%s", run->program,
			(long long)(run->w->action->timeout_ms / 1000), words);
		err_hint(e, "timeout: of the action sets the limit");
	} else if (r->end == PROCESS_SIGNALLED) {
		err_set(e, ERR_SYS, "%s was killed by signal %d%s", run->program, r->status, words);
	} else {
		err_set(e, ERR_SYS, "%s ended with status %d%s", run->program, r->status, words);
	}
	err_hint(e, "docs/deploy.md says what the program is given; \"perdure deploy %s\" tries it again",
		run->w->subject ? run->w->subject->cert->name : run->w->certs->v[0]);
	err_retry(e, RETRY_LATER, 0);
}

static void run_free(struct deploy_run *run)
{
	process_cancel(run->process);
	free(run->program);
	free(run);
}

static void on_end(const struct process_result *r, void *ctx)
{
	struct deploy_run *run = ctx;
	struct err e = {0};
	run->process = NULL;
	run->w->status = r->end == PROCESS_EXITED ? r->status : -1;
	buf_put(&run->w->output, r->out, r->out_n);
	buf_put(&run->w->output, r->errors, r->errors_n);
	if (r->end != PROCESS_EXITED || r->status)
		blame(run, r, &e);
	deploy_ran_fn done = run->done;
	void *done_ctx = run->ctx;
	run_free(run);
	done(&e, done_ctx);
	err_done(&e);
}

static const char **pointers(const struct strv *from)
{
	const char **v = xcalloc(from->n + 1, sizeof(*v));
	for (size_t i = 0; i < from->n; i++)
		v[i] = from->v[i];
	return v;
}

int deploy_run_start(struct deploy_work *w, const struct strv *argv, const struct strv *extra, deploy_ran_fn done,
	void *ctx, struct deploy_run **ret, struct err *e)
{
	AUTO(strv_done) struct strv env = {0};
	AUTO(xfreep) char *program = NULL;
	if (make_env(w, extra, &env, e) || find_program(argv->v[0], &program, e))
		return -1;
	AUTO(xfreep) const char **args = pointers(argv);
	AUTO(xfreep) const char **vars = pointers(&env);
	args[0] = program;
	struct deploy_run *run = xcalloc(1, sizeof(*run));
	*run = (struct deploy_run){.w = w, .program = xstrdup(program), .done = done, .ctx = ctx};
	struct process_request q = {.argv = args,
		.env = vars,
		.output_max = OUTPUT_MAX,
		.output_last = true,
		.timeout_ms = w->action->timeout_ms};
	if (process_start(w->loop, &q, on_end, run, &run->process, e)) {
		err_hint(e, "the program must be there, and this user must be allowed to execute it");
		err_retry(e, RETRY_AFTER_OPERATOR, 0);
		run_free(run);
		return -1;
	}
	*ret = run;
	return 0;
}

void deploy_run_cancel(struct deploy_run *r)
{
	if (r)
		run_free(r);
}

static void on_only_ran(const struct err *e, void *ctx)
{
	struct deploy_work *w = ctx;
	w->own = NULL;
	err_copy(&w->e, e);
	deploy_finish(w);
}

int deploy_run_only(struct deploy_work *w, const struct strv *argv, const struct strv *extra, struct err *e)
{
	struct deploy_run *run = NULL;
	if (deploy_run_start(w, argv, extra, on_only_ran, w, &run, e))
		return -1;
	w->own = run;
	return 0;
}

void deploy_run_only_release(struct deploy_work *w)
{
	deploy_run_cancel(w->own);
	w->own = NULL;
}
