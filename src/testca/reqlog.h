/* reqlog.h: how many requests there were, and which. */
#ifndef PERDURE_TESTCA_REQLOG_H
#define PERDURE_TESTCA_REQLOG_H

#include <stddef.h>
#include <stdint.h>

#include "testca/endpoint.h"

struct err;
struct json_out;
struct web_request;

struct reqlog_entry {
	int64_t at_ms; /* UNIX */
	int64_t us; /* from request to reply */
	enum endpoint ep;
	uint64_t id; /* of the resource */
	int status; /* 0: the connection was cut */
	uint64_t account;
	const char *fault; /* static; NULL for none */
	size_t octets; /* of the reply's body */
};

struct reqlog;

/* path is NULL for no file. ERR_SYS. */
int reqlog_new(const char *path, struct reqlog **ret, struct err *e);
void reqlog_free(struct reqlog *l);
void reqlog_add(struct reqlog *l, const struct reqlog_entry *entry, const struct web_request *rq);
/* Writes members into an open object: requests, by_endpoint, by_status, faults. */
void reqlog_counters(const struct reqlog *l, struct json_out *w);
/* Writes the array of the last n entries (at most those kept). */
void reqlog_last(const struct reqlog *l, size_t n, struct json_out *w, const char *member);
/* Sets the counters to zero and forgets the entries. */
void reqlog_reset(struct reqlog *l);

#endif
