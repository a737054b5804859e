/* advise.c: by which ways a name can be proved, and which is to be recommended. */
#include "inventory/advise.h"

#include <stddef.h>

#include "base/xalloc.h"

enum { PERSIST, DELEGATION, DNS, HTTP };

const char *advise_state_name(enum advise_state s)
{
	static const char *const names[] = {
		[ADVISE_WORKS] = "works",
		[ADVISE_UNCLEAR] = "unclear",
		[ADVISE_NEEDS] = "needs-setup",
		[ADVISE_IMPOSSIBLE] = "impossible",
	};
	return names[s];
}

static void set(struct advise_way *w, enum advise_state state, const char *reason)
{
	w->state = state;
	w->reason = reason;
}

static void by_record(const struct advise_facts *f, struct advise_way *w)
{
	w->how = CONFIG_VALIDATION_PERSIST;
	if (f->offers == ADVISE_NO)
		set(w, ADVISE_IMPOSSIBLE, "the CA does not offer it, as far as is known");
	else if (f->record == RECORDCHECK_UNKNOWN)
		set(w, ADVISE_UNCLEAR, "the record could not be seen");
	else if (f->offers == ADVISE_UNKNOWN)
		set(w, ADVISE_UNCLEAR,
			"its directory does not say whether the CA offers it; issuer: or level: in the CA's entry "
			"does");
	else if (f->record == RECORDCHECK_GOOD)
		set(w, ADVISE_WORKS, "the standing record is in place");
	else if (f->zone_provider)
		set(w, ADVISE_NEEDS, "the record must be published, once: \"perdure record apply\" does it");
	else
		set(w, ADVISE_NEEDS, "the record must be published, once, by whoever has the zone");
}

static void by_delegation(const struct advise_facts *f, struct advise_way *w)
{
	w->how = CONFIG_VALIDATION_DELEGATION;
	w->writes = f->keep ? 1 : 2;
	w->credentials = f->target_provider ? f->target_provider : "";
	w->unnamed = !f->target_provider;
	if (!f->delegation)
		set(w, ADVISE_NEEDS, "no validation zone is configured");
	else if (!f->target_provider)
		set(w, ADVISE_NEEDS, "no provider is configured for the validation zone");
	else if (f->cname == ADVISE_YES)
		set(w, ADVISE_WORKS, "the standing CNAME is in place");
	else if (f->cname == ADVISE_UNKNOWN)
		set(w, ADVISE_UNCLEAR, "the CNAME could not be seen");
	else if (f->zone_provider)
		set(w, ADVISE_NEEDS, "the CNAME must be published, once: \"perdure record apply\" does it");
	else
		set(w, ADVISE_NEEDS, "the CNAME must be published, once, by whoever has the zone");
}

static void by_dns(const struct advise_facts *f, struct advise_way *w)
{
	w->how = CONFIG_VALIDATION_DNS;
	w->writes = 2;
	w->credentials = f->zone_provider ? f->zone_provider : "";
	w->unnamed = !f->zone_provider;
	if (f->zone_provider)
		set(w, ADVISE_WORKS, "a provider for the zone is configured");
	else
		set(w, ADVISE_IMPOSSIBLE, "the zone is not under control from here: no provider is configured for it");
}

static void by_http(const struct advise_facts *f, struct advise_way *w)
{
	bool configured = f->webroot || f->listen;
	w->how = CONFIG_VALIDATION_HTTP;
	w->port = f->listen ? "80, answered by perdure" : "80, answered by the web server";
	if (f->wildcard)
		set(w, ADVISE_IMPOSSIBLE, "it is a wildcard");
	else if (f->address == ADVISE_ADDRESS_NONE)
		set(w, ADVISE_IMPOSSIBLE, "the name has no address");
	else if (f->address == ADVISE_ADDRESS_PRIVATE)
		set(w, ADVISE_IMPOSSIBLE, "the name is internal only: the CA cannot reach its address");
	else if (!configured)
		set(w, ADVISE_NEEDS, "how it is answered is not configured (http)");
	else if (f->address == ADVISE_ADDRESS_UNKNOWN)
		set(w, ADVISE_UNCLEAR, "the address of the name could not be seen");
	else
		set(w, ADVISE_WORKS, "the name has a public address, and http says how it is answered");
}

static const struct advise_way *first(const struct advice *a, const int *order, enum advise_state state)
{
	for (size_t i = 0; i < ADVISE_WAYS; i++)
		if (a->ways[order[i]].state == state)
			return &a->ways[order[i]];
	return NULL;
}

static const char *reason_for(const struct advise_facts *f, const struct advise_way *best)
{
	switch (best->how) {
	case CONFIG_VALIDATION_PERSIST:
		return "a renewal writes nothing, and needs neither credentials nor a port";
	case CONFIG_VALIDATION_DELEGATION:
		return f->wildcard
			       ? "a wildcard, and only one zone's credentials are on the host that renews"
			       : "only one zone's credentials are on the host that renews, and the domain's own zone "
				 "is changed once";
	case CONFIG_VALIDATION_HTTP:
		return f->zone_provider ? "a public web service: no credentials for the DNS are needed"
					: "a public web service, and its zone is not under control from here";
	case CONFIG_VALIDATION_DNS:
	case CONFIG_VALIDATION_AUTO:
	case CONFIG_VALIDATION_N_:
		break;
	}
	return f->wildcard ? "a wildcard, for which nothing that asks less is set up"
			   : "nothing that asks less is set up, or can be; whoever has these credentials has the zone";
}

void advise(const struct advise_facts *f, struct advice *ret)
{
	/* What asks least of the host that renews comes first. */
	static const int usual[ADVISE_WAYS] = {PERSIST, DELEGATION, HTTP, DNS};
	static const int foreign_zone[ADVISE_WAYS] = {PERSIST, HTTP, DELEGATION, DNS};
	static const enum advise_state states[] = {ADVISE_WORKS, ADVISE_NEEDS, ADVISE_UNCLEAR};
	bool web = !f->zone_provider && f->address == ADVISE_ADDRESS_PUBLIC;
	*ret = (struct advice){.why = "there is no way for this name at this CA"};
	for (size_t i = 0; i < ADVISE_WAYS; i++)
		ret->ways[i] = (struct advise_way){.credentials = "", .port = ""};
	by_record(f, &ret->ways[PERSIST]);
	by_delegation(f, &ret->ways[DELEGATION]);
	by_dns(f, &ret->ways[DNS]);
	by_http(f, &ret->ways[HTTP]);
	/* Worth the one change also where something else works already. */
	if (f->offers == ADVISE_YES && f->record == RECORDCHECK_REFUSED)
		ret->best = &ret->ways[PERSIST];
	for (size_t i = 0; i < ARRAY_LEN(states) && !ret->best; i++)
		ret->best = first(ret, web && states[i] == ADVISE_NEEDS ? foreign_zone : usual, states[i]);
	if (ret->best)
		ret->why = reason_for(f, ret->best);
}
