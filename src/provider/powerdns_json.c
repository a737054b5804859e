/* powerdns_json.c: what goes to PowerDNS's interface and what comes from it; and the rights it knows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "provider/powerdns_internal.h"
#include "provider/rdata.h"
#include "provider/rest.h"
#include "json/json.h"

void powerdns_held_done(struct powerdns_held *h)
{
	provider_rrset_done(&h->set);
	strv_done(&h->disabled);
	free(h->cname);
	*h = (struct powerdns_held){0};
}

static int take_values(
	const char *what, const struct provider *p, const struct json *set, struct powerdns_held *h, struct err *e)
{
	const struct json *records = json_get(set, "records");
	for (size_t i = 0; i < json_len(records); i++) {
		const struct json *record = json_at(records, i);
		const char *content = json_str(json_get(record, "content"));
		AUTO(xfreep) char *data = NULL;
		struct err why = {0};
		bool disabled = false;
		if (json_opt_bool(record, "disabled", false, &disabled, &why) || !content ||
			rdata_parse(h->set.type, content, &data, &why)) {
			provider_err(e, p, PROVIDER_REPLY, "%s: a record that cannot be read: %s", what, why.msg);
			err_done(&why);
			return -1;
		}
		if (disabled)
			strv_add(&h->disabled, content);
		else
			provider_rrset_add(&h->set, data, content, NULL);
	}
	if (h->set.n || h->disabled.n)
		json_int(json_get(set, "ttl"), &h->set.ttl);
	return 0;
}

static int take_set(const char *what, const struct provider *p, const char *zone, const struct json *set,
	struct powerdns_held *h, struct err *e)
{
	const char *name = json_str(json_get(set, "name")), *type = json_str(json_get(set, "type"));
	size_t n = strlen(h->set.name);
	/* Old servers pass over the parameter and send the whole zone. */
	if (!name || !type || strncasecmp(name, h->set.name, n) || strcmp(name + n, "."))
		return 0;
	h->cut = h->cut || (!strcmp(type, "NS") && strcmp(h->set.name, zone) != 0);
	h->dname = h->dname || !strcmp(type, "DNAME");
	if (!strcmp(type, provider_type_name(h->set.type)))
		return take_values(what, p, set, h, e);
	const char *content = json_str(json_get(json_at(json_get(set, "records"), 0), "content"));
	if (!strcmp(type, "CNAME") && content && !h->cname)
		h->cname = xstrdup(content);
	h->others = true;
	return 0;
}

int powerdns_take(const char *what, const struct provider *p, const char *zone, const struct rest_reply *r,
	const char *name, enum provider_type type, struct powerdns_held *ret, struct err *e)
{
	const struct json *sets = json_get(r->json, "rrsets");
	provider_rrset_init(&ret->set, name, type);
	if (!json_is_array(sets))
		return provider_err(e, p, PROVIDER_REPLY, "%s: an answer without rrsets", what);
	json_int(json_get(r->json, "serial"), &ret->serial);
	for (size_t i = 0; i < json_len(sets); i++)
		if (take_set(what, p, zone, json_at(sets, i), ret, e))
			return -1;
	return 0;
}

static void open_set(struct json_out *j, const struct provider_change *c, const char *changetype)
{
	AUTO(xfreep) char *name = xasprintf("%s.", c->name);
	json_out_object(j, NULL);
	json_out_str(j, "name", name);
	json_out_str(j, "type", provider_type_name(c->type));
	json_out_str(j, "changetype", changetype);
	json_out_int(j, "ttl", c->ttl);
	json_out_array(j, "records");
}

static void put_record(struct json_out *j, const char *content, bool disabled)
{
	json_out_object(j, NULL);
	json_out_str(j, "content", content);
	json_out_bool(j, "disabled", disabled);
	json_out_end_object(j);
}

static void close_set(struct json_out *j)
{
	json_out_end_array(j);
	json_out_end_object(j);
}

static void put_single(struct json_out *j, const struct provider_change *c, const char *changetype, const char *content)
{
	open_set(j, c, changetype);
	put_record(j, content, false);
	close_set(j);
}

/* First what goes, then what comes: a CNAME makes room for the next. */
void powerdns_put_singles(struct json_out *j, const struct provider_change *c, const struct provider_rrset *wanted)
{
	for (size_t i = 0; i < c->expect->n; i++)
		if (!provider_rrset_find(wanted, c->expect->values[i].data))
			put_single(j, c, "PRUNE", c->expect->values[i].id);
	for (size_t i = 0; i < wanted->n; i++)
		if (!provider_rrset_find(c->expect, wanted->values[i].data))
			put_single(j, c, "EXTEND", wanted->values[i].data);
}

void powerdns_put_whole(struct json_out *j, const struct provider_change *c, const struct provider_rrset *wanted,
	const struct strv *disabled)
{
	open_set(j, c, "REPLACE");
	for (size_t i = 0; i < wanted->n; i++)
		put_record(j, wanted->values[i].id ? wanted->values[i].id : wanted->values[i].data, false);
	for (size_t i = 0; i < disabled->n; i++)
		put_record(j, disabled->v[i], true);
	close_set(j);
}

/* 4.9.12 and 5.0.2 were the first. Of a version that is none of these numbers, the first EXTEND tells. */
bool powerdns_knows_extend(const char *version)
{
	char *end;
	long major = strtol(version, &end, 10);
	long minor = *end == '.' ? strtol(end + 1, &end, 10) : -1;
	long patch = *end == '.' ? strtol(end + 1, &end, 10) : 0;
	if (minor < 0 || major < 3)
		return true;
	if (major == 4)
		return minor > 9 || (minor == 9 && patch >= 12);
	return major > 5 || (major == 5 && (minor > 0 || patch >= 2));
}

void powerdns_policy(const struct config_provider *conf, const struct strv *owners, struct buf *out)
{
	const char *zone = conf->zones.n ? conf->zones.v[0] : "example.com";
	(void)owners;
	buf_puts(out,
		"# PowerDNS has one key for its whole interface, which may do everything on every zone. Keep it "
		"close:\n"
		"# let only the publishing host reach the interface, in pdns.conf:\n"
		"api=yes\nwebserver=yes\nwebserver-address=127.0.0.1\nwebserver-allow-from=127.0.0.1\n"
		"# and from elsewhere through a proxy with TLS that passes on only what is needed, for each zone:\n");
	buf_printf(out, "#   GET   /api/v1/servers/localhost/zones?zone=%s.\n", zone);
	buf_printf(out, "#   GET   /api/v1/servers/localhost/zones/%s.?rrset_name=...\n", zone);
	buf_printf(out, "#   PATCH /api/v1/servers/localhost/zones/%s.\n", zone);
	buf_puts(out, "# Rights down to the zone come with dynamic updates instead (provider type rfc2136):\n"
		      "# dnsupdate=yes in pdns.conf, and a TSIG key for each zone:\n");
	buf_printf(out,
		"pdnsutil generate-tsig-key perdure-key hmac-sha256\npdnsutil set-meta %s TSIG-ALLOW-DNSUPDATE "
		"perdure-key\n",
		zone);
}
