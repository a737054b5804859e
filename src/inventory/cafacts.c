/* cafacts.c: what must be known of a CA before any order. */
#include "inventory/cafacts.h"

#include <stdlib.h>
#include <string.h>

#include "acme/directory.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "config/config.h"

static int find_issuers(const struct config_ca *conf, const struct acme_directory *dir, struct strv *ret, struct err *e)
{
	if (conf->issuers.n)
		strv_copy(ret, &conf->issuers);
	else if (dir && dir->issuer_domain_names.n)
		strv_copy(ret, &dir->issuer_domain_names);
	else if (conf->preset_issuers.n)
		strv_copy(ret, &conf->preset_issuers);
	else if (dir && dir->caa_identities.n)
		strv_copy(ret, &dir->caa_identities);
	if (ret->n)
		return 0;
	err_set(e, ERR_CONFIG, "the issuer domain name of CA \"%s\" is not known%s", conf->name,
		dir ? ": its directory names none" : "");
	err_hint(e, "\"perdure ca probe %s\" asks the CA; or set issuer: in the CA's entry", conf->name);
	return -1;
}

/* A CA that used to speak another level and now announces hashed URIs is on the move: both forms are wanted then. */
static void find_levels(const struct config_ca *conf, const struct acme_directory *dir, struct cafacts *f)
{
	bool hashed = dir && dir->account_hash_prefix;
	const struct config_preset *preset = config_find_preset(conf->name);
	int before = conf->level != CONFIG_LEVEL_UNSET ? conf->level : preset ? preset->level : CONFIG_LEVEL_UNSET;
	f->n_levels = 0;
	if (before != CONFIG_LEVEL_UNSET && (before != 2 || hashed || conf->level == 2))
		f->levels[f->n_levels++] = before;
	if (hashed && before != 2)
		f->levels[f->n_levels++] = 2;
	if (!f->n_levels)
		f->levels[f->n_levels++] = 1;
}

static enum perdure_dialect find_dialect(const struct config_ca *conf)
{
	static const char lets_encrypt[] = ".letsencrypt.org/";
	return conf->directory && strstr(conf->directory, lets_encrypt) ? PERDURE_DIALECT_BOULDER
									: PERDURE_DIALECT_DRAFT;
}

int cafacts_make(const struct config_ca *conf, const struct acme_directory *dir, struct cafacts *ret, struct err *e)
{
	struct cafacts f = {0};
	if (find_issuers(conf, dir, &f.issuers, e)) {
		cafacts_done(&f);
		return -1;
	}
	strv_copy(&f.caa, dir && dir->caa_identities.n ? &dir->caa_identities : &f.issuers);
	f.dialect = find_dialect(conf);
	find_levels(conf, dir, &f);
	for (int i = 0; i < f.n_levels; i++) {
		if (f.levels[i] != 2)
			continue;
		if (!dir || !dir->account_hash_prefix) {
			cafacts_done(&f);
			err_set(e, ERR_CONFIG, "CA \"%s\" is configured with level 02, %s", conf->name,
				dir ? "but its directory has no usable accountHashPrefix"
				    : "whose records need the accountHashPrefix of its directory, which could not be "
				      "fetched");
			err_hint(e, "\"perdure ca probe %s\" shows what the CA offers now", conf->name);
			return -1;
		}
		f.prefix = xstrdup(dir->account_hash_prefix);
	}
	*ret = f;
	return 0;
}

void cafacts_done(struct cafacts *f)
{
	strv_done(&f->issuers);
	strv_done(&f->caa);
	free(f->prefix);
	*f = (struct cafacts){0};
}
