/* fuzz_json.c: objects from an ACME server: the parser and every getter, and the writer on what was read. */
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/strv.h"
#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_MAX = 16 << 20 };

static void getters(const struct json *v, const char *member)
{
	struct err e = {0};
	const char *s;
	const struct json *sub;
	bool b;
	int64_t i;
	struct strv list = {0};
	/* err_done() between the calls: each must leave a clean or a filled error, never a half one. */
	if (json_need_str(v, member, &s, &e))
		err_done(&e);
	if (json_need_array(v, member, &sub, &e))
		err_done(&e);
	if (json_need_object(v, member, &sub, &e))
		err_done(&e);
	if (json_opt_str(v, member, &s, &e))
		err_done(&e);
	if (json_opt_bool(v, member, false, &b, &e))
		err_done(&e);
	if (json_opt_int(v, member, 0, &i, &e))
		err_done(&e);
	if (json_opt_strv(v, member, 8, &list, &e))
		err_done(&e);
	strv_done(&list);
}

struct walk {
	const struct json *parent;
	struct json_out *w;
};

static void rewrite(const char *member, const struct json *v, void *ctx)
{
	struct walk *k = ctx, inner = {v, k->w};
	int64_t i;
	if (member && k->parent)
		getters(k->parent, member);
	if (json_is_object(v)) {
		json_out_object(k->w, member);
		json_each(v, rewrite, &inner);
		json_out_end_object(k->w);
	} else if (json_is_array(v)) {
		json_out_array(k->w, member);
		inner.parent = NULL;
		for (size_t n = 0; n < json_len(v); n++)
			rewrite(NULL, json_at(v, n), &inner);
		json_out_end_array(k->w);
	} else if (json_is_string(v)) {
		json_out_str(k->w, member, json_str(v));
	} else if (json_int(v, &i)) {
		json_out_int(k->w, member, i);
	} else {
		json_out_null(k->w, member);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct json *root = NULL, *again = NULL;
	if (json_parse(data, size, "fuzz", &root, &e)) {
		err_done(&e);
		return 0;
	}
	struct buf out = buf_make(OUT_MAX);
	struct json_out w = json_out_make(&out);
	struct walk k = {NULL, &w};
	rewrite(NULL, root, &k);
	/* What we write, we can read. */
	if (!out.bad && json_parse(out.p, out.n, "rewritten", &again, &e))
		abort();
	buf_done(&out);
	json_free(again);
	json_free(root);
	return 0;
}
