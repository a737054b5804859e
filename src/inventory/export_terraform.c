/*
 * export_terraform.c: exports as Terraform and OpenTofu resources. Zones' ids are variables: perdure does not know
 * them, and a repository rarely wants them in every resource. What stands already comes with an import block where the
 * id can be told from the names.
 */
#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "inventory/export_priv.h"

/* Letters, digits, "-" and "_" may be in a name. */
static void name_part(struct buf *out, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_putc(out, isalnum((unsigned char)s[i]) || s[i] == '-' ? s[i] : '_');
}

/* "txt__validation-persist_example_com"; for tools with a resource per value also whose value it is. */
static void resource_name(struct buf *out, const struct export_rrset *r, const struct export_value *v)
{
	static const char *const prefix[EXPORT_N_] = {"txt", "caa", "cname"};
	buf_printf(out, "%s_", prefix[r->type]);
	name_part(out, r->owner, strlen(r->owner));
	if (!v || r->type == EXPORT_CNAME || r->automated)
		return;
	size_t nth = 1, n = strcspn(v->text, "; ");
	for (const struct export_value *u = r->ours; u < v; u++)
		nth += strcspn(u->text, "; ") == n && !strncmp(u->text, v->text, n);
	buf_putc(out, '_');
	name_part(out, v->text, n);
	if (nth > 1)
		buf_printf(out, "_%zu", nth);
}

static void resource(struct buf *out, const char *type, const struct export_rrset *r, const struct export_value *v)
{
	buf_printf(out, "\nresource \"%s\" \"", type);
	resource_name(out, r, v);
	buf_puts(out, "\" {\n");
}

static void attribute(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, "  %s = ", name);
	export_hcl(out, value);
	buf_putc(out, '\n');
}

/* A reference into the map of zone ids. */
static void of_zone(struct buf *out, const char *name, const char *variable, const struct export_rrset *r)
{
	buf_printf(out, "  %s = var.%s[", name, variable);
	export_hcl(out, r->zone);
	buf_puts(out, "]\n");
}

static void type_and_ttl(struct buf *out, const struct export_rrset *r)
{
	attribute(out, "type", export_type_name(r->type));
	buf_printf(out, "  ttl = %u\n", r->ttl);
}

/* Ends a resource; `member` holds the values. */
static void end(struct buf *out, const struct export_rrset *r, const char *member)
{
	if (r->automated)
		buf_printf(out, "  lifecycle {\n    ignore_changes = [%s] # every renewal changes it\n  }\n", member);
	buf_puts(out, "}\n");
}

static void map_variable(struct buf *out, const char *name, const char *what)
{
	buf_printf(out, "variable \"%s\" {\n  type        = map(string)\n  description = \"%s\"\n}\n", name, what);
}

static void string_variable(struct buf *out, const char *name, const char *what)
{
	buf_printf(out, "variable \"%s\" {\n  type        = string\n  description = \"%s\"\n}\n", name, what);
}

static void import_begins(struct buf *out, const char *type, const struct export_rrset *r)
{
	buf_printf(out, "import {\n  to = %s.", type);
	resource_name(out, r, NULL);
	buf_puts(out, "\n  id = \"");
}

static void imports_end(struct buf *out)
{
	buf_puts(out, "\"\n}\n");
}

/* For tools with a resource per value, whose ids are the provider's own. */
static void import_by_hand(
	struct buf *out, const char *type, const struct export_rrset *r, const struct export_value *v, const char *id)
{
	if (!v->stands)
		return;
	buf_printf(out, "# stands already: terraform import %s.", type);
	resource_name(out, r, v);
	buf_printf(out, " %s\n", id);
}

static void cloudflare_value(struct buf *out, const struct export_rrset *r, const struct export_value *v, bool v5)
{
	if (r->type == EXPORT_CAA) {
		buf_puts(out, v5 ? "  data = {\n" : "  data {\n");
		buf_printf(out, v5 ? "    flags = %u\n    tag   = " : "    flags = \"%u\"\n    tag   = ", v->flags);
		export_hcl(out, v->tag);
		buf_puts(out, "\n    value = ");
		export_hcl(out, v->text);
		buf_puts(out, "\n  }\n");
		return;
	}
	struct buf text = buf_make(BUF_MAX_TXT_SET);
	if (r->type == EXPORT_TXT)
		export_rdata(&text, r, v);
	else
		buf_puts(&text, v->text);
	out->bad |= text.bad;
	attribute(out, "content", buf_str(&text));
	buf_done(&text);
}

