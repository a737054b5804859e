/*
 * issue.h: one certificate from the wish to live/<name>: key, order, record check, download, files. Every step is in
 * the state before the next begins; a job for a certificate with an order in work goes on with that order and its key.
 */
#ifndef PERDURE_FLEET_ISSUE_H
#define PERDURE_FLEET_ISSUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"

struct config_cert;
struct presenter;
struct site;
struct site_ca;

enum issue_result {
	ISSUE_ISSUED, /* the first certificate of the lineage */
	ISSUE_RENEWED, /* a successor of a live one */
	ISSUE_HELD, /* the validation record is absent or would be refused; the order is kept */
	ISSUE_PARKED, /* try later: rate limit, CA or network down; the order is kept */
	ISSUE_FAILED,
	ISSUE_RESULT_N_
};
const char *issue_result_name(enum issue_result r);

struct issue_report {
	const char *name; /* of the lineage */
	const struct strv *names;
	const char *ca;
	enum issue_result result;
	const struct err *e; /* why, when nothing was issued; else clean */
	bool placed; /* the CA had taken the order */
	bool resumed; /* an order of an earlier run was gone on with */
	int64_t ms; /* from start to end, without the wait between ready and issue_go() */
	unsigned requests; /* ACME requests of the order */
	unsigned repeats; /* of those: polls after the first of an object, and repeats for a bad nonce */
	int64_t not_after; /* UNIX seconds, when issued */
	int64_t generation;
	int64_t next_at; /* UNIX seconds of the next try, when nothing was issued */
	int64_t look_at; /* UNIX seconds: when the schedule wants to look at it again, when issued */
	const char
		*validation; /* how its names were proved in this run (prove_how()); "" when they were not, or NULL */
};

struct issue_job;
struct issue_hooks {
	void (*step)(const char *cert, const char *what, void *ctx); /* may be NULL */
	/* The key is in the state and the CA comes next: issue_go() goes on, now or later; the job may also be released
	 * here. NULL: it goes on by itself. Not called for a job that needs the CA no more. */
	void (*ready)(struct issue_job *j, void *ctx);
	/* The order waits for the DNS and not for the CA: presenter_flush() when nobody else will come. ready comes
	 * again afterwards, unless that fails. May be NULL: then it is written after a few seconds. */
	void (*waiting)(struct issue_job *j, void *ctx);
	/* The certificate is here, the CA has done its part; files and state follow. May be NULL. */
	void (*served)(struct issue_job *j, void *ctx);
	/* The end, once; never from inside issue_start(). The report is borrowed. The job must then be released. */
	void (*done)(struct issue_job *j, const struct issue_report *r, void *ctx);
};

struct issue_request {
	struct site *site; /* state open for writing, DNS open */
	struct site_ca *ca; /* its session has the account */
	const struct config_cert *cert; /* borrowed until the end */
	struct presenter *presenter; /* writes for dns-01; NULL: nothing can be written. Must outlive the job */
	bool force_record; /* go on although the record would be refused */
	const void *csr_der; /* a foreign request; NULL to make key and CSR here. Copied */
	size_t csr_n;
	const char *csr_spki_sha256; /* of the foreign request's key */
};
struct issue_job *issue_start(const struct issue_request *r, const struct issue_hooks *hooks, void *ctx);
/* Goes on with a job that has said it is ready. */
void issue_go(struct issue_job *j);
/* Releases it; one that is still running is stopped where it is: its order is in the state and can be gone on with. */
void issue_free(struct issue_job *j);

#endif
