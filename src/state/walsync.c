/* walsync.c: syncs of the database's log. The thread syncs and nothing else; it says so through an eventfd. */
#include "state/walsync.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "loop/loop.h"

struct walsync {
	char *path;
	int fd;
	int told; /* eventfd; -1 before the first start */
	struct loop_fd *watch; /* of told; NULL when no loop is known */
	walsync_fn done;
	void *ctx;
	bool runs;
	bool has_thread;
	pthread_t thread;

	/* Shared with the thread. */
	pthread_mutex_t mu;
	pthread_cond_t changed;
	bool wanted; /* a sync; the thread takes it back when it has made it */
	bool quit;
	int error; /* errno of the last one */
};

static int sync_log(int fd)
{
	int r;
	do
		r = fdatasync(fd);
	while (r && errno == EINTR);
	return r ? errno : 0;
}

static int refused(const struct walsync *w, int error, struct err *e)
{
	if (!error)
		return 0;
	err_set(e, ERR_STORE, "%s: sync: %s", w->path, strerrordesc_np(error));
	err_hint(e, "check the disk under %s, and that there is room; then run again", w->path);
	err_retry(e, RETRY_AFTER_OPERATOR, 0);
	return -1;
}

int walsync_new(const char *path, struct walsync **ret, struct err *e)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_sys(e, "open %s", path);
	struct walsync *w = xcalloc(1, sizeof(*w));
	w->path = xstrdup(path);
	w->fd = fd;
	w->told = -1;
	pthread_mutex_init(&w->mu, NULL);
	pthread_cond_init(&w->changed, NULL);
	*ret = w;
	return 0;
}

int walsync_now(struct walsync *w, struct err *e)
{
	return refused(w, sync_log(w->fd), e);
}

bool walsync_runs(const struct walsync *w)
{
	return w->runs;
}

static void *syncer(void *arg)
{
	struct walsync *w = arg;
	const uint64_t one = 1;
	pthread_mutex_lock(&w->mu);
	for (;;) {
		while (!w->wanted && !w->quit)
			pthread_cond_wait(&w->changed, &w->mu);
		if (!w->wanted)
			break;
		pthread_mutex_unlock(&w->mu);
		int error = sync_log(w->fd);
		pthread_mutex_lock(&w->mu);
		w->error = error;
		w->wanted = false;
		pthread_cond_broadcast(&w->changed);
		while (write(w->told, &one, sizeof(one)) < 0 && errno == EINTR)
			;
	}
	pthread_mutex_unlock(&w->mu);
	return NULL;
}

static void on_told(unsigned events, void *ctx)
{
	struct walsync *w = ctx;
	struct err e = {0};
	uint64_t n;
	(void)events;
	if (read(w->told, &n, sizeof(n)) < 0)
		return;
	loop_fd_want(w->watch, 0);
	w->runs = false;
	pthread_mutex_lock(&w->mu);
	int error = w->error;
	pthread_mutex_unlock(&w->mu);
	w->done(refused(w, error, &e) ? &e : NULL, w->ctx);
	err_done(&e);
}

/* The thread takes no signals: those belong to the loop's. */
static bool start_thread(struct walsync *w)
{
	sigset_t all, old;
	if (w->told < 0 && (w->told = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
		return false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	w->has_thread = !pthread_create(&w->thread, NULL, syncer, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return w->has_thread;
}

bool walsync_start(struct walsync *w, struct loop *l, walsync_fn done, void *ctx)
{
	if (!w->has_thread && !start_thread(w))
		return false;
	if (!w->watch)
		w->watch = loop_fd_new(l, w->told, 0, on_told, w);
	loop_fd_want(w->watch, LOOP_READ);
	w->done = done;
	w->ctx = ctx;
	w->runs = true;
	pthread_mutex_lock(&w->mu);
	w->wanted = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->mu);
	return true;
}

void walsync_stop(struct walsync *w)
{
	uint64_t n;
	pthread_mutex_lock(&w->mu);
	while (w->wanted)
		pthread_cond_wait(&w->changed, &w->mu);
	pthread_mutex_unlock(&w->mu);
	/* What the thread said about it is for nobody any more. */
	while (w->runs && read(w->told, &n, sizeof(n)) < 0 && errno == EINTR)
		;
	w->runs = false;
	loop_fd_free(w->watch);
	w->watch = NULL;
}

void walsync_free(struct walsync *w)
{
	if (!w)
		return;
	walsync_stop(w);
	pthread_mutex_lock(&w->mu);
	w->quit = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->mu);
	if (w->has_thread)
		pthread_join(w->thread, NULL);
	if (w->told >= 0)
		close(w->told);
	close(w->fd);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->mu);
	free(w->path);
	free(w);
}
