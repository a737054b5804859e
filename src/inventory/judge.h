/*
 * judge.h: verdicts on a stream of described RRsets, offline: the work of `perdure record judge`.
 */
#ifndef PERDURE_INVENTORY_JUDGE_H
#define PERDURE_INVENTORY_JUDGE_H

#include <stdio.h>

struct err;

enum { JUDGE_MAX_LINE = 1 << 20 }; /* octets of one input line; the largest RRset of DNS fits, however it is escaped */

/* clang-format off */
/*
 * Reads JSON Lines from in. A line is an object with
 *   txt                    list of RRs, each a list of character-strings; a code point U+0000 to U+00FF is one octet;
 *                          required
 *   identifier             the requested name, "*." in front means wildcard; required
 *   issuer_domain_names    list of the CA's names; required
 *   account_uri            the account URL; required
 *   draft                  "00", "01", "02"; default 02 when there is an account_hash_prefix, else 01
 *   wildcard               default false
 *   validated_fqdn         whose record it is; default: the identifier
 *   account_thumbprint, account_hash_prefix, retained_thumbprints, hash_algs
 *                          for level 02
 *   account_status         default "valid"; anything else counts as deactivated
 *   cname_chain            names from the queried to the last one
 *   now                    UNIX seconds; default: the clock's
 *   id                     a string or a number, given back
 * Other members are ignored.
 *
 * Writes to out, line by line, {"id","verdict","problem","reason","fix"}: verdict is "valid" or "invalid", problem the
 * last part of the ACME error type or null, fix the zone-file line that would help or null. An input line that cannot be
 * used gives {"id","error"} with line and column in its text. Empty lines are passed over. Memory does not grow with the
 * number of lines.
 *
 * dialect is a name of perdure_dialect_name(). Returns 0; -1 with ERR_USAGE for an unknown dialect, ERR_SYS when reading
 * or writing fails, and ERR_PARSE at the end when some lines could not be used, the others having been answered.
 */
/* clang-format on */
int judge_stream(FILE *in, FILE *out, const char *dialect, struct err *e);

#endif
