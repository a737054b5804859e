/* notifysend.h: a message out through one channel: webhook, mail, command. */
#ifndef PERDURE_INVENTORY_NOTIFYSEND_H
#define PERDURE_INVENTORY_NOTIFYSEND_H

#include "obs/notify.h"

struct config_notify;
struct err;
struct loop;

struct notifysend;
/* Called once on the loop, never from inside notifysend_start(): clean, or why it did not get through. */
typedef void (*notifysend_fn)(const struct err *e, void *ctx);

/*
 * Sends it; c and f are borrowed until the end, of m nothing. Webhook and SMTP are tried three times, with pauses of
 * one and four seconds. ERR_CONFIG, ERR_SYS when a file of secrets cannot be read.
 */
int notifysend_start(struct loop *l, const struct config_notify *c, const struct notify_message *m,
	const struct notify_frame *f, notifysend_fn done, void *ctx, struct notifysend **ret, struct err *e);
/* Releases it after done(); before, nothing more is told, but a mail may still go out. NULL is fine. */
void notifysend_free(struct notifysend *n);

#endif
