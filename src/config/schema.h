/*
 * schema.h: the one table of configuration keys. Reading, defaults, the commented starting configuration and the
 * reference part of perdure.yaml(5) all come from it.
 */
#ifndef PERDURE_CONFIG_SCHEMA_H
#define PERDURE_CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

enum schema_id {
	SCHEMA_ROOT, /* the file itself */
	SCHEMA_STATE_DIR,
	SCHEMA_CAS,
	SCHEMA_CA_NAME,
	SCHEMA_CA_DIRECTORY,
	SCHEMA_CA_ISSUER,
	SCHEMA_CA_LEVEL,
	SCHEMA_CA_BUNDLE,
	SCHEMA_CA_IP_VERSION,
	SCHEMA_CA_MAX_ORDERS,
	SCHEMA_CA_EAB,
	SCHEMA_CA_EAB_KID,
	SCHEMA_CA_EAB_FILE,
	SCHEMA_CA_EAB_ALG,
	SCHEMA_CA_ACCOUNT,
	SCHEMA_CA_ACCOUNT_URL,
	SCHEMA_CA_ACCOUNT_THUMBPRINTS,
	SCHEMA_CA_ACCOUNT_KEY,
	SCHEMA_CA_CONTACT,
	SCHEMA_CA_URI_ANY,
	SCHEMA_CA_PROFILE,
	SCHEMA_CA_CHAIN,
	SCHEMA_DNS,
	SCHEMA_DNS_MODE,
	SCHEMA_DNS_STUBS,
	SCHEMA_STUB_ZONE,
	SCHEMA_STUB_SERVERS,
	SCHEMA_STUB_PORT,
	SCHEMA_DNS_RESOLVERS,
	SCHEMA_DNS_HINTS,
	SCHEMA_DNS_TIMEOUT,
	SCHEMA_DNS_PER_SERVER,
	SCHEMA_DNS_PACE,
	SCHEMA_DNS_VALIDATE,
	SCHEMA_DNS_ANCHOR,
	SCHEMA_DNS_VANTAGE,
	SCHEMA_DNS_BUNDLE,
	SCHEMA_PROVIDERS,
	SCHEMA_PROVIDER_NAME,
	SCHEMA_PROVIDER_TYPE,
	SCHEMA_PROVIDER_ZONES,
	SCHEMA_PROVIDER_SERVER,
	SCHEMA_PROVIDER_TSIG,
	SCHEMA_PROVIDER_TSIG_FILE,
	SCHEMA_PROVIDER_TSIG_NAME,
	SCHEMA_PROVIDER_TSIG_ALGORITHM,
	SCHEMA_PROVIDER_URL,
	SCHEMA_PROVIDER_PLAIN_HTTP,
	SCHEMA_PROVIDER_CA_BUNDLE,
	SCHEMA_PROVIDER_SERVER_ID,
	SCHEMA_PROVIDER_KEY_FILE,
	SCHEMA_PROVIDER_RATE,
	SCHEMA_PROVIDER_TOKEN_FILE,
	SCHEMA_PROVIDER_ACCESS_KEY_FILE,
	SCHEMA_PROVIDER_ZONE_IDS,
	SCHEMA_PROVIDER_PROGRAM,
	SCHEMA_PROVIDER_PROTOCOL,
	SCHEMA_PROVIDER_ENV,
	SCHEMA_PROVIDER_ENV_FILE,
	SCHEMA_PROVIDER_TIMEOUT,
	SCHEMA_PROVIDER_CHECKOUT,
	SCHEMA_PROVIDER_HOOK,
	SCHEMA_DEFAULTS,
	SCHEMA_DEFAULT_CA,
	SCHEMA_DEFAULT_VALIDATION,
	SCHEMA_DEFAULT_KEY,
	SCHEMA_DEFAULT_MUST_STAPLE,
	SCHEMA_DEFAULT_REUSE_KEY,
	SCHEMA_DEFAULT_PROFILE,
	SCHEMA_DEFAULT_CHAIN,
	SCHEMA_DEFAULT_TTL,
	SCHEMA_DEFAULT_DEPLOY,
	SCHEMA_ARCHIVE,
	SCHEMA_ARCHIVE_KEEP,
	SCHEMA_GROUPS,
	SCHEMA_GROUP_NAME,
	SCHEMA_GROUP_DEPLOY,
	SCHEMA_DELEGATION,
	SCHEMA_DELEGATION_ZONE,
	SCHEMA_DELEGATION_NAME,
	SCHEMA_DELEGATION_SHARED,
	SCHEMA_DELEGATION_CNAME_TTL,
	SCHEMA_DELEGATION_TXT_TTL,
	SCHEMA_DELEGATION_KEEP,
	SCHEMA_DELEGATION_FOLLOW,
	SCHEMA_DELEGATION_VALUES,
	SCHEMA_DELEGATION_WAIT,
	SCHEMA_CERTS,
	SCHEMA_CERT_NAME,
	SCHEMA_CERT_NAMES,
	SCHEMA_CERT_FILE,
	SCHEMA_CERT_WILDCARD,
	SCHEMA_CERT_CA,
	SCHEMA_CERT_VALIDATION,
	SCHEMA_CERT_KEY,
	SCHEMA_CERT_MUST_STAPLE,
	SCHEMA_CERT_REUSE_KEY,
	SCHEMA_CERT_PROFILE,
	SCHEMA_CERT_CHAIN,
	SCHEMA_CERT_UNTIL,
	SCHEMA_CERT_DEPLOY, /* its keys are those of every list of deploy actions */
	SCHEMA_DEPLOY_COMMAND,
	SCHEMA_DEPLOY_SHELL,
	SCHEMA_DEPLOY_SYSTEMD,
	SCHEMA_SYSTEMD_UNIT,
	SCHEMA_SYSTEMD_ACTION,
	SCHEMA_DEPLOY_COPY,
	SCHEMA_COPY_TO,
	SCHEMA_COPY_FILES,
	SCHEMA_COPY_KEY,
	SCHEMA_COPY_CERT,
	SCHEMA_COPY_CHAIN,
	SCHEMA_COPY_FULLCHAIN,
	SCHEMA_COPY_COMBINED,
	SCHEMA_COPY_OWNER,
	SCHEMA_COPY_GROUP,
	SCHEMA_COPY_MODE,
	SCHEMA_COPY_CERT_MODE,
	SCHEMA_DEPLOY_PEM,
	SCHEMA_PEM_TO,
	SCHEMA_PEM_ORDER,
	SCHEMA_PEM_OWNER,
	SCHEMA_PEM_GROUP,
	SCHEMA_PEM_MODE,
	SCHEMA_DEPLOY_PKCS12,
	SCHEMA_PKCS12_TO,
	SCHEMA_PKCS12_PASSWORD_FILE,
	SCHEMA_PKCS12_ALIAS,
	SCHEMA_PKCS12_LEGACY,
	SCHEMA_PKCS12_OWNER,
	SCHEMA_PKCS12_GROUP,
	SCHEMA_PKCS12_MODE,
	SCHEMA_DEPLOY_KUBERNETES,
	SCHEMA_KUBERNETES_SECRET,
	SCHEMA_KUBERNETES_NAMESPACE,
	SCHEMA_KUBERNETES_SERVER,
	SCHEMA_KUBERNETES_TOKEN_FILE,
	SCHEMA_KUBERNETES_CA_FILE,
	SCHEMA_KUBERNETES_FORCE,
	SCHEMA_DEPLOY_CERTBOT,
	SCHEMA_CERTBOT_DIRECTORY,
	SCHEMA_CERTBOT_COMMAND,
	SCHEMA_CERTBOT_SHELL,
	SCHEMA_DEPLOY_LEGO,
	SCHEMA_DEPLOY_GROUP,
	SCHEMA_DEPLOY_PROBE,
	SCHEMA_PROBE_CONNECT,
	SCHEMA_PROBE_SNI,
	SCHEMA_PROBE_TIMEOUT,
	SCHEMA_DEPLOY_TIMEOUT,
	SCHEMA_DEPLOY_ENV,
	SCHEMA_DEPLOY_ONCE,
	SCHEMA_DEPLOY_OPTIONAL,
	SCHEMA_CERT_DELEGATION,
	SCHEMA_CERT_DELEGATION_ZONE,
	SCHEMA_CERT_DELEGATION_NAME,
	SCHEMA_CERT_DELEGATION_SHARED,
	SCHEMA_CERT_DELEGATION_CNAME_TTL,
	SCHEMA_CERT_DELEGATION_TXT_TTL,
	SCHEMA_CERT_DELEGATION_KEEP,
	SCHEMA_CERT_DELEGATION_FOLLOW,
	SCHEMA_CERT_DELEGATION_VALUES,
	SCHEMA_CERT_DELEGATION_WAIT,
	SCHEMA_AUDIT,
	SCHEMA_AUDIT_ISSUERS,
	SCHEMA_AUDIT_ACCOUNTS,
	SCHEMA_AUDIT_ZONES,
	SCHEMA_AUDIT_EXPIRY,
	SCHEMA_AUDIT_IGNORE,
	SCHEMA_IGNORE_RULE,
	SCHEMA_IGNORE_NAME,
	SCHEMA_N_
};

