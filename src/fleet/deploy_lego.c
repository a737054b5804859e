/* deploy_lego.c: a hook as lego runs it: with the variables of its version 4 (LEGO_…) and of its version 5
 * (LEGO_HOOK_…).
 */
#include <ctype.h>
#include <string.h>

#include "base/xalloc.h"
#include "fleet/deploywork.h"

static void put(struct strv *env, const char *name, const char *value)
{
	strv_add_take(env, xasprintf("%s=%s", name, value));
}

/* The same under the names of both versions. */
static void put_file(struct strv *env, const char *name, const struct deploy_subject *s, const char *file)
{
	strv_add_take(env, xasprintf("LEGO_%s=%s/%s", name, s->live_dir, file));
	strv_add_take(env, xasprintf("LEGO_HOOK_%s=%s/%s", name, s->live_dir, file));
}

static const char *email_of(const struct config_ca *ca)
{
	static const char scheme[] = "mailto:";
	const char *first = ca && ca->contact.n ? ca->contact.v[0] : "";
	return !strncmp(first, scheme, strlen(scheme)) ? first + strlen(scheme) : first;
}

static void put_account(const struct deploy_work *w, struct strv *env)
{
	const struct config_ca *ca = config_find_ca(w->config, w->subject->ca);
	put(env, "LEGO_ACCOUNT_EMAIL", email_of(ca));
	put(env, "LEGO_HOOK_ACCOUNT_EMAIL", email_of(ca));
	put(env, "LEGO_HOOK_ACCOUNT_ID", email_of(ca));
	put(env, "LEGO_HOOK_ACCOUNT_SERVER", ca ? ca->directory : "");
}

static void make_env(const struct deploy_work *w, struct strv *env)
{
	const struct deploy_subject *s = w->subject;
	AUTO(xfreep) char *domains = deploy_join(&s->cert->names, ",");
	AUTO(xfreep) char *key = xstrdup(s->cert->key);
	for (char *p = key; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	put_account(w, env);
	put(env, "LEGO_CERT_DOMAIN", s->cert->names.v[0]);
	put(env, "LEGO_HOOK_CERT_NAME", s->cert->name);
	put(env, "LEGO_HOOK_CERT_NAME_SANITIZED", s->cert->name);
	put(env, "LEGO_HOOK_CERT_KEY_TYPE", key);
	put(env, "LEGO_HOOK_CERT_DOMAINS", domains);
	put_file(env, "CERT_PATH", s, "fullchain.pem");
	put_file(env, "ISSUER_CERT_PATH", s, "chain.pem");
	if (!s->files.key_pem.n)
		return;
	put_file(env, "CERT_KEY_PATH", s, "privkey.pem");
	put_file(env, "CERT_PEM_PATH", s, "combined.pem");
}

static int start(struct deploy_work *w, struct err *e)
{
	AUTO(strv_done) struct strv env = {0};
	make_env(w, &env);
	return deploy_run_only(w, &w->action->argv, &env, e);
}

const struct deploy_kind deploy_kind_lego = {.start = start, .release = deploy_run_only_release};
