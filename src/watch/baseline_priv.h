/* baseline_priv.h: what reading and writing the file have in common. Internal to src/watch. */
#ifndef PERDURE_WATCH_BASELINE_PRIV_H
#define PERDURE_WATCH_BASELINE_PRIV_H

#include "base/buf.h"
#include "watch/baseline.h"

/* How the lines begin; the writer of json.h leaves no room for another spelling. */
#define BASELINE_HEAD "{\"perdure_baseline\":1"
#define BASELINE_NAME "{\"name\":\""

enum { BASELINE_PRINT = 32 };

struct baseline_line {
	char *p; /* in the file's text */
	size_t n;
	size_t name_n; /* of the name behind BASELINE_NAME */
	bool seen;
};

struct baseline {
	char *path;
	struct buf text;
	struct baseline_line *v; /* one for each name, sorted by it */
	size_t n;
	struct strv others; /* the lines about CAs */
};

/* NULL when there is none. */
struct baseline_line *baseline_line(const struct baseline *b, const char *fqdn);
void baseline_fingerprint(const struct finding *f, char out[static BASELINE_PRINT]);
/* The records of all servers in zone-file form, sorted. */
void baseline_records(const struct facts *f, struct strv *ret);
/* {"ca":NAME,… */
void baseline_ca_text(const struct audit_ca *a, struct buf *out);

#endif
