/* export_zone.c: exports as lines for a zone file, and as commands for nsupdate (RFC 2136). */
#include <string.h>

#include "base/buf.h"
#include "inventory/export_priv.h"

static void line(
	struct buf *out, const char *before, const struct export_rrset *r, const struct export_value *v, bool in)
{
	buf_printf(out, "%s%s. %u %s%s ", before, r->owner, r->ttl, in ? "IN " : "", export_type_name(r->type));
	export_rdata(out, r, v);
	buf_putc(out, '\n');
}

void export_write_zone(const struct export_set *s, struct buf *out)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct export_rrset *r = &s->v[i];
		if (export_zone_begins(s, i))
			buf_printf(out, "%s; zone %s\n", i ? "\n" : "", r->zone);
		if (r->automated)
			buf_puts(out, "; every renewal changes this value\n");
		for (size_t k = 0; k < r->n_ours; k++)
			line(out, "", r, &r->ours[k], true);
		for (size_t k = 0; k < r->n_foreign; k++)
			line(out, "; somebody else's, stands already: ", r, &r->foreign[k], true);
	}
}

/* What stands must be exactly what was seen, or the server refuses the update. */
static void prerequisites(struct buf *out, const struct export_rrset *r)
{
	if (r->type == EXPORT_CNAME && !r->exists)
		buf_printf(out, "prereq nxdomain %s.\n", r->owner);
	else if (!r->exists)
		buf_printf(out, "prereq nxrrset %s. IN %s\n", r->owner, export_type_name(r->type));
	for (size_t i = 0; i < export_n_values(r); i++) {
		const struct export_value *v = export_value_at(r, i);
		if (!v->stands)
			continue;
		buf_printf(out, "prereq yxrrset %s. IN %s ", r->owner, export_type_name(r->type));
		export_rdata(out, r, v);
		buf_putc(out, '\n');
	}
}

static size_t missing(const struct export_rrset *r)
{
	size_t n = 0;
	for (size_t i = 0; i < r->n_ours; i++)
		n += !r->ours[i].stands;
	return n;
}

/* One update for each RRset, so that one that is refused does not take others with it. */
void export_write_nsupdate(const struct export_set *s, struct buf *out)
{
	buf_puts(out, "; put \"server ADDRESS\" in front unless the zone's primary server is the one to ask\n");
	for (size_t i = 0; i < s->n; i++) {
		const struct export_rrset *r = &s->v[i];
		if (!missing(r)) {
			buf_printf(out, "; %s stands already\n", r->owner);
			continue;
		}
		buf_printf(out, "zone %s.\n", r->zone);
		prerequisites(out, r);
		for (size_t k = 0; k < r->n_ours; k++)
			if (!r->ours[k].stands)
				line(out, "update add ", r, &r->ours[k], true);
		buf_puts(out, "send\n");
	}
}
