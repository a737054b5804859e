/* cmd_account_move.c: perdure account export and import: the account as a sealed file, for a backup or another host. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/secret.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/pick.h"
#include "cli/verbs.h"
#include "crypto/jose.h"
#include "crypto/key.h"
#include "inventory/rollover.h"
#include "inventory/tell.h"

/* ---- the passphrase ---- */

static int ask_passphrase(const char *prompt, struct secret *ret, struct err *e)
{
	struct termios old, quiet;
	char line[1024];
	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &old)) {
		err_set(e, ERR_USAGE, "a passphrase is needed, and standard input is no terminal");
		err_hint(e, "give --passphrase-file FILE");
		return -1;
	}
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	fprintf(stderr, "%s: ", prompt);
	fflush(stderr);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	const char *got = fgets(line, sizeof(line), stdin);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
	fputc('\n', stderr);
	size_t n = got ? strcspn(line, "\n") : 0;
	*ret = secret_dup(line, n);
	explicit_bzero(line, sizeof(line));
	return 0;
}

static int read_passphrase(const struct cli *c, bool twice, struct secret *ret, struct err *e)
{
	enum { PASSPHRASE_MIN = 8 };
	const char *file = cli_value(c, "passphrase-file");
	AUTO(secret_done) struct secret again = {0};
	if (file ? fs_read_secret(file, ret, e) : ask_passphrase("passphrase", ret, e))
		return -1;
	if (ret->n < PASSPHRASE_MIN)
		return err_set(e, ERR_USAGE, "the passphrase has fewer than %d characters", PASSPHRASE_MIN);
	if (file || !twice)
		return 0;
	if (ask_passphrase("again", &again, e))
		return -1;
	if (again.n != ret->n || memcmp(again.p, ret->p, ret->n) != 0)
		return err_set(e, ERR_USAGE, "the two passphrases differ");
	return 0;
}

static void print_moved(const struct site_ca *ca, const char *file)
{
	struct out_json j;
	out_json_begin(&j);
	pick_json_account(&j.w, &ca->account);
	json_out_str(&j.w, "file", file);
	out_json_end(&j);
}

/* ---- export ---- */

/* The plain text that is sealed: a JSON object with the account and its key. */
static int describe(const struct site_ca *ca, struct buf *out, struct err *e)
{
	AUTO(secret_done) struct secret pem = {0};
	if (key_to_pem(ca->key, &pem, e))
		return -1;
	struct json_out w = json_out_make(out);
	json_out_object(&w, NULL);
	json_out_int(&w, "perdure_account", 1);
	pick_json_account(&w, &ca->account);
	json_out_strn(&w, "key", (const char *)pem.p, pem.n);
	json_out_end_object(&w);
	return buf_check(out, "the account", e);
}

static int run_export(struct cli *c, struct err *e)
{
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	AUTO(secret_done) struct secret pass = {0};
	AUTO(buf_wipe) struct buf plain = buf_make(BUF_MAX_SMALL_FILE);
	AUTO(buf_done) struct buf sealed = buf_make(BUF_MAX_SMALL_FILE);
	const char *out = cli_value(c, "out");
	struct site_ca *ca;
	if (!out)
		return err_set(e, ERR_USAGE, "where to? Give --out FILE");
	if (fs_exists(out)) {
		err_set(e, ERR_USAGE, "%s exists already", out);
		err_hint(e, "name another file; nothing is overwritten");
		return -1;
	}
	if (pick_site(c, SITE_STATE_READ, &s, e) || pick_one_ca(c, &s, &ca, e) || site_account_key(&s, ca, e) ||
		rollover_check_none(&s, ca, e) || read_passphrase(c, true, &pass, e) || describe(ca, &plain, e))
		return -1;
	if (key_seal(buf_str(&plain), plain.n, (const char *)pass.p, &sealed, e) ||
		fs_write_atomic(out, buf_str(&sealed), sealed.n, 0600, e))
		return -1;
	tell_account(&s, EVENT_ACCOUNT_EXPORTED, &ca->account);
	if (c->json)
		print_moved(ca, out);
	else if (!c->quiet)
		out_text("the account %s at CA \"%s\" is in %s, sealed with the passphrase\n", ca->account.url,
			ca->conf->name, out);
	return EXIT_DONE;
}

