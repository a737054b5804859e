/*
 * wording.c: what CAs say in the detail of their errors, as far as their software is public: enough of it to find the
 * message again. What stands between these words (names, values) is left out.
 */
#include "base/xalloc.h"
#include "inventory/explain_priv.h"

#define BOULDER PERDURE_DIALECT_BOULDER
#define PEBBLE PERDURE_DIALECT_PEBBLE
static const struct {
	enum perdure_dialect dialect;
	enum remark_code code;
	const char *words;
} table[] = {
	{BOULDER, REMARK_RECORD_MISSING, "No TXT record found for DNS-PERSIST-01 challenge"},
	{BOULDER, REMARK_RECORD_OTHER_CA, "No valid TXT record found for DNS-PERSIST-01 challenge"},
	{BOULDER, REMARK_RECORD_MALFORMED, "Parsing DNS-PERSIST-01 challenge TXT record"},
	{BOULDER, REMARK_RECORD_ACCOUNT, "accounturi mismatch"},
	{BOULDER, REMARK_RECORD_NOT_WILDCARD, "policy mismatch"},
	{BOULDER, REMARK_RECORD_EXPIRED, "is after persistUntil"},
	{BOULDER, REMARK_DNSSEC_BOGUS, "Retrieving TXT records for DNS-PERSIST-01 challenge: DNS problem"},
	{BOULDER, REMARK_ALIAS_LOOP, "Retrieving TXT records for DNS-PERSIST-01 challenge: DNS problem"},
	{BOULDER, REMARK_ALIAS_TOO_LONG, "Retrieving TXT records for DNS-PERSIST-01 challenge: DNS problem"},
	{BOULDER, REMARK_CAA_FORBIDDEN, "prevents issuance"},
	{BOULDER, REMARK_CAA_OTHER_CA, "prevents issuance"},
	{BOULDER, REMARK_CAA_METHOD, "prevents issuance"},
	{BOULDER, REMARK_CAA_ACCOUNT, "prevents issuance"},
	{BOULDER, REMARK_CAA_HASHED, "prevents issuance"},
	{BOULDER, REMARK_CAA_UNSATISFIABLE, "prevents issuance"},
	{BOULDER, REMARK_CAA_MALFORMED, "prevents issuance"},
	{BOULDER, REMARK_CAA_CRITICAL, "prevents issuance"},
	{PEBBLE, REMARK_RECORD_MISSING, "No TXT records found for DNS-PERSIST-01 challenge"},
	{PEBBLE, REMARK_RECORD_OTHER_CA, "No valid TXT record found for DNS-PERSIST-01 challenge"},
	{PEBBLE, REMARK_RECORD_MALFORMED, "Error parsing DNS-PERSIST-01 challenge TXT record"},
	{PEBBLE, REMARK_RECORD_ACCOUNT, "accounturi mismatch"},
	{PEBBLE, REMARK_RECORD_NOT_WILDCARD, "policy mismatch"},
	{PEBBLE, REMARK_RECORD_EXPIRED, "is after persistUntil"},
	{PEBBLE, REMARK_ALIAS_LOOP, "Error retrieving TXT records for DNS-PERSIST-01 challenge"},
	{PEBBLE, REMARK_ALIAS_TOO_LONG, "Error retrieving TXT records for DNS-PERSIST-01 challenge"},
};

const char *wording(enum perdure_dialect d, enum remark_code c)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].dialect == d && table[i].code == c)
			return table[i].words;
	return NULL;
}
