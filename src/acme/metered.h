/* metered.h: the requests of a session as numbers. Internal to src/acme. */
#ifndef PERDURE_ACME_METERED_H
#define PERDURE_ACME_METERED_H

#include <stdint.h>

struct acme_session;
struct http_reply;

/* What a signed request is for: "newAccount", "newOrder", "certificate", …; "poll" is a POST-as-GET. Static. */
const char *metered_action(const struct acme_session *s, const char *url, const char *payload, unsigned flags);
/* Counts a request that has ended, and how long it took from sent_ms (monotonic) on; r is NULL when there was no
 * answer.
 */
void metered_reply(const struct acme_session *s, const char *action, int64_t sent_ms, const struct http_reply *r);

#endif
