/* section.c: reads mapping nodes against the schema. */
#include "config/section.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "config/form.h"

enum { HINT_MAX = 500 };

static void set_default(struct section_value *v, const struct schema_key *k)
{
	if (!k->def)
		return;
	switch (k->type) {
	case SCHEMA_BOOL:
		v->i = !strcmp(k->def, "true");
		break;
	case SCHEMA_INT:
		form_int(k->def, &v->i);
		break;
	case SCHEMA_DURATION:
		form_duration(k->def, &v->i);
		break;
	case SCHEMA_WORD:
	case SCHEMA_STRING:
		v->s = k->def;
		break;
	case SCHEMA_MAP:
	case SCHEMA_LIST:
	case SCHEMA_TIME:
	case SCHEMA_STRINGS:
		break;
	}
}

void section_init(struct section *s)
{
	*s = (struct section){0};
	for (enum schema_id id = SCHEMA_ROOT + 1; id < SCHEMA_N_; id++)
		set_default(&s->v[id], &schema_keys[id]);
}

void section_done(struct section *s)
{
	for (enum schema_id id = SCHEMA_ROOT; id < SCHEMA_N_; id++)
		free(s->v[id].items);
	*s = (struct section){0};
}

static void add_item(struct section_value *v, struct section_item item)
{
	if (v->n == v->cap) {
		v->cap = v->cap ? v->cap * 2 : 4;
		v->items = xreallocarray(v->items, v->cap, sizeof(*v->items));
	}
	v->items[v->n++] = item;
}

/* The hint of every error about a value: what the key takes. */
static int hint_allowed(enum schema_id id, struct err *e)
{
	AUTO(buf_done) struct buf b = buf_make(HINT_MAX);
	schema_describe(id, &b);
	err_hint(e, "%s: %s", schema_path(id).text, buf_str(&b));
	return -1;
}

static int wrong_kind(const struct doc *d, int node, enum schema_id id, const char *wanted, struct err *e)
{
	struct config_mark at = doc_mark(d, node);
	CONFIG_ERROR(e, &at, "%s must be %s, not %s", schema_path(id).text, wanted, doc_kind_name(d, node));
	return hint_allowed(id, e);
}

static int wrong_value(const struct doc *d, int node, enum schema_id id, const char *why, struct err *e)
{
	struct config_mark at = doc_mark(d, node);
	const char *text = doc_text(d, node), *rest = strstr(text, "://");
	if (rest && strchr(rest, '@')) /* a password may be in it */
		CONFIG_ERROR(e, &at, "%s %s", schema_path(id).text, why);
	else
		CONFIG_ERROR(e, &at, "%s: '%.100s' %s", schema_path(id).text, text, why);
	return hint_allowed(id, e);
}

static int read_string(const struct doc *d, int node, enum schema_id id, const char **ret, struct err *e)
{
	if (doc_kind(d, node) != DOC_SCALAR || doc_null(d, node))
		return wrong_kind(d, node, id, "text", e);
	const char *why = form_check(schema_keys[id].form,
		schema_keys[id].type == SCHEMA_STRING ? schema_keys[id].max : 0, doc_text(d, node));
	if (why)
		return wrong_value(d, node, id, why, e);
	*ret = doc_text(d, node);
	return 0;
}

static int read_strings(struct section_value *v, const struct doc *d, int node, enum schema_id id, struct err *e)
{
	struct section_item item = {.doc = d, .node = node, .mark = doc_mark(d, node)};
	if (doc_kind(d, node) == DOC_SCALAR) {
		if (read_string(d, node, id, &item.s, e))
			return -1;
		add_item(v, item);
		return 0;
	}
	if (doc_kind(d, node) != DOC_SEQUENCE)
		return wrong_kind(d, node, id, "text or a list", e);
	int64_t n = (int64_t)doc_count(d, node);
	if (n < schema_keys[id].min || n > schema_keys[id].max) {
		struct config_mark at = doc_mark(d, node);
		CONFIG_ERROR(e, &at, "%s: the list has %lld elements, it takes %lld to %lld", schema_path(id).text,
			(long long)n, (long long)schema_keys[id].min, (long long)schema_keys[id].max);
		return hint_allowed(id, e);
	}
	for (size_t i = 0; i < (size_t)n; i++) {
		item.node = doc_item(d, node, i);
		item.mark = doc_mark(d, item.node);
		if (read_string(d, item.node, id, &item.s, e))
			return -1;
		add_item(v, item);
	}
	return 0;
}

static int read_list(struct section_value *v, const struct doc *d, int node, enum schema_id id, struct err *e)
{
	if (doc_kind(d, node) != DOC_SEQUENCE)
		return wrong_kind(d, node, id, "a list", e);
	for (size_t i = 0; i < doc_count(d, node); i++) {
		int sub = doc_item(d, node, i);
		add_item(v, (struct section_item){.doc = d, .node = sub, .mark = doc_mark(d, sub)});
	}
	return 0;
}

static int read_bool(struct section_value *v, const struct doc *d, int node, enum schema_id id, struct err *e)
{
	const char *s = doc_text(d, node);
	if (!doc_plain(d, node))
		return wrong_value(d, node, id, "is text in quotes, not true or false", e);
	v->i = !strcmp(s, "true");
	if (!v->i && strcmp(s, "false") != 0)
		return wrong_value(d, node, id, "is neither true nor false", e);
	return 0;
}

