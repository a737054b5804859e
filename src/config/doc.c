/*
 * doc.c: libyaml's document interface behind doc.h. The events are looked at once before the document is built: there
 * anchors, tags and depth are still to be seen, and nothing has been allocated for them.
 */
#include "config/doc.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/xalloc.h"

enum { DOC_MAX_DEPTH = 16 };

struct doc {
	const char *file;
	yaml_document_t y;
};

static void parser_init(yaml_parser_t *parser, const char *p, size_t n)
{
	if (!yaml_parser_initialize(parser))
		abort();
	yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(parser, (const unsigned char *)p, n);
}

static struct config_mark mark_of(const char *file, yaml_mark_t m)
{
	return (struct config_mark){file, (int)m.line + 1, (int)m.column + 1};
}

/* The place of an octet, for errors that come without a mark. Columns count characters. */
static struct config_mark mark_at(const char *file, const char *p, size_t offset)
{
	struct config_mark m = {file, 1, 1};
	for (size_t i = 0; i < offset; i++) {
		if (p[i] == '\n') {
			m.line++;
			m.column = 1;
		} else if (((unsigned char)p[i] & 0xc0) != 0x80) {
			m.column++;
		}
	}
	return m;
}

static int parser_error(const yaml_parser_t *parser, const char *file, const char *p, size_t n, struct err *e)
{
	if (parser->error == YAML_MEMORY_ERROR)
		abort();
	const char *problem = parser->problem ? parser->problem : "malformed YAML";
	if (parser->error == YAML_READER_ERROR) {
		struct config_mark at = mark_at(file, p, parser->problem_offset < n ? parser->problem_offset : n);
		CONFIG_ERROR(e, &at, "%s", problem);
		err_hint(e, "the file must be UTF-8 text");
		return -1;
	}
	/* The commonest slip of all, a wildcard without quotes, looks like an alias to YAML. */
	bool alias = parser->context && strstr(parser->context, "alias");
	struct config_mark at = mark_of(file, alias ? parser->context_mark : parser->problem_mark);
	if (alias)
		CONFIG_ERROR(e, &at, "text that begins with '*' must be in quotes");
	else if (parser->context)
		CONFIG_ERROR(e, &at, "%s %s", parser->context, problem);
	else
		CONFIG_ERROR(e, &at, "%s", problem);
	err_hint(e, "names with '*' need quotes: \"*.example.com\"; indent with blanks, not tabs");
	return -1;
}

static int refuse(const char *file, yaml_mark_t m, const char *what, const char *hint, struct err *e)
{
	struct config_mark at = mark_of(file, m);
	CONFIG_ERROR(e, &at, "%s", what);
	err_hint(e, "%s", hint);
	return -1;
}

static int check_node(
	const char *file, const yaml_event_t *ev, const yaml_char_t *anchor, const yaml_char_t *tag, struct err *e)
{
	if (anchor)
		return refuse(file, ev->start_mark, "YAML anchors are not allowed here",
			"write the value out; text that begins with '&' needs quotes", e);
	if (tag)
		return refuse(file, ev->start_mark, "YAML tags are not allowed here",
			"leave the tag out; text that begins with '!' needs quotes", e);
	return 0;
}

struct scan {
	int depth;
	int documents;
};

static int check_event(const char *file, const yaml_event_t *ev, struct scan *s, struct err *e)
{
	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (s->documents++)
			return refuse(file, ev->start_mark, "a second YAML document begins here",
				"put everything into one document, or into files of conf.d", e);
		return 0;
	case YAML_ALIAS_EVENT:
		return refuse(file, ev->start_mark, "YAML aliases are not allowed here",
			"a name that begins with '*' needs quotes: \"*.example.com\"", e);
	case YAML_SCALAR_EVENT:
		if (memchr(ev->data.scalar.value, 0, ev->data.scalar.length))
			return refuse(file, ev->start_mark, "the text holds a NUL character", "remove it", e);
		return check_node(file, ev, ev->data.scalar.anchor, ev->data.scalar.tag, e);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		if (++s->depth > DOC_MAX_DEPTH)
			return refuse(file, ev->start_mark, "nested too deeply", "no key of perdure goes that deep", e);
		if (ev->type == YAML_SEQUENCE_START_EVENT)
			return check_node(file, ev, ev->data.sequence_start.anchor, ev->data.sequence_start.tag, e);
		return check_node(file, ev, ev->data.mapping_start.anchor, ev->data.mapping_start.tag, e);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		s->depth--;
		return 0;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
	return 0;
}

