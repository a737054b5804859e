/*
 * certfiles.c: certificates and keys as files. Names in archive/<name>/ that are all digits are complete generations;
 * work goes on in names that begin with a full stop, and a rename brings it in or takes it out.
 */
#include "state/certfiles.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "state/certset.h"
#include "state/lineage.h"

/* Longer names leave no room for the temporary name of the link. */
enum { NAME_LIMIT = 250 };

/* --- names and places --- */

/* The names come from the configuration and are checked there; a slip must still not leave the directory. */
int lineage_check_(const char *name, struct err *e)
{
	size_t n = strlen(name);
	if (n && n <= NAME_LIMIT && name[0] != '.' && !strchr(name, '/'))
		return 0;
	err_set(e, ERR_POLICY, "\"%s\" cannot be the name of a certificate's directory", name);
	err_hint(e, "give the certificate a name of 1 to %d characters without / and not beginning with a full stop",
		(int)NAME_LIMIT);
	return -1;
}

char *lineage_dir_(const char *state_dir, const char *name)
{
	return xasprintf("%s/archive/%s", state_dir, name);
}

static char *live_link(const char *state_dir, const char *name)
{
	return xasprintf("%s/live/%s", state_dir, name);
}

/* The number that a name consists of, without leading zeros; 0 when it is something else. */
static int64_t number_of(const char *s)
{
	if (*s < '1' || *s > '9' || strlen(s) > 18)
		return 0;
	int64_t n = 0;
	for (; *s >= '0' && *s <= '9'; s++)
		n = n * 10 + (*s - '0');
	return *s ? 0 : n;
}

static void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* --- generations --- */

void lineage_done_(struct lineage *l)
{
	closep(&l->fd);
	free(l->dir);
	free(l->link);
}

int lineage_open_(struct lineage *l, const char *state_dir, const char *name, bool at_once, struct err *e)
{
	*l = (struct lineage){.state_dir = state_dir,
		.name = name,
		.dir = lineage_dir_(state_dir, name),
		.link = live_link(state_dir, name),
		.fd = -1};
	l->fd = open(l->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, "open the directory %s", l->dir);
	while (flock(l->fd, LOCK_EX | (at_once ? LOCK_NB : 0)))
		if (errno != EINTR)
			return err_sys(e, "lock the directory %s", l->dir);
	return 0;
}

static int lineage_take(struct lineage *l, const char *state_dir, const char *name, struct err *e)
{
	return lineage_open_(l, state_dir, name, false, e);
}

/* Makes the directories for a lineage. Modes are certbot's: the operator opens live/ and archive/ to those who may. */
static int make_places(const char *state_dir, const char *name, struct err *e)
{
	AUTO(xfreep) char *archive = xasprintf("%s/archive", state_dir);
	AUTO(xfreep) char *live = xasprintf("%s/live", state_dir);
	AUTO(xfreep) char *dir = lineage_dir_(state_dir, name);
	AUTO(xfreep) char *link = live_link(state_dir, name);
	if (fs_exists(link) && fs_exists(dir))
		return 0;
	/* Also what a run that was stopped here has made: the names must last before the link does. */
	if (fs_mkdirs(archive, 0700, e) || fs_mkdirs(live, 0700, e) || fs_mkdirs(dir, 0700, e) ||
		fs_sync_dir(archive, e) || fs_sync_dir(state_dir, e))
		return -1;
	return 0;
}

/* The generation that a link of the lineage names; 0 when it does not look like one of ours. */
static int64_t generation_of(const char *target, const char *name)
{
	AUTO(xfreep) char *start = xasprintf("../archive/%s/", name);
	size_t n = strlen(start);
	return strncmp(target, start, n) ? 0 : number_of(target + n);
}

