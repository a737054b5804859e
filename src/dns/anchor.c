/* anchor.c: finds the trust anchor, and keeps a copy of the distribution's where it can be updated. */
#include "dns/anchor.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/xalloc.h"

enum { FILE_MAX = 64 << 10 };

/* Whether the line is a DS or DNSKEY record: its type stands before the first thing that could be data. */
static bool is_key(const char *line, size_t n)
{
	for (size_t at = 0, word = 0; at < n && word < 4; word++) {
		size_t len = 0;
		while (at < n && strchr(" \t\r", line[at]))
			at++;
		while (at + len < n && !strchr(" \t\r", line[at + len]))
			len++;
		if (!len || line[at] == ';')
			return false;
		if ((len == 2 && !strncasecmp(line + at, "DS", 2)) ||
			(len == 6 && !strncasecmp(line + at, "DNSKEY", 6)))
			return word > 0;
		at += len;
	}
	return false;
}

static unsigned count_keys(const char *p)
{
	unsigned keys = 0;
	while (*p) {
		size_t n = strcspn(p, "\n");
		keys += is_key(p, n);
		p += n + (p[n] == '\n');
	}
	return keys;
}

/* Reads the file and says what is in it; -1 when it is of no use. */
static int look(const char *path, struct anchor *a, struct buf *text, struct err *e)
{
	struct stat st;
	if (fs_read(path, text, e))
		return -1;
	a->keys = count_keys(buf_str(text));
	if (!a->keys)
		return err_set(e, ERR_CONFIG, "%s holds no DS or DNSKEY record", path);
	if (!stat(path, &st))
		a->changed = st.st_mtim.tv_sec;
	return 0;
}

static void found(struct anchor *a, enum anchor_kind kind, const char *path)
{
	a->kind = kind;
	a->path = xstrdup(path);
	a->why = xstrdup("");
	a->hint = xstrdup("");
}

static void missing(struct anchor *a, struct err *e, const char *hint)
{
	*a = (struct anchor){.kind = ANCHOR_NONE,
		.path = xstrdup(""),
		.why = xasprintf("there is no trust anchor for DNSSEC: %s", e->msg),
		.hint = xstrdup(hint)};
	err_done(e);
}

static bool same_file(const char *path, const struct buf *text)
{
	AUTO(buf_done) struct buf have = buf_make(FILE_MAX);
	struct err e = {0};
	if (!fs_exists(path) || fs_read(path, &have, &e)) {
		err_done(&e);
		return false;
	}
	return have.n == text->n && !memcmp(have.p, text->p, text->n);
}

/*
 * The copy and, beside it, the file it was begun from. The copy comes first: whoever finds the second finds a copy,
 * too.
 */
static int begin_copy(const char *dir, const char *copy, const char *origin, const struct buf *text, struct err *e)
{
	return fs_mkdirs(dir, 0700, e) || fs_write_atomic(copy, text->p, text->n, 0644, e) ||
			       fs_write_atomic(origin, text->p, text->n, 0644, e)
		       ? -1
		       : 0;
}

/* Whether there is a copy that can be kept up to date; then a is about it. */
static bool managed(const char *state_dir, const struct buf *shipped, struct anchor *a)
{
	AUTO(xfreep) char *dir = xasprintf("%s/dnssec", state_dir);
	AUTO(xfreep) char *copy = xasprintf("%s/root.key", dir);
	AUTO(xfreep) char *origin = xasprintf("%s/shipped.key", dir);
	AUTO(buf_done) struct buf text = buf_make(FILE_MAX);
	struct anchor got = {0};
	struct err e = {0};
	if (access(state_dir, W_OK | X_OK) || (fs_exists(dir) && access(dir, W_OK | X_OK)))
		return false;
	bool begun = same_file(origin, shipped) && !look(copy, &got, &text, &e);
	err_done(&e);
	if (!begun) {
		buf_clear(&text);
		if (begin_copy(dir, copy, origin, shipped, &e) || look(copy, &got, &text, &e)) {
			log_debug("no copy of the trust anchor is kept: %s", e.msg);
			err_done(&e);
			return false;
		}
	}
	found(&got, ANCHOR_MANAGED, copy);
	*a = got;
	return true;
}

void anchor_find(const char *configured, const char *shipped, const char *state_dir, bool manage, struct anchor *ret)
{
	AUTO(buf_done) struct buf text = buf_make(FILE_MAX);
	struct anchor a = {0};
	struct err e = {0};
	const char *path = configured ? configured : shipped ? shipped : ANCHOR_SHIPPED_PATH;
	if (look(path, &a, &text, &e))
		missing(&a, &e,
			configured ? "name a file with DS or DNSKEY records in dns.trust_anchor, or remove that line"
				   : "apt install dns-root-data, or name a file in dns.trust_anchor");
	else if (configured)
		found(&a, ANCHOR_CONFIGURED, path);
	else if (!state_dir || !manage || !managed(state_dir, &text, &a))
		found(&a, ANCHOR_SHIPPED, path);
	*ret = a;
}

void anchor_forget(const char *state_dir)
{
	AUTO(xfreep) char *origin = xasprintf("%s/dnssec/shipped.key", state_dir);
	unlink(origin);
}

void anchor_done(struct anchor *a)
{
	free(a->path);
	free(a->why);
	free(a->hint);
	*a = (struct anchor){0};
}
