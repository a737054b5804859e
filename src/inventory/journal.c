/* journal.c: what was done to whose records, on disk before it is done. */
#include "inventory/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "json/json.h"

enum { JOURNAL_MAX = 256 << 20, LINE_MAX_OCTETS = 4 << 20, VALUES_MAX = 4096 };

struct journal {
	int fd;
	char *path;
	char *id;
	size_t lines;
	bool dirty; /* not all lines are on the disk */
};

void journal_change_done(struct journal_change *c)
{
	free(c->provider);
	free(c->zone);
	free(c->owner);
	strv_done(&c->before);
	strv_done(&c->add);
	strv_done(&c->del);
	free(c->outcome);
	*c = (struct journal_change){0};
}

void journal_changes_free(struct journal_change *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		journal_change_done(&c[i]);
	free(c);
}

int journal_open(const char *state_dir, int64_t now, struct journal **ret, struct err *e)
{
	AUTO(xfreep) char *dir = xasprintf("%s/records", state_dir);
	if (fs_mkdirs(dir, 0700, e))
		return -1;
	struct tm tm;
	time_t t = (time_t)now;
	char stamp[32] = "0";
	if (gmtime_r(&t, &tm))
		strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	struct journal *j = xcalloc(1, sizeof(*j));
	j->id = xasprintf("%s-%ld", stamp, (long)getpid());
	j->path = xasprintf("%s/%s.jsonl", dir, j->id);
	j->fd = open(j->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int r = j->fd < 0 ? err_sys(e, "cannot create %s", j->path) : fs_sync_dir(dir, e);
	if (r) {
		journal_close(j);
		return r;
	}
	*ret = j;
	return 0;
}

const char *journal_id(const struct journal *j)
{
	return j->id;
}

bool journal_written(const struct journal *j)
{
	return j->lines > 0;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	/* An earlier run of this process may have had the same second, and so the same file. */
	struct stat st;
	if (j->fd >= 0 && !fstat(j->fd, &st) && !st.st_size)
		unlink(j->path);
	if (j->fd >= 0)
		close(j->fd);
	free(j->path);
	free(j->id);
	free(j);
}

/* A part of a line is taken back: what comes after it would not be read otherwise. */
static int write_line(const struct journal *j, const struct buf *line, struct err *e)
{
	off_t begin = lseek(j->fd, 0, SEEK_END);
	if (!fs_write_all(j->fd, line->p, line->n))
		return 0;
	err_sys(e, "cannot write %s", j->path);
	if (begin < 0 || ftruncate(j->fd, begin))
		err_ctx(e, "and a part of a line is left there");
	return -1;
}

static int put(struct journal *j, struct buf *line, struct err *e)
{
	buf_putc(line, '\n');
	if (buf_check(line, "a line of the journal", e) || write_line(j, line, e))
		return -1;
	j->lines++;
	j->dirty = true;
	return 0;
}

int journal_sync(struct journal *j, struct err *e)
{
	if (j->dirty && fdatasync(j->fd))
		return err_sys(e, "cannot sync %s", j->path);
	j->dirty = false;
	return 0;
}

int journal_before(struct journal *j, const struct journal_change *c, struct err *e)
{
	AUTO(buf_done) struct buf line = buf_make(LINE_MAX_OCTETS);
	struct json_out w = json_out_make(&line);
	json_out_object(&w, NULL);
	json_out_str(&w, "provider", c->provider);
	json_out_str(&w, "zone", c->zone);
	json_out_str(&w, "type", provider_type_name(c->type));
	json_out_str(&w, "owner", c->owner);
	json_out_int(&w, "ttl", c->ttl);
	json_out_strv(&w, "before", &c->before);
	json_out_strv(&w, "add", &c->add);
	json_out_strv(&w, "del", &c->del);
	json_out_end_object(&w);
	return put(j, &line, e);
}

int journal_after(struct journal *j, enum provider_type type, const char *owner, const char *outcome,
	const struct strv *after, struct err *e)
{
	AUTO(buf_done) struct buf line = buf_make(LINE_MAX_OCTETS);
	struct json_out w = json_out_make(&line);
	json_out_object(&w, NULL);
	json_out_str(&w, "type", provider_type_name(type));
	json_out_str(&w, "owner", owner);
	json_out_str(&w, "outcome", outcome);
	if (after)
		json_out_strv(&w, "after", after);
	json_out_end_object(&w);
	return put(j, &line, e);
}

int journal_list(const char *state_dir, struct strv *ret, struct err *e)
{
	AUTO(xfreep) char *dir = xasprintf("%s/records", state_dir);
	DIR *d = opendir(dir);
	struct dirent *f;
	if (!d)
		return errno == ENOENT ? 0 : err_sys(e, "cannot list %s", dir);
	while ((f = readdir(d))) {
		size_t len = strlen(f->d_name);
		if (len > 6 && !strcmp(f->d_name + len - 6, ".jsonl"))
			strv_add_take(ret, xstrndup(f->d_name, len - 6));
	}
	closedir(d);
	strv_sort_unique(ret);
	return 0;
}

static int no_such_run(const char *state_dir, const char *id, struct err *e)
{
	AUTO(strv_done) struct strv ids = {0};
	if (journal_list(state_dir, &ids, e))
		return -1;
	err_set(e, ERR_USAGE, "there is no run \"%s\" in %s/records", id, state_dir);
	err_hint(
		e, ids.n ? "the latest is %s" : "no record was changed from here yet%s", ids.n ? ids.v[ids.n - 1] : "");
	return -1;
}

struct reading {
	struct journal_change *v;
	size_t n;
};

/* Lines written before there were other types say none. */
static int read_type(const struct json *o, enum provider_type *ret, struct err *e)
{
	const char *type;
	if (json_opt_str(o, "type", &type, e))
		return -1;
	return provider_type_find(type ? type : "TXT", ret, e);
}

static int read_change(struct reading *r, const struct json *o, struct err *e)
{
	const char *provider, *zone, *owner;
	struct journal_change c = {0};
	if (read_type(o, &c.type, e) || json_need_str(o, "provider", &provider, e) ||
		json_need_str(o, "zone", &zone, e) || json_need_str(o, "owner", &owner, e) ||
		json_opt_int(o, "ttl", 0, &c.ttl, e) || json_opt_strv(o, "before", VALUES_MAX, &c.before, e) ||
		json_opt_strv(o, "add", VALUES_MAX, &c.add, e) || json_opt_strv(o, "del", VALUES_MAX, &c.del, e)) {
		journal_change_done(&c);
		return -1;
	}
	c.provider = xstrdup(provider);
	c.zone = xstrdup(zone);
	c.owner = xstrdup(owner);
	c.outcome = xstrdup("");
	r->v = xreallocarray(r->v, r->n + 1, sizeof(*r->v));
	r->v[r->n++] = c;
	return 0;
}

/* A line is a change, or the outcome of the last change of its owner. */
static int read_line(struct reading *r, const struct json *o, struct err *e)
{
	const char *outcome = NULL, *owner = NULL;
	if (json_opt_str(o, "outcome", &outcome, e))
		return -1;
	if (!outcome)
		return read_change(r, o, e);
	enum provider_type type;
	if (json_need_str(o, "owner", &owner, e) || read_type(o, &type, e))
		return -1;
	for (size_t i = r->n; i-- > 0;) {
		if (r->v[i].type != type || strcmp(r->v[i].owner, owner) != 0)
			continue;
		free(r->v[i].outcome);
		r->v[i].outcome = xstrdup(outcome);
		break;
	}
	return 0;
}

int journal_read(const char *state_dir, const char *id, struct journal_change **ret, size_t *ret_n, struct err *e)
{
	AUTO(xfreep) char *path = xasprintf("%s/records/%s.jsonl", state_dir, id);
	AUTO(buf_done) struct buf all = buf_make(JOURNAL_MAX);
	if (!*id || strchr(id, '/') || !fs_exists(path))
		return no_such_run(state_dir, id, e);
	if (fs_read(path, &all, e))
		return -1;
	struct reading r = {0};
	for (char *line = all.p, *end; line && (end = strchr(line, '\n')); line = end + 1) {
		struct json *o = NULL;
		int bad = json_parse(line, (size_t)(end - line), path, &o, e) || read_line(&r, o, e);
		json_free(o);
		if (bad) {
			journal_changes_free(r.v, r.n);
			return -1;
		}
	}
	*ret = r.v;
	*ret_n = r.n;
	return 0;
}
