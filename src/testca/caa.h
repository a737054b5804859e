/* caa.h: whether CAA records let us issue (RFC 8659 section 4, RFC 8657). */
#ifndef PERDURE_TESTCA_CAA_H
#define PERDURE_TESTCA_CAA_H

#include <stdbool.h>

struct message;
struct strv;

struct caa_question {
	const struct strv *issuers;
	bool wildcard;
	const char *account_url;
	const char *method;
};

enum caa_answer { CAA_NONE, CAA_ALLOWED, CAA_FORBIDDEN };

/* Judges the CAA records of the name in the answer; CAA_NONE when there are none, so that the parent's count. */
enum caa_answer caa_judge(const struct caa_question *q, const struct message *m, const char *name);

#endif
