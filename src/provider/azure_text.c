/* azure_text.c: texts around Azure DNS: what Resource Manager's errors mean, and the rights that are needed. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "dns/name.h"
#include "provider/azure.h"
#include "provider/restdriver.h"
#include "json/json.h"

enum { NAME_OCTETS = 1024, NOT_FOUND = 404 };

/* --- errors --- */

/* Resource Manager puts an error into "error", the service behind it often does not. */
static const char *code_of(const struct rest_reply *r, const char **ret_words)
{
	const struct json *error = json_is_object(json_get(r->json, "error")) ? json_get(r->json, "error") : r->json;
	*ret_words = json_str(json_get(error, "message"));
	return json_str(json_get(error, "code"));
}

bool azure_is_no_zone(const struct rest_reply *r)
{
	const char *words, *code = code_of(r, &words);
	return r->status == NOT_FOUND && code && (!strcmp(code, "ResourceNotFound") || !strcmp(code, "NotFound"));
}

void azure_blame(const struct rest_reply *r, struct rest_blame *ret)
{
	static const struct rest_known known[] = {
		{"AuthenticationFailed", PROVIDER_KEY, false},
		{"InvalidAuthenticationToken", PROVIDER_KEY, false},
		{"InvalidAuthenticationTokenTenant", PROVIDER_KEY, false},
		{"ExpiredAuthenticationToken", PROVIDER_KEY, false},
		{"AuthorizationFailed", PROVIDER_POLICY, false},
		{"LinkedAuthorizationFailed", PROVIDER_POLICY, false},
		{"RequestDisallowedByPolicy", PROVIDER_POLICY, false},
		{"ScopeLocked", PROVIDER_POLICY, false},
		{"SubscriptionNotFound", PROVIDER_NO_ZONE, false},
		{"InvalidSubscriptionId", PROVIDER_NO_ZONE, false},
		{"ResourceGroupNotFound", PROVIDER_NO_ZONE, false},
		{"ResourceNotFound", PROVIDER_NO_ZONE, false},
		{"ParentResourceNotFound", PROVIDER_NO_ZONE, false},
		{"TooManyRequests", PROVIDER_RATE, true},
		{"SubscriptionRequestsThrottled", PROVIDER_RATE, true},
		{"CannotCreateRecordDueToCNameNamingRestriction", PROVIDER_CNAME_THERE, false},
		{NULL, 0, false},
	};
	const char *words, *code = code_of(r, &words);
	rest_blame_by(known, code, ret);
	if (code && words && !strcmp(code, "Conflict") && strstr(words, "CNAME"))
		ret->cause = PROVIDER_CNAME_THERE;
	if (code && words)
		snprintf(ret->words, sizeof(ret->words), "%.60s: %.330s", code, words);
}

/* --- the rights --- */

struct place {
	const char *client, *subscription, *group;
};

static void put_role(struct buf *out, const struct place *p, const char *name, const char *actions)
{
	buf_printf(out,
		"  az role definition create --role-definition '{\"Name\": \"%s\", \"IsCustom\": true,\n"
		"    \"Actions\": [%s],\n"
		"    \"AssignableScopes\": [\"/subscriptions/%s/resourceGroups/%s\"]}'\n",
		name, actions, p->subscription, p->group);
}

static void put_assignment(
	struct buf *out, const struct place *p, const char *role, const char *zone, const char *owner)
{
	buf_printf(out,
		"  az role assignment create --assignee %s --role \"%s\" \\\n"
		"    --scope /subscriptions/%s/resourceGroups/%s",
		p->client, role, p->subscription, p->group);
	if (zone)
		buf_printf(out, "/providers/Microsoft.Network/dnsZones/%s", zone);
	if (owner) {
		buf_puts(out, "/TXT/");
		rest_put_relative(out, owner, zone);
	}
	buf_putc(out, '\n');
}

static void put_assignments(const struct config_provider *conf, const struct strv *owners, struct buf *out,
	const struct place *p, const char *role)
{
	for (size_t i = 0; i < owners->n; i++)
		for (size_t k = 0; k < conf->zones.n; k++)
			if (name_within(owners->v[i], conf->zones.v[k]))
				put_assignment(out, p, role, conf->zones.v[k], owners->v[i]);
}

void azure_policy(const struct config_provider *conf, const struct strv *owners, struct buf *out)
{
	static const char zones[] = "perdure zones", records[] = "perdure records";
	const char *client = config_provider_str(conf, "client_id");
	const struct place p = {.client = client ? client : "CLIENT-ID",
		.subscription = config_provider_str(conf, "subscription"),
		.group = config_provider_str(conf, "resource_group")};
	buf_puts(out, "Two roles of your own: one that finds the zones, one that changes TXT records.\n\n");
	put_role(out, &p, zones, "\"Microsoft.Network/dnsZones/read\"");
	put_role(out, &p, records,
		"\"Microsoft.Network/dnsZones/TXT/read\", \"Microsoft.Network/dnsZones/TXT/write\",\n"
		"      \"Microsoft.Network/dnsZones/TXT/delete\"");
	buf_puts(out, "\nThe same three of CNAME or CAA where perdure is to write such records. Then grant them to the "
		      "application or the\nmachine's identity:\n\n");
	put_assignment(out, &p, zones, NULL, NULL);
	if (conf->zones.n && owners->n) {
		put_assignments(conf, owners, out, &p, records);
		buf_puts(out, "\nRecord sets other than these cannot be written then, also not by \"perdure provider "
			      "test\" without --name.\n");
	} else {
		put_assignment(out, &p, records, "ZONE", NULL);
		buf_puts(out, "\nThe last one for each zone; with `zones` in the configuration it is printed for each "
			      "record set.\n");
	}
	buf_puts(out, "Put the application's client secret into client_secret_file, mode 0600; or run perdure on a "
		      "machine with a managed\nidentity, and say auth: metadata.\n");
}
