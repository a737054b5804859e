/* process.c: posix_spawn(), three pipes, and a pidfd that tells the end. */
#include "loop/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "loop/loop.h"

enum { PIECE = 16384, DRAIN_PIECES = 64, FIRST_FD = 3 };

/* Our end of a pipe, or -1. */
struct end {
	int fd;
	struct loop_fd *watch;
};

struct process {
	pid_t pid;
	struct end done, in, out, errors; /* done: the pidfd */
	struct loop_timer *timer;
	struct buf input, output, words; /* words: the last of standard error */
	size_t sent;
	size_t output_last; /* so much of the output is kept; 0: all of it, up to its limit */
	bool overflow, late;
	process_fn fn;
	void *ctx;
};

static void end_close(struct end *x)
{
	loop_fd_free(x->watch);
	if (x->fd >= 0)
		close(x->fd);
	*x = (struct end){.fd = -1};
}

static void process_free(struct process *p)
{
	end_close(&p->done);
	end_close(&p->in);
	end_close(&p->out);
	end_close(&p->errors);
	loop_timer_free(p->timer);
	buf_wipe(&p->input);
	buf_wipe(&p->output);
	buf_wipe(&p->words);
	free(p);
}

/* While it is not waited for, its number is nobody else's, so the group is its own. */
static void kill_group(const struct process *p)
{
	kill(-p->pid, SIGKILL);
}

void process_cancel(struct process *p)
{
	if (!p)
		return;
	kill_group(p);
	while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
		;
	process_free(p);
}

/* --- what it says --- */

static void keep_last(struct buf *words, size_t max)
{
	if (words->n <= max)
		return;
	memmove(words->p, words->p + (words->n - max), max + 1);
	words->n = max;
}

/* Reads a piece; false when there is no more now. The end of the pipe closes our side. */
static bool take(struct process *p, struct end *x)
{
	char piece[PIECE];
	ssize_t n = x->fd < 0 ? 0 : read(x->fd, piece, sizeof(piece));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		end_close(x);
		return false;
	}
	if (x == &p->errors) {
		buf_put(&p->words, piece, (size_t)n);
		keep_last(&p->words, PROCESS_ERRORS_MAX);
		return true;
	}
	buf_put(&p->output, piece, (size_t)n);
	if (p->output_last)
		keep_last(&p->output, p->output_last);
	if (p->output.bad && !p->overflow) {
		p->overflow = true;
		kill_group(p);
	}
	return true;
}

static void on_output(unsigned events, void *ctx)
{
	struct process *p = ctx;
	(void)events;
	take(p, &p->out);
}

static void on_errors(unsigned events, void *ctx)
{
	struct process *p = ctx;
	(void)events;
	take(p, &p->errors);
}

static void on_input(unsigned events, void *ctx)
{
	struct process *p = ctx;
	(void)events;
	ssize_t n = write(p->in.fd, p->input.p + p->sent, p->input.n - p->sent);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	p->sent += n > 0 ? (size_t)n : 0;
	if (n < 0 || p->sent == p->input.n) /* it need not read what it does not want */
		end_close(&p->in);
}

/* --- its end --- */

static void on_timer(void *ctx)
{
	struct process *p = ctx;
	p->late = true;
	kill_group(p);
}

static void on_done(unsigned events, void *ctx)
{
	struct process *p = ctx;
	int status = 0;
	(void)events;
	kill_group(p); /* before the wait, see there; it is over itself, this is for what it left behind */
	for (int i = 0; i < DRAIN_PIECES && take(p, &p->out); i++)
		;
	for (int i = 0; i < DRAIN_PIECES && take(p, &p->errors); i++)
		;
	pid_t got;
	while ((got = waitpid(p->pid, &status, 0)) < 0 && errno == EINTR)
		;
	bool exited = got > 0 && WIFEXITED(status);
	struct process_result r = {.end = exited ? PROCESS_EXITED : PROCESS_SIGNALLED,
		.status = exited ? WEXITSTATUS(status) : WTERMSIG(status),
		.out = buf_str(&p->output),
		.out_n = p->output.n,
		.errors = buf_str(&p->words),
		.errors_n = p->words.n};
	if (p->overflow)
		r.end = PROCESS_OVERFLOW;
	else if (p->late && !exited)
		r.end = PROCESS_TIMEOUT;
	loop_timer_stop(p->timer);
	p->fn(&r, p->ctx);
	process_free(p);
}