static void cloudflare(const struct export_set *s, struct buf *out, const char *type, bool v5)
{
	map_variable(out, "cloudflare_zone_ids", "zone id of each zone by its name");
	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k < s->v[i].n_ours; k++) {
			const struct export_rrset *r = &s->v[i];
			const struct export_value *v = &r->ours[k];
			resource(out, type, r, v);
			of_zone(out, "zone_id", "cloudflare_zone_ids", r);
			attribute(out, "name", r->owner);
			type_and_ttl(out, r);
			cloudflare_value(out, r, v, v5);
			if (r->type == EXPORT_CNAME)
				buf_puts(out, "  proxied = false\n");
			end(out, r, "content");
			import_by_hand(out, type, r, v, "ZONE_ID/RECORD_ID");
		}
}

void export_write_tf_cloudflare(const struct export_set *s, struct buf *out)
{
	cloudflare(s, out, "cloudflare_dns_record", true);
}

void export_write_tf_cloudflare4(const struct export_set *s, struct buf *out)
{
	cloudflare(s, out, "cloudflare_record", false);
}

/* The provider puts the outer quotes itself; strings of more than 255 octets are parted by `""`. */
static void aws_value(struct buf *text, const struct export_rrset *r, const struct export_value *v)
{
	if (r->type != EXPORT_TXT) {
		export_rdata(text, r, v);
		return;
	}
	size_t n = strlen(v->text);
	for (size_t i = 0; i < n; i++) {
		if (i && i % 255 == 0)
			buf_puts(text, "\"\"");
		if (v->text[i] == '"' || v->text[i] == '\\')
			buf_putc(text, '\\');
		buf_putc(text, v->text[i]);
	}
}

/* A list of all values of the RRset. */
static void list(struct buf *out, const char *member, const struct export_rrset *r,
	void (*value)(struct buf *text, const struct export_rrset *r, const struct export_value *v))
{
	struct buf text = buf_make(BUF_MAX_TXT_SET);
	buf_printf(out, "  %s = [\n", member);
	for (size_t k = 0; k < export_n_values(r); k++) {
		buf_clear(&text);
		value(&text, r, export_value_at(r, k));
		out->bad |= text.bad;
		buf_puts(out, "    ");
		export_hcl(out, buf_str(&text));
		buf_puts(out, k < r->n_ours ? ",\n" : ", # not perdure's, stood here before\n");
	}
	buf_puts(out, "  ]\n");
	buf_done(&text);
}

void export_write_tf_aws(const struct export_set *s, struct buf *out)
{
	map_variable(out, "route53_zone_ids", "hosted zone id of each zone by its name");
	for (size_t i = 0; i < s->n; i++) {
		const struct export_rrset *r = &s->v[i];
		resource(out, "aws_route53_record", r, NULL);
		of_zone(out, "zone_id", "route53_zone_ids", r);
		attribute(out, "name", r->owner);
		type_and_ttl(out, r);
		list(out, "records", r, aws_value);
		end(out, r, "records");
		if (!r->exists)
			continue;
		import_begins(out, "aws_route53_record", r);
		buf_printf(out, "${var.route53_zone_ids[\"%s\"]}_%s_%s", r->zone, r->owner, export_type_name(r->type));
		imports_end(out);
	}
}

void export_write_tf_google(const struct export_set *s, struct buf *out)
{
	string_variable(out, "google_project", "project that the managed zones are in");
	map_variable(out, "google_managed_zones", "name of the managed zone of each zone");
	for (size_t i = 0; i < s->n; i++) {
		const struct export_rrset *r = &s->v[i];
		resource(out, "google_dns_record_set", r, NULL);
		buf_puts(out, "  project = var.google_project\n");
		of_zone(out, "managed_zone", "google_managed_zones", r);
		buf_printf(out, "  name = \"%s.\"\n", r->owner);
		type_and_ttl(out, r);
		list(out, "rrdatas", r, export_rdata);
		end(out, r, "rrdatas");
		if (!r->exists)
			continue;
		import_begins(out, "google_dns_record_set", r);
		buf_printf(out,
			"projects/${var.google_project}/managedZones/${var.google_managed_zones[\"%s\"]}/rrsets/%s./%s",
			r->zone, r->owner, export_type_name(r->type));
		imports_end(out);
	}
}

