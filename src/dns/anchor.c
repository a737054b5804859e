/* anchor.c: finds the trust anchor, and begins a copy of the distribution's where it can be kept up to date. */
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
#include "dns/name.h"

enum { FILE_MAX = 64 << 10 };

static bool is_word(const char *p, size_t n, const char *word)
{
	return n == strlen(word) && !strncasecmp(p, word, n);
}

/*
 * Whether the record on the line is to be trusted. The comments are those of our copy, where the key's state by RFC
 * 5011 section 4 stands behind the record: VALID and MISSING keys count.
 */
static bool is_trusted(const char *line)
{
	const char *state = strstr(line, ";;state=");
	return !state || state[8] == '2' || state[8] == '3';
}

/* Takes the line's record when it is a DS or DNSKEY one: owner, perhaps class and TTL, type, data. */
static void take_line(struct anchor *a, const char *line)
{
	const char *owner = NULL;
	size_t n_owner = 0, n = strcspn(line, ";");
	for (size_t at = 0, word = 0;; word++) {
		at += strspn(line + at, " \t\r");
		size_t len = strcspn(line + at, " \t\r;");
		if (!len)
			return;
		if (word == 0) {
			owner = line + at;
			n_owner = len;
		} else if (is_word(line + at, len, "DS") || is_word(line + at, len, "DNSKEY")) {
			break;
		} else if (!is_word(line + at, len, "IN") && !strchr("0123456789", line[at])) {
			return;
		}
		at += len;
	}
	if (!is_trusted(line + n))
		return;
	AUTO(xfreep) char *zone = xstrndup(owner, owner[n_owner - 1] == '.' ? n_owner - 1 : n_owner);
	name_lower(zone);
	if (!strv_has(&a->zones, zone))
		strv_add(&a->zones, zone);
	strv_add_take(&a->keys, xstrndup(line, n));
}

/* Reads the file; -1 when it is of no use. */
static int look(const char *path, struct anchor *a, struct buf *text, struct err *e)
{
	struct stat st;
	if (fs_read(path, text, e))
		return -1;
	for (const char *p = buf_str(text); *p;) {
		size_t n = strcspn(p, "\n");
		AUTO(xfreep) char *line = xstrndup(p, n);
		take_line(a, line);
		p += n + (p[n] == '\n');
	}
	if (!a->keys.n)
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

static bool same_text(const struct buf *a, const struct buf *b)
{
	return a->n == b->n && !memcmp(a->p, b->p, a->n);
}

static bool same_file(const char *path, const struct buf *text)
{
	AUTO(buf_done) struct buf have = buf_make(FILE_MAX);
	struct err e = {0};
	if (!fs_exists(path) || fs_read(path, &have, &e)) {
		err_done(&e);
		return false;
	}
	return same_text(&have, text);
}

/*
 * Writes the copy and, beside it, the file it is begun from. The copy comes first: whoever finds the second finds a
 * copy, too.
 */
static int begin_copy(const char *dir, const char *copy, const char *origin, const struct buf *text, struct err *e)
{
	if (fs_mkdirs(dir, 0700, e) || fs_write_atomic(copy, text->p, text->n, 0644, e))
		return -1;
	return fs_write_atomic(origin, text->p, text->n, 0644, e);
}

/* Whether there is a copy, begun now if it may be; then ret is about it. */
static bool managed(const char *state_dir, const struct buf *shipped, bool make, struct anchor *ret)
{
	AUTO(xfreep) char *dir = xasprintf("%s/dnssec", state_dir);
	AUTO(xfreep) char *copy = xasprintf("%s/root.key", dir);
	AUTO(xfreep) char *origin = xasprintf("%s/shipped.key", dir);
	AUTO(buf_done) struct buf text = buf_make(FILE_MAX);
	struct anchor a = {0};
	struct err e = {0};
	bool ok = same_file(origin, shipped) && !look(copy, &a, &text, &e);
	err_done(&e);
	if (!ok && make && !access(state_dir, W_OK | X_OK)) {
		anchor_done(&a);
		buf_clear(&text);
		ok = !begin_copy(dir, copy, origin, shipped, &e) && !look(copy, &a, &text, &e);
		if (!ok)
			log_debug("no copy of the trust anchor is kept: %s", e.msg);
		err_done(&e);
	}
	if (!ok) {
		anchor_done(&a);
		return false;
	}
	found(&a, ANCHOR_MANAGED, copy);
	a.fresh = same_text(&text, shipped);
	a.renewable = !access(dir, W_OK | X_OK) && !access(copy, W_OK);
	*ret = a;
	return true;
}

static void missing(struct anchor *a, const struct err *e, const char *hint)
{
	a->path = xstrdup("");
	a->why = xasprintf("there is no trust anchor for DNSSEC: %s", e->msg);
	a->hint = xstrdup(hint);
}

void anchor_find(const struct anchor_where *w, bool make, struct anchor *ret)
{
	AUTO(buf_done) struct buf text = buf_make(FILE_MAX);
	struct anchor a = {0}, copy = {0};
	struct err e = {0};
	const char *path = w->configured ? w->configured : w->shipped ? w->shipped : ANCHOR_SHIPPED_PATH;
	if (look(path, &a, &text, &e)) {
		missing(&a, &e,
			w->configured ? "name a file with DS or DNSKEY records in dns.trust_anchor, or remove that line"
				      : "apt install dns-root-data, or name such a file in dns.trust_anchor");
		err_done(&e);
	} else {
		found(&a, w->configured ? ANCHOR_CONFIGURED : ANCHOR_SHIPPED, path);
	}
	if (a.kind == ANCHOR_SHIPPED && w->state_dir && managed(w->state_dir, &text, make, &copy)) {
		anchor_done(&a);
		a = copy;
	}
	*ret = a;
}

void anchor_done(struct anchor *a)
{
	free(a->path);
	free(a->why);
	free(a->hint);
	strv_done(&a->keys);
	strv_done(&a->zones);
	*a = (struct anchor){0};
}