enum schema_type {
	SCHEMA_MAP, /* keys of its own */
	SCHEMA_LIST, /* a list of maps; of presets too for `cas` */
	SCHEMA_BOOL,
	SCHEMA_INT,
	SCHEMA_DURATION, /* "10s", "5m", "2h", "30d" or seconds; milliseconds once read; range in milliseconds */
	SCHEMA_TIME, /* RFC 3339 or UNIX seconds */
	SCHEMA_WORD, /* one of `words` */
	SCHEMA_STRING,
	SCHEMA_STRINGS, /* one string or a list of them */
};

/* What a string must look like. */
enum schema_form {
	SCHEMA_TEXT,
	SCHEMA_LABEL, /* safe as a file name: letters, digits, '.', '_', '-' */
	SCHEMA_PATH,
	SCHEMA_URL, /* https */
	SCHEMA_URL_HTTP, /* https or http */
	SCHEMA_ISSUER, /* an issuer domain name (RFC 8659) */
	SCHEMA_ZONE, /* the name of a DNS zone */
	SCHEMA_ADDRESS, /* IPv4 or IPv6 */
	SCHEMA_ADDRESS_PORT, /* the same, with "@PORT" or without */
	SCHEMA_RESOLVER, /* the same, with "tcp://" before it or without, or the https URL of DNS over HTTPS */
	SCHEMA_MAIL, /* with "mailto:" or without */
	SCHEMA_MODE, /* rights of a file: three or four octal digits */
	SCHEMA_HOST_PORT, /* "HOST:PORT", IPv6 addresses in brackets */
	SCHEMA_THUMBPRINT, /* RFC 7638, SHA-256, base64url */
	SCHEMA_HOST, /* a name for a certificate; checked by name.c */
};

