/*
 * json.h: typed access to JSON that somebody else wrote, and a small writer. The only user of jansson; its types do not
 * show.
 *
 * Every getter names the member in its error ("newOrder reply: member \"finalize\" is missing / is a number, a string
 * is needed"), so callers need no words of their own beyond err_ctx().
 */
#ifndef PERDURE_JSON_JSON_H
#define PERDURE_JSON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct err;
struct strv;

/* A parsed value. Borrowed children live as long as the root. */
struct json;

enum { JSON_MAX_DEPTH = 32 };

/*
 * Parses n octets of UTF-8 (one value, nothing after it but white space). Duplicate members, depth above
 * JSON_MAX_DEPTH, NUL in strings and invalid UTF-8 are refused: ERR_PARSE with line and column. `what` names the
 * document in the message. The root needs json_free().
 */
int json_parse(const void *p, size_t n, const char *what, struct json **ret, struct err *e);
/* As json_parse(), but strings may hold NUL: read them with json_strn(). */
int json_parse_nul(const void *p, size_t n, const char *what, struct json **ret, struct err *e);
void json_free(struct json *root);
void json_freep(struct json **root);

bool json_is_object(const struct json *v);
bool json_is_array(const struct json *v);
bool json_is_string(const struct json *v);
bool json_is_null(const struct json *v);

/* The member, or NULL when it is absent or obj is no object. Borrowed. */
const struct json *json_get(const struct json *obj, const char *member);
/* Elements of an array: 0 for anything else. json_at() is NULL out of range. */
size_t json_len(const struct json *arr);
const struct json *json_at(const struct json *arr, size_t i);
/* The string, or NULL when v is no string. Borrowed; contains no NUL. */
const char *json_str(const struct json *v);
/* The same with its length in octets, for strings that may hold NUL. */
const char *json_strn(const struct json *v, size_t *ret_n);
/* The number; false when v is no integer. */
bool json_int(const struct json *v, int64_t *ret);
/* Calls fn for every member of an object, in the order of the text. */
void json_each(const struct json *obj, void (*fn)(const char *member, const struct json *v, void *ctx), void *ctx);

/* Required members: -1 with ERR_PROTO when absent or of another type. The strings are borrowed. */
int json_need_str(const struct json *obj, const char *member, const char **ret, struct err *e);
int json_need_array(const struct json *obj, const char *member, const struct json **ret, struct err *e);
int json_need_object(const struct json *obj, const char *member, const struct json **ret, struct err *e);
/* Optional members: *ret is NULL / the default when absent or null; -1 with ERR_PROTO when of another type. */
int json_opt_str(const struct json *obj, const char *member, const char **ret, struct err *e);
int json_opt_bool(const struct json *obj, const char *member, bool dflt, bool *ret, struct err *e);
int json_opt_int(const struct json *obj, const char *member, int64_t dflt, int64_t *ret, struct err *e);
/* Appends the strings of an optional array of strings; at most max elements. -1 with ERR_PROTO otherwise. */
int json_opt_strv(const struct json *obj, const char *member, size_t max, struct strv *ret, struct err *e);

/*
 * Writer: builds compact JSON text straight into a buffer. Strings that are not UTF-8 have their bad octets written as
 * U+FFFD. Commas are put by the writer.
 */
struct json_out {
	struct buf *out;
	bool need_comma;
};
struct json_out json_out_make(struct buf *out);
/* member is NULL inside an array and at the root. */
void json_out_object(struct json_out *w, const char *member);
void json_out_array(struct json_out *w, const char *member);
void json_out_end_object(struct json_out *w);
void json_out_end_array(struct json_out *w);
/* A NULL string is written as null. */
void json_out_str(struct json_out *w, const char *member, const char *s);
void json_out_strn(struct json_out *w, const char *member, const char *s, size_t n);
void json_out_int(struct json_out *w, const char *member, int64_t v);
/* Fixed-point with that many digits; what is no number (infinite, NaN) is written as null. */
void json_out_real(struct json_out *w, const char *member, double v, int digits);
void json_out_bool(struct json_out *w, const char *member, bool v);
void json_out_null(struct json_out *w, const char *member);
void json_out_strv(struct json_out *w, const char *member, const struct strv *v);
/* Text that is JSON already. */
void json_out_raw(struct json_out *w, const char *member, const char *json);

#endif
