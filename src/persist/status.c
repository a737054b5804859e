/*
 * status.c: texts for codes, and the release of what the library handed out.
 */
#include "persist/internal.h"

#include <stdlib.h>

const char *perdure_strerror(enum perdure_status status)
{
	switch (status) {
	case PERDURE_OK:
		return "no error";
	case PERDURE_ENOMEM:
		return "out of memory";
	case PERDURE_EINVAL:
		return "something needed is missing or impossible";
	case PERDURE_EMALFORMED:
		return "malformed";
	case PERDURE_ELIMIT:
		return "larger or later than the protocol allows";
	case PERDURE_EHASH:
		return "the hash function failed";
	case PERDURE_EHASHALG:
		return "not a registered hash name of 256 bits or more";
	case PERDURE_EISSUER:
		return "not an issuer domain name: lower case, A-labels, no dot at the end, at most 253 octets";
	case PERDURE_EURI:
		return "an empty URI, or one with an octet that a record cannot carry";
	case PERDURE_ETHUMBPRINT:
		return "not a JWK thumbprint: 43 characters of base64url";
	case PERDURE_ENAMEEMPTY:
		return "the name is empty or has an empty label";
	case PERDURE_ENAMECHAR:
		return "the name has a character other than letters, digits and inner hyphens";
	case PERDURE_ENAMELABEL:
		return "a label is longer than 63 octets";
	case PERDURE_ENAMELONG:
		return "the name is too long: 233 octets when it is to carry a validation record, 253 otherwise";
	case PERDURE_ENAMEWILD:
		return "`*` is allowed only as the one first label before a name";
	case PERDURE_ENAMEIP:
		return "an IP address: dns-persist-01 is for domain names";
	case PERDURE_ENAMEIDN:
		return "not a valid internationalised domain name";
	}
	return "unknown error";
}

const char *perdure_fault_text(enum perdure_fault fault)
{
	switch (fault) {
	case PERDURE_FAULT_NONE:
		return "no fault";
	case PERDURE_FAULT_ISSUER:
		return "the issuer domain name is malformed";
	case PERDURE_FAULT_NO_ISSUER:
		return "the issuer domain name is missing";
	case PERDURE_FAULT_EMPTY:
		return "a `;` without a parameter after or before it";
	case PERDURE_FAULT_TAG:
		return "a malformed parameter name";
	case PERDURE_FAULT_NO_EQUALS:
		return "a parameter without `=`";
	case PERDURE_FAULT_VALUE:
		return "a parameter value with white space, a control or a non-ASCII octet";
	case PERDURE_FAULT_DUPLICATE:
		return "a repeated parameter";
	case PERDURE_FAULT_NO_ACCOUNT:
		return "`accounturi` is missing or empty";
	case PERDURE_FAULT_UNTIL:
		return "`persistUntil` is not a base-10 integer";
	}
	return "unknown fault";
}

const char *perdure_reason_text(enum perdure_reason reason)
{
	switch (reason) {
	case PERDURE_REASON_OK:
		return "a record authorises this request";
	case PERDURE_REASON_NO_RECORD:
		return "there is no validation record";
	case PERDURE_REASON_NOT_OURS:
		return "no record names an issuer domain name of this CA";
	case PERDURE_REASON_SYNTAX:
		return "the record for this CA is malformed";
	case PERDURE_REASON_ACCOUNT:
		return "the record names another account";
	case PERDURE_REASON_URI_PREFIX:
		return "the record's accounturi does not begin with the CA's account hash prefix";
	case PERDURE_REASON_URI_HASH:
		return "the record's accounturi names a hash that the CA does not accept";
	case PERDURE_REASON_URI_DIGEST:
		return "the record's accounturi does not end in a base64url digest of the right length";
	case PERDURE_REASON_SCOPE_WILD:
		return "a wildcard was requested and the record has no policy=wildcard";
	case PERDURE_REASON_SCOPE_BELOW:
		return "the record of a parent domain does not cover the requested name";
	case PERDURE_REASON_SCOPE_NAME:
		return "the record belongs to a domain that does not contain the requested name";
	case PERDURE_REASON_EXPIRED:
		return "the record's persistUntil has passed";
	case PERDURE_REASON_DEACTIVATED:
		return "the account is deactivated";
	case PERDURE_REASON_ALIAS:
		return "this CA does not accept a record behind a CNAME";
	case PERDURE_REASON_RANGE:
		return "this CA's software fails on so late a persistUntil";
	case PERDURE_REASON_LONG:
		return "a record is longer than a TXT record can be";
	}
	return "unknown reason";
}

void perdure_free(void *p)
{
	free(p);
}