/* --- its beginning --- */

/* One side is ours, without blocking; the other's number comes in *ret_theirs. */
static int make_pipe(struct end *ours, bool we_write, int *ret_theirs, struct err *e)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC))
		return err_sys(e, "cannot make a pipe");
	ours->fd = fds[we_write ? 1 : 0];
	*ret_theirs = fds[we_write ? 0 : 1];
	fcntl(ours->fd, F_SETFL, O_NONBLOCK);
	return 0;
}

/* The loop ignores SIGPIPE; a program that is run expects what it would get from a shell. */
static int set_attributes(posix_spawnattr_t *a)
{
	sigset_t all, none;
	sigfillset(&all);
	sigemptyset(&none);
	int r = posix_spawnattr_setflags(a, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	if (!r)
		r = posix_spawnattr_setpgroup(a, 0);
	if (!r)
		r = posix_spawnattr_setsigdefault(a, &all);
	return r ? r : posix_spawnattr_setsigmask(a, &none);
}

static int set_files(posix_spawn_file_actions_t *f, const int theirs[static 3])
{
	int r = 0;
	for (int i = 0; i < FIRST_FD && !r; i++)
		r = posix_spawn_file_actions_adddup2(f, theirs[i], i);
	if (!r)
		r = posix_spawn_file_actions_addclosefrom_np(f, FIRST_FD);
	return r ? r : posix_spawn_file_actions_addchdir_np(f, "/");
}

static int spawn(struct process *p, const struct process_request *q, const int theirs[static 3], struct err *e)
{
	posix_spawnattr_t a;
	posix_spawn_file_actions_t f;
	posix_spawnattr_init(&a);
	posix_spawn_file_actions_init(&f);
	int r = set_attributes(&a);
	if (!r)
		r = set_files(&f, theirs);
	/* The const that POSIX left out. */
	if (!r)
		r = posix_spawn(&p->pid, q->argv[0], &f, &a, (char *const *)(uintptr_t)q->argv,
			(char *const *)(uintptr_t)q->env);
	posix_spawn_file_actions_destroy(&f);
	posix_spawnattr_destroy(&a);
	if (!r)
		return 0;
	p->pid = 0;
	errno = r;
	return err_sys(e, "cannot run %s", q->argv[0]);
}

static int start(struct process *p, const struct process_request *q, struct err *e)
{
	int theirs[3] = {-1, -1, -1};
	int r = make_pipe(&p->in, true, &theirs[0], e);
	if (!r)
		r = make_pipe(&p->out, false, &theirs[1], e);
	if (!r)
		r = make_pipe(&p->errors, false, &theirs[2], e);
	if (!r)
		r = spawn(p, q, theirs, e);
	for (int i = 0; i < FIRST_FD; i++)
		if (theirs[i] >= 0)
			close(theirs[i]);
	if (r)
		return -1;
	p->done.fd = pidfd_open(p->pid, 0);
	return p->done.fd < 0 ? err_sys(e, "cannot watch %s", q->argv[0]) : 0;
}

int process_start(
	struct loop *l, const struct process_request *q, process_fn fn, void *ctx, struct process **ret, struct err *e)
{
	struct process *p = xcalloc(1, sizeof(*p));
	p->done.fd = p->in.fd = p->out.fd = p->errors.fd = -1;
	p->input = buf_make(q->input_n);
	p->output = buf_make(q->output_max + (q->output_last ? PIECE : 0));
	p->output_last = q->output_last ? q->output_max : 0;
	p->words = buf_make(PROCESS_ERRORS_MAX + PIECE);
	p->fn = fn;
	p->ctx = ctx;
	if (start(p, q, e)) {
		if (p->pid)
			process_cancel(p);
		else
			process_free(p);
		return -1;
	}
	buf_put(&p->input, q->input, q->input_n);
	p->done.watch = loop_fd_new(l, p->done.fd, LOOP_READ, on_done, p);
	p->out.watch = loop_fd_new(l, p->out.fd, LOOP_READ, on_output, p);
	p->errors.watch = loop_fd_new(l, p->errors.fd, LOOP_READ, on_errors, p);
	if (q->input_n)
		p->in.watch = loop_fd_new(l, p->in.fd, LOOP_WRITE, on_input, p);
	else
		end_close(&p->in);
	p->timer = loop_timer_new(l, on_timer, p);
	loop_timer_start(p->timer, q->timeout_ms);
	*ret = p;
	return 0;
}
