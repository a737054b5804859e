/* schema_net.h: the rows of the table of configuration keys about the way to a CA. For schema.c alone, which would be
 * too long with them. */
#ifndef PERDURE_CONFIG_SCHEMA_NET_H
#define PERDURE_CONFIG_SCHEMA_NET_H

#include "config/schema.h"

#define SCHEMA_PROXY_URL "\"http://proxy.example.com:3128\""

/* clang-format off */
#define SCHEMA_NET_ROWS \
	[SCHEMA_CA_PROXY] = {SCHEMA_CAS, "proxy", SCHEMA_STRING, SCHEMA_TEXT, 0, 0, NULL, NULL, SCHEMA_PROXY_URL, \
		"Proxy for requests to the CA: http, https, socks5 or socks5h://HOST:PORT, or none.", \
		"Without it defaults.proxy, else the environment (https_proxy, no_proxy). An https proxy must be trusted " \
		"by the system. With socks5h and http the proxy looks up the CA's name, with socks5 this host does."}, \
	[SCHEMA_CA_PROXY_AUTH] = {SCHEMA_CAS, "proxy_auth_file", SCHEMA_STRING, SCHEMA_PATH, 0, 0, NULL, NULL, \
		"/etc/perdure/proxy.auth", "File with user name and password for that proxy, USER:PASSWORD.", \
		"Its mode must be 0600 or stricter."}, \
	[SCHEMA_CA_LIMIT_REQUESTS] = {SCHEMA_CA_LIMITS, "requests_per_second", SCHEMA_INT, SCHEMA_TEXT, 1, 10000, NULL, NULL, \
		"20", "So many requests of all kinds in a second, at most.", \
		"They go out evenly spaced. Each process counts its own: where several hosts ask the CA from one address, " \
		"each has its share."}, \
	[SCHEMA_DEFAULT_PROXY] = {SCHEMA_DEFAULTS, "proxy", SCHEMA_STRING, SCHEMA_TEXT, 0, 0, NULL, NULL, \
		SCHEMA_PROXY_URL, "Proxy for requests to CAs that have no proxy of their own.", \
		"As cas[].proxy. Requests to others (providers, webhooks) go by the environment alone."}, \
	[SCHEMA_DEFAULT_PROXY_AUTH] = {SCHEMA_DEFAULTS, "proxy_auth_file", SCHEMA_STRING, SCHEMA_PATH, 0, 0, NULL, NULL, \
		"/etc/perdure/proxy.auth", "File with user name and password for it.", NULL}
/* clang-format on */

#endif
