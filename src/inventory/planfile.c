/* planfile.c: a plan as JSON. */
#include "inventory/planfile.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "inventory/plan.h"
#include "provider/provider.h"
#include "provider/rdata.h"
#include "json/json.h"

enum { PLANFILE_MAX = 512 << 20, VALUES_MAX = 4096 };

void planfile_rrset(struct json_out *w, const struct plan_rrset *r)
{
	json_out_str(w, "type", provider_type_name(r->type));
	json_out_str(w, "owner", r->owner);
	json_out_str(w, "name", r->fqdn);
	json_out_str(w, "zone", r->zone[0] ? r->zone : NULL);
	json_out_str(w, "provider", r->provider[0] ? r->provider : NULL);
	json_out_int(w, "ttl", r->ttl);
	json_out_bool(w, "observed", r->observed);
	json_out_strv(w, "standing", &r->standing);
	json_out_str(w, "servers", r->servers);
	json_out_str(w, "blocked", r->blocked);
	json_out_array(w, "items");
	for (size_t i = 0; i < r->n; i++) {
		const struct plan_item *it = &r->items[i];
		bool wildcard;
		json_out_object(w, NULL);
		json_out_str(w, "action", plan_action_name(it->action));
		json_out_str(w, "data", it->data);
		json_out_str(w, "old", it->old);
		json_out_str(w, "ca", it->ca[0] ? it->ca : NULL);
		if (plan_item_record(r, it, &wildcard))
			json_out_bool(w, "wildcard", wildcard);
		else
			json_out_null(w, "wildcard");
		json_out_str(w, "reason", it->reason);
		json_out_end_object(w);
	}
	json_out_end_array(w);
}

void planfile_write(const struct plan *p, struct buf *out)
{
	struct json_out w = json_out_make(out);
	json_out_object(&w, NULL);
	json_out_int(&w, "version", PLANFILE_VERSION);
	json_out_int(&w, "made", p->made);
	json_out_array(&w, "rrsets");
	for (size_t i = 0; i < p->n; i++) {
		buf_putc(out, '\n');
		json_out_object(&w, NULL);
		planfile_rrset(&w, &p->v[i]);
		json_out_end_object(&w);
	}
	json_out_end_array(&w);
	json_out_end_object(&w);
	buf_putc(out, '\n');
}

static int read_item(struct plan_rrset *r, const struct json *o, struct err *e)
{
	const char *action, *data, *old, *ca, *reason;
	AUTO(xfreep) char *data_ = NULL, *old_ = NULL;
	if (json_need_str(o, "action", &action, e) || json_need_str(o, "data", &data, e) ||
		json_opt_str(o, "old", &old, e) || json_opt_str(o, "ca", &ca, e) ||
		json_opt_str(o, "reason", &reason, e) || rdata_parse(r->type, data, &data_, e) ||
		(old && rdata_parse(r->type, old, &old_, e)))
		return -1;
	for (int a = 0; a < PLAN_ACTION_N_; a++)
		if (!strcmp(action, plan_action_name((enum plan_action)a))) {
			if (a == PLAN_CHANGE && !old_)
				return err_set(e, ERR_PARSE, "an item with action \"change\" needs \"old\"");
			plan_item_add(r, (enum plan_action)a, data_, old_, ca ? ca : "", reason ? reason : "");
			return 0;
		}
	return err_set(e, ERR_PARSE, "there is no action \"%s\"", action);
}

static int read_rrset(struct plan *p, const struct json *o, struct err *e)
{
	const char *type, *owner, *name, *zone, *provider, *blocked;
	enum provider_type t;
	const struct json *items;
	AUTO(strv_done) struct strv standing = {0};
	int64_t ttl;
	if (json_opt_str(o, "type", &type, e) || provider_type_find(type ? type : "TXT", &t, e) ||
		json_need_str(o, "owner", &owner, e) || json_need_str(o, "name", &name, e) ||
		json_opt_str(o, "zone", &zone, e) || json_opt_str(o, "provider", &provider, e) ||
		json_opt_int(o, "ttl", 3600, &ttl, e) || json_opt_str(o, "blocked", &blocked, e) ||
		json_opt_strv(o, "standing", VALUES_MAX, &standing, e) || json_need_array(o, "items", &items, e))
		return -1;
	struct plan_rrset *r = plan_add(p, t, owner, name, ttl);
	if (json_opt_bool(o, "observed", true, &r->observed, e))
		return -1;
	free(r->zone);
	free(r->provider);
	r->zone = xstrdup(zone ? zone : "");
	r->provider = xstrdup(provider ? provider : "");
	r->blocked = blocked ? xstrdup(blocked) : NULL;
	for (size_t i = 0; i < standing.n; i++) {
		char *data;
		if (rdata_parse(t, standing.v[i], &data, e))
			return err_ctx(e, "standing at %s", owner);
		strv_add_take(&r->standing, data);
	}
	for (size_t i = 0; i < json_len(items); i++)
		if (read_item(r, json_at(items, i), e))
			return err_ctx(e, "item %zu of %s", i + 1, owner);
	return 0;
}

static int read_plan(const struct json *root, struct plan *p, struct err *e)
{
	const struct json *rrsets;
	int64_t version;
	if (json_opt_int(root, "version", 0, &version, e))
		return -1;
	if (version != PLANFILE_VERSION) {
		err_set(e, ERR_CONFIG, "it is no plan that this perdure knows (version %lld)", (long long)version);
		err_hint(e, "make one with \"perdure record plan --out FILE\"");
		return -1;
	}
	if (json_opt_int(root, "made", 0, &p->made, e) || json_need_array(root, "rrsets", &rrsets, e))
		return -1;
	for (size_t i = 0; i < json_len(rrsets); i++)
		if (read_rrset(p, json_at(rrsets, i), e))
			return -1;
	return 0;
}

int planfile_read(const char *path, struct plan *ret, struct err *e)
{
	AUTO(buf_done) struct buf text = buf_make(PLANFILE_MAX);
	AUTO(json_freep) struct json *root = NULL;
	struct plan p = {0};
	if (fs_read(path, &text, e) || json_parse(buf_str(&text), text.n, path, &root, e))
		return -1;
	if (read_plan(root, &p, e)) {
		plan_done(&p);
		return err_ctx(e, "%s", path);
	}
	*ret = p;
	return 0;
}
