/*
 * lines.h: a UNIX socket that answers lines: one request a line, one answer a line, any number of peers. For control
 * sockets: whoever may open the socket may ask.
 */
#ifndef PERDURE_LOOP_LINES_H
#define PERDURE_LOOP_LINES_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;
struct lines;
struct loop;

/* Answers one request (n octets, without the line feed, never empty) by writing into out one line without its line
 * feed. lines_free() is not allowed in it. */
typedef void (*lines_fn)(const char *line, size_t n, struct buf *out, void *ctx);
/* Listens at the path, replacing what is there; only the owner may open it. ERR_CONFIG for a path too long for a
 * socket, ERR_SYS. */
int lines_listen(struct loop *l, const char *path, lines_fn fn, void *ctx, struct lines **ret, struct err *e);
/* Closes, and removes the socket; answers on their way are sent as far as the peer takes them at once. NULL is fine. */
void lines_free(struct lines *s);

/* The other end, without a loop: sends one line and waits for the answer, which is appended to out without its line
 * feed. ERR_SYS; also when nothing is said for a minute. */
int lines_ask(const char *path, const char *line, struct buf *out, struct err *e);
/* Whether somebody listens there. */
bool lines_there(const char *path);

#endif
