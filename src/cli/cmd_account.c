/* cmd_account.c: perdure account register, show, list, deactivate. */
#include <stdlib.h>
#include <string.h>

#include "acme/account.h"
#include "acme/problem.h"
#include "acme/session.h"
#include "base/buf.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/pick.h"
#include "cli/verbs.h"
#include "crypto/key.h"
#include "inventory/rollover.h"
#include "inventory/site.h"
#include "inventory/tell.h"
#include "loop/loop.h"

/* ---- an account request run to its end ---- */

struct wait {
	struct loop *loop;
	struct store_account *into;
	bool created;
	bool failed;
	struct err *e;
};

static void answered(const struct acme_account *a, const struct err *e, void *ctx)
{
	struct wait *w = ctx;
	loop_stop(w->loop);
	if (!a) {
		w->failed = true;
		err_copy(w->e, e);
		return;
	}
	w->created = a->created;
	free(w->into->url);
	free(w->into->status);
	w->into->url = xstrdup(a->url);
	w->into->status = xstrdup(a->status);
	if (a->contact.n)
		strv_copy(&w->into->contact, &a->contact);
}

static int wait_for(struct wait *w)
{
	return loop_run(w->loop, w->e) || w->failed ? -1 : 0;
}

/* ---- register ---- */

static int read_eab(const struct config_ca *conf, struct buf *hmac, struct err *e)
{
	AUTO(secret_done) struct secret text = {0};
	if (fs_read_secret(conf->eab_hmac_key_file, &text, e))
		return -1;
	size_t n = text.n;
	while (n && (text.p[n - 1] == '=' || text.p[n - 1] == '\n' || text.p[n - 1] == ' '))
		n--;
	if (codec_b64url_decode(hmac, (const char *)text.p, n, e)) {
		err_ctx(e, "%s", conf->eab_hmac_key_file);
		err_hint(e, "the file holds the HMAC key as the CA printed it: base64url on one line");
		return -1;
	}
	return 0;
}

static void print_registered(const struct cli *c, const struct site_ca *ca, bool created)
{
	if (c->json) {
		struct out_json j;
		out_json_begin(&j);
		pick_json_account(&j.w, &ca->account);
		json_out_bool(&j.w, "new", created);
		out_json_end(&j);
		return;
	}
	out_text("%s account at CA \"%s\": %s\n", created ? "new" : "existing", ca->conf->name, ca->account.url);
	if (created && !c->quiet)
		out_text("Whoever has the account key can get certificates for every domain with a record: keep a "
			 "sealed copy with\n"
			 "  perdure account export --ca %s --out FILE\n"
			 "Next: publish the records that \"perdure record show\" prints, then run \"perdure renew\".\n",
			ca->conf->name);
}

/* The key was made before the CA could say what it takes; nothing depends on it yet. */
static void hint_other_key(const struct site *s, const struct site_ca *ca, struct err *e)
{
	AUTO(xfreep) char *path = site_account_key_path(s, ca);
	if (!acme_problem_is(e, "badSignatureAlgorithm") && !acme_problem_is(e, "badPublicKey"))
		return;
	e->hint[0] = '\0';
	err_hint(e,
		"the CA does not take %s account keys: set account_key: ec256 for it, remove %s and register "
		"again",
		ca->conf->account_key, path);
}

static void collect_contact(const struct cli *c, const struct config_ca *conf, struct strv *ret)
{
	strv_copy(ret, cli_values(c, "contact")->n ? cli_values(c, "contact") : &conf->contact);
	for (size_t i = 0; i < ret->n; i++)
		if (strncmp(ret->v[i], "mailto:", 7) != 0) {
			char *with = xasprintf("mailto:%s", ret->v[i]);
			free(ret->v[i]);
			ret->v[i] = with;
		}
}

/* newAccount finds an account, but does not change it (RFC 8555 section 7.3.1): other contacts are told apart from it.
 */
static int update_contact(struct site *s, struct site_ca *ca, const struct strv *contact, struct err *e)
{
	if (!contact->n || strv_same_set(contact, &ca->account.contact))
		return 0;
	struct wait w = {.loop = s->loop, .into = &ca->account, .e = e};
	acme_account_update(ca->session, contact, answered, &w);
	return wait_for(&w) ? err_ctx(e, "change the contact of the account at CA \"%s\"", ca->conf->name) : 0;
}

