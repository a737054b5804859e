/*
 * name.h: domain names as operators write them: IDN, wildcards, public suffixes.
 */
#ifndef PERDURE_CONFIG_NAME_H
#define PERDURE_CONFIG_NAME_H

#include <stdbool.h>

struct err;

/*
 * Normalises a DNS name for a certificate: IDN to A-labels (IDNA2008, UTS #46 non-transitional), lower case, dot at the
 * end removed, one leading "*." kept. ERR_CONFIG, with the reason in words, for an IP address, an empty or over-long
 * label, a name over 233 octets after "*." is removed (no validation record would fit), "*" elsewhere, characters that
 * host names do not have, a single label that is a public suffix. Heap string in *ret.
 */
int name_normalize(const char *in, char **ret, struct err *e);

enum name_suffix {
	NAME_SUFFIX_NONE, /* an ordinary name */
	NAME_SUFFIX_ICANN, /* the name (after "*.") is a public suffix of the ICANN section: a wildcard is refused */
	NAME_SUFFIX_PRIVATE, /* of the private section: a wildcard is warned about */
};
/* Looks at a normalised name. */
enum name_suffix name_public_suffix(const char *name);

/*
 * As name_normalize, for a name that goes into a certificate: a public suffix of the ICANN section is refused, with and
 * without "*.". *ret_suffix says whether the name is of the private section, for a warning about its wildcard.
 */
int name_for_certificate(const char *in, char **ret, enum name_suffix *ret_suffix, struct err *e);

#endif
