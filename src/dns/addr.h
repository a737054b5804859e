/* addr.h: the address of a DNS server. */
#ifndef PERDURE_DNS_ADDR_H
#define PERDURE_DNS_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct err;

enum { ADDR_TEXT_MAX = INET6_ADDRSTRLEN + 6, ADDR_PORT = 53 };

struct addr {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} u;
	socklen_t len;
	char text[ADDR_TEXT_MAX]; /* "192.0.2.1", with "@PORT" unless it is 53 */
};

/* Reads "ADDRESS" or "ADDRESS@PORT"; port is taken where none is written (0 for 53). ERR_CONFIG. */
int addr_parse(const char *s, uint16_t port, struct addr *ret, struct err *e);
/*
 * From the data of an A or AAAA record (4 or 16 octets), port 53. False for addresses that no server can have
 * (unspecified, multicast, broadcast).
 */
bool addr_from_data(const uint8_t *p, size_t n, struct addr *ret);
bool addr_is_loopback(const struct addr *a);
static inline bool addr_is_v6(const struct addr *a)
{
	return a->u.sa.sa_family == AF_INET6;
}

#endif
