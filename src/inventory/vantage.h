/*
 * vantage.h: what several points of view mean together: would a CA that looks from several places issue, and how many
 * of them see what? The rule is that of multi-perspective issuance corroboration (CA/Browser Forum, Baseline
 * Requirements for TLS certificates, section 3.2.2.9).
 */
#ifndef PERDURE_INVENTORY_VANTAGE_H
#define PERDURE_INVENTORY_VANTAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vantage_result {
	VANTAGE_VALID, /* a CA would accept what is seen from there */
	VANTAGE_REFUSED, /* it would not */
	VANTAGE_SILENT, /* nothing was seen: no answer, SERVFAIL, bogus */
};

/* What is seen from one place. Everything is borrowed. */
struct vantage {
	const char *where; /* for people */
	enum vantage_result result;
	const char *region; /* where it is: word of vantage_region(); NULL or "" when that is not known */
	const char *account; /* VALID: accounturi of the record that satisfies; corroboration asks for the same one.
				Else NULL */
	const char *answer; /* what was seen, as a text that is the same where the same was seen */
};

struct vantage_quorum {
	bool corroborated;
	size_t remote; /* remote perspectives that were asked */
	size_t agree; /* those that corroborate the primary one */
	size_t allowed; /* how many of so many may fail */
	size_t required; /* how many remote perspectives a public CA must ask at this time */
	size_t regions; /* different ones of those that agree, as far as known */
	size_t regions_required; /* how many of them public CAs need at this time */
	char text[448]; /* one or two sentences */
};

/*
 * The quorum over the primary perspective and n remote ones at now (UNIX seconds). With fewer than two remote
 * perspectives there is no rule: then all must agree, and the text says what is missing. Where perspectives of enough
 * regions were asked and those that agree are of too few, it is not corroborated; where regions are not known or too
 * few were asked, the text says so.
 */
void vantage_judge(
	const struct vantage *primary, const struct vantage *remote, size_t n, int64_t now, struct vantage_quorum *ret);

/* How many of n remote perspectives may fail to corroborate. */
size_t vantage_allowed(size_t n);
/* How many remote perspectives public CAs must ask at that time (UNIX seconds). */
size_t vantage_required(int64_t now);

/* The same for the regions that those which agree must be of. */
size_t vantage_regions_required(int64_t now);
/* The service regions of the Regional Internet Registries, from 0 on: "afrinic", "apnic", …; NULL behind the last. */
const char *vantage_region(size_t i);
/* Whether there is a region of that name. */
bool vantage_is_region(const char *word);

struct vantage_share {
	const char *answer; /* borrowed from the first that saw it */
	enum vantage_result result;
	size_t n;
	unsigned percent; /* of all, rounded to the nearest */
};
/* Counts the different answers (by text and result), the most frequent first. ret has room for n; gives how many. */
size_t vantage_shares(const struct vantage *v, size_t n, struct vantage_share *ret);

#endif
