/* export_declarative.c: exports for DNSControl, octoDNS, external-dns and Ansible. */
#include <string.h>

#include "base/buf.h"
#include "inventory/export_priv.h"

/* One line of a D_EXTEND(): a value, or for what renewals change: to be left alone. */
static void dnscontrol_value(struct buf *out, const struct export_rrset *r, const struct export_value *v)
{
	char rel[256];
	buf_printf(out, "  %s(", export_type_name(r->type));
	export_json(out, export_relative(r, rel));
	buf_puts(out, ", ");
	if (r->type == EXPORT_CAA) {
		export_json(out, v->tag);
		buf_puts(out, ", ");
	}
	struct buf text = buf_make(BUF_MAX_TXT_SET);
	buf_printf(&text, "%s%s", v->text, r->type == EXPORT_CNAME ? "." : "");
	export_json(out, buf_str(&text));
	buf_done(&text);
	if (v->flags & 128)
		buf_puts(out, ", CAA_CRITICAL");
	buf_printf(out, ", TTL(%u)),\n", r->ttl);
}

void export_write_dnscontrol(const struct export_set *s, struct buf *out)
{
	buf_puts(out,
		"// After the D() of each zone. DNSControl deletes what it does not know, so all values are here.\n");
	for (size_t i = 0; i < s->n; i++) {
		const struct export_rrset *r = &s->v[i];
		char rel[256];
		if (export_zone_begins(s, i)) {
			buf_puts(out, i ? ");\n\nD_EXTEND(" : "\nD_EXTEND(");
			export_json(out, r->zone);
			buf_puts(out, ",\n");
		}
		if (r->automated) {
			buf_puts(out, "  IGNORE(");
			export_json(out, export_relative(r, rel));
			buf_printf(out, ", \"%s\"), // every renewal changes it\n", export_type_name(r->type));
			continue;
		}
		for (size_t k = 0; k < export_n_values(r); k++)
			dnscontrol_value(out, r, export_value_at(r, k));
	}
	buf_puts(out, s->n ? ");\n" : "");
}

/* octoDNS wants semicolons escaped unless its YamlProvider says otherwise. */
static void octodns_text(struct buf *out, const char *text)
{
	struct buf b = buf_make(BUF_MAX_TXT_SET);
	for (; *text; text++) {
		if (*text == ';')
			buf_putc(&b, '\\');
		buf_putc(&b, *text);
	}
	export_yaml(out, buf_str(&b));
	buf_done(&b);
}

/* Records of one name are one list in the file; the set is sorted, so they follow each other. */
static void octodns_rrset(struct buf *out, const struct export_rrset *r)
{
	buf_printf(out, "  - ttl: %u\n    type: %s\n", r->ttl, export_type_name(r->type));
	if (r->type == EXPORT_CNAME) {
		buf_printf(out, "    value: %s.\n", r->ours[0].text);
		return;
	}
	buf_puts(out, "    values:\n");
	for (size_t k = 0; k < export_n_values(r); k++) {
		const struct export_value *v = export_value_at(r, k);
		if (r->type == EXPORT_CAA) {
			buf_printf(out, "      - flags: %u\n        tag: %s\n        value: ", v->flags, v->tag);
			export_yaml(out, v->text);
		} else {
			buf_puts(out, "      - ");
			octodns_text(out, v->text);
		}
		buf_putc(out, '\n');
	}
}

void export_write_octodns(const struct export_set *s, struct buf *out)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct export_rrset *r = &s->v[i];
		char rel[256];
		if (export_zone_begins(s, i))
			buf_printf(out, "---\n# %s.yaml\n", r->zone);
		if (r->automated) {
			buf_printf(out,
				"# not here: %s, whose value every renewal changes; leave it out with a "
				"NameRejectlistFilter\n",
				r->owner);
			continue;
		}
		bool again =
			!export_zone_begins(s, i) && !s->v[i - 1].automated && !strcmp(s->v[i - 1].owner, r->owner);
		const char *name = export_relative(r, rel);
		if (!again) {
			export_yaml(out, strcmp(name, "@") != 0 ? name : "");
			buf_puts(out, ":\n");
		}
		octodns_rrset(out, r);
	}
}

/*
 * Targets are handed to the provider as they are: Route 53 and Google want TXT quoted. external-dns is known to mix up
 * several targets of one TXT, and has no CAA.
 */
void export_write_external_dns(const struct export_set *s, struct buf *out)
{
	buf_puts(out,
		"# for --source=crd and --managed-record-types=A,AAAA,CNAME,TXT, each given as an option of its own\n");
	for (size_t i = 0; i < s->n; i++) {
		const struct export_rrset *r = &s->v[i];
		if (r->type == EXPORT_CAA || r->automated) {
			buf_printf(out, "# not here: %s %s, which external-dns cannot keep\n", r->owner,
				export_type_name(r->type));
			continue;
		}
		struct buf text = buf_make(BUF_MAX_TXT_SET);
		buf_puts(out, "---\napiVersion: externaldns.k8s.io/v1alpha1\nkind: DNSEndpoint\nmetadata:\n  name: ");
		for (const char *c = r->owner + strspn(r->owner, "_"); *c; c++)
			buf_putc(out, *c == '_' ? '-' : *c);
		buf_puts(out, "\nspec:\n  endpoints:\n    - dnsName: ");
		export_yaml(out, r->owner);
		buf_printf(out, "\n      recordType: %s\n      recordTTL: %u\n      targets:\n",
			export_type_name(r->type), r->ttl);
		for (size_t k = 0; k < export_n_values(r); k++) {
			const struct export_value *v = export_value_at(r, k);
			buf_clear(&text);
			if (r->type == EXPORT_TXT)
				export_rdata(&text, r, v);
			else
				buf_puts(&text, v->text);
			out->bad |= text.bad;
			buf_puts(out, "        - ");
			export_yaml(out, buf_str(&text));
			buf_putc(out, '\n');
		}
		buf_done(&text);
	}
}

void export_write_ansible(const struct export_set *s, struct buf *out)
{
	buf_puts(out, "- name: Standing records for ACME\n  hosts: localhost\n  gather_facts: false\n  tasks:\n");
	for (size_t i = 0; i < s->n; i++) {
		const struct export_rrset *r = &s->v[i];
		struct buf text = buf_make(BUF_MAX_TXT_SET);
		if (r->automated) {
			buf_printf(out, "    # not here: %s, whose value every renewal changes\n", r->owner);
			continue;
		}
		buf_printf(out, "    - name: %s %s\n      community.general.nsupdate:\n", export_type_name(r->type),
			r->owner);
		buf_puts(out,
			"        server: '{{ dns_server }}'\n        key_name: '{{ tsig_name }}'\n"
			"        key_secret: '{{ tsig_secret }}'\n        key_algorithm: '{{ tsig_algorithm }}'\n");
		buf_printf(out,
			"        zone: '%s.'\n        record: '%s.'\n        type: %s\n        ttl: %u\n        "
			"value:\n",
			r->zone, r->owner, export_type_name(r->type), r->ttl);
		for (size_t k = 0; k < export_n_values(r); k++) {
			buf_clear(&text);
			export_rdata(&text, r, export_value_at(r, k));
			out->bad |= text.bad;
			buf_puts(out, "          - ");
			export_yaml(out, buf_str(&text));
			buf_putc(out, '\n');
		}
		buf_done(&text);
	}
}
