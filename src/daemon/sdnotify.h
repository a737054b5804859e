/* sdnotify.h: what systemd is told of a service (sd_notify(3)): a datagram to the socket that it named. */
#ifndef PERDURE_DAEMON_SDNOTIFY_H
#define PERDURE_DAEMON_SDNOTIFY_H

#include <stdint.h>

/* Sends the assignments ("READY=1\nSTATUS=…"). Nothing happens without $NOTIFY_SOCKET; a failure is logged. */
void sdnotify(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* How often the watchdog wants a sign of life, in milliseconds: half of what it allows; 0 when it is off or means
 * another process. */
int64_t sdnotify_watchdog_ms(void);

#endif
