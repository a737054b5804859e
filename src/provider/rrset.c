/* rrset.c: zones and RRsets as values, and what a change makes of one. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "provider/provider.h"
#include "provider/rdata.h"

static char *dup_or_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

const char *provider_type_name(enum provider_type t)
{
	switch (t) {
	case PROVIDER_CNAME:
		return "CNAME";
	case PROVIDER_CAA:
		return "CAA";
	case PROVIDER_TXT:
		break;
	}
	return "TXT";
}

int provider_type_find(const char *name, enum provider_type *ret, struct err *e)
{
	static const enum provider_type types[] = {PROVIDER_TXT, PROVIDER_CNAME, PROVIDER_CAA};
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (!strcmp(name, provider_type_name(types[i]))) {
			*ret = types[i];
			return 0;
		}
	return err_set(e, ERR_PARSE, "\"%s\" is no type of record that perdure writes", name);
}

void provider_zone_done(struct provider_zone *z)
{
	free(z->name);
	free(z->id);
	*z = (struct provider_zone){0};
}

void provider_zone_copy(struct provider_zone *dst, const struct provider_zone *src)
{
	*dst = (struct provider_zone){.name = dup_or_null(src->name), .id = dup_or_null(src->id)};
}

void provider_rrset_init(struct provider_rrset *s, const char *name, enum provider_type type)
{
	*s = (struct provider_rrset){.name = xstrdup(name), .type = type};
}

void provider_rrset_done(struct provider_rrset *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->values[i].data);
		free(s->values[i].id);
		free(s->values[i].mark);
	}
	free(s->values);
	free(s->name);
	free(s->version);
	*s = (struct provider_rrset){0};
}

void provider_rrset_copy(struct provider_rrset *dst, const struct provider_rrset *src)
{
	*dst = (struct provider_rrset){.name = dup_or_null(src->name),
		.type = src->type,
		.ttl = src->ttl,
		.version = dup_or_null(src->version)};
	for (size_t i = 0; i < src->n; i++)
		provider_rrset_add(dst, src->values[i].data, src->values[i].id, src->values[i].mark);
}

void provider_rrset_add(struct provider_rrset *s, const char *data, const char *id, const char *mark)
{
	/* Grows by doubling: full whenever n is a power of two. */
	if ((s->n & (s->n - 1)) == 0)
		s->values = xreallocarray(s->values, s->n ? 2 * s->n : 1, sizeof(*s->values));
	s->values[s->n++] =
		(struct provider_value){.data = xstrdup(data), .id = dup_or_null(id), .mark = dup_or_null(mark)};
}

const struct provider_value *provider_rrset_find(const struct provider_rrset *s, const char *data)
{
	for (size_t i = 0; i < s->n; i++)
		if (rdata_same(s->type, s->values[i].data, data))
			return &s->values[i];
	return NULL;
}

bool provider_rrset_same(const struct provider_rrset *a, const struct provider_rrset *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (!provider_rrset_find(b, a->values[i].data))
			return false;
	for (size_t i = 0; i < b->n; i++)
		if (!provider_rrset_find(a, b->values[i].data))
			return false;
	return true;
}

static bool list_has(enum provider_type type, const struct strv *list, const char *data)
{
	for (size_t i = 0; list && i < list->n; i++)
		if (rdata_same(type, list->v[i], data))
			return true;
	return false;
}

void provider_change_wanted(const struct provider_change *c, struct provider_rrset *ret)
{
	provider_rrset_init(ret, c->name, c->type);
	for (size_t i = 0; i < c->expect->n; i++) {
		const struct provider_value *v = &c->expect->values[i];
		if (!list_has(c->type, c->del, v->data) || list_has(c->type, c->add, v->data))
			provider_rrset_add(ret, v->data, v->id, v->mark);
	}
	for (size_t i = 0; c->add && i < c->add->n; i++)
		if (!provider_rrset_find(ret, c->add->v[i]))
			provider_rrset_add(ret, c->add->v[i], NULL, c->mark);
	if (ret->n)
		ret->ttl = c->ttl;
}

bool provider_change_is_empty(const struct provider_change *c)
{
	struct provider_rrset wanted;
	provider_change_wanted(c, &wanted);
	bool same = provider_rrset_same(&wanted, c->expect) && (wanted.ttl == c->expect->ttl);
	provider_rrset_done(&wanted);
	return same;
}

bool provider_change_is_done(const struct provider_change *c, const struct provider_rrset *s)
{
	struct provider_rrset wanted;
	bool done = true;
	for (size_t i = 0; c->add && i < c->add->n; i++)
		done = done && provider_rrset_find(s, c->add->v[i]);
	provider_change_wanted(c, &wanted);
	for (size_t i = 0; c->del && i < c->del->n; i++)
		done = done && (provider_rrset_find(&wanted, c->del->v[i]) || !provider_rrset_find(s, c->del->v[i]));
	provider_rrset_done(&wanted);
	return done;
}
