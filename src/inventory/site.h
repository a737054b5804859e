/*
 * site.h: one installation of perdure, opened: configuration, state, lock, event loop, DNS, and per CA the account and
 * the session.
 */
#ifndef PERDURE_INVENTORY_SITE_H
#define PERDURE_INVENTORY_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/fs.h"
#include "config/config.h"
#include "state/store.h"

struct acme_directory;
struct acme_session;
struct dns;
struct dns_https;
struct err;
struct http;
struct installer;
struct key;
struct loop;
struct telling;

struct site_ca {
	const struct config_ca *conf;
	/* The account as far as it is known: from the state, or from the configuration's public data. url is "" before
	 * registration. */
	struct store_account account;
	struct key *key; /* NULL until site_account_key() */
	struct http *http; /* NULL until site_session() */
	struct acme_session *session; /* NULL until site_session() */
};

struct site {
	struct config *config;
	struct loop *loop;
	struct store *store; /* NULL with SITE_STATE_NONE, and with SITE_STATE_READ when there is none yet */
	struct installer *installer; /* with SITE_STATE_WRITE, else NULL */
	struct fs_lock lock;
	struct dns *dns; /* NULL until site_dns() */
	struct dns_https *doh; /* NULL until site_doh() */
	struct site_ca *cas; /* one for each of config->cas, in the same order */
	const struct clk *clk;
	int64_t patience_ms;
	struct telling *telling; /* of tell.h; NULL until it is needed */
	bool probed; /* at probed_ms (monotonic) the state directory could take a certificate */
	int64_t probed_ms;
	bool told_blind; /* that records are not looked at */
};

enum site_state {
	SITE_STATE_NONE, /* no state is opened */
	SITE_STATE_READ, /* read, if it exists; nothing is made or locked */
	SITE_STATE_WRITE, /* made if missing; this process is the only one that changes it */
};

struct site_options {
	const char *config_path; /* NULL for the default path */
	enum site_state state;
	int64_t lock_wait_ms; /* how long to wait for another perdure */
	int64_t patience_ms; /* how long a CA that is down is asked again; 0 for the usual */
};

/* Opens what the options name. ERR_CONFIG, ERR_SYS, ERR_STORE, ERR_BUSY. The site needs site_close(). */
int site_open(const struct site_options *o, struct site *ret, struct err *e);
/* Opens for writing, as SITE_STATE_WRITE, what was opened with less, when it is clear that there is something to write.
 * The accounts are read anew. Errors as of site_open(). */
int site_write(struct site *s, int64_t lock_wait_ms, struct err *e);
void site_close(struct site *s);

/* Path of the socket at which a daemon answers (daemon/control.h), heap string. */
char *site_control_path(const char *state_dir);

/* The CA of that name among those configured; ERR_USAGE with the list of names when there is none. */
int site_find_ca(struct site *s, const char *name, struct site_ca **ret, struct err *e);

/* Opens the DNS as the configuration says. */
int site_dns(struct site *s, struct err *e);
/* Opens the HTTPS client for resolvers that are asked by DNS over HTTPS. */
int site_doh(struct site *s, struct err *e);

/*
 * Whether a certificate could be kept (certfiles_probe()): asked before orders are made, but an answer holds for a
 * second.
 */
int site_probe(struct site *s, struct err *e);

/* Path of the CA's account key file, heap string. */
char *site_account_key_path(const struct site *s, const struct site_ca *ca);
/* Loads the account key. ERR_CONFIG with the command to run when there is none here. */
int site_account_key(struct site *s, struct site_ca *ca, struct err *e);
/* Makes and stores a new account key (0600) unless there is one; then as site_account_key(). */
int site_account_key_make(struct site *s, struct site_ca *ca, struct err *e);
/* Loads the account key unless there is none here, which is no error: ca->key stays NULL. */
int site_account_key_if_any(struct site *s, struct site_ca *ca, struct err *e);

/* Puts the key's thumbprint first among the account's: it is the current one. */
int site_account_note_key(struct site_ca *ca, const struct key *k, struct err *e);

/* Ends the session with the CA, if there is one. */
void site_session_end(struct site_ca *ca);
/* Opens a session with the CA. The account is set when key and URL are here. */
int site_session(struct site *s, struct site_ca *ca, struct err *e);
/* Whether there is an account that is registered and valid, with its key loaded: ERR_CONFIG with what to do otherwise.
 */
int site_account_ready(struct site *s, struct site_ca *ca, struct err *e);
/* site_account_ready(), then a session that signs for the account; a change of its key that was begun is ended first
 * (rollover_settle()). */
int site_account_session(struct site *s, struct site_ca *ca, struct err *e);
/* Fetches the CA's directory, running the loop until it is here. Borrowed from the session. */
int site_directory(struct site *s, struct site_ca *ca, const struct acme_directory **ret, struct err *e);

#endif
