/* pick.c: what most verbs begin with. */
#include "cli/pick.h"

#include <errno.h>
#include <string.h>

#include "acme/directory.h"
#include "base/err.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "config/name.h"
#include "inventory/cafacts.h"
#include "inventory/desired.h"
#include "inventory/wishes.h"

int pick_site(const struct cli *c, enum site_state state, struct site *ret, struct err *e)
{
	struct site_options o = {
		.config_path = c->config,
		.state = state,
		.lock_wait_ms = PICK_LOCK_WAIT_MS,
		/* Somebody who only wants to look does not want to wait. */
		.patience_ms = state == SITE_STATE_WRITE ? 0 : 4000,
	};
	if (site_open(&o, ret, e)) {
		if (e->code == ENOENT && !c->config)
			err_hint(
				e, "\"perdure init\" writes a configuration to begin with; --config names another one");
		return -1;
	}
	for (size_t i = 0; i < ret->config->warnings.n; i++)
		log_warn("%s", ret->config->warnings.v[i]);
	return 0;
}

int pick_writing(struct site *s, struct err *e)
{
	return site_write(s, PICK_LOCK_WAIT_MS, e);
}

int pick_one_ca(const struct cli *c, struct site *s, struct site_ca **ret, struct err *e)
{
	const char *name = cli_value(c, "ca");
	if (name)
		return site_find_ca(s, name, ret, e);
	if (s->config->n_cas == 1) {
		*ret = &s->cas[0];
		return 0;
	}
	err_set(e, ERR_USAGE, "%zu CAs are configured in %s: which one is meant?", s->config->n_cas, s->config->path);
	err_hint(e, s->config->n_cas ? "give --ca NAME" : "add one under cas:");
	return -1;
}

int pick_cafacts(struct site *s, struct site_ca *ca, bool offline, struct cafacts *ret, struct err *e)
{
	const struct acme_directory *dir = NULL;
	struct err unreachable = {0};
	if (!offline && site_directory(s, ca, &dir, &unreachable))
		log_warn("%s; going by the configuration alone", unreachable.msg);
	err_done(&unreachable);
	return cafacts_make(ca->conf, dir, ret, e);
}

/*
 * Whether any certificate goes by validation records there. Where none is configured yet the CA is asked all the same,
 * as is one that no certificate names any more: its account tells which records are ours. One that no certificate names
 * yet need not have an account.
 */
static bool needs_records(const struct site *s, const struct site_ca *ca, bool named)
{
	bool any = false;
	for (size_t i = 0; i < s->config->n_certs; i++) {
		const struct config_cert *cert = &s->config->certs[i];
		bool here = strv_has(&cert->cas, ca->conf->name);
		if (here && wishes_need_record(cert))
			return true;
		any |= here;
	}
	return !any && (named || !s->config->n_certs || ca->account.url[0]);
}

int pick_desired(const struct cli *c, struct site *s, const struct strv *names, struct desired *d, pick_ca_fn each,
	void *ctx, struct err *e)
{
	struct site_ca *only = NULL;
	if (cli_value(c, "ca") && pick_one_ca(c, s, &only, e))
		return -1;
	if (!s->config->n_cas || !s->cas)
		return err_set(e, ERR_CONFIG, "no CA is configured in %s", s->config->path);
	for (size_t i = 0; i < s->config->n_cas; i++) {
		struct site_ca *ca = &s->cas[i];
		struct cafacts f;
		if ((only && only != ca) || (!names->n && !needs_records(s, ca, only)))
			continue;
		if (pick_cafacts(s, ca, cli_flag(c, "offline"), &f, e))
			return -1;
		int r = desired_add(d, s->config, ca, &f, names->n ? names : NULL, e);
		if (!r && each)
			r = each(ca, &f, ctx, e);
		cafacts_done(&f);
		if (r)
			return -1;
	}
	return 0;
}

int pick_names(const struct strv *args, struct strv *ret, struct err *e)
{
	for (size_t i = 0; i < args->n; i++) {
		char *name;
		enum name_suffix suffix;
		if (name_for_certificate(args->v[i], &name, &suffix, e)) {
			e->kind = ERR_USAGE;
			return -1;
		}
		if (suffix == NAME_SUFFIX_PRIVATE && name[0] == '*')
			log_warn("%s covers a suffix below which others may have domains", name);
		if (strv_has(ret, name))
			xfreep(&name);
		else
			strv_add_take(ret, name);
	}
	return 0;
}

int pick_lineages(const struct site *s, const struct strv *args, struct strv *ret, struct err *e)
{
	for (size_t i = 0; i < args->n; i++) {
		const char *arg = args->v[i];
		AUTO(xfreep) char *name = NULL;
		if (!config_find_cert(s->config, arg)) {
			struct err ignored = {0};
			if (name_normalize(arg, &name, &ignored))
				err_done(&ignored);
			arg = name ? (strncmp(name, "*.", 2) ? name : name + 2) : arg;
		}
		if (!config_find_cert(s->config, arg)) {
			err_set(e, ERR_USAGE, "there is no certificate \"%s\" in %s", args->v[i], s->config->path);
			err_hint(e, "\"perdure status\" lists them");
			return -1;
		}
		if (!strv_has(ret, arg))
			strv_add(ret, arg);
	}
	return 0;
}

void pick_json_account(struct json_out *w, const struct store_account *a)
{
	json_out_str(w, "ca", a->ca);
	json_out_str(w, "directory", a->directory);
	json_out_str(w, "url", a->url[0] ? a->url : NULL);
	json_out_str(w, "status", a->status[0] ? a->status : NULL);
	json_out_strv(w, "thumbprints", &a->thumbprints);
	json_out_strv(w, "contact", &a->contact);
	out_json_time(w, "created", a->created);
}