static int run_register(struct cli *c, struct err *e)
{
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	struct site_ca *ca;
	if (pick_site(c, SITE_STATE_READ, &s, e) || pick_one_ca(c, &s, &ca, e))
		return -1;
	const struct config_ca *conf = ca->conf;
	if (conf->account_url)
		return err_set(e, ERR_CONFIG,
			"CA \"%s\" is configured with public account data (account:): nothing is registered here",
			conf->name);
	AUTO(buf_wipe) struct buf hmac = buf_make(4096);
	bool need_eab = conf->eab_kid && !ca->account.url[0];
	if ((need_eab && read_eab(conf, &hmac, e)) || pick_writing(&s, e) || site_account_key_make(&s, ca, e) ||
		rollover_settle(&s, ca, e) || site_session(&s, ca, e))
		return -1;
	/* Before the CA is asked, so that an answer that gets lost leaves a trace of the key. */
	if (site_account_note_key(ca, ca->key, e) || store_account_put(s.store, &ca->account, e) ||
		store_commit(s.store, e))
		return -1;
	AUTO(strv_done) struct strv contact = {0};
	collect_contact(c, conf, &contact);
	struct acme_account_request r = {
		.contact = &contact,
		.agree_tos = cli_flag(c, "agree-tos"),
		.eab_kid = need_eab ? conf->eab_kid : NULL,
		.eab_key = buf_str(&hmac),
		.eab_key_n = hmac.n,
		.eab_alg = conf->eab_alg,
	};
	struct wait w = {.loop = s.loop, .into = &ca->account, .e = e};
	acme_account_register(ca->session, &r, answered, &w);
	if (wait_for(&w)) {
		err_ctx(e, "register the account at CA \"%s\"", conf->name);
		if (!ca->account.url[0])
			hint_other_key(&s, ca, e);
		if (e->problem)
			err_hint(e, "when the CA asks for its terms: read them, then give --agree-tos");
		return -1;
	}
	if (!ca->account.created)
		ca->account.created = clk_wall(s.clk) / 1000;
	if ((!w.created && update_contact(&s, ca, &contact, e)) || store_account_put(s.store, &ca->account, e) ||
		store_commit(s.store, e))
		return -1;
	tell_account(&s, EVENT_ACCOUNT_REGISTERED, &ca->account);
	print_registered(c, ca, w.created);
	return EXIT_DONE;
}

