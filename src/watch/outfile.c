/* outfile.c: a file that takes its name only when it is whole. */
#include "watch/outfile.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"

int outfile_open(const char *path, struct outfile *ret, struct err *e)
{
	struct outfile o = {.path = xstrdup(path), .tmp = xasprintf("%s.XXXXXX", path)};
	int fd = mkostemp(o.tmp, O_CLOEXEC);
	if (fd < 0) {
		err_sys(e, "make a file beside %s", path);
		free(o.path);
		free(o.tmp);
		return -1;
	}
	o.f = fdopen(fd, "w");
	if (!o.f || fchmod(fd, 0644)) {
		err_sys(e, "open %s", o.tmp);
		if (!o.f)
			close(fd);
		outfile_done(&o);
		return -1;
	}
	*ret = o;
	return 0;
}

int outfile_commit(struct outfile *o, struct err *e)
{
	AUTO(xfreep) char *copy = xstrdup(o->path);
	bool bad = fflush(o->f) || ferror(o->f) || fsync(fileno(o->f));
	if (bad)
		return err_sys(e, "write %s", o->tmp);
	if (rename(o->tmp, o->path))
		return err_sys(e, "rename %s to %s", o->tmp, o->path);
	free(o->tmp);
	o->tmp = NULL;
	return fs_sync_dir(dirname(copy), e);
}

void outfile_done(struct outfile *o)
{
	if (o->f)
		fclose(o->f);
	if (o->tmp)
		unlink(o->tmp);
	free(o->tmp);
	free(o->path);
	*o = (struct outfile){0};
}
