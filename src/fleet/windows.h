/* windows.h: the CAs are asked when they wish certificates to be renewed (RFC 9773), as often as they said. */
#ifndef PERDURE_FLEET_WINDOWS_H
#define PERDURE_FLEET_WINDOWS_H

struct site;
struct strv;

/*
 * Asks for the windows of live certificates that are not due and whose last answer has run out, and keeps the answers
 * in the state; runs the loop. only: lineage names, NULL for all. It is a wish: what fails is told as a warning at
 * most, is asked again later, and holds nothing up for more than a minute; a CA that is not there is given up after ten
 * seconds. The state must be open for writing.
 */
void windows_refresh(struct site *s, const struct strv *only);

#endif
