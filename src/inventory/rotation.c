/* rotation.c: values that give way to others, and how far that has come. */
#include "inventory/rotation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "dns/name.h"
#include "inventory/apply.h"
#include "state/store.h"
#include "json/json.h"

enum { ROTATION_VERSION = 1, ROTATION_MAX = 256 << 20, VALUES_MAX = 4096 };

static const char *const phases[ROTATION_PHASE_N_] = {"publish", "hold", "remove", "done"};

static void rrset_done(struct rotation_rrset *s)
{
	free(s->owner);
	free(s->fqdn);
	strv_done(&s->add);
	strv_done(&s->del);
}

void rotation_done(struct rotation *r)
{
	for (size_t i = 0; i < r->n; i++)
		rrset_done(&r->v[i]);
	free(r->v);
	free(r->kind);
	free(r->what);
	*r = (struct rotation){0};
}

static struct rotation_rrset *append(struct rotation *r)
{
	r->v = xreallocarray(r->v, r->n + 1, sizeof(*r->v));
	r->v[r->n] = (struct rotation_rrset){0};
	return &r->v[r->n++];
}

static void take_item(struct rotation_rrset *s, const struct plan_item *it, bool accounts_only)
{
	if (it->action == PLAN_ADD || it->action == PLAN_CHANGE)
		strv_add(&s->add, it->data);
	if (it->action == PLAN_CHANGE)
		strv_add(&s->del, it->old);
	if (it->action == PLAN_REMOVE && (it->ca[0] || !accounts_only))
		strv_add(&s->del, it->data);
}

/* What is kept is to be seen everywhere before anything goes, just as what is added. */
static void take_kept(struct rotation_rrset *s, const struct plan_rrset *from)
{
	for (size_t k = 0; k < from->n; k++)
		if (from->items[k].action == PLAN_KEEP)
			strv_add(&s->add, from->items[k].data);
}

void rotation_begin(
	struct rotation *ret, const char *kind, const char *what, int64_t now, const struct plan *p, bool accounts_only)
{
	*ret = (struct rotation){.kind = xstrdup(kind), .what = xstrdup(what), .begun = now};
	for (size_t i = 0; i < p->n; i++) {
		const struct plan_rrset *from = &p->v[i];
		struct rotation_rrset s = {.type = from->type, .ttl = from->ttl, .cache_s = from->cache_s};
		for (size_t k = 0; k < from->n; k++)
			take_item(&s, &from->items[k], accounts_only);
		if (!s.add.n && !s.del.n)
			continue;
		take_kept(&s, from);
		if (s.cache_s < from->ttl && from->standing.n)
			s.cache_s = from->ttl;
		s.owner = xstrdup(from->owner);
		s.fqdn = xstrdup(from->fqdn);
		*append(ret) = s;
	}
}

/* --- on disk --- */

static char *path_of(const char *state_dir)
{
	return xasprintf("%s/records/rotation.json", state_dir);
}

int rotation_save(const char *state_dir, const struct rotation *r, struct err *e)
{
	AUTO(buf_done) struct buf out = buf_make(ROTATION_MAX);
	AUTO(xfreep) char *path = path_of(state_dir);
	struct json_out w = json_out_make(&out);
	json_out_object(&w, NULL);
	json_out_int(&w, "version", ROTATION_VERSION);
	json_out_str(&w, "kind", r->kind);
	json_out_str(&w, "what", r->what);
	json_out_int(&w, "begun", r->begun);
	json_out_array(&w, "rrsets");
	for (size_t i = 0; i < r->n; i++) {
		const struct rotation_rrset *s = &r->v[i];
		buf_putc(&out, '\n');
		json_out_object(&w, NULL);
		json_out_str(&w, "type", provider_type_name(s->type));
		json_out_str(&w, "owner", s->owner);
		json_out_str(&w, "name", s->fqdn);
		json_out_int(&w, "ttl", s->ttl);
		json_out_int(&w, "cache", s->cache_s);
		json_out_strv(&w, "add", &s->add);
		json_out_strv(&w, "del", &s->del);
		json_out_str(&w, "phase", phases[s->phase]);
		json_out_int(&w, "until", s->until);
		json_out_end_object(&w);
	}
	json_out_end_array(&w);
	json_out_end_object(&w);
	buf_putc(&out, '\n');
	return buf_check(&out, "the rotation", e) || fs_write_atomic(path, out.p, out.n, 0600, e) ? -1 : 0;
}

int rotation_forget(const char *state_dir, struct err *e)
{
	AUTO(xfreep) char *path = path_of(state_dir);
	AUTO(xfreep) char *dir = xasprintf("%s/records", state_dir);
	if (unlink(path) && errno != ENOENT)
		return err_sys(e, "cannot remove %s", path);
	return fs_sync_dir(dir, e);
}

static int read_rrset(struct rotation *r, const struct json *o, struct err *e)
{
	const char *type, *owner, *name, *phase;
	struct rotation_rrset *s = append(r);
	if (json_need_str(o, "type", &type, e) || provider_type_find(type, &s->type, e) ||
		json_need_str(o, "owner", &owner, e) || json_need_str(o, "name", &name, e) ||
		json_opt_int(o, "ttl", 0, &s->ttl, e) || json_opt_int(o, "cache", 0, &s->cache_s, e) ||
		json_opt_strv(o, "add", VALUES_MAX, &s->add, e) || json_opt_strv(o, "del", VALUES_MAX, &s->del, e) ||
		json_need_str(o, "phase", &phase, e) || json_opt_int(o, "until", 0, &s->until, e))
		return -1;
	s->owner = xstrdup(owner);
	s->fqdn = xstrdup(name);
	for (int p = 0; p < ROTATION_PHASE_N_; p++)
		if (!strcmp(phase, phases[p])) {
			s->phase = (enum rotation_phase)p;
			return 0;
		}
	return err_set(e, ERR_PARSE, "there is no phase \"%s\"", phase);
}

