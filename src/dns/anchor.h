/*
 * anchor.h: the keys that DNSSEC validation starts from. Either a configured file, or those of the root as the
 * distribution ships them; of these a copy in the state directory is kept up to date by the rules of RFC 5011 where the
 * directory can be written to, so that a key roll of the root needs no new package.
 */
#ifndef PERDURE_DNS_ANCHOR_H
#define PERDURE_DNS_ANCHOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where Debian's dns-root-data puts it. */
#define ANCHOR_SHIPPED_PATH "/usr/share/dns/root.key"

enum anchor_kind {
	ANCHOR_NONE, /* why, hint */
	ANCHOR_CONFIGURED, /* path is the file as configured */
	ANCHOR_SHIPPED, /* path is the distribution's */
	ANCHOR_MANAGED, /* path is our copy of it */
};

struct anchor {
	enum anchor_kind kind;
	char *path; /* "" for NONE */
	unsigned keys; /* DS and DNSKEY records in the file */
	int64_t changed; /* the file's modification time, UNIX seconds; 0 for NONE */
	char *why; /* for NONE, else "" */
	char *hint;
};

/*
 * Finds the file to go by. configured and state_dir may be NULL; shipped NULL is ANCHOR_SHIPPED_PATH. manage: the copy
 * below state_dir (dnssec/root.key) is made or renewed when it can be; a shipped file other than the one it came from
 * begins it anew. ret needs anchor_done().
 */
void anchor_find(const char *configured, const char *shipped, const char *state_dir, bool manage, struct anchor *ret);
/* Throws our copy away, because it turned out to be of no use; the next anchor_find() makes it anew. */
void anchor_forget(const char *state_dir);
void anchor_done(struct anchor *a);

#endif
