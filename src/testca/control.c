/* control.c: the control socket. */
#include "testca/control.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "loop/lines.h"
#include "testca/ca.h"
#include "testca/command.h"

enum { ANSWER_MAX = 64 << 20 };

static void answer(const char *line, size_t n, struct buf *out, void *ctx)
{
	command_run(ctx, line, n, out);
}

int control_new(struct ca *ca, const char *path, struct lines **ret, struct err *e)
{
	return lines_listen(ca->loop, path, answer, ca, ret, e);
}

int control_send(const char *path, const char *line, struct err *e)
{
	AUTO(buf_done) struct buf text = buf_make(ANSWER_MAX);
	if (lines_ask(path, line, &text, e))
		return -1;
	(void)printf("%s\n", buf_str(&text));
	if (strstr(buf_str(&text), "\"ok\":true"))
		return 0;
	return err_set(e, ERR_CONFIG, "the command was refused");
}
