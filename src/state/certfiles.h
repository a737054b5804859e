/*
 * certfiles.h: certificates and keys as files: archive/<name>/<n>/{privkey,cert,chain,fullchain,combined}.pem, and the
 * symbolic link live/<name> → the generation in use. Key and chain change together, by one rename of that link; between
 * any two file operations it names a matching pair. Directories are 0700, privkey.pem and combined.pem 0600.
 *
 * That key and chain match is the caller's check (x509_chain_check). A lineage name holds no "/" and does not begin
 * with a full stop: ERR_POLICY. Writers of one lineage wait for each other, across processes, too. A reader who wants
 * the pair opens live/<name> once and reads both files through that, or reads combined.pem.
 */
#ifndef PERDURE_STATE_CERTFILES_H
#define PERDURE_STATE_CERTFILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

struct err;
struct strv;

struct certfiles_set {
	const char *name; /* of the lineage */
	int64_t generation;
	const struct secret *key_pem; /* NULL or empty for a foreign CSR: then no privkey.pem and combined.pem */
	const char *cert_pem;
	const char *chain_pem; /* "" when the leaf was issued by a root: fullchain_pem is cert_pem then */
	const char *fullchain_pem;
};

/*
 * Writes archive/<name>/<generation>/ completely (in a directory of a temporary name that is renamed when all is
 * synced), then switches live/<name>. Doing it again with the same set is harmless: what is complete is kept, what is
 * not in use and differs is replaced. Blocking: belongs on a worker thread. ERR_SYS (a system call), ERR_STORE (that
 * generation is in use with another content, or a later one is), ERR_POLICY (the name, a part is missing): live/<name>
 * is as before. (Only when the very last sync fails it is the new pair already, and doing it again repeats the sync.)
 */
int certfiles_install(const char *state_dir, const struct certfiles_set *set, struct err *e);
/*
 * The same for several sets of different lineages, which share the waits for the disk: all are written, one syncfs(2)
 * has them last; all get their names, and another one has those last; then each is switched. What stands in the way of
 * one of them (another writer, something in its place, an error) leaves it to be done alone, after the others, as
 * above.
 */
struct certfiles_one {
	struct certfiles_set set;
	struct err *e; /* what certfiles_install() says; clean when it is in place */
};
void certfiles_install_many(const char *state_dir, struct certfiles_one *v, size_t n);
/* Whether syncfs(2) keeps its promise on the file system of state_dir. */
bool certfiles_syncs_at_once(const char *state_dir);
/* The number after the highest in archive/<name>/ (1 for a new lineage). */
int certfiles_next_generation(const char *state_dir, const char *name, int64_t *ret, struct err *e);
/* The generation that live/<name> names; 0 when there is none. */
int certfiles_live_generation(const char *state_dir, const char *name, int64_t *ret, struct err *e);
/* Removes generations older than the `keep` newest before the live one, and left-over temporary directories. The live
 * one is never touched. */
int certfiles_prune(const char *state_dir, const char *name, int64_t keep, struct err *e);
/* Removes live/<name>, then archive/<name>. */
int certfiles_delete(const char *state_dir, const char *name, struct err *e);
/* Reads live/<name>/privkey.pem. *ret_found is false when there is none. */
int certfiles_read_key(const char *state_dir, const char *name, struct secret *ret, bool *ret_found, struct err *e);
/* The files of a generation as texts. */
struct certfiles_texts {
	int64_t generation;
	struct secret key_pem; /* empty for a certificate of a foreign CSR, as combined_pem */
	struct secret combined_pem;
	char *cert_pem;
	char *chain_pem;
	char *fullchain_pem;
};
void certfiles_texts_done(struct certfiles_texts *t);
/* Reads the generation that live/<name> names; whoever may remove generations must not run meanwhile. ERR_STORE when
 * there is none, ERR_SYS. */
int certfiles_read_live(const char *state_dir, const char *name, struct certfiles_texts *ret, struct err *e);
/* Names of all lineages in live/. */
int certfiles_list(const char *state_dir, struct strv *ret, struct err *e);
/* Paths of the cert.pem of every generation in archive/, also of lineages that are not in live/. */
int certfiles_certs(const char *state_dir, struct strv *ret, struct err *e);
/*
 * Whether the file system of state_dir has room for a generation and the directory can be written: asked before an
 * order is made. ERR_SYS, with what to do.
 */
int certfiles_probe(const char *state_dir, struct err *e);

#endif
