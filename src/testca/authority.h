/* authority.h: the CA's own keys and certificates, and those of its HTTPS server. All made anew at each start. */
#ifndef PERDURE_TESTCA_AUTHORITY_H
#define PERDURE_TESTCA_AUTHORITY_H

#include <stddef.h>

struct buf;
struct err;
struct issue_ca;
struct key;
struct options;
struct tls_server;

enum { AUTHORITY_ROOTS = 9 };

/* What the HTTPS server can show. */
enum authority_tls {
	AUTHORITY_TLS_GOOD,
	AUTHORITY_TLS_EXPIRED, /* a day ago */
	AUTHORITY_TLS_OTHER_NAME,
	AUTHORITY_TLS_UNKNOWN_ROOT, /* one that is in no file */
	AUTHORITY_TLS_N_
};

struct authority {
	struct key *keys[AUTHORITY_ROOTS];
	struct key *issuing_key;
	struct key *other_key; /* nobody's: for certificates that are wrong */
	struct issue_ca *roots[AUTHORITY_ROOTS];
	struct issue_ca *issuing[AUTHORITY_ROOTS]; /* the same key below each root */
	size_t n; /* roots */
	char *issuing_pem[AUTHORITY_ROOTS];
	struct tls_server *tls[AUTHORITY_TLS_N_];
};

/* Makes everything and writes DIR/ca.pem (trust for HTTPS) and DIR/roots.pem. ERR_CRYPTO, ERR_SYS. */
int authority_new(const struct options *o, const char *dir, struct authority **ret, struct err *e);
void authority_free(struct authority *a);

#endif