int lineage_live_(const char *link, const char *name, int64_t *ret, struct err *e)
{
	char target[PATH_MAX];
	ssize_t n = readlink(link, target, sizeof(target) - 1);
	if (n < 0 && errno == ENOENT) {
		*ret = 0;
		return 0;
	}
	if (n < 0 && errno != EINVAL)
		return err_sys(e, "read the link %s", link);
	target[n > 0 ? n : 0] = '\0';
	*ret = generation_of(target, name);
	if (*ret)
		return 0;
	err_set(e, ERR_STORE, "%s is not a link to a generation in archive/%s/", link, name);
	err_hint(e, "perdure did not make it: move it away, then run the same command again");
	err_retry(e, RETRY_AFTER_OPERATOR, 0);
	return -1;
}

static int sync_lineage(const struct lineage *l, struct err *e)
{
	return fs_sync_dir(l->dir, e);
}

/* Takes archive/<name>/<n> out of sight, then removes it: what has a number is always whole. */
static int remove_generation(const struct lineage *l, int64_t n, struct err *e)
{
	AUTO(xfreep) char *dir = xasprintf("%s/%" PRId64, l->dir, n);
	AUTO(xfreep) char *aside = xasprintf("%s/.%" PRId64 ".old", l->dir, n);
	if (fs_remove_tree(aside, e))
		return -1;
	if (rename(dir, aside))
		return err_sys(e, "rename %s to %s", dir, aside);
	return fs_remove_tree(aside, e);
}

static int write_generation(const struct lineage *l, int64_t n, const struct certset *v, struct err *e)
{
	AUTO(xfreep) char *dir = xasprintf("%s/%" PRId64, l->dir, n);
	AUTO(xfreep) char *tmp = xasprintf("%s/.%" PRId64 ".tmp", l->dir, n);
	if (fs_remove_tree(tmp, e))
		return -1;
	if (mkdir(tmp, 0700))
		return err_sys(e, "make the directory %s", tmp);
	FAULT("certfiles.tmpdir");
	int r = certset_write(v, tmp, true, e);
	FAULT("certfiles.before-rename");
	if (!r && rename(tmp, dir))
		r = err_sys(e, "rename %s to %s", tmp, dir);
	if (r) {
		struct err left = {0};
		if (fs_remove_tree(tmp, &left))
			err_done(&left);
		return -1;
	}
	FAULT("certfiles.renamed");
	return sync_lineage(l, e);
}

/* Has archive/<name>/<n> hold the set, whatever was there. `live` is the generation in use. */
static int bring_in(const struct lineage *l, int64_t n, int64_t live, const struct certset *v, struct err *e)
{
	AUTO(xfreep) char *dir = xasprintf("%s/%" PRId64, l->dir, n);
	if (live > n)
		return err_set(e, ERR_STORE, "generation %" PRId64 " of %s is in use, older than that is %" PRId64,
			live, l->name, n);
	if (!fs_exists(dir))
		return write_generation(l, n, v, e);
	if (certset_same(v, dir))
		return sync_lineage(l, e);
	if (live == n) {
		err_set(e, ERR_STORE, "%s is in use, with another key or chain", dir);
		err_hint(e, "another process has put it there: run the same command again for a new generation");
		return -1;
	}
	return remove_generation(l, n, e) ? -1 : write_generation(l, n, v, e);
}

static int switch_link(const struct lineage *l, int64_t n, int64_t live, struct err *e)
{
	AUTO(xfreep) char *target = xasprintf("../archive/%s/%" PRId64, l->name, n);
	AUTO(xfreep) char *live_dir = xasprintf("%s/live", l->state_dir);
	if (live == n)
		return fs_sync_dir(live_dir, e);
	FAULT("certfiles.before-switch");
	if (fs_symlink_switch(target, l->link, e))
		return -1;
	FAULT("certfiles.switched");
	return 0;
}

int certfiles_install(const char *state_dir, const struct certfiles_set *set, struct err *e)
{
	AUTO(certset_done) struct certset v = {0};
	AUTO(lineage_done_) struct lineage l = {.fd = -1};
	int64_t live;
	if (lineage_check_(set->name, e) || certset_make(set, &v, e))
		return -1;
	if (make_places(state_dir, set->name, e) || lineage_take(&l, state_dir, set->name, e) ||
		lineage_live_(l.link, l.name, &live, e) || bring_in(&l, set->generation, live, &v, e) ||
		switch_link(&l, set->generation, live, e)) {
		err_ctx(e, "put the certificate %s in place", set->name);
		return certfiles_advise_(e, state_dir);
	}
	return 0;
}

