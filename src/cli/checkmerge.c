/*
 * checkmerge.c: perdure check --merge: what `check --json` said on several hosts, put together with the rule by which a
 * CA that looks from several places decides. The first file is the primary point of view.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "cli/check.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "inventory/vantage.h"

enum { LINE_MAX_OCTETS = 64 << 20 };

/* One line of one file. */
struct line {
	size_t file;
	char *key; /* name, wildcard and CA: what belongs together */
	char *name;
	bool wildcard;
	char *ca;
	char *account, *answer, *reason, *region;
	enum vantage_result result;
};

struct merge {
	const struct cli *c;
	struct line *v;
	size_t n, cap;
	size_t refused, unknown, total;
	int64_t now;
};

static void merge_done(struct merge *m)
{
	for (size_t i = 0; i < m->n; i++) {
		struct line *l = &m->v[i];
		free(l->key);
		free(l->name);
		free(l->ca);
		free(l->account);
		free(l->answer);
		free(l->reason);
		free(l->region);
	}
	free(m->v);
}

static int read_verdict(const char *word, enum vantage_result *ret, struct err *e)
{
	if (!strcmp(word, "accepted"))
		*ret = VANTAGE_VALID;
	else if (!strcmp(word, "refused"))
		*ret = VANTAGE_REFUSED;
	else if (!strcmp(word, "unknown"))
		*ret = VANTAGE_SILENT;
	else
		return err_set(e, ERR_PARSE, "\"verdict\" is \"%s\"; known are accepted, refused and unknown", word);
	return 0;
}

static int add(struct merge *m, size_t file, const struct json *obj, struct err *e)
{
	const char *name, *ca, *verdict, *account, *answer, *reason, *region;
	enum vantage_result result;
	bool wildcard;
	if (!json_is_object(obj))
		return err_set(e, ERR_PARSE, "an object is needed");
	if (json_need_str(obj, "name", &name, e) || json_need_str(obj, "ca", &ca, e) ||
		json_need_str(obj, "verdict", &verdict, e) || json_opt_bool(obj, "wildcard", false, &wildcard, e) ||
		json_opt_str(obj, "account", &account, e) || json_opt_str(obj, "answer", &answer, e) ||
		json_opt_str(obj, "reason", &reason, e) || json_opt_str(obj, "region", &region, e) ||
		read_verdict(verdict, &result, e))
		return -1;
	if (region && !vantage_is_region(region))
		return err_set(e, ERR_PARSE, "\"region\" is \"%.40s\", which is none", region);
	if (m->n == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 64;
		m->v = xreallocarray(m->v, m->cap, sizeof(*m->v));
	}
	m->v[m->n++] = (struct line){
		.file = file,
		.key = xasprintf("%s%s %s", wildcard ? "*." : "", name, ca),
		.name = xstrdup(name),
		.wildcard = wildcard,
		.ca = xstrdup(ca),
		.account = xstrdup(account ? account : ""),
		.answer = xstrdup(answer ? answer : ""),
		.reason = xstrdup(reason ? reason : ""),
		.region = region ? xstrdup(region) : NULL,
		.result = result,
	};
	return 0;
}

static int read_file(struct merge *m, size_t file, const char *path, struct err *e)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;
	char *text = NULL;
	size_t size = 0;
	ssize_t len;
	int result = 0;
	if (!f)
		return err_sys(e, "cannot read %s", path);
	for (unsigned n = 1; !result && (len = getline(&text, &size, f)) > 0; n++) {
		struct json *obj = NULL;
		if (text[strspn(text, " \t\r\n")] == '\0')
			continue;
		if (len > LINE_MAX_OCTETS)
			result = err_set(e, ERR_LIMIT, "the line is too long");
		else
			result = json_parse(text, (size_t)len, "JSON", &obj, e);
		if (!result)
			result = add(m, file, obj, e);
		json_free(obj);
		if (result)
			err_ctx(e, "%s, line %u", path, n);
	}
	free(text);
	if (f != stdin)
		fclose(f);
	return result;
}

static int by_key(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int r = strcmp(x->key, y->key);
	return r ? r : (x->file > y->file) - (x->file < y->file);
}

static enum recordcheck_result verdict_of(const struct line *primary, const struct vantage_quorum *q)
{
	if (primary->result == VANTAGE_SILENT)
		return RECORDCHECK_UNKNOWN;
	return q->corroborated ? RECORDCHECK_GOOD : RECORDCHECK_REFUSED;
}

