/* load_audit.c: `audit`: what the audit takes for right, and what it is not to tell. */
#include "base/xalloc.h"
#include "config/load.h"

static int add_ignore(struct load *l, const struct section_item *item, struct err *e)
{
	AUTO(section_done) struct section s;
	struct config_audit *a = &l->c->audit;
	section_init(&s);
	if (section_read(&s, item->doc, item->node, SCHEMA_AUDIT_IGNORE, e))
		return -1;
	const char *rule = s.v[SCHEMA_IGNORE_RULE].s, *name = s.v[SCHEMA_IGNORE_NAME].s;
	if (!rule && !name) {
		CONFIG_ERROR(e, &item->mark, "this entry of audit.ignore would ignore everything");
		err_hint(e, "say what is to be ignored: rule:, name: or both");
		return -1;
	}
	a->ignores = xreallocarray(a->ignores, a->n_ignores + 1, sizeof(*a->ignores));
	a->ignores[a->n_ignores++] = (struct config_ignore){
		.rule = xstrdup(rule ? rule : ""), .name = xstrdup(name ? name : ""), .mark = item->mark};
	return 0;
}

int load_audit(struct load *l, struct err *e)
{
	const struct section_value *v = l->top.v;
	struct config_audit *a = &l->c->audit;
	for (size_t i = 0; i < v[SCHEMA_AUDIT_ISSUERS].n; i++)
		strv_add(&a->issuers, v[SCHEMA_AUDIT_ISSUERS].items[i].s);
	for (size_t i = 0; i < v[SCHEMA_AUDIT_ACCOUNTS].n; i++)
		strv_add(&a->accounts, v[SCHEMA_AUDIT_ACCOUNTS].items[i].s);
	for (size_t i = 0; i < v[SCHEMA_AUDIT_ZONES].n; i++)
		strv_add_take(&a->zones, load_zone_name(v[SCHEMA_AUDIT_ZONES].items[i].s));
	for (size_t i = 0; i < v[SCHEMA_AUDIT_CT_ISSUERS].n; i++)
		strv_add(&a->ct_issuers, v[SCHEMA_AUDIT_CT_ISSUERS].items[i].s);
	a->expiry_ms = v[SCHEMA_AUDIT_EXPIRY].i;
	for (size_t i = 0; i < v[SCHEMA_AUDIT_IGNORE].n; i++)
		if (add_ignore(l, &v[SCHEMA_AUDIT_IGNORE].items[i], e))
			return -1;
	return 0;
}