/* --- looking around --- */

/* Calls fn for everything in dir, in no order; a directory that is not there is empty. */
static int each_entry(const char *dir, int (*fn)(const char *entry, void *ctx, struct err *e), void *ctx, struct err *e)
{
	AUTO(closedirp) DIR *d = opendir(dir);
	if (!d)
		return errno == ENOENT ? 0 : err_sys(e, "open the directory %s", dir);
	for (;;) {
		errno = 0;
		const struct dirent *f = readdir(d);
		if (!f)
			return errno ? err_sys(e, "read the directory %s", dir) : 0;
		if (strcmp(f->d_name, ".") && strcmp(f->d_name, "..") && fn(f->d_name, ctx, e))
			return -1;
	}
}

static int note_highest(const char *entry, void *ctx, struct err *e)
{
	int64_t *highest = ctx;
	int64_t n = number_of(entry);
	(void)e;
	if (n > *highest)
		*highest = n;
	return 0;
}

int certfiles_next_generation(const char *state_dir, const char *name, int64_t *ret, struct err *e)
{
	int64_t highest;
	if (lineage_check_(name, e))
		return -1;
	AUTO(xfreep) char *dir = lineage_dir_(state_dir, name);
	/* live/<name> counts even when somebody has removed what it names. */
	if (certfiles_live_generation(state_dir, name, &highest, e) || each_entry(dir, note_highest, &highest, e))
		return -1;
	*ret = highest + 1;
	return 0;
}

int certfiles_live_generation(const char *state_dir, const char *name, int64_t *ret, struct err *e)
{
	if (lineage_check_(name, e))
		return -1;
	AUTO(xfreep) char *link = live_link(state_dir, name);
	return lineage_live_(link, name, ret, e);
}

int certfiles_read_key(const char *state_dir, const char *name, struct secret *ret, bool *ret_found, struct err *e)
{
	if (lineage_check_(name, e))
		return -1;
	AUTO(xfreep) char *path = xasprintf("%s/live/%s/privkey.pem", state_dir, name);
	AUTO(buf_wipe) struct buf b = buf_make(64 << 10);
	if (fs_read(path, &b, e)) {
		if (e->kind != ERR_SYS || e->code != ENOENT)
			return -1;
		err_done(e);
		*ret_found = false;
		return 0;
	}
	*ret = secret_dup(buf_str(&b), b.n);
	*ret_found = true;
	return 0;
}

struct listing {
	const char *state_dir;
	struct strv *names;
};

static int list_one(const char *entry, void *ctx, struct err *e)
{
	struct listing *l = ctx;
	char target[PATH_MAX];
	AUTO(xfreep) char *link = live_link(l->state_dir, entry);
	ssize_t n = readlink(link, target, sizeof(target) - 1);
	(void)e;
	target[n > 0 ? n : 0] = '\0';
	if (entry[0] != '.' && generation_of(target, entry))
		strv_add(l->names, entry);
	return 0;
}

int certfiles_list(const char *state_dir, struct strv *ret, struct err *e)
{
	AUTO(xfreep) char *live = xasprintf("%s/live", state_dir);
	AUTO(strv_done) struct strv names = {0};
	struct listing l = {.state_dir = state_dir, .names = &names};
	if (each_entry(live, list_one, &l, e))
		return -1;
	strv_sort_unique(&names);
	*ret = names;
	names = (struct strv){0};
	return 0;
}

struct archive_walk {
	const char *dir;
	struct strv *paths;
};

static int note_cert(const char *entry, void *ctx, struct err *e)
{
	struct archive_walk *w = ctx;
	(void)e;
	if (number_of(entry) > 0)
		strv_add_take(w->paths, xasprintf("%s/%s/cert.pem", w->dir, entry));
	return 0;
}

