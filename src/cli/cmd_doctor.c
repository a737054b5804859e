/* cmd_doctor.c: perdure doctor: what works on this host and what does not. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "acme/directory.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/pick.h"
#include "cli/verbs.h"
#include "crypto/key.h"
#include "crypto/x509.h"
#include "dns/anchor.h"
#include "dns/system.h"
#include "dns/validate.h"
#include "inventory/cafacts.h"
#include "inventory/horizon.h"
#include "perdure/persist.h"
#include "state/certfiles.h"

enum { FINE, ODD, BROKEN };

struct doctor {
	const struct cli *c;
	size_t n_odd, n_broken;
	bool has_key; /* of any account */
};

static void say(struct doctor *d, int how, const char *what, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

static void say(struct doctor *d, int how, const char *what, const char *hint, const char *fmt, ...)
{
	static const char *const words[] = {"ok", "odd", "broken"};
	static const enum out_colour colours[] = {OUT_GOOD, OUT_WARN, OUT_BAD};
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	d->n_odd += how == ODD;
	d->n_broken += how == BROKEN;
	if (d->c->json) {
		struct out_json j;
		out_json_begin(&j);
		json_out_str(&j.w, "check", what);
		json_out_str(&j.w, "result", words[how]);
		json_out_str(&j.w, "text", text);
		json_out_str(&j.w, "hint", hint && hint[0] ? hint : NULL);
		out_json_end(&j);
		return;
	}
	out_text("%s%-6s%s %-14s %s\n", out_colour_on(colours[how]), words[how], out_colour_off(), what, text);
	if (hint && hint[0])
		out_text("                      → %s\n", hint);
}

static void say_err(struct doctor *d, const char *what, struct err *e)
{
	say(d, BROKEN, what, e->hint, "%s", e->msg);
	err_done(e);
}

/* This program was made later than this moment, so an earlier clock is wrong. */
static void look_at_clock(struct doctor *d, const struct site *s)
{
	const int64_t made = clock_utc(2026, 11, 1, 0, 0, 0);
	char now[CLOCK_TEXT_MAX];
	int64_t secs = clk_wall(s->clk) / 1000;
	clock_rfc3339(secs, now);
	if (secs < made)
		say(d, BROKEN, "clock", "set the clock; certificates cannot be judged by a wrong one",
			"the clock says %s", now);
	else
		say(d, FINE, "clock", NULL, "%s", now);
}

static void look_at_state(struct doctor *d, const struct site *s)
{
	struct err e = {0};
	const char *dir = s->config->state_dir;
	if (!s->store) {
		say(d, ODD, "state", "the first command that needs it makes it", "there is no state in %s yet", dir);
		return;
	}
	if (store_check(s->store, &e) || certfiles_probe(dir, &e))
		say_err(d, "state", &e);
	else
		say(d, FINE, "state", NULL, "%s can be read and written", dir);
}

static void look_at_account(struct doctor *d, struct site *s, struct site_ca *ca)
{
	struct err e = {0};
	const char *name = ca->conf->name;
	const struct store_account *a = &ca->account;
	if (!ca->conf->account_url && site_account_key_if_any(s, ca, &e)) {
		say_err(d, name, &e);
		return;
	}
	d->has_key |= ca->key != NULL;
	if (!a->url[0])
		say(d, ODD, name, "perdure account register", "no account yet");
	else if (!ca->key && !ca->conf->account_url)
		say(d, BROKEN, name, "put it back from a backup, or bring the account with \"perdure account import\"",
			"the key of the account %s is missing: nothing can be renewed", a->url);
	else
		say(d, strcmp(a->status, "valid") ? BROKEN : FINE, name, NULL, "account %s is %s; key %s", a->url,
			a->status, ca->key ? "here" : "elsewhere, by configuration");
}

static void look_at_ca(struct doctor *d, struct site *s, struct site_ca *ca, bool offline)
{
	struct err e = {0};
	struct cafacts f = {0};
	const struct acme_directory *dir = NULL;
	const char *name = ca->conf->name;
	look_at_account(d, s, ca);
	if (offline)
		return;
	if (site_directory(s, ca, &dir, &e)) {
		say_err(d, name, &e);
		return;
	}
	if (cafacts_make(ca->conf, dir, &f, &e))
		say_err(d, name, &e);
	else
		say(d, FINE, name, NULL, "directory answers; records name %s, level %02d", f.issuers.v[0],
			f.levels[f.n_levels - 1]);
	cafacts_done(&f);
}

static int read_live(const struct site *s, const char *name, struct key **k, struct x509_chain **chain, struct err *e)
{
	AUTO(secret_done) struct secret pem = {0};
	AUTO(buf_done) struct buf text = buf_make(BUF_MAX_CHAIN);
	AUTO(xfreep) char *path = xasprintf("%s/live/%s/fullchain.pem", s->config->state_dir, name);
	bool found = false;
	if (certfiles_read_key(s->config->state_dir, name, &pem, &found, e) ||
		(found && key_from_pem(pem.p, pem.n, "privkey.pem", k, e)))
		return -1;
	return fs_read(path, &text, e) || x509_chain_parse(buf_str(&text), text.n, chain, e) ? -1 : 0;
}

static void look_at_live(struct doctor *d, const struct site *s)
{
	AUTO(strv_done) struct strv names = {0};
	struct err e = {0};
	size_t fine = 0;
	if (certfiles_list(s->config->state_dir, &names, &e)) {
		say_err(d, "certificates", &e);
		return;
	}
	for (size_t i = 0; i < names.n; i++) {
		AUTO(key_freep) struct key *k = NULL;
		AUTO(x509_chain_freep) struct x509_chain *chain = NULL;
		if (read_live(s, names.v[i], &k, &chain, &e)) {
			err_ctx(&e, "live/%s", names.v[i]);
			say_err(d, "certificates", &e);
			continue;
		}
		const struct x509_info *info = x509_chain_info(chain);
		if (x509_chain_check(
			    chain, k, k ? NULL : info->spki_sha256, &info->names, clk_wall(s->clk) / 1000, &e)) {
			err_ctx(&e, "live/%s", names.v[i]);
			err_hint(&e, "perdure renew %s --force-renewal", names.v[i]);
			say_err(d, "certificates", &e);
		} else {
			fine++;
		}
	}
	say(d, FINE, "certificates", NULL, "%zu of %zu in live/ are in order: key and chain match, not expired", fine,
		names.n);
}

static void look_at_anchor(struct doctor *d, const struct site *s)
{
	const struct config_dns *c = &s->config->dns;
	AUTO(anchor_done) struct anchor a;
	char changed[CLOCK_TEXT_MAX];
	anchor_find(
		&(struct anchor_where){.configured = c->trust_anchor, .state_dir = s->config->state_dir}, false, &a);
	clock_rfc3339(a.changed, changed);
	if (!c->validate)
		say(d, FINE, "dnssec", NULL, "answers are not validated, by configuration");
	else if (a.kind == ANCHOR_NONE)
		say(d, ODD, "dnssec", a.hint, "answers are not validated: %s", a.why);
	else if (a.kind == ANCHOR_MANAGED)
		say(d, a.renewable ? FINE : ODD, "dnssec",
			a.renewable ? NULL : "let the user that runs perdure write there",
			"%s: %zu keys, %s (RFC 5011), last on %s", a.path, a.keys.n,
			a.renewable ? "kept up to date" : "cannot be kept up to date", changed);
	else
		say(d, FINE, "dnssec", NULL, "%s: %zu keys, of %s", a.path, a.keys.n, changed);
}

static void say_trust(struct doctor *d, const struct horizon *h)
{
	static const int how[DNS_SECURITY_N_] = {[DNS_SECURE] = FINE,
		[DNS_INSECURE] = FINE,
		[DNS_BOGUS] = BROKEN,
		[DNS_UNVALIDATED] = ODD,
		[DNS_UNRESOLVED] = ODD};
	const struct dns_validated *t = h->trust;
	say(d, how[t->security], "dnssec", t->hint, "%s is %s%s%s", h->owner, dns_security_name(t->security),
		t->why[0] ? ": " : "", t->why);
}

static void say_sides(struct doctor *d, const struct horizon *h)
{
	static const char *const hints[] = {
		[HORIZON_PRIVATE] =
			"public CAs see what the zone's servers say, and so does \"perdure check\"; what this "
			"machine sees tells nothing of it",
		[HORIZON_SILENT] = "programs on this machine may fail to resolve the name",
	};
	for (size_t i = 0; i < h->n; i++) {
		const struct horizon_side *side = &h->sides[i];
		bool fine = side->result == HORIZON_SAME || side->result == HORIZON_STALE;
		say(d, fine ? FINE : ODD, "dns", fine ? NULL : hints[side->result], "%s: %s", side->resolver,
			side->text);
	}
	if (!h->n)
		say(d, FINE, "dns", NULL, "this machine is set up with no name servers");
}

/* What the world sees of the name's record, and whether this machine sees the same. */
static int look_at_name(struct doctor *d, struct site *s, const char *name, struct err *e)
{
	AUTO(strv_done) struct strv given = {0}, names = {0}, system = {0};
	AUTO(horizon_done) struct horizon h = {0};
	struct err not = {0};
	char owner[PERDURE_NAME_SIZE];
	strv_add(&given, name);
	if (pick_names(&given, &names, e))
		return -1;
	if (perdure_owner_name(names.v[0], owner))
		return err_set(e, ERR_USAGE, "%s can have no validation record", names.v[0]);
	if (site_dns(s, e) || dns_system_resolvers(NULL, &system, e))
		return -1;
	if (horizon_look(s->dns, s->loop, &system, owner, &h, &not )) {
		say_err(d, "dns", &not );
		return 0;
	}
	say(d, FINE, "dns", NULL, "the servers of %s answer for %s", h.zone[0] ? h.zone : "the zone", owner);
	say_trust(d, &h);
	say_sides(d, &h);
	return 0;
}

static void look_at_roles(struct doctor *d, const struct site *s)
{
	say(d, FINE, "role", NULL, "auditor: yes (needs no secret)");
	say(d, FINE, "role", NULL, "renewer: %s",
		d->has_key ? "yes (an account key is here)" : "no (no account key is here)");
	if (s->config->n_providers)
		say(d, FINE, "role", NULL, "publisher: %zu DNS providers are configured (perdure provider test NAME)",
			s->config->n_providers);
	else
		say(d, FINE, "role", NULL, "publisher: no DNS credential is configured%s",
			s->config->n_certs ? "; publish what \"perdure record show\" prints" : "");
}

static void look_at_process(struct doctor *d)
{
	if (secret_process_guarded())
		say(d, FINE, "memory", NULL,
			"no core file can hold keys or credentials, and only root can look inside");
	else
		say(d, ODD, "memory", "look for what forbids prctl(PR_SET_DUMPABLE) or setrlimit(RLIMIT_CORE) here",
			"a crash may leave a core file with keys and credentials in it");
}

static int run(struct cli *c, struct err *e)
{
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	struct doctor d = {.c = c};
	if (pick_site(c, SITE_STATE_READ, &s, e))
		return -1;
	say(&d, FINE, "configuration", NULL, "%s: %zu CAs, %zu certificates", s.config->path, s.config->n_cas,
		s.config->n_certs);
	look_at_clock(&d, &s);
	look_at_process(&d);
	look_at_state(&d, &s);
	for (size_t i = 0; i < s.config->n_cas; i++)
		look_at_ca(&d, &s, &s.cas[i], cli_flag(c, "offline"));
	look_at_live(&d, &s);
	look_at_anchor(&d, &s);
	if (cli_value(c, "name") && look_at_name(&d, &s, cli_value(c, "name"), e))
		return -1;
	look_at_roles(&d, &s);
	return d.n_broken ? EXIT_FAILED : EXIT_DONE;
}

static const struct cli_option options[] = {
	{"offline", 0, NULL, false, "do not ask the CAs"},
	{"name", 0, "NAME", false, "look at this name's record in the public DNS and in what this machine is told"},
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb verb_doctor = {
	.name = "doctor",
	.args = "",
	.summary = "say what works on this host and what does not",
	.about = "Looks at configuration, clock, state, accounts, CAs, certificates, the keys for DNSSEC and whether a "
		 "crash "
		 "could leave a core\n"
		 "file, and says which roles this host can play. With --name it also validates the name's record, and "
		 "compares what the zone's servers say with "
		 "what the name\n"
		 "servers in /etc/resolv.conf say. Exit status 1 when something is broken.",
	.options = options,
	.examples = "  perdure doctor\n"
		    "  perdure doctor --offline --name example.com",
	.run = run,
};
