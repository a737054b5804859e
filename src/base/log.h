/* log.h: one line to stderr, levels, control bytes escaped. Library code below src/fleet never logs above debug: it
 * returns errors. */
#ifndef PERDURE_BASE_LOG_H
#define PERDURE_BASE_LOG_H

#include <stdbool.h>

struct buf;

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* The default is LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);
/* Called before each line is written (a progress line is cleared there); NULL for none. */
void log_set_before(void (*before)(void));

void log_at(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/*
 * What a server said must not move the cursor or forge a second line: puts the text into out with control characters,
 * those of 8 bits (U+0080 to U+009F) included, and octets that are no UTF-8 shown by their numbers. A line feed at the
 * end is dropped.
 */
void log_escape(struct buf *out, const char *text);
#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
