/* metricsd.h: the numbers of the daemon over HTTP, for Prometheus (metrics.listen). */
#ifndef PERDURE_DAEMON_METRICSD_H
#define PERDURE_DAEMON_METRICSD_H

#include <stdbool.h>

struct config_metrics;
struct err;
struct metricsd;
struct site;

/*
 * Answers GET /metrics, with the token of metrics.token_file if there is one, GET /healthz, and GET /readyz: with 503
 * while *failed (borrowed), or when the state cannot be read. *ret is NULL when the configuration has no
 * metrics.listen. ERR_SYS, ERR_CONFIG, ERR_CRYPTO.
 */
int metricsd_start(struct site *s, const bool *failed, struct metricsd **ret, struct err *e);
/* Whether what metrics.listen names could be read. ERR_SYS, ERR_CONFIG, ERR_CRYPTO. */
int metricsd_try(const struct config_metrics *c, struct err *e);
/* NULL is fine. */
void metricsd_free(struct metricsd *m);

#endif