struct schema_key {
	enum schema_id parent;
	const char *name;
	enum schema_type type;
	enum schema_form form;
	int64_t min; /* of numbers; of list lengths for SCHEMA_STRINGS */
	int64_t max;
	const char *words; /* allowed words, blank separated */
	const char *def; /* as written in the file; NULL for none */
	const char *example; /* a value for the starting configuration; NULL where def serves */
	const char *help; /* one line */
	const char *text; /* more, for the manual; may be NULL */
};

extern const struct schema_key schema_keys[SCHEMA_N_];

/* The key of that name directly below parent; SCHEMA_ROOT when there is none. */
enum schema_id schema_find(enum schema_id parent, const char *name);
/* The name below parent that is spelt most like `name`, or NULL when none is near. */
const char *schema_suggest(enum schema_id parent, const char *name);
/* Appends the names below parent: "a, b, c". */
void schema_allowed(enum schema_id parent, struct buf *out);
/* The path of a key as messages and the manual show it, "cas[].eab.kid". */
struct schema_path {
	char text[64];
};
struct schema_path schema_path(enum schema_id id);
/* Appends what values a key takes: "one of authoritative, resolver, none"; "whole number, 1 to 1000". */
void schema_describe(enum schema_id id, struct buf *out);
/* Whether word is one of the blank-separated words. */
bool schema_has_word(const char *words, const char *word);

#endif
