/* map.c: the hash table. */
#include "dns/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/xalloc.h"

struct map_node {
	struct map_node *next;
	void *value;
	uint64_t hash;
	char key[];
};

static uint64_t hash_of(const struct map *m, const char *key)
{
	uint64_t h = m->seed;
	for (const unsigned char *p = (const unsigned char *)key; *p; p++) {
		h = (h ^ *p) * 0x9e3779b97f4a7c15U;
		h ^= h >> 29;
	}
	return h;
}

static struct map_node **find(const struct map *m, const char *key, uint64_t hash)
{
	struct map_node **at = &m->slots[hash & (m->n_slots - 1)];
	while (*at && ((*at)->hash != hash || strcmp((*at)->key, key) != 0))
		at = &(*at)->next;
	return at;
}

static void grow(struct map *m)
{
	size_t n = m->n_slots ? m->n_slots * 2 : 64;
	struct map_node **slots = xcalloc(n, sizeof(struct map_node *));
	if (!m->n_slots)
		random_octets(&m->seed, sizeof(m->seed));
	for (size_t i = 0; i < m->n_slots; i++) {
		for (struct map_node *next, *x = m->slots[i]; x; x = next) {
			next = x->next;
			x->next = slots[x->hash & (n - 1)];
			slots[x->hash & (n - 1)] = x;
		}
	}
	free(m->slots);
	m->slots = slots;
	m->n_slots = n;
}

void map_done(struct map *m)
{
	for (size_t i = 0; i < m->n_slots; i++) {
		for (struct map_node *next, *x = m->slots[i]; x; x = next) {
			next = x->next;
			free(x);
		}
	}
	free(m->slots);
	*m = (struct map){0};
}

void *map_get(const struct map *m, const char *key)
{
	if (!m->n)
		return NULL;
	struct map_node *x = *find(m, key, hash_of(m, key));
	return x ? x->value : NULL;
}

void *map_put(struct map *m, const char *key, void *value)
{
	if (m->n >= m->n_slots)
		grow(m);
	uint64_t hash = hash_of(m, key);
	struct map_node **at = find(m, key, hash);
	if (*at) {
		void *old = (*at)->value;
		(*at)->value = value;
		return old;
	}
	size_t n = strlen(key) + 1;
	struct map_node *x = xmalloc(sizeof(*x) + n);
	x->next = NULL;
	x->value = value;
	x->hash = hash;
	memcpy(x->key, key, n);
	*at = x;
	m->n++;
	return NULL;
}

void map_sweep(struct map *m, bool (*drop)(void *value, void *ctx), void *ctx)
{
	for (size_t i = 0; i < m->n_slots; i++) {
		for (struct map_node **at = &m->slots[i]; *at;) {
			struct map_node *x = *at;
			if (!drop(x->value, ctx)) {
				at = &x->next;
				continue;
			}
			*at = x->next;
			free(x);
			m->n--;
		}
	}
}
