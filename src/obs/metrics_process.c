/* metrics_process.c: process_* and build_info: what every Prometheus client tells of itself. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "obs/metrics.h"

/* Places of fields, from 1 as in proc(5). */
enum { STAT_STATE = 3, STAT_START = 22, STAT_VSIZE = 23, STAT_RSS = 24, STAT_FIELDS };

/* Memory in octets, and when the process began, from /proc/self/stat (proc(5)). */
static void from_stat(struct metrics *m)
{
	char text[1024];
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return;
	text[n] = '\0';
	/* The second field is the program's name in parentheses, and may hold anything. */
	char *rest = strrchr(text, ')');
	unsigned long long fields[STAT_FIELDS] = {0};
	for (size_t i = STAT_STATE; rest && i < STAT_FIELDS; i++) {
		rest = strchr(rest + 1, ' ');
		if (rest)
			fields[i] = strtoull(rest + 1, NULL, 10);
	}
	if (!rest)
		return;
	unsigned long long start = fields[STAT_START], vsize = fields[STAT_VSIZE], rss = fields[STAT_RSS];
	struct timespec up, now;
	clock_gettime(CLOCK_BOOTTIME, &up);
	clock_gettime(CLOCK_REALTIME, &now);
	double boot = (double)now.tv_sec + (double)now.tv_nsec / 1e9 - (double)up.tv_sec - (double)up.tv_nsec / 1e9;
	/* To the hundredth: the difference of two clocks would move it a little each time. */
	double began = boot + (double)start / (double)sysconf(_SC_CLK_TCK);
	metrics_set(m, METRIC_PROCESS_START, METRIC_NO_L, (double)(long long)(began * 100) / 100);
	metrics_set(m, METRIC_PROCESS_VSIZE, METRIC_NO_L, (double)vsize);
	metrics_set(m, METRIC_PROCESS_RSS, METRIC_NO_L, (double)rss * (double)sysconf(_SC_PAGESIZE));
}

static void count_fds(struct metrics *m)
{
	struct rlimit limit;
	DIR *d = opendir("/proc/self/fd");
	int n = 0;
	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	/* ".", "..", and the descriptor of the directory itself. */
	if (n > 3)
		metrics_set(m, METRIC_PROCESS_FDS, METRIC_NO_L, n - 3);
	if (!getrlimit(RLIMIT_NOFILE, &limit))
		metrics_set(m, METRIC_PROCESS_MAX_FDS, METRIC_NO_L, (double)limit.rlim_cur);
}

void metrics_process(struct metrics *m)
{
	struct rusage u;
	metrics_set(m, METRIC_BUILD_INFO, METRIC_L(PERDURE_VERSION), 1);
	if (!getrusage(RUSAGE_SELF, &u))
		metrics_set(m, METRIC_PROCESS_CPU, METRIC_NO_L,
			(double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
				(double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
	from_stat(m);
	count_fds(m);
}
