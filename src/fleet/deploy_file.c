/* deploy_file.c: files of deploy actions, with owner and rights, each old or new and never half, on a worker thread. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fs.h"
#include "base/secret.h"
#include "base/xalloc.h"
#include "fleet/deploywork.h"
#include "loop/loop.h"

enum { NAMES_OCTETS = 16 << 10, DIRECTORY_MODE = 0755, RIGHTS = 07777 };

struct files_job {
	struct deploy_work *w; /* NULL when nobody waits any more */
	struct deploy_files f;
	bool changed;
	struct err e;
};

static void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* --- who shall own them --- */

/* A number, also of somebody this machine does not know by name. */
static bool is_number(const char *s, unsigned *ret)
{
	char *end;
	unsigned long v = strtoul(s, &end, 10);
	*ret = (unsigned)v;
	return *s >= '0' && *s <= '9' && !*end && v < UINT32_MAX;
}

static int no_such(const char *what, const char *name, struct err *e)
{
	err_set(e, ERR_CONFIG, "this machine has no %s \"%s\"", what, name);
	err_hint(e, "make it, or give its number");
	err_retry(e, RETRY_AFTER_OPERATOR, 0);
	return -1;
}

int deploy_owner(const struct config_deploy *d, uid_t *ret_uid, gid_t *ret_gid, struct err *e)
{
	char text[NAMES_OCTETS];
	struct passwd pw, *found_pw = NULL;
	struct group gr, *found_gr = NULL;
	unsigned number;
	*ret_uid = (uid_t)-1;
	*ret_gid = (gid_t)-1;
	if (d->owner && is_number(d->owner, &number)) {
		*ret_uid = (uid_t)number;
	} else if (d->owner) {
		if (getpwnam_r(d->owner, &pw, text, sizeof(text), &found_pw) || !found_pw)
			return no_such("user", d->owner, e);
		*ret_uid = pw.pw_uid;
	}
	if (d->group && is_number(d->group, &number)) {
		*ret_gid = (gid_t)number;
	} else if (d->group) {
		if (getgrnam_r(d->group, &gr, text, sizeof(text), &found_gr) || !found_gr)
			return no_such("group", d->group, e);
		*ret_gid = gr.gr_gid;
	}
	return 0;
}

/* --- the list --- */

void deploy_files_add(struct deploy_files *f, char *path, struct secret text, mode_t mode)
{
	f->v = xreallocarray(f->v, f->n + 1, sizeof(*f->v));
	f->v[f->n++] =
		(struct deploy_file){.path = path, .text = text, .mode = mode, .uid = (uid_t)-1, .gid = (gid_t)-1};
}

void deploy_files_done(struct deploy_files *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].path);
		secret_done(&f->v[i].text);
	}
	free(f->v);
	free(f->make_dir);
	*f = (struct deploy_files){0};
}

/* --- on the worker --- */

static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

static int make_directory(const char *path, struct err *e)
{
	struct stat st;
	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		return 0;
	AUTO(xfreep) char *up = directory_of(path);
	if (strcmp(up, path) != 0 && make_directory(up, e))
		return -1;
	return fs_mkdir(path, DIRECTORY_MODE, e);
}

/* Whether the file has this content, owner and rights. A symbolic link has not. */
static bool is_so(const struct deploy_file *f)
{
	struct stat st;
	struct err ignored = {0};
	if (lstat(f->path, &st) || !S_ISREG(st.st_mode) || (st.st_mode & RIGHTS) != f->mode ||
		(f->uid != (uid_t)-1 && st.st_uid != f->uid) || (f->gid != (gid_t)-1 && st.st_gid != f->gid) ||
		st.st_size != (off_t)f->text.n)
		return false;
	AUTO(buf_wipe) struct buf have = buf_make(f->text.n);
	if (fs_read_regular(f->path, &have, &ignored)) {
		err_done(&ignored);
		return false;
	}
	return have.n == f->text.n && !memcmp(buf_str(&have), f->text.p, have.n);
}

/* A fixed name, so that what a killed run left goes with the next one; services that read whole directories pass by
 * names with a dot in front. */
