/* command.h: what can be said over the control socket. */
#ifndef PERDURE_TESTCA_COMMAND_H
#define PERDURE_TESTCA_COMMAND_H

#include <stddef.h>

struct buf;
struct ca;

/* Carries out the command in n octets of text and appends the answer, a JSON object without a line end. */
void command_run(struct ca *ca, const char *text, size_t n, struct buf *answer);

#endif
