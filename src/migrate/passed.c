/* passed.c: which domains a CA for tests has issued for. */
#include "migrate/passed.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "inventory/site.h"

static char *path_of(const struct site *s, const struct site_ca *ca)
{
	return xasprintf("%s/records/rehearsed-%s", s->config->state_dir, ca->conf->name);
}

int passed_read(const struct site *s, const struct site_ca *ca, struct strv *ret, struct err *e)
{
	AUTO(xfreep) char *path = path_of(s, ca);
	AUTO(buf_done) struct buf text = buf_make(BUF_MAX_NAMES_FILE);
	if (!fs_exists(path))
		return 0;
	if (fs_read(path, &text, e))
		return -1;
	AUTO(xfreep) char *copy = xstrndup(buf_str(&text), text.n);
	char *rest = copy, *line;
	while ((line = strsep(&rest, "\n"))) {
		char *url = strchr(line, ' ');
		/* The last line of a run that was killed may be half: it is of no account then. */
		if (!url || strcmp(url + 1, ca->account.url) != 0)
			continue;
		*url = '\0';
		strv_add(ret, line);
	}
	strv_sort_unique(ret);
	return 0;
}

int passed_add(const struct site *s, const struct site_ca *ca, const char *what, struct err *e)
{
	AUTO(xfreep) char *path = path_of(s, ca);
	AUTO(xfreep) char *dir = xasprintf("%s/records", s->config->state_dir);
	AUTO(xfreep) char *line = xasprintf("%s %s\n", what, ca->account.url);
	if (fs_mkdirs(dir, 0700, e))
		return -1;
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(e, "open %s", path);
	ssize_t n = write(fd, line, strlen(line));
	if (n != (ssize_t)strlen(line))
		err_sys(e, "write %s", path);
	close(fd);
	return n == (ssize_t)strlen(line) ? 0 : -1;
}