static const struct cli_option export_options[] = {
	{"ca", 0, "NAME", false, "the CA; may be left out when one is configured"},
	{"out", 'o', "FILE", false, "where to write; must not exist"},
	{"passphrase-file", 0, "FILE", false, "the passphrase is in this file (mode 0600) and not asked for"},
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb verb_account_export = {
	.name = "account export",
	.args = "",
	.summary = "write an account with its key to a sealed file, as a backup or for another host",
	.about = "Losing the account key makes every published record dead. The file is encrypted with a key made from "
		 "the passphrase (scrypt,\n"
		 "AES-256-GCM).",
	.options = export_options,
	.examples = "  perdure account export --ca google --out google.account",
	.run = run_export,
};

/* ---- import ---- */

static int fill_account(const struct json *o, struct store_account *a, struct err *e)
{
	const char *url, *status;
	AUTO(strv_done) struct strv thumbs = {0};
	AUTO(strv_done) struct strv contact = {0};
	if (json_opt_str(o, "url", &url, e) || json_opt_str(o, "status", &status, e) ||
		json_opt_strv(o, "thumbprints", 100, &thumbs, e) || json_opt_strv(o, "contact", 100, &contact, e))
		return -1;
	free(a->url);
	free(a->status);
	a->url = xstrdup(url ? url : "");
	a->status = xstrdup(status ? status : "");
	strv_copy(&a->thumbprints, &thumbs);
	strv_copy(&a->contact, &contact);
	return 0;
}

static int check_fits(const struct json *o, const struct site_ca *ca, const struct key *k, struct err *e)
{
	const char *directory;
	AUTO(strv_done) struct strv earlier = {0};
	char thumb[JOSE_THUMBPRINT_LEN + 1];
	if (json_need_str(o, "directory", &directory, e) || jose_thumbprint(k, thumb, e))
		return -1;
	if (strcmp(directory, ca->conf->directory) != 0) {
		err_set(e, ERR_CONFIG, "the account was made at %s, but CA \"%s\" has the directory %s", directory,
			ca->conf->name, ca->conf->directory);
		err_hint(e, "import it for the CA that it belongs to: --ca NAME");
		return -1;
	}
	const struct strv *known = &ca->account.thumbprints;
	if (!known->n || !strcmp(known->v[0], thumb))
		return 0;
	if (strv_has(known, thumb)) {
		err_set(e, ERR_CONFIG, "that is an earlier key of the account that is here: it was replaced");
		err_hint(e, "export the account again where it was last in use");
		return -1;
	}
	if (json_opt_strv(o, "thumbprints", 100, &earlier, e))
		return -1;
	/* The same account after a rollover on another host. */
	if (!strv_has(&earlier, known->v[0])) {
		err_set(e, ERR_CONFIG, "CA \"%s\" has another account here already (%s)", ca->conf->name,
			ca->account.url[0] ? ca->account.url : "not registered");
		err_hint(e, "give the imported one a CA entry of its own, with another name");
		return -1;
	}
	return 0;
}

static int store_key(const struct site *s, const struct site_ca *ca, const char *pem, struct err *e)
{
	AUTO(xfreep) char *path = site_account_key_path(s, ca);
	AUTO(xfreep) char *dir = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	return fs_mkdirs(dir, 0700, e) || fs_write_atomic(path, pem, strlen(pem), 0600, e) ? -1 : 0;
}

static int run_import(struct cli *c, struct err *e)
{
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	AUTO(secret_done) struct secret pass = {0};
	AUTO(secret_done) struct secret plain = {0};
	AUTO(buf_done) struct buf sealed = buf_make(BUF_MAX_SMALL_FILE);
	AUTO(json_freep) struct json *o = NULL;
	AUTO(key_freep) struct key *k = NULL;
	struct site_ca *ca;
	const char *pem, *file = c->args.v[0];
	if (pick_site(c, SITE_STATE_READ, &s, e) || pick_one_ca(c, &s, &ca, e) || fs_read(file, &sealed, e) ||
		read_passphrase(c, false, &pass, e))
		return -1;
	if (key_unseal(buf_str(&sealed), sealed.n, (const char *)pass.p, &plain, e))
		return err_ctx(e, "open %s", file);
	if (json_parse(plain.p, plain.n, file, &o, e) || json_need_str(o, "key", &pem, e) ||
		key_from_pem(pem, strlen(pem), file, &k, e) || pick_writing(&s, e) || rollover_check_none(&s, ca, e) ||
		check_fits(o, ca, k, e) || fill_account(o, &ca->account, e))
		return -1;
	if (!ca->account.created)
		ca->account.created = clk_wall(s.clk) / 1000;
	if (store_key(&s, ca, pem, e) || store_account_put(s.store, &ca->account, e) || store_commit(s.store, e))
		return -1;
	tell_account(&s, EVENT_ACCOUNT_IMPORTED, &ca->account);
	if (c->json)
		print_moved(ca, file);
	else if (!c->quiet)
		out_text("the account %s is now here, for CA \"%s\"\n", ca->account.url, ca->conf->name);
	return EXIT_DONE;
}

static const struct cli_option import_options[] = {
	{"ca", 0, "NAME", false, "the CA; may be left out when one is configured"},
	{"passphrase-file", 0, "FILE", false, "the passphrase is in this file (mode 0600) and not asked for"},
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb verb_account_import = {
	.name = "account import",
	.args = "FILE",
	.min_args = 1,
	.max_args = 1,
	.summary = "take over an account from a sealed file of \"account export\"",
	.about = "An account that is here already is not overwritten by another one, only by itself with a newer key.",
	.options = import_options,
	.examples = "  perdure account import google.account --ca google",
	.run = run_import,
};
