/* json.c: reading JSON that somebody else wrote, on jansson. Strict: what two parsers could read differently is
 * refused. */
#include "json/json.h"

#include <jansson.h>
#include <string.h>

#include "base/err.h"
#include "base/strv.h"

/* jansson has macros of these names. */
#undef json_is_object
#undef json_is_array
#undef json_is_string
#undef json_is_null

/* A struct json is jansson's value under another name. Its reading calls take non-const pointers but change nothing. */
static json_t *native(const struct json *v)
{
	return (json_t *)(uintptr_t)v;
}

static const struct json *foreign(const json_t *v)
{
	return (const struct json *)v;
}

/*
 * Nesting is bounded before the parser runs: jansson recurses, with a bound of its own that is far above ours. Up to
 * the first syntax error this scan and the parser agree on where strings begin and end; after it the parser stops.
 */
static int check_depth(const char *p, size_t n, const char *what, struct err *e)
{
	size_t depth = 0, line = 1, line_at = 0;
	bool in_string = false;
	for (size_t i = 0; i < n; i++) {
		switch (p[i]) {
		case '\\':
			i += in_string;
			break;
		case '"':
			in_string = !in_string;
			break;
		case '\n':
			line++;
			line_at = i + 1;
			break;
		case '{':
		case '[':
			if (!in_string && ++depth > JSON_MAX_DEPTH)
				return err_set(e, ERR_PARSE,
					"%s: line %zu, column %zu: JSON nested deeper than %d levels", what, line,
					i - line_at + 1, JSON_MAX_DEPTH);
			break;
		case '}':
		case ']':
			if (!in_string && depth)
				depth--;
			break;
		default:
			break;
		}
	}
	return 0;
}

static int parse(const void *p, size_t n, size_t flags, const char *what, struct json **ret, struct err *e)
{
	if (!n)
		return err_set(e, ERR_PARSE, "%s: empty, JSON is needed", what);
	if (check_depth(p, n, what, e))
		return -1;
	json_error_t je;
	json_t *root = json_loadb(p, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | flags, &je);
	if (!root)
		return err_set(e, ERR_PARSE, "%s: line %d, column %d: %s", what, je.line, je.column, je.text);
	*ret = (struct json *)root;
	return 0;
}

int json_parse(const void *p, size_t n, const char *what, struct json **ret, struct err *e)
{
	return parse(p, n, 0, what, ret, e);
}

int json_parse_nul(const void *p, size_t n, const char *what, struct json **ret, struct err *e)
{
	return parse(p, n, JSON_ALLOW_NUL, what, ret, e);
}

void json_free(struct json *root)
{
	json_decref((json_t *)root);
}

void json_freep(struct json **root)
{
	json_free(*root);
	*root = NULL;
}

bool json_is_object(const struct json *v)
{
	return v && json_typeof(native(v)) == JSON_OBJECT;
}

bool json_is_array(const struct json *v)
{
	return v && json_typeof(native(v)) == JSON_ARRAY;
}

bool json_is_string(const struct json *v)
{
	return v && json_typeof(native(v)) == JSON_STRING;
}

bool json_is_null(const struct json *v)
{
	return v && json_typeof(native(v)) == JSON_NULL;
}

const struct json *json_get(const struct json *obj, const char *member)
{
	return foreign(json_object_get(native(obj), member));
}

size_t json_len(const struct json *arr)
{
	return json_array_size(native(arr));
}

const struct json *json_at(const struct json *arr, size_t i)
{
	return foreign(json_array_get(native(arr), i));
}

const char *json_str(const struct json *v)
{
	return json_string_value(native(v));
}

const char *json_strn(const struct json *v, size_t *ret_n)
{
	*ret_n = json_string_length(native(v));
	return json_string_value(native(v));
}

bool json_int(const struct json *v, int64_t *ret)
{
	if (!v || json_typeof(native(v)) != JSON_INTEGER)
		return false;
	*ret = json_integer_value(native(v));
	return true;
}

