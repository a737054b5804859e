/* smtp.h: one mail handed to an SMTP server, by libcurl on a worker thread. */
#ifndef PERDURE_HTTP_SMTP_H
#define PERDURE_HTTP_SMTP_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct loop;
struct strv;

struct smtp_request {
	const char *url; /* smtp://HOST[:PORT] (TLS where the server offers it, always with user) or smtps:// */
	const char *from;
	const struct strv *to;
	const void *mail; /* with its header, lines ended by CR LF */
	size_t mail_n;
	const char *user; /* NULL for none */
	const char *password;
	const char *ca_bundle; /* NULL for the system's */
	int64_t timeout_ms;
};
/* Called once on the loop: clean, or ERR_NET, ERR_TIMEOUT, ERR_TLS, ERR_PROTO with what the server said. */
typedef void (*smtp_done_fn)(const struct err *e, void *ctx);

/* Everything is copied. The answer comes whatever happens, never from inside; it cannot be taken back. */
void smtp_send(struct loop *l, const struct smtp_request *r, smtp_done_fn done, void *ctx);

#endif
