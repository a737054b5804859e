/* control.h: the control socket: JSON lines over a UNIX socket, one command a line, one answer a line. */
#ifndef PERDURE_TESTCA_CONTROL_H
#define PERDURE_TESTCA_CONTROL_H

struct ca;
struct err;
struct lines;

/* Listens at the path, replacing what is there; ends with lines_free(). ERR_CONFIG, ERR_SYS. */
int control_new(struct ca *ca, const char *path, struct lines **ret, struct err *e);
/* The client's end: sends one line, prints the answer's. Whether the answer says ok. ERR_SYS. */
int control_send(const char *path, const char *line, struct err *e);

#endif
