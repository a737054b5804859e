/* cmd_issue.c: perdure issue: one certificate now. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/deployprint.h"
#include "cli/output.h"
#include "cli/pick.h"
#include "cli/report.h"
#include "cli/verbs.h"
#include "crypto/key.h"
#include "crypto/x509.h"
#include "fleet/one.h"

/* What is to be issued; for a name that is not configured, a certificate of its own. */
struct wish {
	struct config_cert cert;
	bool configured;
	struct buf csr_der;
	struct x509_csr_info csr;
};

static void wish_done(struct wish *w)
{
	if (!w->configured) {
		free(w->cert.name);
		strv_done(&w->cert.names);
		strv_done(&w->cert.cas);
	}
	buf_done(&w->csr_der);
	x509_csr_info_done(&w->csr);
}

static int read_csr(const char *path, struct wish *w, struct err *e)
{
	AUTO(buf_done) struct buf text = buf_make(BUF_MAX_SMALL_FILE);
	if (fs_read(path, &text, e) || x509_csr_read(buf_str(&text), text.n, path, &w->csr_der, &w->csr, e))
		return -1;
	if (!w->csr.names.n)
		return err_set(e, ERR_USAGE, "the certificate request %s names no domain", path);
	return 0;
}

static int read_names(const struct cli *c, struct wish *w, struct strv *names, struct err *e)
{
	const char *csr = cli_value(c, "csr");
	if (csr && c->args.n)
		return err_set(e, ERR_USAGE, "--csr and names do not go together: the request names the domains");
	if (!csr && !c->args.n)
		return err_set(e, ERR_USAGE, "which domains? Name them, or give --csr FILE");
	if (csr && read_csr(csr, w, e))
		return -1;
	if (pick_names(csr ? &w->csr.names : &c->args, names, e))
		return csr ? err_ctx(e, "the certificate request %s", csr) : -1;
	return 0;
}

/* A single name that the configuration has as a lineage means that lineage, with all its names. */
static const struct config_cert *find_configured(const struct site *s, const struct strv *names)
{
	const char *first = names->v[0];
	const struct config_cert *cert = config_find_cert(s->config, strncmp(first, "*.", 2) ? first : first + 2);
	return cert && (names->n == 1 || strv_same_set(names, &cert->names)) ? cert : NULL;
}

static int make_wish(const struct cli *c, const struct site *s, const struct site_ca *ca, const struct strv *names,
	struct wish *w, struct err *e)
{
	const struct config_cert *known =
		cli_value(c, "name") || cli_value(c, "csr") ? NULL : find_configured(s, names);
	enum key_type type;
	const char *key = cli_value(c, "key");
	if (key && (key_type_from_name(key, &type) || type == KEY_ED25519)) {
		err_set(e, ERR_USAGE, "--key %s: no such key type", key);
		err_hint(e, "ec256, ec384, rsa2048, rsa3072 or rsa4096");
		return -1;
	}
	if (known) {
		w->cert = *known;
		w->configured = true;
	} else {
		const char *first = names->v[0];
		const char *name = cli_value(c, "name");
		w->cert = (struct config_cert){.name = xstrdup(name                      ? name
							       : strncmp(first, "*.", 2) ? first
											 : first + 2),
			.key = "ec256",
			.delegation = &s->config->delegation,
			.webroot = s->config->http.webroot};
		strv_copy(&w->cert.names, names);
		strv_add(&w->cert.cas, ca->conf->name);
		if (config_find_cert(s->config, w->cert.name)) {
			err_set(e, ERR_USAGE, "the configuration has a certificate \"%s\" with other names",
				w->cert.name);
			err_hint(e, "give this one a name of its own with --name");
			return -1;
		}
		if (strchr(w->cert.name, '/') || w->cert.name[0] == '.' || !w->cert.name[0])
			return err_set(e, ERR_USAGE, "--name %s cannot be the name of a directory", w->cert.name);
	}
	w->cert.key = key ? key : w->cert.key;
	w->cert.profile = cli_value(c, "profile") ? cli_value(c, "profile") : w->cert.profile;
	w->cert.must_staple |= cli_flag(c, "must-staple");
	w->cert.reuse_key |= cli_flag(c, "reuse-key");
	return 0;
}

struct outcome {
	const struct cli *c;
	int status;
};

static void reported(const struct issue_report *r, void *ctx)
{
	struct outcome *o = ctx;
	report_print(o->c, r);
	o->status = report_exit_status(r);
}

static void stepped(const char *cert, const char *what, void *ctx)
{
	(void)ctx;
	out_progress("%s: %s", cert, what);
	log_debug("%s: %s", cert, what);
}