static const char *const words[] = {
	[VANTAGE_VALID] = "accepted", [VANTAGE_REFUSED] = "refused", [VANTAGE_SILENT] = "unknown"};

static void print_json(const struct merge *m, const struct line *l, size_t n, const struct vantage_quorum *q,
	enum recordcheck_result verdict)
{
	struct out_json j;
	out_json_begin(&j);
	json_out_str(&j.w, "name", l->name);
	json_out_bool(&j.w, "wildcard", l->wildcard);
	json_out_str(&j.w, "ca", l->ca);
	json_out_str(&j.w, "verdict", recordcheck_result_name(verdict));
	json_out_str(&j.w, "reason", q->text);
	json_out_int(&j.w, "remote", (int64_t)q->remote);
	json_out_int(&j.w, "agree", (int64_t)q->agree);
	json_out_int(&j.w, "may_fail", (int64_t)q->allowed);
	json_out_int(&j.w, "regions", (int64_t)q->regions);
	json_out_array(&j.w, "perspectives");
	for (size_t i = 0; i < n; i++) {
		json_out_object(&j.w, NULL);
		json_out_str(&j.w, "from", m->c->args.v[l[i].file]);
		json_out_str(&j.w, "region", l[i].region);
		json_out_str(&j.w, "verdict", words[l[i].result]);
		json_out_str(&j.w, "reason", l[i].reason);
		json_out_str(&j.w, "answer", l[i].answer);
		json_out_end_object(&j.w);
	}
	json_out_end_array(&j.w);
	out_json_end(&j);
}

static void print_text(const struct merge *m, const struct line *l, size_t n, const struct vantage_quorum *q,
	enum recordcheck_result verdict)
{
	static const enum out_colour colours[] = {
		[RECORDCHECK_GOOD] = OUT_GOOD, [RECORDCHECK_REFUSED] = OUT_BAD, [RECORDCHECK_UNKNOWN] = OUT_WARN};
	if (m->c->quiet && verdict == RECORDCHECK_GOOD)
		return;
	out_text("%s%s%s %s%s at %s: %s\n", out_colour_on(colours[verdict]), recordcheck_result_name(verdict),
		out_colour_off(), l->wildcard ? "*." : "", l->name, l->ca, q->text);
	for (size_t i = 0; i < n; i++)
		if (m->c->verbose || verdict != RECORDCHECK_GOOD || l[i].result != VANTAGE_VALID)
			out_text("    %-24s %s: %s\n", m->c->args.v[l[i].file], words[l[i].result], l[i].reason);
}

/* n lines about one name at one CA, the primary one first. */
static void conclude(struct merge *m, const struct line *l, size_t n)
{
	struct vantage *v = xcalloc(n, sizeof(*v));
	struct vantage_quorum q;
	for (size_t i = 0; i < n; i++)
		v[i] = (struct vantage){
			.where = m->c->args.v[l[i].file],
			.result = l[i].result,
			.region = l[i].region,
			.account = l[i].result == VANTAGE_VALID ? l[i].account : NULL,
			.answer = l[i].answer,
		};
	vantage_judge(&v[0], v + 1, n - 1, m->now, &q);
	free(v);
	enum recordcheck_result verdict = verdict_of(l, &q);
	m->refused += verdict == RECORDCHECK_REFUSED;
	m->unknown += verdict == RECORDCHECK_UNKNOWN;
	m->total++;
	if (m->c->json)
		print_json(m, l, n, &q, verdict);
	else
		print_text(m, l, n, &q, verdict);
}

int check_merge(const struct cli *c, struct err *e)
{
	AUTO(merge_done) struct merge m = {.c = c, .now = clk_wall(clk_real()) / 1000};
	if (c->args.n < 2)
		return err_set(e, ERR_USAGE, "--merge needs two files or more");
	for (size_t i = 0; i < c->args.n; i++)
		if (read_file(&m, i, c->args.v[i], e))
			return -1;
	if (m.n)
		qsort(m.v, m.n, sizeof(*m.v), by_key);
	for (size_t from = 0, to; from < m.n; from = to) {
		for (to = from + 1; to < m.n && !strcmp(m.v[to].key, m.v[from].key);)
			to++;
		conclude(&m, &m.v[from], to - from);
	}
	if (!m.n)
		return err_set(e, ERR_USAGE, "the files hold no results");
	return m.refused ? EXIT_REFUSED : m.unknown ? EXIT_LATER : EXIT_DONE;
}
