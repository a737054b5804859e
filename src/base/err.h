/*
 * err.h: the one error value. A caller owns a zeroed `struct err`; the function that finds the trouble fills it with
 * err_set(), each function on the way up may put its own words in front with err_ctx(), and only the top prints it.
 *
 * The three are macros with the constant value -1, not functions, so that compilers and analyzers see that they never
 * return 0.
 */
#ifndef PERDURE_BASE_ERR_H
#define PERDURE_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum err_kind {
	ERR_NONE,
	ERR_SYS, /* a system call failed; code is errno */
	ERR_LIMIT, /* something was larger than we accept */
	ERR_PARSE, /* bytes that do not mean what they should */
	ERR_CONFIG, /* the operator's configuration */
	ERR_USAGE, /* the operator's command line */
	ERR_NET, /* no answer, connection refused or lost; code is the library's */
	ERR_TIMEOUT, /* a deadline passed */
	ERR_TLS, /* the peer's certificate or the TLS handshake */
	ERR_HTTP, /* an HTTP status that carries no problem document; code is the status */
	ERR_PROTO, /* an answer that breaks the protocol */
	ERR_DNS, /* DNS could not be asked or answered with failure; code is the rcode */
	ERR_ACME, /* the CA answered with a problem document; code is the HTTP status */
	ERR_POLICY, /* we refuse: a record that would not be accepted, a wildcard over a public suffix, … */
	ERR_STORE, /* the state database; code is the library's */
	ERR_CRYPTO, /* keys, signatures, certificates */
	ERR_BUSY, /* another process holds what we need */
	ERR_CANCEL, /* stopped on request */
	ERR_CLOCK, /* this machine's clock is wrong */
	ERR_PROVIDER, /* a DNS provider said no; code is its cause (enum provider_cause) */
	ERR_KIND_N_
};

enum err_retry {
	RETRY_NEVER, /* the same input fails again */
	RETRY_NOW, /* at once (a fresh nonce) */
	RETRY_LATER, /* at retry_at, or after a back-off when that is 0 */
	RETRY_AFTER_OPERATOR, /* when somebody has changed something */
	RETRY_N_
};

/* One member of a problem document's `subproblems` (RFC 8555 section 6.7.1). */
struct err_subproblem {
	char *type; /* the URN, or "" */
	char *detail; /* the server's words, unsanitised */
	char *identifier; /* the DNS name, or "" */
};

/* A problem document (RFC 7807, RFC 8555 section 6.7). All strings are owned and never NULL. */
struct err_problem {
	char *type;
	char *title;
	char *detail;
	char *instance;
	int status; /* HTTP status, 0 if none */
	struct err_subproblem *subs;
	size_t n_subs;
};

struct err {
	enum err_kind kind;
	enum err_retry retry;
	int64_t retry_at; /* UNIX milliseconds; 0 when nothing was said */
	long code;
	const char *file;
	int line;
	struct err_problem *problem; /* owned, may be NULL */
	char msg[1024]; /* what failed, outermost context first */
	char hint[1024]; /* what to do next, may be empty */
};

/* Fills e (which must be clean or is overwritten) and has the value -1, so that `return err_set(…)` reads well. */
#define err_set(e, kind, ...)                                                                                          \
	(__extension__({                                                                                               \
		err_set_((e), (kind), __FILE__, __LINE__, __VA_ARGS__);                                                \
		-1;                                                                                                    \
	}))
/* As err_set(ERR_SYS) with errno taken as the code and its text appended after ": ". */
#define err_sys(e, ...)                                                                                                \
	(__extension__({                                                                                               \
		err_sys_((e), __FILE__, __LINE__, __VA_ARGS__);                                                        \
		-1;                                                                                                    \
	}))
/* Puts "context: " before the message. Has the value -1. */
#define err_ctx(e, ...)                                                                                                \
	(__extension__({                                                                                               \
		err_ctx_((e), __VA_ARGS__);                                                                            \
		-1;                                                                                                    \
	}))

void err_set_(struct err *e, enum err_kind kind, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
void err_sys_(struct err *e, const char *file, int line, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void err_ctx_(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Says what to do next, unless something nearer to the cause has said it already. */
void err_hint(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Classifies: when is a retry worth it. at_ms is 0 or UNIX milliseconds. */
void err_retry(struct err *e, enum err_retry r, int64_t at_ms);

/* Releases what e owns and makes it clean. */
void err_done(struct err *e);
/* Moves src into dst (whose old content is released); src is clean afterwards. */
void err_move(struct err *dst, struct err *src);
/* Copies src into dst (whose old content is released). */
void err_copy(struct err *dst, const struct err *src);
static inline bool err_is(const struct err *e)
{
	return e->kind != ERR_NONE;
}

const char *err_kind_name(enum err_kind k);

struct err_problem *err_problem_new(void);
void err_problem_free(struct err_problem *p);
/* Adds a sub-problem; the strings are copied, NULL counts as "". */
void err_problem_add(struct err_problem *p, const char *identifier, const char *type, const char *detail);

/* Prints "perdure: msg", the problem's sub-problems and "  hint: …" to stderr, control bytes escaped. */
void err_print(const struct err *e);

#endif