static void say_where(const struct cli *c, const struct site *s, const struct wish *w)
{
	if (c->json || c->quiet)
		return;
	out_text("  %s/live/%s/{%sfullchain.pem,cert.pem,chain.pem}\n", s->config->state_dir, w->cert.name,
		w->csr_der.n ? "" : "privkey.pem,combined.pem,");
	if (!w->configured && !w->csr_der.n) {
		AUTO(xfreep) char *names = strv_join(&w->cert.names, "\", \"");
		log_info("it is not in %s, so \"perdure renew\" will not renew it; to have that, add to certificates:",
			s->config->path);
		log_info("  - { name: \"%s\", names: [\"%s\"] }", w->cert.name, names);
	}
}

static void deployed(const struct deploy_report *r, void *ctx)
{
	deploy_print_report(ctx, r);
}

/* The exit status, or -1. */
static int deploy(struct cli *c, struct site *s, const struct wish *w, struct err *e)
{
	static const struct deploy_hooks hooks = {.report = deployed};
	static const struct deploy_options o = {.ignore_wait = true};
	struct deploy_summary sum;
	if (cli_flag(c, "no-deploy") || !w->cert.deploy)
		return EXIT_DONE;
	if (deploy_all(s, &w->cert, NULL, &o, &hooks, c, &sum, e))
		return -1;
	return sum.failed ? EXIT_PARTLY : EXIT_DONE;
}

static int dry_run(const struct cli *c, const struct wish *w, const struct site_ca *ca)
{
	const char *key = w->csr_der.n ? NULL : w->cert.key;
	if (c->json) {
		struct out_json j;
		out_json_begin(&j);
		json_out_str(&j.w, "certificate", w->cert.name);
		json_out_strv(&j.w, "names", &w->cert.names);
		json_out_str(&j.w, "ca", ca->conf->name);
		json_out_str(&j.w, "key", key);
		json_out_bool(&j.w, "dry_run", true);
		out_json_end(&j);
		return EXIT_DONE;
	}
	AUTO(xfreep) char *names = strv_join(&w->cert.names, " ");
	out_text("would issue %s at %s (%s): %s\n", w->cert.name, ca->conf->name, key ? key : "key of the request",
		names);
	return EXIT_DONE;
}

static int run(struct cli *c, struct err *e)
{
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	AUTO(strv_done) struct strv names = {0};
	AUTO(wish_done) struct wish w = {.csr_der = buf_make(BUF_MAX_SMALL_FILE)};
	struct site_ca *ca = NULL;
	bool dry = cli_flag(c, "dry-run");
	if (read_names(c, &w, &names, e) || pick_site(c, SITE_STATE_READ, &s, e))
		return -1;
	const struct config_cert *known = find_configured(&s, &names);
	if (!cli_value(c, "ca") && known ? site_find_ca(&s, known->cas.v[0], &ca, e) : pick_one_ca(c, &s, &ca, e))
		return -1;
	if (make_wish(c, &s, ca, &names, &w, e))
		return -1;
	if (dry)
		return dry_run(c, &w, ca);
	if (site_account_ready(&s, ca, e) || pick_writing(&s, e) || site_account_session(&s, ca, e) || site_dns(&s, e))
		return -1;
	struct issue_request r = {
		.site = &s,
		.ca = ca,
		.cert = &w.cert,
		.force_record = cli_flag(c, "force"),
		.csr_der = w.csr_der.n ? w.csr_der.p : NULL,
		.csr_n = w.csr_der.n,
		.csr_spki_sha256 = w.csr.spki_sha256,
	};
	struct outcome o = {.c = c, .status = EXIT_FAILED};
	if (issue_one(&r, stepped, reported, &o, e))
		return -1;
	if (o.status != EXIT_DONE)
		return o.status;
	say_where(c, &s, &w);
	return deploy(c, &s, &w, e);
}

static const struct cli_option options[] = {
	{"ca", 0, "NAME", false, "the CA; may be left out when one is configured"},
	{"csr", 0, "FILE", false, "issue for this certificate request (PEM or DER); no private key is made"},
	{"name", 0, "CERT", false, "name of the lineage (default: the first domain without \"*.\")"},
	{"key", 0, "TYPE", false, "ec256 (default), ec384, rsa2048, rsa3072, rsa4096"},
	{"reuse-key", 0, NULL, false, "keep the private key of the live certificate"},
	{"must-staple", 0, NULL, false, "ask for the must-staple extension"},
	{"profile", 0, "NAME", false, "the CA's certificate profile; \"perdure ca probe\" lists them"},
	{"force", 0, NULL, false, "go on where the record would be refused (costs an authorization if it is)"},
	{"no-deploy", 0, NULL, false, "leave the deploy actions alone"},
	{"dry-run", 'n', NULL, false, "say what would be issued; nothing is asked of a CA"},
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb verb_issue = {
	.name = "issue",
	.args = "NAME…",
	.min_args = 0,
	.max_args = -1,
	.summary = "issue one certificate now",
	.about = "A name that the configuration has a certificate for means that certificate; other names make a "
		 "certificate of their own, which\n"
		 "\"perdure renew\" does not know. An order that an earlier run left is gone on with.",
	.options = options,
	.examples = "  perdure issue example.com '*.example.com'\n  perdure issue --csr device.csr --name device",
	.run = run,
};