static int walk_lineage(const char *entry, void *ctx, struct err *e)
{
	struct archive_walk *w = ctx;
	AUTO(xfreep) char *dir = xasprintf("%s/%s", w->dir, entry);
	struct archive_walk inner = {.dir = dir, .paths = w->paths};
	return entry[0] == '.' ? 0 : each_entry(dir, note_cert, &inner, e);
}

int certfiles_certs(const char *state_dir, struct strv *ret, struct err *e)
{
	AUTO(xfreep) char *dir = xasprintf("%s/archive", state_dir);
	AUTO(strv_done) struct strv paths = {0};
	struct archive_walk w = {.dir = dir, .paths = &paths};
	if (each_entry(dir, walk_lineage, &w, e))
		return -1;
	*ret = paths;
	paths = (struct strv){0};
	return 0;
}

/* --- taking away --- */

struct sweep {
	const struct lineage *l;
	int64_t live;
	int64_t *older; /* generations before the live one */
	size_t n;
};

static int sweep_one(const char *entry, void *ctx, struct err *e)
{
	struct sweep *s = ctx;
	int64_t n = number_of(entry);
	if (entry[0] == '.') {
		AUTO(xfreep) char *path = xasprintf("%s/%s", s->l->dir, entry);
		return fs_remove_tree(path, e);
	}
	if (n && n < s->live) {
		s->older = xreallocarray(s->older, s->n + 1, sizeof(*s->older));
		s->older[s->n++] = n;
	}
	return 0;
}

static int newest_first(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;
	return x < y ? 1 : x > y ? -1 : 0;
}

int certfiles_prune(const char *state_dir, const char *name, int64_t keep, struct err *e)
{
	AUTO(lineage_done_) struct lineage l = {.fd = -1};
	struct sweep s = {.l = &l};
	if (lineage_check_(name, e))
		return -1;
	int r = lineage_take(&l, state_dir, name, e);
	if (!r && l.fd >= 0)
		r = lineage_live_(l.link, name, &s.live, e) || each_entry(l.dir, sweep_one, &s, e) ? -1 : 0;
	if (s.n)
		qsort(s.older, s.n, sizeof(*s.older), newest_first);
	for (size_t i = keep > 0 ? (size_t)keep : 0; !r && i < s.n; i++)
		r = remove_generation(&l, s.older[i], e);
	free(s.older);
	if (r)
		return err_ctx(e, "remove old generations of %s", name);
	return 0;
}

static int unlink_live(const struct lineage *l, struct err *e)
{
	AUTO(xfreep) char *live_dir = xasprintf("%s/live", l->state_dir);
	AUTO(xfreep) char *left = xasprintf("%s/.%s.tmp", live_dir, l->name);
	int64_t live;
	if (lineage_live_(l->link, l->name, &live, e) || fs_remove_tree(left, e))
		return -1;
	return live ? fs_remove_tree(l->link, e) || fs_sync_dir(live_dir, e) ? -1 : 0 : 0;
}

int certfiles_delete(const char *state_dir, const char *name, struct err *e)
{
	AUTO(lineage_done_) struct lineage l = {.fd = -1};
	if (lineage_check_(name, e))
		return -1;
	AUTO(xfreep) char *archive = xasprintf("%s/archive", state_dir);
	AUTO(xfreep) char *aside = xasprintf("%s/.%s.old", archive, name);
	if (lineage_take(&l, state_dir, name, e) || unlink_live(&l, e) || fs_remove_tree(aside, e))
		goto failed;
	if (l.fd >= 0) {
		if (rename(l.dir, aside)) {
			err_sys(e, "rename %s to %s", l.dir, aside);
			goto failed;
		}
		if (fs_remove_tree(aside, e) || fs_sync_dir(archive, e))
			goto failed;
	}
	return 0;
failed:
	err_ctx(e, "remove the certificate %s", name);
	return certfiles_advise_(e, state_dir);
}
