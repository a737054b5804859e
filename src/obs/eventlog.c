/* eventlog.c: the files of the event log. */
#include "obs/eventlog.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "crypto/jose.h"
#include "obs/eventline.h"
#include "json/json.h"

enum { LOCK_WAIT_MS = 2000, LOCK_PAUSE_MS = 5 };

static char *path_of(const struct eventlog *l, const char *name)
{
	return xasprintf("%s/%s", l->dir, name);
}

void eventlog_hash(const void *p, size_t n, char ret[static EVENTLOG_HASH_MAX])
{
	uint8_t hash[32];
	struct buf hex = buf_make(EVENTLOG_HASH_MAX);
	jose_sha256(p, n, hash);
	codec_hex(&hex, hash, sizeof(hash));
	memcpy(ret, buf_str(&hex), EVENTLOG_HASH_MAX);
	buf_done(&hex);
}

int eventlog_open(const char *dir, struct eventlog *ret, struct err *e)
{
	struct eventlog l = {.dir = xstrdup(dir), .lock = -1, .fd = -1};
	AUTO(xfreep) char *lock = path_of(&l, "lock");
	int r = fs_mkdirs(dir, 0700, e);
	if (!r && (l.lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) < 0)
		r = err_sys(e, "open %s", lock);
	if (r) {
		eventlog_close(&l);
		return -1;
	}
	*ret = l;
	return 0;
}

void eventlog_close(struct eventlog *l)
{
	if (l->lock >= 0)
		close(l->lock);
	if (l->fd >= 0)
		close(l->fd);
	free(l->dir);
	free(l->torn_path);
	*l = (struct eventlog){.lock = -1, .fd = -1};
}

/* --- the tail --- */

/* The number of a line, 0 for what is no line of ours. */
static int64_t seq_of(const char *p, size_t n)
{
	AUTO(json_freep) struct json *j = NULL;
	struct err ignored = {0};
	int64_t seq = 0;
	if (json_parse(p, n, "line", &j, &ignored)) {
		err_done(&ignored);
		return 0;
	}
	return json_int(json_get(j, "seq"), &seq) && seq > 0 ? seq : 0;
}

static int read_block(int fd, off_t at, size_t n, struct buf *out, struct err *e)
{
	AUTO(xfreep) char *p = xmalloc(n + 1);
	for (size_t got = 0; got < n;) {
		ssize_t r = pread(fd, p + got, n - got, at + (off_t)got);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_sys(e, "read the event log");
		if (!r)
			break;
		got += (size_t)r;
		buf_put(out, p + got - (size_t)r, (size_t)r);
	}
	return 0;
}

/* What stands behind the last line feed goes into a file of its own. */
static int put_aside(struct eventlog *l, int fd, const char *p, size_t n, off_t size, int64_t now_ms, struct err *e)
{
	free(l->torn_path);
	l->torn_path = xasprintf("%s/torn-%" PRId64, l->dir, now_ms);
	if (fs_write_atomic(l->torn_path, p, n, 0600, e))
		return -1;
	if (ftruncate(fd, size - (off_t)n) || fdatasync(fd))
		return err_sys(e, "cut the torn line off %s/events.jsonl", l->dir);
	l->torn = (int64_t)n;
	return 0;
}

/* The last line of a file into tail; *ret_whole is the size of what ends in a line feed. */
static int read_tail(struct eventlog *l, int fd, off_t size, int64_t now_ms, off_t *ret_whole, struct err *e)
{
	/* Two lines and a torn one at the longest. */
	enum { BLOCK = 3 * (EVENTLINE_MAX + 2) };
	AUTO(buf_done) struct buf b = buf_make(BLOCK + 1);
	off_t from = size > BLOCK ? size - BLOCK : 0;
	if (read_block(fd, from, (size_t)(size - from), &b, e))
		return -1;
	const char *p = buf_str(&b);
	const char *end = b.n ? memrchr(p, '\n', b.n) : NULL;
	size_t torn = b.n - (end ? (size_t)(end + 1 - p) : 0);
	*ret_whole = size - (off_t)torn;
	if (torn && put_aside(l, fd, p + b.n - torn, torn, size, now_ms, e))
		return -1;
	if (!end)
		return 0;
	const char *before = end > p ? memrchr(p, '\n', (size_t)(end - p)) : NULL;
	const char *line = before ? before + 1 : p;
	size_t n = (size_t)(end + 1 - line);
	l->tail.seq = seq_of(line, n);
	eventlog_hash(line, n, l->tail.hash);
	return 0;
}