void json_each(const struct json *obj, void (*fn)(const char *member, const struct json *v, void *ctx), void *ctx)
{
	json_t *o = native(obj);
	for (void *it = json_object_iter(o); it; it = json_object_iter_next(o, it))
		fn(json_object_iter_key(it), foreign(json_object_iter_value(it)), ctx);
}

static const char *kind(const struct json *v)
{
	switch (json_typeof(native(v))) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
	case JSON_REAL:
		return "a number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "a boolean";
	case JSON_NULL:
		return "null";
	}
	return "something else";
}

static int wrong_type(const char *member, const struct json *v, const char *needed, struct err *e)
{
	return err_set(e, ERR_PROTO, "member \"%s\" is %s, %s is needed", member, kind(v), needed);
}

/* The member, which must be there. */
static int need(const struct json *obj, const char *member, const struct json **ret, struct err *e)
{
	if (!json_is_object(obj))
		return err_set(e, ERR_PROTO, "%s where an object with the member \"%s\" is needed",
			obj ? kind(obj) : "nothing", member);
	const struct json *v = json_get(obj, member);
	if (!v)
		return err_set(e, ERR_PROTO, "member \"%s\" is missing", member);
	*ret = v;
	return 0;
}

int json_need_str(const struct json *obj, const char *member, const char **ret, struct err *e)
{
	const struct json *v;
	if (need(obj, member, &v, e))
		return -1;
	if (!json_is_string(v))
		return wrong_type(member, v, "a string", e);
	*ret = json_str(v);
	return 0;
}

int json_need_array(const struct json *obj, const char *member, const struct json **ret, struct err *e)
{
	const struct json *v;
	if (need(obj, member, &v, e))
		return -1;
	if (!json_is_array(v))
		return wrong_type(member, v, "an array", e);
	*ret = v;
	return 0;
}

int json_need_object(const struct json *obj, const char *member, const struct json **ret, struct err *e)
{
	const struct json *v;
	if (need(obj, member, &v, e))
		return -1;
	if (!json_is_object(v))
		return wrong_type(member, v, "an object", e);
	*ret = v;
	return 0;
}

/* The member, or NULL when it is absent or null. */
static const struct json *optional(const struct json *obj, const char *member)
{
	const struct json *v = json_get(obj, member);
	return json_is_null(v) ? NULL : v;
}

int json_opt_str(const struct json *obj, const char *member, const char **ret, struct err *e)
{
	const struct json *v = optional(obj, member);
	if (v && !json_is_string(v))
		return wrong_type(member, v, "a string", e);
	*ret = v ? json_str(v) : NULL;
	return 0;
}

int json_opt_bool(const struct json *obj, const char *member, bool dflt, bool *ret, struct err *e)
{
	const struct json *v = optional(obj, member);
	if (v && !json_is_boolean(native(v)))
		return wrong_type(member, v, "a boolean", e);
	*ret = v ? json_is_true(native(v)) : dflt;
	return 0;
}

int json_opt_int(const struct json *obj, const char *member, int64_t dflt, int64_t *ret, struct err *e)
{
	const struct json *v = optional(obj, member);
	int64_t n = dflt;
	if (v && !json_int(v, &n))
		return wrong_type(member, v, "an integer", e);
	*ret = n;
	return 0;
}

int json_opt_strv(const struct json *obj, const char *member, size_t max, struct strv *ret, struct err *e)
{
	const struct json *v = optional(obj, member);
	if (!v)
		return 0;
	if (!json_is_array(v))
		return wrong_type(member, v, "an array of strings", e);
	size_t n = json_len(v);
	if (n > max)
		return err_set(
			e, ERR_PROTO, "member \"%s\" has %zu elements, at most %zu are accepted", member, n, max);
	for (size_t i = 0; i < n; i++)
		if (!json_is_string(json_at(v, i)))
			return err_set(e, ERR_PROTO, "member \"%s\": element %zu is %s, a string is needed", member,
				i + 1, kind(json_at(v, i)));
	for (size_t i = 0; i < n; i++)
		strv_add(ret, json_str(json_at(v, i)));
	return 0;
}
