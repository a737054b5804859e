/* map.h: a hash table from names to pointers. The keys come from the network: the hash is keyed at random. */
#ifndef PERDURE_DNS_MAP_H
#define PERDURE_DNS_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_node;
struct map {
	struct map_node **slots;
	size_t n_slots;
	size_t n;
	uint64_t seed;
};

/* A zeroed map is empty. Releases the table, not the values. */
void map_done(struct map *m);
void *map_get(const struct map *m, const char *key);
/* Puts value there (not NULL); gives what was there before, or NULL. The key is copied. */
void *map_put(struct map *m, const char *key, void *value);
/* Calls drop for every entry; those for which it answers true leave the map. */
void map_sweep(struct map *m, bool (*drop)(void *value, void *ctx), void *ctx);

#endif