static char *temporary_of(const char *path)
{
	const char *base = strrchr(path, '/') + 1;
	return xasprintf("%.*s.%s.perdure.tmp", (int)(base - path), path, base);
}

static int fill(int fd, const struct deploy_file *f)
{
	if (((f->uid != (uid_t)-1 || f->gid != (gid_t)-1) && fchown(fd, f->uid, f->gid)) || fchmod(fd, f->mode))
		return -1;
	return fs_write_all(fd, f->text.p, f->text.n) || fsync(fd) ? -1 : 0;
}

static int write_beside(const struct deploy_file *f, const char *tmp, struct err *e)
{
	if (unlink(tmp) && errno != ENOENT)
		return err_sys(e, "remove %s", tmp);
	AUTO(closep) int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0 && !fill(fd, f))
		return 0;
	err_sys(e, "write %s", f->path);
	if (e->code == EPERM)
		err_hint(e, "only root can give files to others: run perdure as root, or as the owner");
	if (fd >= 0)
		unlink(tmp);
	return -1;
}

/* All are complete on disk before the first takes its place. */
static int put_all(struct files_job *j, char **tmp, const bool *wanted, struct err *e)
{
	const struct deploy_files *f = &j->f;
	for (size_t i = 0; i < f->n; i++)
		if (wanted[i] && write_beside(&f->v[i], tmp[i], e))
			return -1;
	for (size_t i = 0; i < f->n; i++) {
		if (wanted[i] && rename(tmp[i], f->v[i].path))
			return err_sys(e, "rename %s to %s", tmp[i], f->v[i].path);
		FAULT("deploy.renamed");
	}
	for (size_t i = 0; i < f->n; i++) {
		AUTO(xfreep) char *dir = directory_of(f->v[i].path);
		if (wanted[i] && fs_sync_dir(dir, e))
			return -1;
	}
	return 0;
}

static void work(void *arg)
{
	struct files_job *j = arg;
	const struct deploy_files *f = &j->f;
	AUTO(xfreep) char **tmp = xcalloc(f->n, sizeof(char *));
	AUTO(xfreep) bool *wanted = xcalloc(f->n, sizeof(bool));
	int r = f->make_dir ? make_directory(f->make_dir, &j->e) : 0;
	for (size_t i = 0; i < f->n; i++) {
		tmp[i] = temporary_of(f->v[i].path);
		wanted[i] = !is_so(&f->v[i]);
		j->changed |= wanted[i];
	}
	if (!r && j->changed && put_all(j, tmp, wanted, &j->e))
		r = -1;
	for (size_t i = 0; i < f->n; i++) {
		if (r)
			unlink(tmp[i]);
		free(tmp[i]);
	}
	if (r)
		err_hint(&j->e, "the directory must exist, and this user must be allowed to write into it");
}

/* --- on the loop --- */

static void job_free(void *arg)
{
	struct files_job *j = arg;
	deploy_files_done(&j->f);
	err_done(&j->e);
	free(j);
}

static void on_written(void *arg)
{
	struct files_job *j = arg;
	struct deploy_work *w = j->w;
	if (w) {
		w->own = NULL;
		w->changed = j->changed;
		err_move(&w->e, &j->e);
		if (err_is(&w->e))
			err_retry(&w->e, RETRY_AFTER_OPERATOR, 0);
		deploy_finish(w);
	}
	job_free(j);
}

int deploy_files_start(struct deploy_work *w, struct deploy_files *f, struct err *e)
{
	uid_t uid;
	gid_t gid;
	if (deploy_owner(w->action, &uid, &gid, e))
		return -1;
	struct files_job *j = xcalloc(1, sizeof(*j));
	*j = (struct files_job){.w = w, .f = *f};
	*f = (struct deploy_files){0};
	for (size_t i = 0; i < j->f.n; i++) {
		j->f.v[i].uid = uid;
		j->f.v[i].gid = gid;
	}
	w->own = j;
	loop_job(w->loop, work, on_written, job_free, j);
	return 0;
}

/* The worker cannot be stopped: it ends by itself. */
void deploy_files_release(struct deploy_work *w)
{
	struct files_job *j = w->own;
	if (j)
		j->w = NULL;
	w->own = NULL;
}