static int read_number(struct section_value *v, const struct doc *d, int node, enum schema_id id, struct err *e)
{
	const struct schema_key *k = &schema_keys[id];
	const char *s = doc_text(d, node);
	if (k->type == SCHEMA_INT && !doc_plain(d, node))
		return wrong_value(d, node, id, "is text in quotes, not a number", e);
	int r = k->type == SCHEMA_INT ? form_int(s, &v->i) : form_duration(s, &v->i);
	if (r)
		return wrong_value(
			d, node, id, k->type == SCHEMA_INT ? "is not a whole number" : "is not a duration", e);
	if (v->i < k->min || v->i > k->max)
		return wrong_value(d, node, id, "is out of range", e);
	return 0;
}

static int read_time(struct section_value *v, const struct doc *d, int node, enum schema_id id, struct err *e)
{
	struct err ignored = {0};
	const char *s = doc_text(d, node);
	if (form_int(s, &v->i) && clock_parse_rfc3339(s, &v->i, &ignored)) {
		err_done(&ignored);
		return wrong_value(d, node, id, "is not a time", e);
	}
	if (v->i < schema_keys[id].min || v->i > schema_keys[id].max)
		return wrong_value(d, node, id, "is out of range", e);
	return 0;
}

static int read_word(struct section_value *v, const struct doc *d, int node, enum schema_id id, struct err *e)
{
	v->s = doc_text(d, node);
	if (schema_has_word(schema_keys[id].words, v->s))
		return 0;
	return wrong_value(d, node, id, "is not known here", e);
}

static int read_value(struct section *s, const struct doc *d, int node, enum schema_id id, struct err *e)
{
	struct section_value *v = &s->v[id];
	enum schema_type type = schema_keys[id].type;
	if (type == SCHEMA_MAP)
		return section_read(s, d, node, id, e);
	if (type == SCHEMA_LIST)
		return read_list(v, d, node, id, e);
	if (type == SCHEMA_STRINGS)
		return read_strings(v, d, node, id, e);
	if (type == SCHEMA_STRING)
		return read_string(d, node, id, &v->s, e);
	if (doc_kind(d, node) != DOC_SCALAR || doc_null(d, node))
		return wrong_kind(d, node, id, "a single value", e);
	if (type == SCHEMA_BOOL)
		return read_bool(v, d, node, id, e);
	if (type == SCHEMA_WORD)
		return read_word(v, d, node, id, e);
	if (type == SCHEMA_TIME)
		return read_time(v, d, node, id, e);
	return read_number(v, d, node, id, e);
}

static int unknown_key(const struct doc *d, int key, enum schema_id parent, struct err *e)
{
	struct config_mark at = doc_mark(d, key);
	const char *name = doc_text(d, key);
	const char *near = schema_suggest(parent, name);
	AUTO(buf_done) struct buf b = buf_make(HINT_MAX);
	schema_allowed(parent, &b);
	if (near)
		CONFIG_ERROR(
			e, &at, "unknown key '%.60s' in %s; did you mean '%s'?", name, schema_path(parent).text, near);
	else
		CONFIG_ERROR(e, &at, "unknown key '%.60s' in %s", name, schema_path(parent).text);
	err_hint(e, "allowed here: %s", buf_str(&b));
	return -1;
}

static int check_repeated(const struct doc *d, int node, size_t i, struct err *e)
{
	int key;
	int value;
	doc_pair(d, node, i, &key, &value);
	/* Every key before this one is known and different, so they are few. */
	for (size_t j = 0; j < i; j++) {
		int other;
		doc_pair(d, node, j, &other, &value);
		if (strcmp(doc_text(d, other), doc_text(d, key)) != 0)
			continue;
		struct config_mark at = doc_mark(d, key);
		struct config_mark first = doc_mark(d, other);
		CONFIG_ERROR(e, &at, "the key '%s' is given twice, first in line %d", doc_text(d, key), first.line);
		err_hint(e, "keep one of the two");
		return -1;
	}
	return 0;
}

static int read_pair(struct section *s, const struct doc *d, int node, size_t i, enum schema_id parent, struct err *e)
{
	int key;
	int value;
	doc_pair(d, node, i, &key, &value);
	struct config_mark at = doc_mark(d, key);
	if (doc_kind(d, key) != DOC_SCALAR)
		return CONFIG_ERROR(e, &at, "a key must be a word, not %s", doc_kind_name(d, key));
	enum schema_id id = schema_find(parent, doc_text(d, key));
	if (id == SCHEMA_ROOT)
		return unknown_key(d, key, parent, e);
	if (check_repeated(d, node, i, e))
		return -1;
	struct section_value *v = &s->v[id];
	bool gathers = schema_keys[id].type == SCHEMA_MAP || schema_keys[id].type == SCHEMA_LIST;
	if (v->set && !gathers) {
		CONFIG_ERROR(e, &at, "%s is set already, at %s:%d:%d", schema_path(id).text, v->mark.file, v->mark.line,
			v->mark.column);
		err_hint(e, "keep one of the two");
		return -1;
	}
	if (read_value(s, d, value, id, e))
		return -1;
	v->set = true;
	v->mark = doc_mark(d, value);
	return 0;
}

int section_read(struct section *s, const struct doc *d, int node, enum schema_id parent, struct err *e)
{
	if (doc_kind(d, node) != DOC_MAPPING) {
		struct config_mark at = doc_mark(d, node);
		AUTO(buf_done) struct buf b = buf_make(HINT_MAX);
		schema_allowed(parent, &b);
		const char *what = schema_keys[parent].type == SCHEMA_LIST ? "an element of " : "";
		CONFIG_ERROR(
			e, &at, "%s%s must be a map, not %s", what, schema_path(parent).text, doc_kind_name(d, node));
		err_hint(e, "its keys: %s", buf_str(&b));
		return -1;
	}
	for (size_t i = 0; i < doc_count(d, node); i++)
		if (read_pair(s, d, node, i, parent, e))
			return -1;
	return 0;
}