/* The tail of the newest of the files that have ended. */
static int tail_of_ended(struct eventlog *l, int64_t now_ms, struct err *e)
{
	AUTO(strv_done) struct strv files = {0};
	off_t whole;
	if (eventlog_files(l->dir, &files, e))
		return -1;
	if (!files.n)
		return 0;
	AUTO(xfreep) char *path = path_of(l, files.v[files.n - 1]);
	struct stat st;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	int r = fd < 0 || fstat(fd, &st) ? err_sys(e, "open %s", path)
					 : read_tail(l, fd, st.st_size, now_ms, &whole, e);
	if (fd >= 0)
		close(fd);
	return r;
}

static int read_head(struct eventlog *l, struct err *e)
{
	AUTO(xfreep) char *path = path_of(l, "head.json");
	AUTO(buf_done) struct buf b = buf_make(EVENTLINE_MAX + 2);
	AUTO(json_freep) struct json *j = NULL;
	struct err ignored = {0};
	const char *time;
	int64_t secs;
	l->head = (struct eventlog_tail){0};
	l->head_ms = 0;
	if (!fs_exists(path))
		return 0;
	if (fs_read(path, &b, e))
		return -1;
	l->head.seq = seq_of(buf_str(&b), b.n);
	eventlog_hash(buf_str(&b), b.n, l->head.hash);
	if (!json_parse(buf_str(&b), b.n, "head", &j, &ignored) && (time = json_str(json_get(j, "time"))) &&
		!clock_parse_rfc3339(time, &secs, &ignored))
		l->head_ms = secs * 1000;
	err_done(&ignored);
	return 0;
}

/* Brings what we know up to date with the files; the lock is held. */
static int refresh(struct eventlog *l, int64_t now_ms, struct err *e)
{
	AUTO(xfreep) char *path = path_of(l, "events.jsonl");
	struct stat st;
	bool there = !stat(path, &st);
	if (!there && errno != ENOENT)
		return err_sys(e, "look at %s", path);
	if (l->known && there == (l->fd >= 0) && (!there || (st.st_ino == l->ino && st.st_size == l->size)))
		return 0;
	l->known = false;
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	l->size = 0;
	l->tail = (struct eventlog_tail){.hash = EVENTLOG_NO_HASH};
	if (there && (l->fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW)) < 0)
		return err_sys(e, "open %s", path);
	if (there && (fstat(l->fd, &st) || read_tail(l, l->fd, st.st_size, now_ms, &l->size, e)))
		return err_is(e) ? -1 : err_sys(e, "look at %s", path);
	if (!l->size && tail_of_ended(l, now_ms, e))
		return -1;
	if (read_head(l, e))
		return -1;
	l->ino = there ? st.st_ino : 0;
	l->known = true;
	return 0;
}

static int take_lock(int fd, int how, const char *dir, struct err *e)
{
	for (int waited = 0; flock(fd, how | LOCK_NB); waited += LOCK_PAUSE_MS) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_sys(e, "lock the event log in %s", dir);
		if (waited >= LOCK_WAIT_MS)
			return err_set(e, ERR_BUSY, "another process holds the event log in %s", dir);
		poll(NULL, 0, LOCK_PAUSE_MS);
	}
	return 0;
}

int eventlog_lock(struct eventlog *l, int64_t now_ms, struct err *e)
{
	if (take_lock(l->lock, LOCK_EX, l->dir, e))
		return -1;
	if (!refresh(l, now_ms, e))
		return 0;
	eventlog_unlock(l);
	return -1;
}

void eventlog_unlock(struct eventlog *l)
{
	flock(l->lock, LOCK_UN);
}

/* --- writing --- */

static int begin_file(struct eventlog *l, struct err *e)
{
	AUTO(xfreep) char *path = path_of(l, "events.jsonl");
	struct stat st;
	l->fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (l->fd < 0 || fstat(l->fd, &st))
		return err_sys(e, "begin %s", path);
	l->ino = st.st_ino;
	l->size = 0;
	return fs_sync_dir(l->dir, e);
}

int eventlog_append(struct eventlog *l, int64_t seq, const struct buf *line, struct err *e)
{
	if (l->fd < 0 && begin_file(l, e))
		return -1;
	ssize_t r;
	do
		r = write(l->fd, line->p, line->n);
	while (r < 0 && errno == EINTR);
	if (r != (ssize_t)line->n) {
		if (r >= 0)
			errno = ENOSPC;
		err_sys(e, "write %s/events.jsonl", l->dir);
		/* Where even that fails, the next one to take the lock finds a torn line. */
		if (r > 0 && ftruncate(l->fd, l->size))
			err_ctx(e, "and a part of the line is left there");
		l->known = false;
		return -1;
	}
	l->size += r;
	l->tail.seq = seq;
	eventlog_hash(line->p, line->n, l->tail.hash);
	return 0;
}

