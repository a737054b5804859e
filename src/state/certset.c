/* certset.c: the files of one generation, as octets and in a directory. */
#include "state/certset.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fs.h"
#include "base/secret.h"
#include "base/xalloc.h"
#include "state/certfiles.h"

enum { MAX_FILE = 1 << 20 };
enum { PRIVKEY, CERT, CHAIN, FULLCHAIN, COMBINED };

static void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static int sync_fd(int fd)
{
	int r;
	do
		r = fsync(fd);
	while (r && errno == EINTR);
	return r;
}

void certset_done(struct certset *c)
{
	for (size_t i = 0; i < CERTSET_FILES; i++)
		buf_wipe(&c->f[i].text);
}

/* PEM blocks that follow each other need a line end between them. */
static void put_pem(struct buf *b, const void *p, size_t n)
{
	buf_put(b, p, n);
	if (n && ((const char *)p)[n - 1] != '\n')
		buf_putc(b, '\n');
}

static bool blank(const char *s)
{
	return !s || !*s;
}

int certset_make(const struct certfiles_set *set, struct certset *ret, struct err *e)
{
	static const struct {
		const char *name;
		mode_t mode;
	} files[CERTSET_FILES] = {
		[PRIVKEY] = {"privkey.pem", 0600},
		[CERT] = {"cert.pem", 0644},
		[CHAIN] = {"chain.pem", 0644},
		[FULLCHAIN] = {"fullchain.pem", 0644},
		[COMBINED] = {"combined.pem", 0600},
	};
	bool has_key = set->key_pem && set->key_pem->n;
	if (set->generation < 1 || blank(set->cert_pem) || blank(set->fullchain_pem) || !set->chain_pem)
		return err_set(e, ERR_POLICY, "the set of files for %s is not complete", set->name);
	/* A private CA may issue from its root. */
	if (!*set->chain_pem && strcmp(set->cert_pem, set->fullchain_pem) != 0)
		return err_set(e, ERR_POLICY, "the chain for %s is empty, but its full chain is not the leaf alone",
			set->name);
	AUTO(certset_done) struct certset c = {0};
	for (size_t i = 0; i < CERTSET_FILES; i++)
		c.f[i] = (struct certset_file){.name = files[i].name,
			.mode = files[i].mode,
			.wanted = has_key || (i != PRIVKEY && i != COMBINED),
			.text = buf_make(MAX_FILE)};
	if (has_key) {
		put_pem(&c.f[PRIVKEY].text, set->key_pem->p, set->key_pem->n);
		put_pem(&c.f[COMBINED].text, set->key_pem->p, set->key_pem->n);
		put_pem(&c.f[COMBINED].text, set->fullchain_pem, strlen(set->fullchain_pem));
	}
	put_pem(&c.f[CERT].text, set->cert_pem, strlen(set->cert_pem));
	put_pem(&c.f[CHAIN].text, set->chain_pem, strlen(set->chain_pem));
	put_pem(&c.f[FULLCHAIN].text, set->fullchain_pem, strlen(set->fullchain_pem));
	for (size_t i = 0; i < CERTSET_FILES; i++)
		if (buf_check(&c.f[i].text, c.f[i].name, e))
			return -1;
	*ret = c;
	c = (struct certset){0};
	return 0;
}

/* Whether the directory holds exactly these files. */
bool certset_same(const struct certset *c, const char *dir)
{
	for (size_t i = 0; i < CERTSET_FILES; i++) {
		const struct certset_file *f = &c->f[i];
		AUTO(xfreep) char *path = xasprintf("%s/%s", dir, f->name);
		AUTO(buf_wipe) struct buf have = buf_make(MAX_FILE);
		struct err unread = {0};
		if (!f->wanted) {
			if (fs_exists(path))
				return false;
			continue;
		}
		if (fs_read(path, &have, &unread)) {
			err_done(&unread);
			return false;
		}
		if (have.n != f->text.n || memcmp(buf_str(&have), buf_str(&f->text), have.n) != 0)
			return false;
	}
	return true;
}

static int write_file(int dir, const struct certset_file *f, int *ret_fd)
{
	int fd = openat(dir, f->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, f->mode);
	*ret_fd = fd;
	/* The umask may have taken bits that services need. */
	return fd < 0 || fchmod(fd, f->mode) || fs_write_all(fd, f->text.p, f->text.n) ? -1 : 0;
}

static int sync_files(const struct certset *c, const char *path, const int fds[static CERTSET_FILES], struct err *e)
{
	/* Starts the transfers: the syncs that follow then find most of the work done, and share one journal commit. */
	for (size_t i = 0; i < CERTSET_FILES; i++)
		if (fds[i] >= 0)
			sync_file_range(fds[i], 0, 0, SYNC_FILE_RANGE_WRITE);
	for (size_t i = 0; i < CERTSET_FILES; i++)
		if (fds[i] >= 0 && sync_fd(fds[i]))
			return err_sys(e, "sync %s/%s", path, c->f[i].name);
	return 0;
}

int certset_write(const struct certset *c, const char *path, bool sync, struct err *e)
{
	AUTO(closep) int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(e, "open the directory %s", path);
	int fds[CERTSET_FILES] = {-1, -1, -1, -1, -1};
	int r = 0;
	for (size_t i = 0; !r && i < CERTSET_FILES; i++)
		if (c->f[i].wanted && write_file(dir, &c->f[i], &fds[i]))
			r = err_sys(e, "write %s/%s", path, c->f[i].name);
	if (!r && sync)
		r = sync_files(c, path, fds, e);
	for (size_t i = 0; i < CERTSET_FILES; i++)
		closep(&fds[i]);
	if (!r && sync && sync_fd(dir))
		r = err_sys(e, "sync the directory %s", path);
	return r;
}
