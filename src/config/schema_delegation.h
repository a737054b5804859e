/* schema_delegation.h: the rows of the table of configuration keys about delegations of dns-01. For schema.c alone,
 * which would be too long with them. */
#ifndef PERDURE_CONFIG_SCHEMA_DELEGATION_H
#define PERDURE_CONFIG_SCHEMA_DELEGATION_H

#include "config/schema.h"

/* Seconds as the table has them. */
#define DURATION(s) ((int64_t)(s)*1000)

/* clang-format off */
#define SCHEMA_DELEGATION_ROWS \
	[SCHEMA_DELEGATION] = {.name = "delegation", \
		.type = SCHEMA_MAP, \
		.help = "Where dns-01 is validated behind a CNAME that is set once.", \
		.text = "The CNAME of each domain stands at _acme-challenge.DOMAIN and leads to its validation name in " \
			"one zone, the only one that a renewal writes to. See docs/delegation.md."}, \
	[SCHEMA_DELEGATION_PROVIDER] = {SCHEMA_DELEGATION, "provider", SCHEMA_STRING, SCHEMA_LABEL, 0, 64, NULL, NULL, \
		"acme-dns", "Provider of type acme-dns whose accounts have the validation names.", \
		"Each domain has an account of its own, and its CNAME leads to that. In place of zone and name."}, \
	[SCHEMA_DELEGATION_ZONE] = {SCHEMA_DELEGATION, "zone", SCHEMA_STRING, SCHEMA_ZONE, 0, 0, NULL, NULL, \
		"acme.example.net", "Zone of the validation names; one of providers writes to it.", \
		"Each domain has a validation name of its own in it unless a shared one is asked for."}, \
	[SCHEMA_DELEGATION_NAME] = {SCHEMA_DELEGATION, "name", SCHEMA_STRING, SCHEMA_ZONE, 0, 0, NULL, NULL, \
		"_acme.acme.example.net", "The one validation name of all domains.", \
		"It must be in the zone above when one is given."}, \
	[SCHEMA_DELEGATION_SHARED] = {SCHEMA_DELEGATION, "shared", SCHEMA_BOOL, SCHEMA_TEXT, 0, 0, NULL, NULL, "true", \
		"Let all domains share one validation name; it is _acme below zone unless name says another.", \
		"With provider: let them share one account."}, \
	[SCHEMA_DELEGATION_CNAME_TTL] = {SCHEMA_DELEGATION, "cname_ttl", SCHEMA_DURATION, SCHEMA_TEXT, DURATION(1), \
		DURATION(604800), NULL, "1d", NULL, "Time to live of the CNAMEs.", NULL}, \
	[SCHEMA_DELEGATION_TXT_TTL] = {SCHEMA_DELEGATION, "txt_ttl", SCHEMA_DURATION, SCHEMA_TEXT, DURATION(1), \
		DURATION(86400), NULL, "5m", NULL, "Time to live of the values written for dns-01.", \
		"A provider that has a higher minimum gets that."}, \
	[SCHEMA_DELEGATION_KEEP] = {SCHEMA_DELEGATION, "keep", SCHEMA_BOOL, SCHEMA_TEXT, 0, 0, NULL, "false", NULL, \
		"Leave the values until the next renewal, whose write removes them.", \
		"A renewal then costs one write instead of two."}, \
	[SCHEMA_DELEGATION_FOLLOW] = {SCHEMA_DELEGATION, "follow", SCHEMA_BOOL, SCHEMA_TEXT, 0, 0, NULL, "false", NULL, \
		"Write also behind a CNAME that comes from a wildcard or leads elsewhere than configured here.", NULL}, \
	[SCHEMA_DELEGATION_VALUES] = {SCHEMA_DELEGATION, "values", SCHEMA_INT, SCHEMA_TEXT, 2, 1000, NULL, "40", NULL, \
		"How many values may stand at one validation name; the rest waits for the next batch.", \
		"Name servers answer only so many in one packet."}, \
	[SCHEMA_DELEGATION_WAIT] = {SCHEMA_DELEGATION, "wait", SCHEMA_DURATION, SCHEMA_TEXT, DURATION(1), \
		DURATION(86400), NULL, "10m", NULL, \
		"How long to wait until every name server of the zone has the values that were written.", NULL}, \
	[SCHEMA_CERT_DELEGATION] = {SCHEMA_CERTS, "delegation", SCHEMA_MAP, SCHEMA_TEXT, 0, 0, NULL, NULL, NULL, \
		"What is otherwise for this certificate than in delegation.", \
		"With a zone of its own, a validation name given there does not hold."}, \
	[SCHEMA_CERT_DELEGATION_PROVIDER] = {SCHEMA_CERT_DELEGATION, "provider", SCHEMA_STRING, SCHEMA_LABEL, 0, 64, \
		NULL, NULL, "acme-dns", "Provider of type acme-dns whose accounts have the validation names.", NULL}, \
	[SCHEMA_CERT_DELEGATION_ZONE] = {SCHEMA_CERT_DELEGATION, "zone", SCHEMA_STRING, SCHEMA_ZONE, 0, 0, NULL, NULL, \
		"acme.example.net", "Zone of the validation names; one of providers writes to it.", NULL}, \
	[SCHEMA_CERT_DELEGATION_NAME] = {SCHEMA_CERT_DELEGATION, "name", SCHEMA_STRING, SCHEMA_ZONE, 0, 0, NULL, NULL, \
		"_acme.acme.example.net", "The one validation name of all domains.", NULL}, \
	[SCHEMA_CERT_DELEGATION_SHARED] = {SCHEMA_CERT_DELEGATION, "shared", SCHEMA_BOOL, SCHEMA_TEXT, 0, 0, NULL, NULL, \
		"true", "Let all domains share one validation name; it is _acme below zone unless name says another.", \
		NULL}, \
	[SCHEMA_CERT_DELEGATION_CNAME_TTL] = {SCHEMA_CERT_DELEGATION, "cname_ttl", SCHEMA_DURATION, SCHEMA_TEXT, \
		DURATION(1), DURATION(604800), NULL, NULL, "1d", "Time to live of the CNAMEs.", NULL}, \
	[SCHEMA_CERT_DELEGATION_TXT_TTL] = {SCHEMA_CERT_DELEGATION, "txt_ttl", SCHEMA_DURATION, SCHEMA_TEXT, \
		DURATION(1), DURATION(86400), NULL, NULL, "5m", "Time to live of the values written for dns-01.", NULL}, \
	[SCHEMA_CERT_DELEGATION_KEEP] = {SCHEMA_CERT_DELEGATION, "keep", SCHEMA_BOOL, SCHEMA_TEXT, 0, 0, NULL, NULL, \
		"false", "Leave the values until the next renewal, whose write removes them.", NULL}, \
	[SCHEMA_CERT_DELEGATION_FOLLOW] = {SCHEMA_CERT_DELEGATION, "follow", SCHEMA_BOOL, SCHEMA_TEXT, 0, 0, NULL, NULL, \
		"false", \
		"Write also behind a CNAME that comes from a wildcard or leads elsewhere than configured here.", NULL}, \
	[SCHEMA_CERT_DELEGATION_VALUES] = {SCHEMA_CERT_DELEGATION, "values", SCHEMA_INT, SCHEMA_TEXT, 2, 1000, NULL, \
		NULL, "40", "How many values may stand at one validation name; the rest waits for the next batch.", \
		NULL}, \
	[SCHEMA_CERT_DELEGATION_WAIT] = {SCHEMA_CERT_DELEGATION, "wait", SCHEMA_DURATION, SCHEMA_TEXT, DURATION(1), \
		DURATION(86400), NULL, NULL, "10m", \
		"How long to wait until every name server of the zone has the values that were written.", NULL}
/* clang-format on */

#endif
