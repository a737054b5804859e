/* export_commands.c: exports as shell scripts that call a provider's own command. */
#include <string.h>

#include "base/buf.h"
#include "inventory/export_priv.h"
#include "json/json.h"

/* One change batch; CREATE fails where something stands that was not seen, UPSERT repeats what was. */
static void aws_batch(struct buf *out, const struct export_rrset *r)
{
	struct buf text = buf_make(BUF_MAX_TXT_SET);
	struct json_out w = json_out_make(out);
	json_out_object(&w, NULL);
	json_out_array(&w, "Changes");
	json_out_object(&w, NULL);
	json_out_str(&w, "Action", r->exists ? "UPSERT" : "CREATE");
	json_out_object(&w, "ResourceRecordSet");
	buf_printf(&text, "%s.", r->owner);
	json_out_str(&w, "Name", buf_str(&text));
	json_out_str(&w, "Type", export_type_name(r->type));
	json_out_int(&w, "TTL", r->ttl);
	json_out_array(&w, "ResourceRecords");
	for (size_t k = 0; k < export_n_values(r); k++) {
		buf_clear(&text);
		export_rdata(&text, r, export_value_at(r, k));
		out->bad |= text.bad;
		json_out_object(&w, NULL);
		json_out_str(&w, "Value", buf_str(&text));
		json_out_end_object(&w);
	}
	json_out_end_array(&w);
	json_out_end_object(&w);
	json_out_end_object(&w);
	json_out_end_array(&w);
	json_out_end_object(&w);
	buf_done(&text);
}

static void automated(struct buf *out, const struct export_rrset *r)
{
	buf_printf(out, "# not here: %s, whose value every renewal changes\n", r->owner);
}

void export_write_aws_cli(const struct export_set *s, struct buf *out)
{
	buf_puts(out, "#!/bin/sh\n# zone_id NAME prints the id of the hosted zone\nset -eu\nzone_id() {\n"
		      "  aws route53 list-hosted-zones-by-name --dns-name \"$1.\" --max-items 1 \\\n"
		      "    --query \"HostedZones[?Name=='$1.'].Id | [0]\" --output text\n}\n");
	for (size_t i = 0; i < s->n; i++) {
		const struct export_rrset *r = &s->v[i];
		if (export_zone_begins(s, i)) {
			buf_puts(out, "\nzone=$(zone_id ");
			export_shell(out, r->zone);
			buf_puts(out, ")\n");
		}
		if (r->automated) {
			automated(out, r);
			continue;
		}
		/* JSON holds no single quote but those in values, which validation records and CAA do not have. */
		struct buf batch = buf_make(BUF_MAX_TXT_SET);
		aws_batch(&batch, r);
		out->bad |= batch.bad;
		buf_puts(out, "aws route53 change-resource-record-sets --hosted-zone-id \"$zone\" --change-batch ");
		export_shell(out, buf_str(&batch));
		buf_putc(out, '\n');
		buf_done(&batch);
	}
}

void export_write_gcloud(const struct export_set *s, struct buf *out)
{
	buf_puts(out, "#!/bin/sh\n# managed_zone NAME prints the name of the managed zone\nset -eu\nmanaged_zone() {\n"
		      "  gcloud dns managed-zones list --filter=\"dnsName=$1.\" --format='value(name)' --limit=1\n}\n");
	for (size_t i = 0; i < s->n; i++) {
		const struct export_rrset *r = &s->v[i];
		if (export_zone_begins(s, i)) {
			buf_puts(out, "\nzone=$(managed_zone ");
			export_shell(out, r->zone);
			buf_puts(out, ")\n");
		}
		if (r->automated) {
			automated(out, r);
			continue;
		}
		/* "^|^" makes "|" part the values, because values of others may hold commas. */
		struct buf list = buf_make(BUF_MAX_TXT_SET);
		buf_puts(&list, "--rrdatas=^|^");
		for (size_t k = 0; k < export_n_values(r); k++) {
			buf_puts(&list, k ? "|" : "");
			export_rdata(&list, r, export_value_at(r, k));
		}
		out->bad |= list.bad;
		buf_printf(out, "gcloud dns record-sets %s '%s.' --zone=\"$zone\" --type=%s --ttl=%u ",
			r->exists ? "update" : "create", r->owner, export_type_name(r->type), r->ttl);
		export_shell(out, buf_str(&list));
		buf_putc(out, '\n');
		buf_done(&list);
	}
}

static void cfcli_value(struct buf *out, const struct export_rrset *r, const struct export_value *v)
{
	struct buf text = buf_make(BUF_MAX_TXT_SET);
	char rel[256];
	if (r->type == EXPORT_CNAME)
		buf_puts(&text, v->text);
	else
		export_rdata(&text, r, v);
	out->bad |= text.bad;
	buf_puts(out, "cfcli -d ");
	export_shell(out, r->zone);
	buf_printf(out, " -t %s -l %u add ", export_type_name(r->type), r->ttl);
	export_shell(out, export_relative(r, rel));
	buf_putc(out, ' ');
	export_shell(out, buf_str(&text));
	buf_putc(out, '\n');
	buf_done(&text);
}

void export_write_cfcli(const struct export_set *s, struct buf *out)
{
	buf_puts(out, "#!/bin/sh\n# cfcli reads its token from the environment or ~/.cfcli.yml\nset -eu\n");
	for (size_t i = 0; i < s->n; i++) {
		const struct export_rrset *r = &s->v[i];
		if (r->automated || r->type == EXPORT_CAA) {
			buf_printf(out, "# not here: %s %s\n", r->owner, export_type_name(r->type));
			continue;
		}
		for (size_t k = 0; k < r->n_ours; k++)
			if (!r->ours[k].stands)
				cfcli_value(out, r, &r->ours[k]);
			else
				buf_printf(out, "# stands already: %s\n", r->owner);
	}
}