static int check_events(const char *file, const char *p, size_t n, struct err *e)
{
	yaml_parser_t parser;
	parser_init(&parser, p, n);
	struct scan s = {0};
	int r = 0;
	for (bool end = false; !r && !end;) {
		yaml_event_t ev;
		if (!yaml_parser_parse(&parser, &ev)) {
			r = parser_error(&parser, file, p, n, e);
			break;
		}
		end = ev.type == YAML_STREAM_END_EVENT || ev.type == YAML_NO_EVENT;
		r = check_event(file, &ev, &s, e);
		yaml_event_delete(&ev);
	}
	yaml_parser_delete(&parser);
	return r;
}

int doc_parse(const char *file, const char *p, size_t n, struct doc **ret, struct err *e)
{
	if (n >= 3 && !memcmp(p, "\xef\xbb\xbf", 3)) {
		p += 3;
		n -= 3;
	}
	if (check_events(file, p, n, e))
		return -1;
	struct doc *d = xcalloc(1, sizeof(*d));
	d->file = file;
	yaml_parser_t parser;
	parser_init(&parser, p, n);
	int ok = yaml_parser_load(&parser, &d->y);
	if (!ok)
		parser_error(&parser, file, p, n, e);
	yaml_parser_delete(&parser);
	if (!ok) {
		free(d);
		return -1;
	}
	*ret = d;
	return 0;
}

void doc_free(struct doc *d)
{
	if (!d)
		return;
	yaml_document_delete(&d->y);
	free(d);
}

void doc_freep(struct doc **d)
{
	doc_free(*d);
	*d = NULL;
}

/* Nodes are numbered from 1 in the order of the document's stack. */
static const yaml_node_t *node_of(const struct doc *d, int node)
{
	return &d->y.nodes.start[node - 1];
}

int doc_root(const struct doc *d)
{
	return d->y.nodes.start == d->y.nodes.top ? 0 : 1;
}

enum doc_kind doc_kind(const struct doc *d, int node)
{
	switch (node_of(d, node)->type) {
	case YAML_SEQUENCE_NODE:
		return DOC_SEQUENCE;
	case YAML_MAPPING_NODE:
		return DOC_MAPPING;
	case YAML_NO_NODE:
	case YAML_SCALAR_NODE:
		break;
	}
	return DOC_SCALAR;
}

const char *doc_kind_name(const struct doc *d, int node)
{
	switch (doc_kind(d, node)) {
	case DOC_SEQUENCE:
		return "a list";
	case DOC_MAPPING:
		return "a map";
	case DOC_SCALAR:
		break;
	}
	return doc_null(d, node) ? "nothing" : "a single value";
}

struct config_mark doc_mark(const struct doc *d, int node)
{
	return mark_of(d->file, node_of(d, node)->start_mark);
}

const char *doc_text(const struct doc *d, int node)
{
	const yaml_node_t *y = node_of(d, node);
	return y->type == YAML_SCALAR_NODE ? (const char *)y->data.scalar.value : "";
}

bool doc_plain(const struct doc *d, int node)
{
	const yaml_node_t *y = node_of(d, node);
	return y->type == YAML_SCALAR_NODE && y->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

bool doc_null(const struct doc *d, int node)
{
	if (!doc_plain(d, node))
		return false;
	const char *s = doc_text(d, node);
	return !*s || !strcmp(s, "~") || !strcmp(s, "null") || !strcmp(s, "Null") || !strcmp(s, "NULL");
}

size_t doc_count(const struct doc *d, int node)
{
	const yaml_node_t *y = node_of(d, node);
	if (y->type == YAML_SEQUENCE_NODE)
		return (size_t)(y->data.sequence.items.top - y->data.sequence.items.start);
	if (y->type == YAML_MAPPING_NODE)
		return (size_t)(y->data.mapping.pairs.top - y->data.mapping.pairs.start);
	return 0;
}

int doc_item(const struct doc *d, int node, size_t i)
{
	return node_of(d, node)->data.sequence.items.start[i];
}

void doc_pair(const struct doc *d, int node, size_t i, int *ret_key, int *ret_value)
{
	yaml_node_pair_t pair = node_of(d, node)->data.mapping.pairs.start[i];
	*ret_key = pair.key;
	*ret_value = pair.value;
}