static void azure_values(struct buf *out, const struct export_rrset *r)
{
	if (r->type == EXPORT_CNAME)
		attribute(out, "record", r->ours[0].text);
	for (size_t k = 0; r->type != EXPORT_CNAME && k < export_n_values(r); k++) {
		const struct export_value *v = export_value_at(r, k);
		buf_puts(out, "  record {\n");
		if (r->type == EXPORT_CAA)
			buf_printf(out, "    flags = %u\n    tag   = \"%s\"\n", v->flags, v->tag);
		buf_puts(out, "    value = ");
		export_hcl(out, v->text);
		buf_puts(out, "\n  }\n");
	}
}

void export_write_tf_azure(const struct export_set *s, struct buf *out)
{
	static const char *const types[EXPORT_N_] = {
		"azurerm_dns_txt_record", "azurerm_dns_caa_record", "azurerm_dns_cname_record"};
	string_variable(out, "azure_subscription_id", "subscription that the DNS zones are in");
	string_variable(out, "azure_resource_group", "resource group that the DNS zones are in");
	for (size_t i = 0; i < s->n; i++) {
		const struct export_rrset *r = &s->v[i];
		char rel[256];
		resource(out, types[r->type], r, NULL);
		attribute(out, "name", export_relative(r, rel));
		attribute(out, "zone_name", r->zone);
		buf_printf(out, "  resource_group_name = var.azure_resource_group\n  ttl = %u\n", r->ttl);
		azure_values(out, r);
		end(out, r, "record");
		if (!r->exists)
			continue;
		import_begins(out, types[r->type], r);
		buf_printf(out,
			"/subscriptions/${var.azure_subscription_id}/resourceGroups/${var.azure_resource_group}/"
			"providers/"
			"Microsoft.Network/dnsZones/%s/%s/%s",
			r->zone, export_type_name(r->type), export_relative(r, rel));
		imports_end(out);
	}
}

void export_write_tf_digitalocean(const struct export_set *s, struct buf *out)
{
	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k < s->v[i].n_ours; k++) {
			const struct export_rrset *r = &s->v[i];
			const struct export_value *v = &r->ours[k];
			char rel[256];
			resource(out, "digitalocean_record", r, v);
			attribute(out, "domain", r->zone);
			attribute(out, "name", export_relative(r, rel));
			type_and_ttl(out, r);
			buf_puts(out, "  value = ");
			struct buf text = buf_make(BUF_MAX_TXT_SET);
			buf_printf(&text, "%s%s", v->text, r->type == EXPORT_CNAME ? "." : "");
			export_hcl(out, buf_str(&text));
			buf_done(&text);
			buf_putc(out, '\n');
			if (r->type == EXPORT_CAA)
				buf_printf(out, "  flags = %u\n  tag = \"%s\"\n", v->flags, v->tag);
			end(out, r, "value");
			import_by_hand(out, "digitalocean_record", r, v, "DOMAIN,RECORD_ID");
		}
}

static void hetzner_values(struct buf *out, const struct export_rrset *r)
{
	struct buf text = buf_make(BUF_MAX_TXT_SET);
	buf_puts(out, "  records = [\n");
	for (size_t k = 0; k < export_n_values(r); k++) {
		const struct export_value *v = export_value_at(r, k);
		buf_clear(&text);
		if (r->type == EXPORT_TXT)
			buf_puts(&text, v->text);
		else
			export_rdata(&text, r, v);
		out->bad |= text.bad;
		buf_puts(out, r->type == EXPORT_TXT ? "    { value = provider::hcloud::txt_record(" : "    { value = ");
		export_hcl(out, buf_str(&text));
		buf_puts(out, r->type == EXPORT_TXT ? ") },\n" : " },\n");
	}
	buf_puts(out, "  ]\n");
	buf_done(&text);
}

void export_write_tf_hetzner(const struct export_set *s, struct buf *out)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct export_rrset *r = &s->v[i];
		char rel[256];
		resource(out, "hcloud_zone_rrset", r, NULL);
		attribute(out, "zone", r->zone);
		attribute(out, "name", export_relative(r, rel));
		type_and_ttl(out, r);
		hetzner_values(out, r);
		end(out, r, "records");
		if (!r->exists)
			continue;
		import_begins(out, "hcloud_zone_rrset", r);
		buf_printf(out, "%s/%s/%s", r->zone, export_relative(r, rel), export_type_name(r->type));
		imports_end(out);
	}
}
