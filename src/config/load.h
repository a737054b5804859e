/* load.h: what the parts of loading share. Internal to src/config and its tests. */
#ifndef PERDURE_CONFIG_LOAD_H
#define PERDURE_CONFIG_LOAD_H

#include "config/config.h"
#include "config/section.h"

struct buf;

/* Where names files come from: the file system, or memory in fuzzing. */
struct load_source {
	int (*read)(void *ctx, const char *path, struct buf *out, struct err *e);
	void *ctx;
};

/* One configuration being put together. */
struct load {
	struct config *c;
	struct section top; /* the outermost map, merged over all files */
	struct doc **docs;
	size_t n_docs;
	struct config_proxy proxy; /* of CAs that have none of their own */
	size_t cas_cap;
	size_t certs_cap;
	size_t warnings_dropped;
	const struct load_source *source;
	struct load_cert_options *defaults;
};

/* What certificates have in common; the strings are borrowed from the configuration's pool. */
struct load_cert_options {
	struct strv cas;
	const char *key;
	const char *profile;
	const char *preferred_chain;
	bool must_staple;
	bool reuse_key;
	enum config_validation validation;
	int64_t persist_until;
	const struct config_deploy_list *deploy; /* borrowed from the configuration */
	const struct config_delegation *delegation;
	const char *webroot;
};

/* As config_load, for the content of one file and without conf.d. */
int load_text(const char *file, const char *p, size_t n, const struct load_source *source, struct config **ret,
	struct err *e);

/* path, if relative, below the directory of the file that m is in; absolute. Heap string. */
char *load_path(const struct config_mark *m, const char *path);
/* The name of a zone as written: lower case, without its last dot. Heap string. */
char *load_zone_name(const char *s);
/* Keeps a file name for marks. */
const char *load_file_name(struct load *l, const char *path);
/* Adds "FILE:LINE:COLUMN: …" to the warnings; after a hundred they are only counted. */
void load_warn(struct load *l, const struct config_mark *m, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* A copy that lives as long as the configuration; NULL stays NULL. */
const char *load_keep(struct load *l, const char *s);

/* load_ca.c: all of `cas`. */
int load_cas(struct load *l, struct err *e);
/* A name from a `ca:` list: an entry of `cas`, or a preset, which becomes one. */
int load_ca_ref(struct load *l, const struct section_item *item, struct strv *to, struct err *e);

/* load_proxy.c: a proxy and its file of credentials, as an entry of `cas` or `defaults` give them; *to, which holds
 * what counts otherwise, is left as it is when they are not given. */
int load_proxy(struct load *l, const struct section *s, enum schema_id url, enum schema_id auth,
	struct config_proxy *to, struct err *e);

/* load_provider.c: all of `providers`. */
int load_providers(struct load *l, struct err *e);

/* load_deploy.c: all of `deploy_groups`; the actions of one list, *ret NULL for none; their end. */
int load_deploy_groups(struct load *l, struct err *e);
int load_deploy_list(
	struct load *l, const struct section_value *v, const struct config_deploy_list **ret, struct err *e);
void load_deploys_free(struct config *c);

/* load_cert.c: `defaults` and all of `certificates`. */
int load_certs(struct load *l, struct err *e);
/* Makes a certificate of normalised names, which are moved out of `names`; name may be NULL. */
void load_cert_add(struct load *l, const char *name, struct strv *names, const struct load_cert_options *o,
	const struct config_mark *m);
/* Normalises one name and adds it unless it is there; *ret_new (may be NULL) says whether it was not. */
int load_cert_name(struct load *l, struct strv *names, const char *name, const struct config_mark *m, bool *ret_new,
	struct err *e);

/* load_delegation.c: `delegation`. */
int load_delegation(struct load *l, struct err *e);
/* What `delegation` of an entry of certificates makes of the above: borrowed from the configuration. */
int load_cert_delegation(struct load *l, const struct section *s, const struct config_delegation **ret, struct err *e);

/* load_http.c: `http`; and where a certificate's files for http-01 go: NULL for nowhere, borrowed. */
int load_http(struct load *l, struct err *e);
const char *load_cert_webroot(struct load *l, const struct section *s);

/* load_token.c: all of `tokens`; and its release. */
int load_tokens(struct load *l, struct err *e);
void load_tokens_done(struct config *c);

/* load_audit.c: all of `audit`. */
int load_audit(struct load *l, struct err *e);

/* load_obs.c: `events`, `metrics` and all of `notify`; and the release of what they hold. */
int load_obs(struct load *l, struct err *e);
void load_obs_done(struct config *c);

/* names_file.c: the certificates of one names file; m is where its name stood. */
int load_names_file(struct load *l, const char *path, bool wildcard, const struct load_cert_options *o,
	const struct config_mark *m, struct err *e);

#endif
