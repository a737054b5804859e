/*
 * deploy_certbot.c: deploy hooks as certbot runs them: the executable files of a directory in the order of their names,
 * but for those that end in "~", then the certificate's own hook. One that fails does not keep the others from running;
 * the action has failed then.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "fleet/deploywork.h"

struct hooks {
	struct strv *v; /* an argv each */
	size_t n, at;
	struct strv env;
	struct deploy_run *run;
};

static struct strv *add_hook(struct hooks *h)
{
	h->v = xreallocarray(h->v, h->n + 1, sizeof(*h->v));
	h->v[h->n] = (struct strv){0};
	return &h->v[h->n++];
}

static bool is_hook(const char *path)
{
	struct stat st;
	size_t n = strlen(path);
	return path[n - 1] != '~' && !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

static int list_directory(const char *dir, struct hooks *h, struct err *e)
{
	AUTO(strv_done) struct strv names = {0};
	DIR *d = opendir(dir);
	if (!d)
		return err_sys(e, "read the directory of hooks %s", dir);
	for (const struct dirent *f; (f = readdir(d));)
		strv_add_take(&names, xasprintf("%s/%s", dir, f->d_name));
	closedir(d);
	strv_sort_unique(&names);
	for (size_t i = 0; i < names.n; i++)
		if (is_hook(names.v[i]))
			strv_add(add_hook(h), names.v[i]);
	return 0;
}

static int list_hooks(const struct deploy_work *w, struct hooks *h, struct err *e)
{
	const struct config_deploy *d = w->action;
	AUTO(xfreep) char *dir = deploy_expand(d->directory, w->subject->cert->name);
	if (dir && list_directory(dir, h, e)) {
		err_retry(e, RETRY_AFTER_OPERATOR, 0);
		return -1;
	}
	if (d->argv.n)
		strv_copy(add_hook(h), &d->argv);
	if (d->shell)
		deploy_shell_argv(d->shell, add_hook(h));
	AUTO(xfreep) char *domains = deploy_join(&w->subject->cert->names, " ");
	strv_add_take(&h->env, xasprintf("RENEWED_LINEAGE=%s", w->subject->live_dir));
	strv_add_take(&h->env, xasprintf("RENEWED_DOMAINS=%s", domains));
	return 0;
}

static void on_ran(const struct err *e, void *ctx);

/* Runs the next; those that cannot be started have failed. The first error is kept. */
static void run_next(struct deploy_work *w)
{
	struct hooks *h = w->own;
	while (h->at < h->n) {
		struct err e = {0};
		if (!deploy_run_start(w, &h->v[h->at++], &h->env, on_ran, w, &h->run, &e))
			return;
		if (!err_is(&w->e))
			err_move(&w->e, &e);
		err_done(&e);
	}
	deploy_finish(w);
}

static void on_ran(const struct err *e, void *ctx)
{
	struct deploy_work *w = ctx;
	struct hooks *h = w->own;
	h->run = NULL;
	if (err_is(e) && !err_is(&w->e))
		err_copy(&w->e, e);
	run_next(w);
}

static int start(struct deploy_work *w, struct err *e)
{
	struct hooks *h = xcalloc(1, sizeof(*h));
	w->own = h;
	if (list_hooks(w, h, e))
		return -1;
	w->changed = h->n > 0;
	run_next(w);
	return 0;
}

static void release(struct deploy_work *w)
{
	struct hooks *h = w->own;
	if (!h)
		return;
	deploy_run_cancel(h->run);
	for (size_t i = 0; i < h->n; i++)
		strv_done(&h->v[i]);
	free(h->v);
	strv_done(&h->env);
	free(h);
	w->own = NULL;
}

const struct deploy_kind deploy_kind_certbot = {.start = start, .release = release};
