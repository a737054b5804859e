/* certbatch.c: generations of several lineages put in place together, with shared waits for the disk. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "state/certfiles.h"
#include "state/certset.h"
#include "state/lineage.h"

static void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* One of several, while nothing stands in its way. */
struct part {
	struct lineage l;
	struct certset v;
	char *dir; /* its generation */
	char *tmp; /* the same before it is whole */
	bool in;
};

static void part_done(struct part *p)
{
	lineage_done_(&p->l);
	certset_done(&p->v);
	free(p->dir);
	free(p->tmp);
	*p = (struct part){.l = {.fd = -1}};
}

/* Leaves it to be done alone. */
static void part_out(struct part *p, struct err *why)
{
	struct err left = {0};
	if (p->tmp && fs_remove_tree(p->tmp, &left))
		err_done(&left);
	err_done(why);
	part_done(p);
}

/* Everything but syncing, into a directory of a temporary name. */
static void part_write(struct part *p, const char *state_dir, const struct certfiles_set *set)
{
	struct err e = {0};
	int64_t live;
	if (lineage_check_(set->name, &e) || certset_make(set, &p->v, &e)) {
		part_out(p, &e);
		return;
	}
	AUTO(xfreep) char *lineage = lineage_dir_(state_dir, set->name);
	p->dir = xasprintf("%s/%" PRId64, lineage, set->generation);
	if (fs_mkdirs(lineage, 0700, &e) || lineage_open_(&p->l, state_dir, set->name, true, &e) ||
		lineage_live_(p->l.link, set->name, &live, &e) || p->l.fd < 0 || live >= set->generation ||
		fs_exists(p->dir)) {
		part_out(p, &e);
		return;
	}
	p->tmp = xasprintf("%s/.%" PRId64 ".tmp", lineage, set->generation);
	if (fs_remove_tree(p->tmp, &e) || mkdir(p->tmp, 0700) || certset_write(&p->v, p->tmp, false, &e))
		part_out(p, &e);
	else
		p->in = true;
}

static void part_rename(struct part *p)
{
	struct err none = {0};
	FAULT("certfiles.before-rename");
	if (rename(p->tmp, p->dir))
		part_out(p, &none);
	else
		FAULT("certfiles.renamed");
}

static void part_switch(struct part *p, int64_t n)
{
	struct err e = {0};
	AUTO(xfreep) char *target = xasprintf("../archive/%s/%" PRId64, p->l.name, n);
	FAULT("certfiles.before-switch");
	if (fs_symlink_put(target, p->l.link, &e))
		part_out(p, &e);
	else
		FAULT("certfiles.switched");
}

static int sync_everything(int fd)
{
	int r;
	do
		r = syncfs(fd);
	while (r && errno == EINTR);
	return r;
}

/* Those that are in their place in the end are in. */
static void install_parts(int fd, const char *state_dir, struct part *parts, const struct certfiles_one *v, size_t n)
{
	struct err e = {0};
	AUTO(xfreep) char *lives = xasprintf("%s/live", state_dir);
	bool ok = !fs_mkdirs(lives, 0700, &e);
	for (size_t i = 0; ok && i < n; i++)
		part_write(&parts[i], state_dir, &v[i].set);
	ok = ok && !sync_everything(fd);
	for (size_t i = 0; ok && i < n; i++)
		if (parts[i].in)
			part_rename(&parts[i]);
	ok = ok && !sync_everything(fd);
	for (size_t i = 0; ok && i < n; i++)
		if (parts[i].in)
			part_switch(&parts[i], v[i].set.generation);
	ok = ok && !fs_sync_dir(lives, &e);
	for (size_t i = 0; !ok && i < n; i++)
		part_out(&parts[i], &e);
}

void certfiles_install_many(const char *state_dir, struct certfiles_one *v, size_t n)
{
	AUTO(closep) int fd = n > 1 ? open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	struct part *parts = xcalloc(n, sizeof(*parts));
	for (size_t i = 0; i < n; i++)
		parts[i].l.fd = -1;
	if (fd >= 0)
		install_parts(fd, state_dir, parts, v, n);
	/* All locks go before the others are done alone: two may be of one lineage. */
	bool *in = xcalloc(n, sizeof(*in));
	for (size_t i = 0; i < n; i++) {
		in[i] = parts[i].in;
		part_done(&parts[i]);
	}
	for (size_t i = 0; i < n; i++)
		if (!in[i])
			certfiles_install(state_dir, &v[i].set, v[i].e);
	free(in);
	free(parts);
}

bool certfiles_syncs_at_once(const char *state_dir)
{
	static const unsigned long known[] = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC,
		TMPFS_MAGIC, OVERLAYFS_SUPER_MAGIC};
	struct statfs f;
	if (statfs(state_dir, &f))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if ((unsigned long)f.f_type == known[i])
			return true;
	return false;
}
