/* fault.c: the named fault points of crash tests. */
#include "base/fault.h"

#ifdef PERDURE_FAULTS
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void note(const char *file, const char *name)
{
	int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	dprintf(fd, "%s\n", name);
	close(fd);
}

void fault_point(const char *name)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static long passed;
	const char *list = getenv("PERDURE_FAULT_LIST");
	const char *want = getenv("PERDURE_FAULT");
	if (list)
		note(list, name);
	if (!want)
		return;
	const char *colon = strchr(want, ':');
	size_t n = colon ? (size_t)(colon - want) : strlen(want);
	if (strlen(name) != n || strncmp(name, want, n))
		return;
	long at = colon ? strtol(colon + 1, NULL, 10) : 1;
	pthread_mutex_lock(&lock);
	if (++passed == at)
		kill(getpid(), SIGKILL);
	pthread_mutex_unlock(&lock);
}
#endif
