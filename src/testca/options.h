/* options.h: what the command line says. */
#ifndef PERDURE_TESTCA_OPTIONS_H
#define PERDURE_TESTCA_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strv.h"
#include "crypto/key.h"
#include "perdure/persist.h"

struct err;

struct profile {
	char *name;
	int64_t lifetime_s;
};

/* A key for external account binding. */
struct eab_key {
	char *kid;
	uint8_t key[128];
	size_t n;
};

struct options {
	char *listen; /* address */
	uint16_t port;
	char *name; /* the host in URLs */
	char *dir;
	enum perdure_level level;
	enum perdure_dialect dialect;
	struct strv issuers;
	struct strv blocked; /* names refused in newOrder, with all below them */
	struct strv hash_algs; /* level 02 */
	struct profile *profiles;
	size_t n_profiles;
	struct eab_key *eab;
	size_t n_eab;
	enum key_type key;
	char *dns; /* "ADDRESS@PORT"; NULL for none */
	char *faults; /* a file */
	struct strv fault; /* given one by one */
	char *log; /* a file */
	char *control; /* path of the socket */
	int64_t lifetime_s;
	int64_t authz_delay_ms;
	int64_t order_delay_ms;
	int64_t authz_lifetime_s;
	int64_t order_lifetime_s;
	int64_t alternates;
	int64_t retry_after_s; /* -1 for none */
	int64_t seed;
	bool dns01;
	bool persist;
	bool tos;
	bool public;
	bool always_valid;
	bool caa;
	bool jit;
	/* Instead of serving: */
	bool help;
	bool version;
	bool list_faults;
	char *send; /* one line for the control socket */
};

/* Fills o from the command line; options_done() in every case. ERR_USAGE, ERR_CONFIG, ERR_SYS. */
int options_parse(struct options *o, int argc, char **argv, struct err *e);
void options_done(struct options *o);
void options_help(void);

#endif