static const struct cli_option register_options[] = {
	{"ca", 0, "NAME", false, "the CA; may be left out when one is configured"},
	{"agree-tos", 0, NULL, false, "agree to the CA's terms of service"},
	{"contact", 0, "MAIL", true, "mail address for the account (default: the CA's contact: in the configuration)"},
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb verb_account_register = {
	.name = "account register",
	.args = "",
	.summary = "make an account at a CA, or find the one that the key has",
	.about = "The account key is made on first use and kept in the state directory (accounts/NAME/key.pem, mode "
		 "0600).\n"
		 "Safe to run again: an account that exists is found, not made twice; another contact replaces the one "
		 "it has.",
	.options = register_options,
	.examples = "  perdure account register --ca letsencrypt-staging --agree-tos --contact ops@example.com",
	.run = run_register,
};

/* ---- show and list ---- */

static void print_account(const struct cli *c, const struct site_ca *ca)
{
	const struct store_account *a = &ca->account;
	if (c->json) {
		struct out_json j;
		out_json_begin(&j);
		pick_json_account(&j.w, a);
		out_json_end(&j);
		return;
	}
	AUTO(xfreep) char *contact = strv_join(&a->contact, ", ");
	out_text("CA:          %s\ndirectory:   %s\naccount:     %s\nstatus:      %s\n", a->ca, a->directory,
		a->url[0] ? a->url : "(not registered)", a->status[0] ? a->status : "-");
	for (size_t i = 0; i < a->thumbprints.n; i++)
		out_text("%s %s\n", i ? "  earlier:  " : "thumbprint: ", a->thumbprints.v[i]);
	if (contact[0])
		out_text("contact:     %s\n", contact);
}

/* The part of the configuration that lets a host without the key write and judge records. */
static void print_public(const struct cli *c, const struct site_ca *ca)
{
	const struct store_account *a = &ca->account;
	if (c->json) {
		print_account(c, ca);
		return;
	}
	AUTO(xfreep) char *thumbs = strv_join(&a->thumbprints, ", ");
	out_text("cas:\n  - name: %s\n    directory: %s\n    account:\n      url: %s\n      thumbprints: [%s]\n", a->ca,
		a->directory, a->url, thumbs);
}

static int refresh(struct site *s, struct site_ca *ca, struct err *e)
{
	if (site_account_key(s, ca, e) || rollover_settle(s, ca, e) || site_session(s, ca, e))
		return -1;
	struct wait w = {.loop = s->loop, .into = &ca->account, .e = e};
	acme_account_fetch(ca->session, answered, &w);
	if (wait_for(&w))
		return err_ctx(e, "ask CA \"%s\" for the account", ca->conf->name);
	return store_account_put(s->store, &ca->account, e) || store_commit(s->store, e) ? -1 : 0;
}

static int run_show(struct cli *c, struct err *e)
{
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	struct site_ca *ca;
	bool live = cli_flag(c, "live");
	if (pick_site(c, SITE_STATE_READ, &s, e) || pick_one_ca(c, &s, &ca, e))
		return -1;
	if (!ca->account.url[0]) {
		err_set(e, ERR_CONFIG, "there is no account at CA \"%s\" yet", ca->conf->name);
		err_hint(e, "run \"perdure account register --ca %s\"", ca->conf->name);
		return -1;
	}
	if (live && (pick_writing(&s, e) || refresh(&s, ca, e)))
		return -1;
	if (cli_flag(c, "public"))
		print_public(c, ca);
	else
		print_account(c, ca);
	return EXIT_DONE;
}

static const struct cli_option show_options[] = {
	{"ca", 0, "NAME", false, "the CA; may be left out when one is configured"},
	{"public", 0, NULL, false, "print what a host without the key needs, ready for its configuration"},
	{"live", 0, NULL, false, "ask the CA for the account's status now"},
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb verb_account_show = {
	.name = "account show",
	.args = "",
	.summary = "print an account: URL, status, key thumbprints",
	.options = show_options,
	.examples = "  perdure account show --ca google\n  perdure account show --ca google --public >> "
		    "/etc/perdure/perdure.yaml   (on the host that publishes)",
	.run = run_show,
};

static int run_list(struct cli *c, struct err *e)
{
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	if (pick_site(c, SITE_STATE_READ, &s, e))
		return -1;
	for (size_t i = 0; i < s.config->n_cas; i++) {
		const struct site_ca *ca = &s.cas[i];
		AUTO(xfreep) char *path = site_account_key_path(&s, ca);
		if (c->json) {
			print_account(c, ca);
			continue;
		}
		out_text("%-22s %-12s %-8s %s\n", ca->conf->name, ca->account.status[0] ? ca->account.status : "none",
			fs_exists(path) ? "key here" : "no key", ca->account.url);
	}
	return EXIT_DONE;
}

const struct cli_verb verb_account_list = {
	.name = "account list",
	.args = "",
	.summary = "list the accounts of all configured CAs",
	.examples = "  perdure account list --json",
	.run = run_list,
};

/* ---- deactivate ---- */

static int run_deactivate(struct cli *c, struct err *e)
{
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	struct site_ca *ca;
	if (pick_site(c, SITE_STATE_READ, &s, e) || pick_one_ca(c, &s, &ca, e) || site_account_ready(&s, ca, e) ||
		pick_writing(&s, e) || site_account_session(&s, ca, e))
		return -1;
	if (cli_flag(c, "dry-run") && c->json) {
		struct out_json j;
		out_json_begin(&j);
		pick_json_account(&j.w, &ca->account);
		json_out_bool(&j.w, "dry_run", true);
		out_json_end(&j);
		return EXIT_DONE;
	}
	if (cli_flag(c, "dry-run")) {
		out_text("would deactivate %s at CA \"%s\", for ever\n", ca->account.url, ca->conf->name);
		return EXIT_DONE;
	}
	if (!cli_flag(c, "yes") && !out_confirm("Deactivate %s at CA \"%s\"? This cannot be undone, and every record "
						"that names it is dead from then on.",
					   ca->account.url, ca->conf->name)) {
		err_set(e, ERR_USAGE, "nothing was deactivated");
		err_hint(e, "answer y, or give --yes");
		return -1;
	}
	struct wait w = {.loop = s.loop, .into = &ca->account, .e = e};
	acme_account_deactivate(ca->session, answered, &w);
	if (wait_for(&w))
		return err_ctx(e, "deactivate the account at CA \"%s\"", ca->conf->name);
	if (store_account_put(s.store, &ca->account, e) || store_commit(s.store, e))
		return -1;
	tell_account(&s, EVENT_ACCOUNT_DEACTIVATED, &ca->account);
	if (c->json)
		print_account(c, ca);
	else
		out_text("%s is %s\n", ca->account.url, ca->account.status);
	return EXIT_DONE;
}

static const struct cli_option deactivate_options[] = {
	{"ca", 0, "NAME", false, "the CA; may be left out when one is configured"},
	{"yes", 'y', NULL, false, "do not ask"},
	{"dry-run", 0, NULL, false, "say what would be done"},
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb verb_account_deactivate = {
	.name = "account deactivate",
	.args = "",
	.summary = "end an account for ever: the immediate stop for all its records",
	.about = "The CA refuses every further request of the account. Certificates that were issued stay valid.",
	.options = deactivate_options,
	.examples = "  perdure account deactivate --ca google --dry-run",
	.run = run_deactivate,
};
