/* addr.c: the address of a DNS server. */
#include "dns/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

static void finish(struct addr *a, uint16_t port)
{
	char host[INET6_ADDRSTRLEN] = "";
	if (addr_is_v6(a)) {
		a->u.in6.sin6_port = htons(port);
		a->len = sizeof(a->u.in6);
		inet_ntop(AF_INET6, &a->u.in6.sin6_addr, host, sizeof(host));
	} else {
		a->u.in.sin_port = htons(port);
		a->len = sizeof(a->u.in);
		inet_ntop(AF_INET, &a->u.in.sin_addr, host, sizeof(host));
	}
	if (port == ADDR_PORT)
		snprintf(a->text, sizeof(a->text), "%s", host);
	else
		snprintf(a->text, sizeof(a->text), "%s@%u", host, port);
}

static int parse_port(const char *s, uint16_t *ret)
{
	unsigned long v = 0;
	if (!*s)
		return -1;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		v = v * 10 + (unsigned long)(*s - '0');
		if (v > UINT16_MAX)
			return -1;
	}
	if (!v)
		return -1;
	*ret = (uint16_t)v;
	return 0;
}

int addr_parse(const char *s, uint16_t port, struct addr *ret, struct err *e)
{
	struct addr a = {0};
	char host[INET6_ADDRSTRLEN];
	const char *at = strchr(s, '@');
	size_t n = at ? (size_t)(at - s) : strlen(s);
	if (!port)
		port = ADDR_PORT;
	if (at && parse_port(at + 1, &port)) {
		err_set(e, ERR_CONFIG, "\"%s\": the part after @ is no port", s);
		err_hint(e, "write ADDRESS or ADDRESS@PORT, the port from 1 to 65535");
		return -1;
	}
	if (n < sizeof(host)) {
		memcpy(host, s, n);
		host[n] = '\0';
		if (inet_pton(AF_INET, host, &a.u.in.sin_addr) == 1)
			a.u.sa.sa_family = AF_INET;
		else if (inet_pton(AF_INET6, host, &a.u.in6.sin6_addr) == 1)
			a.u.sa.sa_family = AF_INET6;
	}
	if (!a.u.sa.sa_family) {
		err_set(e, ERR_CONFIG, "\"%s\" is no address of a DNS server", s);
		err_hint(e, "write an IPv4 or IPv6 address, with @PORT behind it unless the port is 53");
		return -1;
	}
	finish(&a, port);
	*ret = a;
	return 0;
}

bool addr_from_data(const uint8_t *p, size_t n, struct addr *ret)
{
	struct addr a = {0};
	if (n == 4) {
		if (p[0] == 0 || p[0] >= 224)
			return false;
		a.u.sa.sa_family = AF_INET;
		memcpy(&a.u.in.sin_addr, p, 4);
	} else if (n == 16) {
		a.u.sa.sa_family = AF_INET6;
		memcpy(&a.u.in6.sin6_addr, p, 16);
		if (p[0] == 0xff || IN6_IS_ADDR_UNSPECIFIED(&a.u.in6.sin6_addr))
			return false;
	} else {
		return false;
	}
	finish(&a, ADDR_PORT);
	*ret = a;
	return true;
}

bool addr_is_loopback(const struct addr *a)
{
	if (addr_is_v6(a))
		return IN6_IS_ADDR_LOOPBACK(&a->u.in6.sin6_addr);
	return ntohl(a->u.in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}
