/* windows.h: the CAs are asked when they wish certificates to be renewed (RFC 9773), as often as they said. */
#ifndef PERDURE_FLEET_WINDOWS_H
#define PERDURE_FLEET_WINDOWS_H

struct site;
struct strv;

struct windows;
/*
 * Asks for the windows of live certificates that are not due and whose last answer has run out, and keeps the answers
 * in the state. only: lineage names, NULL for all; borrowed. It is a wish: what fails is told as a warning at most, is
 * asked again later, and holds nothing up for more than a minute; a CA that is not there is given up after ten seconds.
 * The state must be open for writing. NULL when there is nothing to ask for; else done is called once, on the loop,
 * never from inside, and may call windows_free().
 */
struct windows *windows_start(struct site *s, const struct strv *only, void (*done)(void *ctx), void *ctx);
/* Ends it, whatever has not been answered. NULL is fine. */
void windows_free(struct windows *w);

#endif
