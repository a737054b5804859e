/* metricstls.h: certificate and key of the listener of metrics (metrics.cert_file, metrics.key_file). */
#ifndef PERDURE_DAEMON_METRICSTLS_H
#define PERDURE_DAEMON_METRICSTLS_H

struct config_metrics;
struct err;
struct metricstls;
struct ssl_st;

/*
 * Reads both files; c (kept) names them. While one of them does not exist, as before the first issuance, no handshake
 * comes to its end. ERR_SYS, ERR_CONFIG, ERR_CRYPTO: they cannot be read, or do not belong together.
 */
int metricstls_new(const struct config_metrics *c, struct metricstls **ret, struct err *e);
/* NULL is fine. */
void metricstls_free(struct metricstls *t);
/* For httpserver.h: a connection with what the files hold now. When they have changed and cannot be used, that is
 * logged, and what they held before goes on. */
struct ssl_st *metricstls_accept(void *t);

#endif
