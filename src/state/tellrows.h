/*
 * tellrows.h: what is remembered for telling: counters of metrics, and what each channel of notify was told. Writes and
 * errors are as store.h says.
 */
#ifndef PERDURE_STATE_TELLROWS_H
#define PERDURE_STATE_TELLROWS_H

#include <stdint.h>

struct err;
struct store;

/* Inserts or replaces. */
int store_metric_put(struct store *s, const char *key, const char *value, struct err *e);
int store_metric_each(struct store *s, int (*fn)(const char *key, const char *value, void *ctx, struct err *e),
	void *ctx, struct err *e);

/* A problem that a channel was told. */
struct store_notice {
	char *channel; /* the key, with key */
	char *key;
	char *kind;
	char *subject;
	char *text;
	int64_t severity;
	int64_t since; /* UNIX seconds */
	int64_t told_at; /* UNIX seconds */
};
void store_notice_done(struct store_notice *n);
/* Inserts or replaces. */
int store_notice_put(struct store *s, const struct store_notice *n, struct err *e);
/* Forgets all of the channel. */
int store_notice_clear(struct store *s, const char *channel, struct err *e);
/* Those of the channel, in order of key. n is borrowed during the call. */
int store_notice_each(struct store *s, const char *channel,
	int (*fn)(const struct store_notice *n, void *ctx, struct err *e), void *ctx, struct err *e);

#endif
