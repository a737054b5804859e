/*
 * migrate.h: what another ACME client keeps: accounts, certificates with their keys, hooks and settings, in one form
 * for all clients. Reading changes nothing and runs nothing: configuration that is a shell script is read as
 * assignments, and what would need a shell is reported.
 */
#ifndef PERDURE_MIGRATE_MIGRATE_H
#define PERDURE_MIGRATE_MIGRATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/secret.h"
#include "base/strv.h"

struct err;
struct key;
struct x509_chain;

enum migrate_client { MIGRATE_CERTBOT, MIGRATE_ACMESH, MIGRATE_LEGO, MIGRATE_DEHYDRATED, MIGRATE_CLIENT_N_ };

/* An account at a CA. All strings are owned and never NULL but `problem`. */
struct migrate_account {
	char *id; /* the client's name for it */
	char *directory; /* URL of the CA's directory; "" where the client does not keep it */
	char *server; /* then the CA's host as the client writes it ("localhost_14000"); "" */
	char *url; /* of the account; "" when the client does not keep it */
	struct strv contact; /* "mailto:…" */
	char *key_file;
	struct key *key; /* NULL when it cannot be used */
	char *problem; /* why not; NULL */
};

/* A command that the client runs. */
struct migrate_hook {
	char *when; /* "before", "deploy" (after a certificate was issued), "after", "auth", "cleanup", "all" */
	char *command; /* as the client has it: for a shell */
	char *where; /* the file that names it, or is it */
};

/* A copy that the client makes for services. */
struct migrate_copy {
	const char *what; /* the file in live/NAME that holds the same: "privkey.pem", … */
	char *path;
};

/* A name that services may read through, to be replaced by a link to ours. */
struct migrate_place {
	char *path;
	const char *file; /* of live/NAME: "privkey.pem", …; "" for the folder itself */
};

/* A certificate. */
struct migrate_lineage {
	char *id; /* the client's name for it */
	char *base; /* the name it should have, when that is free */
	char *directory; /* of its CA; "" where the client does not keep it */
	char *server; /* then as for an account; "" */
	char *account; /* id of its account; "" when that is not said */
	struct strv names; /* normalised; those that the client would renew it for */
	struct secret key_pem; /* with `chain` a verified pair; empty when there is none */
	struct x509_chain *chain; /* leaf first; NULL */
	char *problem; /* why there is no pair; NULL */
	const char *key_type; /* "ec256", … of the next key; NULL when not known */
	bool must_staple;
	bool reuse_key;
	char *preferred_chain; /* "" */
	char *profile; /* "" */
	char *method; /* how it is validated today, in the client's words */
	struct migrate_hook *hooks;
	size_t n_hooks;
	struct migrate_copy *copies;
	size_t n_copies;
	struct migrate_place *places;
	size_t n_places;
	bool switched; /* its places are ours already */
	struct strv notes; /* what else should be known */
};

struct migrate_found {
	enum migrate_client client;
	char *path; /* absolute */
	struct migrate_account *accounts;
	size_t n_accounts;
	struct migrate_lineage *lineages;
	size_t n_lineages;
	struct migrate_hook *hooks; /* for all certificates */
	size_t n_hooks;
	struct strv notes; /* what could not be read or understood: "FILE:LINE: …" */
};

/* "certbot", "acme.sh", "lego", "dehydrated". */
const char *migrate_client_name(enum migrate_client c);
/* Where the client keeps things when nobody says otherwise: the first of its usual places that exists, else the first.
 * Heap string. */
char *migrate_default_path(enum migrate_client c);
/* How the client is kept from renewing: sentences. */
void migrate_how_to_stop(enum migrate_client c, struct strv *ret);
/* Files of cron and systemd on this host that name the client: what may still start it. */
void migrate_timers(enum migrate_client c, struct strv *ret);

/* Reads the client's folder. What is broken in it is in the notes and problems; ERR_USAGE when path is no such folder,
 * ERR_SYS when it cannot be read. */
int migrate_read(enum migrate_client c, const char *path, struct migrate_found *ret, struct err *e);
void migrate_found_done(struct migrate_found *f);

#endif
