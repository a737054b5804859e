/* doh.h: the HTTPS under DNS over HTTPS: what dns/resolvers.h needs, on the HTTPS client. */
#ifndef PERDURE_INVENTORY_DOH_H
#define PERDURE_INVENTORY_DOH_H

struct dns_https;
struct err;
struct loop;

/* A client with connections of its own. ca_bundle: PEM file, NULL for the system's. ERR_CONFIG, ERR_NET. */
int doh_new(struct loop *l, const char *ca_bundle, struct dns_https **ret, struct err *e);
/* Questions must have ended. NULL is fine. */
void doh_free(struct dns_https *h);

#endif
