/*
 * deploywork.h: one deploy action at work: what each kind of action (deploy_….c) implements, and what they share.
 * Internal to the deploy files.
 */
#ifndef PERDURE_FLEET_DEPLOYWORK_H
#define PERDURE_FLEET_DEPLOYWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"
#include "config/config.h"
#include "state/certfiles.h"

struct clk;
struct deploy_work;
struct loop;
struct loop_timer;
struct site;
struct store;
struct x509_info;

/* A certificate to be deployed. */
struct deploy_subject {
	const struct config_cert *cert;
	char *live_dir; /* live/<name>, absolute */
	struct certfiles_texts files;
	struct x509_chain *chain;
	const struct x509_info *info;
	char *ca; /* that issued it; "" when that is not known */
};
/* Reads the live generation. ERR_STORE, ERR_SYS, ERR_PROTO. */
int deploy_subject_read(const struct config *c, const struct config_cert *cert, const char *ca,
	struct deploy_subject *ret, struct err *e);
void deploy_subject_done(struct deploy_subject *s);

struct deploy_kind {
	/* Begins; deploy_finish() comes later, never from inside. -1: it failed at once. */
	int (*start)(struct deploy_work *w, struct err *e);
	/* Ends what runs and releases w->own, after the end as well as before. */
	void (*release)(struct deploy_work *w);
};
/* Of deploy.h. */
struct deploy_ops {
	/* deploy_subject_read(). */
	int (*read)(const struct config *c, const struct config_cert *cert, const char *ca, struct deploy_subject *ret,
		struct err *e);
	const struct deploy_kind *const *kinds; /* by enum config_deploy_kind */
};
extern const struct deploy_kind deploy_kind_run; /* command, shell, systemd */
extern const struct deploy_kind deploy_kind_copy;
extern const struct deploy_kind deploy_kind_pem;
extern const struct deploy_kind deploy_kind_pkcs12;
extern const struct deploy_kind deploy_kind_kubernetes;
extern const struct deploy_kind deploy_kind_certbot;
extern const struct deploy_kind deploy_kind_lego;
extern const struct deploy_kind deploy_kind_probe; /* also after an action */

struct deploy_work {
	struct loop *loop;
	const struct clk *clk;
	const struct config *config;
	const struct config_deploy *action;
	const struct deploy_subject *subject; /* NULL for a shared action */
	const struct strv *certs; /* of a shared action: names of the lineages it is done for; else NULL */
	const struct deploy_kind *kind;
	void *own;
	struct loop_timer *turn; /* started at the end */
	bool ended;
	/* what it came to */
	bool changed;
	int64_t status;
	struct buf output;
	struct err e;
};
enum { DEPLOY_OUTPUT_MAX = 16 << 10 };
/* Begins it; turn is started when it has ended. All is borrowed until deploy_work_free(); NULL is fine there. */
struct deploy_work *deploy_work_start(struct site *s, struct loop_timer *turn, const struct config_deploy *action,
	const struct deploy_kind *kind, const struct deploy_subject *subject, const struct strv *certs);
void deploy_work_free(struct deploy_work *w);
/* The end: w->e says whether it failed. */
void deploy_finish(struct deploy_work *w);

/* For each certificate of the configuration: whether it is live and has an action that is not done, or with all any
 * action. ERR_STORE. */
int deploy_find_open(struct store *st, const struct config *c, bool all, bool *ret, struct err *e);
/* Takes actions out of the state that are not in the certificate's list any more. ERR_STORE. */
int deploy_forget_others(struct store *st, const struct config_cert *cert, struct err *e);
/* "{name}" replaced; heap string, NULL for NULL. */
char *deploy_expand(const char *text, const char *name);

/* --- programs (deploy_program.c) --- */

struct deploy_run;
/*
 * Runs a program for the action: argv's first is a path or is searched for in PATH; its environment is PATH, what `env`
 * of the action names, PERDURE_… and extra. Its output goes to w->output, its exit status to w->status. done is told an
 * error (clean for status 0), never from inside. ERR_CONFIG, ERR_SYS when it cannot be started.
 */
typedef void (*deploy_ran_fn)(const struct err *e, void *ctx);
int deploy_run_start(struct deploy_work *w, const struct strv *argv, const struct strv *extra, deploy_ran_fn done,
	void *ctx, struct deploy_run **ret, struct err *e);
/* Kills it. NULL is fine. */
void deploy_run_cancel(struct deploy_run *r);
/* The program is all of the work. */
int deploy_run_only(struct deploy_work *w, const struct strv *argv, const struct strv *extra, struct err *e);
void deploy_run_only_release(struct deploy_work *w);
/* "/bin/sh", "-c", line. */
void deploy_shell_argv(const char *line, struct strv *ret);
/* The names, with sep between, as far as they fit into an environment variable; heap string. */
char *deploy_join(const struct strv *names, const char *sep);

/* --- files (deploy_file.c) --- */

struct deploy_file {
	char *path;
	struct secret text;
	mode_t mode;
	uid_t uid; /* (uid_t)-1 to leave it */
	gid_t gid;
};
struct deploy_files {
	struct deploy_file *v;
	size_t n;
	char *make_dir; /* made first when missing; NULL for none */
};
/* Finds owner and group of the action. ERR_CONFIG. */
int deploy_owner(const struct config_deploy *d, uid_t *ret_uid, gid_t *ret_gid, struct err *e);
void deploy_files_add(struct deploy_files *f, char *path, struct secret text, mode_t mode);
void deploy_files_done(struct deploy_files *f);
/*
 * Puts all files (taken) in place, on a worker thread, then ends the work: unchanged when all were as they should be.
 * Each is written beside its place, with owner and rights, and synced; then they are renamed one after the other.
 */
int deploy_files_start(struct deploy_work *w, struct deploy_files *f, struct err *e);
/* For `release`. */
void deploy_files_release(struct deploy_work *w);
/* ERR_CONFIG when the certificate has no key here. */
int deploy_need_key(const struct deploy_work *w, struct err *e);

#endif
