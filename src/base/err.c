/* err.c: the error value. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/xalloc.h"

static const char *const kind_names[] = {
	[ERR_NONE] = "none",
	[ERR_SYS] = "system",
	[ERR_LIMIT] = "limit",
	[ERR_PARSE] = "parse",
	[ERR_CONFIG] = "config",
	[ERR_USAGE] = "usage",
	[ERR_NET] = "network",
	[ERR_TIMEOUT] = "timeout",
	[ERR_TLS] = "tls",
	[ERR_HTTP] = "http",
	[ERR_PROTO] = "protocol",
	[ERR_DNS] = "dns",
	[ERR_ACME] = "acme",
	[ERR_POLICY] = "policy",
	[ERR_STORE] = "store",
	[ERR_CRYPTO] = "crypto",
	[ERR_BUSY] = "busy",
	[ERR_CANCEL] = "cancelled",
	[ERR_CLOCK] = "clock",
	[ERR_PROVIDER] = "provider",
};
_Static_assert(sizeof(kind_names) / sizeof(kind_names[0]) == ERR_KIND_N_, "one name per kind");

const char *err_kind_name(enum err_kind k)
{
	return k < ERR_KIND_N_ ? kind_names[k] : "unknown";
}

void err_set_(struct err *e, enum err_kind kind, const char *file, int line, const char *fmt, ...)
{
	va_list ap;
	err_done(e);
	e->kind = kind;
	e->file = file;
	e->line = line;
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
}

void err_sys_(struct err *e, const char *file, int line, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;
	err_done(e);
	e->kind = ERR_SYS;
	e->code = saved;
	e->file = file;
	e->line = line;
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	size_t n = strlen(e->msg);
	snprintf(e->msg + n, sizeof(e->msg) - n, ": %s",
		strerrordesc_np(saved) ? strerrordesc_np(saved) : "unknown error");
	if (saved == ENOSPC || saved == EDQUOT)
		err_hint(e, "free some space; nothing that was in use has been touched");
	errno = saved;
}

void err_ctx_(struct err *e, const char *fmt, ...)
{
	char head[sizeof(e->msg) / 2];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(head, sizeof(head), fmt, ap);
	va_end(ap);
	size_t n = strlen(head), old = strlen(e->msg);
	if (old > sizeof(e->msg) - n - 3)
		old = sizeof(e->msg) - n - 3;
	memmove(e->msg + n + 2, e->msg, old);
	memcpy(e->msg, head, n);
	memcpy(e->msg + n, ": ", 2);
	e->msg[n + 2 + old] = '\0';
}

void err_hint(struct err *e, const char *fmt, ...)
{
	if (e->hint[0])
		return;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(e->hint, sizeof(e->hint), fmt, ap);
	va_end(ap);
}

void err_retry(struct err *e, enum err_retry r, int64_t at_ms)
{
	e->retry = r;
	e->retry_at = at_ms;
}

void err_done(struct err *e)
{
	err_problem_free(e->problem);
	memset(e, 0, sizeof(*e));
}

void err_move(struct err *dst, struct err *src)
{
	if (dst == src)
		return;
	err_done(dst);
	*dst = *src;
	memset(src, 0, sizeof(*src));
}

void err_copy(struct err *dst, const struct err *src)
{
	if (dst == src)
		return;
	err_done(dst);
	*dst = *src;
	if (!src->problem)
		return;
	const struct err_problem *p = src->problem;
	struct err_problem *q = err_problem_new();
	free(q->type);
	free(q->title);
	free(q->detail);
	free(q->instance);
	q->type = xstrdup(p->type);
	q->title = xstrdup(p->title);
	q->detail = xstrdup(p->detail);
	q->instance = xstrdup(p->instance);
	q->status = p->status;
	for (size_t i = 0; i < p->n_subs; i++)
		err_problem_add(q, p->subs[i].identifier, p->subs[i].type, p->subs[i].detail);
	dst->problem = q;
}

struct err_problem *err_problem_new(void)
{
	struct err_problem *p = xcalloc(1, sizeof(*p));
	p->type = xstrdup("");
	p->title = xstrdup("");
	p->detail = xstrdup("");
	p->instance = xstrdup("");
	return p;
}

void err_problem_free(struct err_problem *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_subs; i++) {
		free(p->subs[i].type);
		free(p->subs[i].detail);
		free(p->subs[i].identifier);
	}
	free(p->subs);
	free(p->type);
	free(p->title);
	free(p->detail);
	free(p->instance);
	free(p);
}

void err_problem_add(struct err_problem *p, const char *identifier, const char *type, const char *detail)
{
	p->subs = xreallocarray(p->subs, p->n_subs + 1, sizeof(*p->subs));
	p->subs[p->n_subs++] = (struct err_subproblem){
		.type = xstrdup(type ? type : ""),
		.detail = xstrdup(detail ? detail : ""),
		.identifier = xstrdup(identifier ? identifier : ""),
	};
}

void err_print(const struct err *e)
{
	log_error("%s", e->msg);
	for (size_t i = 0; e->problem && i < e->problem->n_subs; i++) {
		const struct err_subproblem *s = &e->problem->subs[i];
		if (s->type[0])
			log_error("  %s: %s%s%s%s", s->identifier, s->detail, s->type[0] ? " (" : "", s->type,
				s->type[0] ? ")" : "");
		else
			log_error("  %s: %s", s->identifier, s->detail);
	}
	if (e->hint[0])
		log_error("  hint: %s", e->hint);
}
