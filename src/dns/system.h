/*
 * system.h: the name servers this machine is set up to use. For comparison and nothing else: what they say decides
 * nothing here, but that they say something else than the zone's servers is worth telling (split horizon).
 */
#ifndef PERDURE_DNS_SYSTEM_H
#define PERDURE_DNS_SYSTEM_H

struct err;
struct strv;

enum { SYSTEM_RESOLVERS_MAX = 8 };

/*
 * Adds the name servers in the file (NULL for /etc/resolv.conf) to ret, as dns_resolvers_ask() takes them, at most
 * SYSTEM_RESOLVERS_MAX; lines that cannot be used (an address with a zone index, for one) are passed over, and a
 * missing file is an empty list. ERR_SYS, ERR_LIMIT.
 */
int dns_system_resolvers(const char *path, struct strv *ret, struct err *e);

#endif