int eventlog_sync(struct eventlog *l, struct err *e)
{
	return l->fd >= 0 && fdatasync(l->fd) ? err_sys(e, "sync %s/events.jsonl", l->dir) : 0;
}

int eventlog_keep_head(struct eventlog *l, const struct buf *line, int64_t now_ms, struct err *e)
{
	AUTO(xfreep) char *path = path_of(l, "head.json");
	if (fs_write_atomic(path, line->p, line->n, 0600, e))
		return -1;
	l->head = l->tail;
	l->head_ms = now_ms;
	return 0;
}

/* --- files --- */

static int is_ended(const struct dirent *d)
{
	size_t n = strlen(d->d_name);
	return n > strlen("events-.jsonl") && !strncmp(d->d_name, "events-", 7) && !strcmp(d->d_name + n - 6, ".jsonl");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int ended_files(const char *dir, struct strv *ret, struct err *e)
{
	struct dirent **list = NULL;
	int n = scandir(dir, &list, is_ended, by_name);
	if (n < 0)
		return err_sys(e, "read the directory %s", dir);
	for (int i = 0; i < n; i++) {
		strv_add(ret, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return 0;
}

int eventlog_files(const char *dir, struct strv *ret, struct err *e)
{
	AUTO(xfreep) char *active = xasprintf("%s/events.jsonl", dir);
	struct stat st;
	if (ended_files(dir, ret, e))
		return -1;
	/* One that was made but not yet written is none. */
	if (!stat(active, &st) && st.st_size)
		strv_add(ret, "events.jsonl");
	return 0;
}

static int look(const char *dir, struct eventlog_view *v, struct err *e)
{
	AUTO(xfreep) char *active = xasprintf("%s/events.jsonl", dir);
	struct stat st;
	if (ended_files(dir, &v->ended, e))
		return -1;
	v->fd = open(active, O_RDONLY | O_CLOEXEC);
	if (v->fd < 0 ? errno != ENOENT : fstat(v->fd, &st))
		return err_sys(e, "open %s", active);
	v->size = v->fd < 0 ? 0 : st.st_size;
	return 0;
}

int eventlog_view(const char *dir, struct eventlog_view *ret, struct err *e)
{
	AUTO(xfreep) char *path = xasprintf("%s/lock", dir);
	struct eventlog_view v = {.fd = -1};
	int lock = open(path, O_RDONLY | O_CLOEXEC);
	int r = lock >= 0 && take_lock(lock, LOCK_SH, dir, e) ? -1 : look(dir, &v, e);
	if (lock >= 0)
		close(lock);
	if (r)
		eventlog_view_done(&v);
	else
		*ret = v;
	return r;
}

void eventlog_view_done(struct eventlog_view *v)
{
	strv_done(&v->ended);
	if (v->fd >= 0)
		close(v->fd);
}

static void remove_old(struct eventlog *l, int64_t oldest_ms)
{
	AUTO(strv_done) struct strv files = {0};
	struct err ignored = {0};
	struct stat st;
	if (eventlog_files(l->dir, &files, &ignored))
		err_done(&ignored);
	for (size_t i = 0; i < files.n; i++) {
		AUTO(xfreep) char *path = path_of(l, files.v[i]);
		/* The log has no holes: the first that is to stay ends it. */
		if (stat(path, &st) || (int64_t)st.st_mtim.tv_sec * 1000 >= oldest_ms || unlink(path))
			return;
	}
}

int eventlog_rotate(struct eventlog *l, int64_t oldest_ms, struct err *e)
{
	AUTO(buf_done) struct buf b = buf_make(EVENTLINE_MAX + 2);
	AUTO(xfreep) char *path = path_of(l, "events.jsonl");
	if (read_block(l->fd, 0, l->size < EVENTLINE_MAX ? (size_t)l->size : EVENTLINE_MAX, &b, e))
		return -1;
	const char *end = memchr(buf_str(&b), '\n', b.n);
	int64_t first = seq_of(buf_str(&b), end ? (size_t)(end - buf_str(&b)) : 0);
	AUTO(xfreep) char *ended = xasprintf("%s/events-%010" PRId64 ".jsonl", l->dir, first);
	if (fs_exists(ended)) {
		err_set(e, ERR_STORE, "the event log goes on in its old file: %s, which it would become, is there",
			ended);
		err_hint(e, "look where that file comes from, and move it out of the directory");
		return -1;
	}
	if (eventlog_sync(l, e) || fs_rename(path, ended, e))
		return -1;
	close(l->fd);
	l->fd = -1;
	l->size = 0;
	if (oldest_ms)
		remove_old(l, oldest_ms);
	return 0;
}