static int read_all(const struct json *root, struct rotation *r, struct err *e)
{
	const char *kind, *what;
	const struct json *sets;
	int64_t version;
	if (json_opt_int(root, "version", 0, &version, e))
		return -1;
	if (version != ROTATION_VERSION)
		return err_set(
			e, ERR_PARSE, "it is no rotation that this perdure knows (version %lld)", (long long)version);
	if (json_need_str(root, "kind", &kind, e) || json_need_str(root, "what", &what, e) ||
		json_opt_int(root, "begun", 0, &r->begun, e) || json_need_array(root, "rrsets", &sets, e))
		return -1;
	r->kind = xstrdup(kind);
	r->what = xstrdup(what);
	for (size_t i = 0; i < json_len(sets); i++)
		if (read_rrset(r, json_at(sets, i), e))
			return -1;
	return 0;
}

int rotation_load(const char *state_dir, struct rotation *ret, bool *ret_found, struct err *e)
{
	AUTO(xfreep) char *path = path_of(state_dir);
	AUTO(buf_done) struct buf text = buf_make(ROTATION_MAX);
	AUTO(json_freep) struct json *root = NULL;
	AUTO(rotation_done) struct rotation r = {0};
	*ret_found = fs_exists(path);
	if (!*ret_found)
		return 0;
	if (fs_read(path, &text, e) || json_parse(buf_str(&text), text.n, path, &root, e))
		return -1;
	if (read_all(root, &r, e))
		return err_ctx(e, "%s", path);
	*ret = r;
	r = (struct rotation){0};
	return 0;
}

/* --- its steps --- */

void rotation_plan(const struct rotation *r, enum rotation_phase phase, struct plan *ret)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct rotation_rrset *s = &r->v[i];
		if (s->phase != phase)
			continue;
		struct plan_rrset *to = plan_add(ret, s->type, s->owner, s->fqdn, s->ttl);
		for (size_t k = 0; k < s->add.n && phase == ROTATION_PUBLISH; k++)
			plan_item_add(to, PLAN_ADD, s->add.v[k], NULL, "", "the new value");
		for (size_t k = 0; k < s->del.n && phase == ROTATION_REMOVE; k++)
			plan_item_add(to, PLAN_REMOVE, s->del.v[k], NULL, "", "the old value, whose time is up");
	}
}

static struct rotation_rrset *find(struct rotation *r, enum provider_type type, const char *owner)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].type == type && !strcmp(r->v[i].owner, owner))
			return &r->v[i];
	return NULL;
}

void rotation_took(struct rotation *r, const struct apply_report *report, int64_t now)
{
	struct rotation_rrset *s = find(r, report->rrset->type, report->rrset->owner);
	if (!s || report->outcome != APPLY_SERVED)
		return;
	if (s->phase == ROTATION_REMOVE) {
		s->phase = ROTATION_DONE;
	} else if (s->phase == ROTATION_PUBLISH) {
		bool anew = report->added && report->added->n;
		if (!s->del.n)
			s->phase = ROTATION_DONE;
		else if (s->until && !anew)
			s->phase = ROTATION_REMOVE;
		else
			s->phase = ROTATION_HOLD;
		if (s->phase == ROTATION_HOLD)
			s->until = now + 1 + s->cache_s; /* the second that had begun already counts for nothing */
	}
}

/* A record for a name may serve orders for names below it, too. */
static bool is_ordered(const struct rotation_rrset *s, const struct strv *ordered)
{
	for (size_t i = 0; i < ordered->n; i++)
		if (name_within(ordered->v[i], s->fqdn))
			return true;
	return false;
}

size_t rotation_advance(struct rotation *r, int64_t now, const struct strv *ordered, struct strv *ret_held)
{
	size_t n = 0;
	for (size_t i = 0; i < r->n; i++) {
		struct rotation_rrset *s = &r->v[i];
		if (s->phase != ROTATION_HOLD || s->until > now)
			continue;
		if (is_ordered(s, ordered)) {
			strv_add(ret_held, s->owner);
			continue;
		}
		s->phase = ROTATION_PUBLISH;
		n++;
	}
	return n;
}

size_t rotation_count(const struct rotation *r, enum rotation_phase phase)
{
	size_t n = 0;
	for (size_t i = 0; i < r->n; i++)
		n += r->v[i].phase == phase;
	return n;
}

int64_t rotation_until(const struct rotation *r)
{
	int64_t first = 0;
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].phase == ROTATION_HOLD && (!first || r->v[i].until < first))
			first = r->v[i].until;
	return first;
}

static int take_order(const struct store_order *o, void *ctx, struct err *e)
{
	(void)e;
	for (size_t i = 0; i < o->names.n; i++)
		strv_add(ctx, strncmp(o->names.v[i], "*.", 2) ? o->names.v[i] : o->names.v[i] + 2);
	return 0;
}

int rotation_ordered(struct store *s, struct strv *ret, struct err *e)
{
	return s ? store_order_each(s, take_order, ret, e) : 0;
}
