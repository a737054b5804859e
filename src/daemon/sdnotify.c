/* sdnotify.c: what systemd is told of a service. */
#include "daemon/sdnotify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/xalloc.h"

enum { TEXT_MAX = 4096 };

/* The address: a path, or an abstract one that begins with "@". */
static socklen_t address(const char *name, struct sockaddr_un *ret)
{
	size_t n = strlen(name);
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (n < 2 || n >= sizeof(ret->sun_path) || (*name != '/' && *name != '@'))
		return 0;
	memcpy(ret->sun_path, name, n);
	if (*name == '@')
		ret->sun_path[0] = 0;
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

void sdnotify(const char *fmt, ...)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sa;
	socklen_t n = name ? address(name, &sa) : 0;
	if (!n)
		return;
	AUTO(buf_done) struct buf text = buf_make(TEXT_MAX);
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, buf_str(&text), text.n, MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&sa, n) < 0)
		log_debug("cannot tell systemd at %s: %s", name, strerror(errno));
	if (fd >= 0)
		close(fd);
}

int64_t sdnotify_watchdog_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	if (!usec || (pid && strtoll(pid, NULL, 10) != getpid()))
		return 0;
	int64_t us = strtoll(usec, NULL, 10);
	return us > 0 ? us / 2000 : 0;
}
