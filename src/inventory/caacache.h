/* caacache.h: the CAA RRsets of names, asked for once although many names below them want to know. */
#ifndef PERDURE_INVENTORY_CAACACHE_H
#define PERDURE_INVENTORY_CAACACHE_H

#include <sys/queue.h>

struct dns;
struct observed_caa;

struct caacache;
/* d is borrowed. */
struct caacache *caacache_new(struct dns *d);
/* Ends what is under way without callbacks. NULL is fine. */
void caacache_free(struct caacache *c);

/* Somebody who waits for one name; embedded in the one who waits. */
struct caacache_wait {
	/* Called once on the loop; caa is the callee's to unref. */
	void (*fn)(struct observed_caa *caa, void *ctx);
	void *ctx;
	LIST_ENTRY(caacache_wait) link; /* private */
};
/*
 * What is known of the name already, the caller's to unref; or NULL: then w->fn is called later, never from inside.
 * Answers are kept for as long as the cache lives, some thousands of them.
 */
struct observed_caa *caacache_get(struct caacache *c, const char *name, struct caacache_wait *w);
/* Nobody waits any more. Only before w->fn was called. */
void caacache_cancel(struct caacache_wait *w);

/* NULL is fine. */
void observed_caa_unref(struct observed_caa *caa);

#endif
