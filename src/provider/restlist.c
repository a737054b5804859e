/* restlist.c: lists that come in pages, and the zones of a provider by them. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "config/config.h"
#include "provider/restdriver.h"
#include "json/json.h"

enum {
	NOT_FOUND = 404,
	ZONE_PAGES_MAX = 10, /* of a list of zones, where asking for those that the configuration names costs less */
};

/* --- pages --- */

static void ask_page(struct rest_work *w);

static void list_end(struct rest_work *w)
{
	if (w->op->call == PROVIDER_CALL_ZONE)
		rest_work_zones_end(w);
	else
		provider_op_rrset(w->op, &w->found);
}

static bool is_too_long(const struct rest_work *w)
{
	const struct provider *p = &w->d->p;
	return w->op->call == PROVIDER_CALL_ZONE && w->page > ZONE_PAGES_MAX && p->conf->zones.n && p->driver->has_zone;
}

static void too_long(struct rest_work *w)
{
	struct err e = {0};
	provider_err(&e, &w->d->p, PROVIDER_SIZE, "%s: more than %d pages", w->what, ZONE_PAGES_MAX);
	provider_op_fail(w->op, &e);
}

static void on_page(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct rest_work *w = ctx;
	AUTO(buf_done) struct buf next = buf_make(REST_PATH_MAX);
	struct err bad = {0};
	if (!r || err_is(e)) {
		rest_work_fail(w, e);
		return;
	}
	const struct json *elements = w->list->member ? json_get(r->json, w->list->member) : r->json;
	for (size_t i = 0; i < json_len(elements) && !err_is(&bad); i++)
		w->list->take(w, json_at(elements, i), &bad);
	if (err_is(&bad)) {
		rest_work_refuse(w, &bad);
		return;
	}
	if (w->list->next)
		w->list->next(w, r, &next);
	bool more = next.n || (w->list->more && w->list->more(w, r->json));
	w->page++;
	if (!more)
		list_end(w);
	else if (is_too_long(w))
		too_long(w);
	else if (next.n)
		rest_work_get(w, &next, on_page);
	else
		ask_page(w);
}

static void ask_page(struct rest_work *w)
{
	AUTO(buf_done) struct buf path = buf_make(REST_PATH_MAX);
	buf_puts(&path, w->list_path);
	if (w->list->more)
		buf_printf(&path, "page=%u&per_page=%d", w->page, w->list->per_page);
	rest_work_get(w, &path, on_page);
}

void rest_work_list(struct rest_work *w, const struct rest_list *l, const struct buf *path)
{
	w->list = l;
	free(w->list_path);
	w->list_path = xstrdup(buf_str(path));
	ask_page(w);
}

/* --- zones --- */

static void on_zone(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct rest_work *w = ctx;
	if (r && !err_is(e))
		provider_op_zone(w->op, w->op->candidate, w->op->candidate);
	else if (r && r->status == NOT_FOUND)
		provider_op_zone(w->op, NULL, NULL);
	else
		rest_work_fail(w, e);
}

void rest_has_zone(struct provider *p, struct provider_op *op, const char *path, const char *end)
{
	AUTO(buf_done) struct buf whole = buf_make(REST_PATH_MAX);
	buf_puts(&whole, path);
	rest_escape(&whole, op->candidate);
	buf_puts(&whole, end);
	rest_work_get(rest_work_new(p, op, "look for zone %.200s", op->candidate), &whole, on_zone);
}

void rest_list_zones(struct provider *p, struct provider_op *op, const struct rest_list *l, const char *path)
{
	AUTO(buf_done) struct buf whole = buf_make(REST_PATH_MAX);
	buf_puts(&whole, path);
	rest_work_list(rest_work_new(p, op, "list the zones"), l, &whole);
}

int rest_take_zone(struct rest_work *w, const struct json *zone, struct err *e)
{
	const char *name = json_str(json_get(zone, "name")), *id = json_str(json_get(zone, "id"));
	(void)e;
	if (name)
		provider_op_list(w->op, name, id ? id : name);
	return 0;
}

void rest_work_zone_add(struct rest_work *w, const char *name, const char *id)
{
	for (size_t i = 0; i < w->names.n; i++)
		if (!strcmp(w->names.v[i], name)) {
			char *both = xasprintf("%s,%s", w->ids.v[i], id);
			free(w->ids.v[i]);
			w->ids.v[i] = both;
			return;
		}
	strv_add(&w->names, name);
	strv_add(&w->ids, id);
}

void rest_work_zones_end(struct rest_work *w)
{
	for (size_t i = 0; i < w->names.n; i++)
		provider_op_list(w->op, w->names.v[i], w->ids.v[i]);
	provider_op_listed(w->op);
}

bool rest_work_is_one_zone(struct rest_work *w)
{
	const struct provider_zone *z = &w->op->zone;
	struct err e = {0};
	if (!strchr(z->id, ','))
		return true;
	provider_err(&e, &w->d->p, PROVIDER_NO_ZONE, "%s has several public zones: %s", z->name, z->id);
	err_hint(&e, "give the one that the zone above delegates to in zone_ids of provider %s", w->d->p.conf->name);
	provider_op_fail(w->op, &e);
	return false;
}
