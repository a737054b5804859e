/* options.c: the command line, described by one table. */
#include "testca/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"

enum kind { TEXT, LIST, NUMBER, FLAG, NO_FLAG, SPECIAL };

struct option_row {
	const char *name;
	const char *arg; /* NULL for none */
	const char *help;
	enum kind kind;
	size_t at; /* the member */
	int64_t min;
	int64_t max;
	int (*special)(struct options *o, const char *arg, struct err *e);
};

static void take(char **slot, const char *s)
{
	free(*slot);
	*slot = xstrdup(s);
}

static int read_number(const char *s, int64_t min, int64_t max, int64_t *ret)
{
	char *end;
	long long v = strtoll(s, &end, 10);
	if (!*s || *end || v < min || v > max)
		return -1;
	*ret = v;
	return 0;
}

static int set_listen(struct options *o, const char *arg, struct err *e)
{
	const char *colon = strrchr(arg, ':');
	int64_t port;
	if (!colon || read_number(colon + 1, 0, UINT16_MAX, &port))
		return err_set(e, ERR_USAGE, "--listen %s: ADDRESS:PORT is needed", arg);
	bool bracket = *arg == '[' && colon > arg && colon[-1] == ']';
	free(o->listen);
	o->listen = xstrndup(arg + bracket, (size_t)(colon - arg) - 2 * bracket);
	o->port = (uint16_t)port;
	return 0;
}

static int set_level(struct options *o, const char *arg, struct err *e)
{
	static const char *const words[] = {"00", "01", "02"};
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strcmp(words[i], arg)) {
			o->level = (enum perdure_level)i;
			return 0;
		}
	return err_set(e, ERR_USAGE, "--level %s: 00, 01 or 02 is needed", arg);
}

static int set_dialect(struct options *o, const char *arg, struct err *e)
{
	if (perdure_dialect_find(arg, &o->dialect) != PERDURE_OK)
		return err_set(e, ERR_USAGE, "--dialect %s: draft, boulder or pebble is needed", arg);
	return 0;
}

static int set_key(struct options *o, const char *arg, struct err *e)
{
	if (key_type_from_name(arg, &o->key) || o->key == KEY_ED25519)
		return err_set(e, ERR_USAGE, "--key %s: ec256, ec384, rsa2048, rsa3072 or rsa4096 is needed", arg);
	return 0;
}

static int set_dns(struct options *o, const char *arg, struct err *e)
{
	const char *colon = strrchr(arg, ':');
	free(o->dns);
	o->dns = NULL;
	if (!strcmp(arg, "none"))
		return 0;
	if (!colon || colon == arg)
		return err_set(e, ERR_USAGE, "--dns %s: ADDRESS:PORT or none is needed", arg);
	bool bracket = *arg == '[' && colon[-1] == ']';
	o->dns = xasprintf("%.*s@%s", (int)(colon - arg) - 2 * bracket, arg + bracket, colon + 1);
	return 0;
}

static int set_issuer(struct options *o, const char *arg, struct err *e)
{
	if (!perdure_issuer_ok(arg))
		return err_set(e, ERR_USAGE, "--issuer %s: not an issuer domain name", arg);
	strv_add(&o->issuers, arg);
	return 0;
}

static int set_profiles(struct options *o, const char *arg, struct err *e)
{
	AUTO(xfreep) char *copy = xstrdup(arg);
	char *rest = copy;
	for (char *item; (item = strsep(&rest, ","));) {
		char *equals = strchr(item, '=');
		int64_t s;
		if (!equals || equals == item || read_number(equals + 1, 1, INT32_MAX, &s))
			return err_set(e, ERR_USAGE, "--profiles %s: NAME=SECONDS[,NAME=SECONDS]… is needed", arg);
		*equals = '\0';
		o->profiles = xreallocarray(o->profiles, o->n_profiles + 1, sizeof(*o->profiles));
		o->profiles[o->n_profiles++] = (struct profile){xstrdup(item), s};
	}
	return 0;
}

static int add_eab(struct options *o, char *line, struct err *e)
{
	AUTO(buf_done) struct buf key = buf_make(sizeof(o->eab->key));
	char *rest = line, *kid = strsep(&rest, " \t"), *b64 = strsep(&rest, " \t");
	if (!b64 || codec_b64url_decode(&key, b64, strlen(b64), e))
		return err_set(e, ERR_CONFIG, "each line must be: KID BASE64URL-KEY");
	o->eab = xreallocarray(o->eab, o->n_eab + 1, sizeof(*o->eab));
	struct eab_key *k = &o->eab[o->n_eab++];
	k->kid = xstrdup(kid);
	k->n = key.n;
	memcpy(k->key, buf_str(&key), key.n);
	return 0;
}

static int set_eab(struct options *o, const char *arg, struct err *e)
{
	AUTO(buf_done) struct buf text = buf_make(BUF_MAX_SMALL_FILE);
	if (fs_read(arg, &text, e))
		return -1;
	char *rest = text.p;
	for (char *line; (line = strsep(&rest, "\n"));)
		if (*line && *line != '#' && add_eab(o, line, e))
			return err_ctx(e, "--eab %s", arg);
	return 0;
}

static int set_challenges(struct options *o, const char *arg, struct err *e)
{
	AUTO(xfreep) char *copy = xstrdup(arg);
	char *rest = copy;
	o->persist = o->dns01 = false;
	for (char *item; (item = strsep(&rest, ","));) {
		if (!strcmp(item, "dns-persist-01"))
			o->persist = true;
		else if (!strcmp(item, "dns-01"))
			o->dns01 = true;
		else
			return err_set(e, ERR_USAGE, "--challenges %s: of dns-persist-01 and dns-01", arg);
	}
	return 0;
}

#define AT(m) offsetof(struct options, m)
static const struct option_row rows[] = {
	{"listen", "ADDRESS:PORT", "where to serve; port 0 takes a free one (127.0.0.1:0)", SPECIAL, 0, 0, 0,
		set_listen},
	{"public", NULL, "allow an address that others can reach", FLAG, AT(public), 0, 0, NULL},
	{"name", "HOST", "the host in URLs (localhost)", TEXT, AT(name), 0, 0, NULL},
	{"dir", "DIR", "folder for ca.pem, roots.pem and the control socket (made; a temporary one)", TEXT, AT(dir), 0,
		0, NULL},
	{"control", "PATH", "the control socket (DIR/control)", TEXT, AT(control), 0, 0, NULL},
	{"level", "00|01|02", "text of the draft to speak (01)", SPECIAL, 0, 0, 0, set_level},
	{"dialect", "NAME", "whose reading of records: draft, boulder, pebble, … (draft)", SPECIAL, 0, 0, 0,
		set_dialect},
	{"issuer", "NAME", "issuer domain name; may be repeated (ca.test)", SPECIAL, 0, 0, 0, set_issuer},
	{"hash", "NAME", "level 02: hash accepted beside sha-256; may be repeated", LIST, AT(hash_algs), 0, 0, NULL},
	{"challenges", "LIST", "of dns-persist-01 and dns-01 (both)", SPECIAL, 0, 0, 0, set_challenges},
	{"dns", "ADDRESS:PORT|none", "the DNS server that is asked (none)", SPECIAL, 0, 0, 0, set_dns},
	{"always-valid", NULL, "let every validation pass unasked", FLAG, AT(always_valid), 0, 0, NULL},
	{"caa", NULL, "check CAA (RFC 8659, RFC 8657) too", FLAG, AT(caa), 0, 0, NULL},
	{"jit", NULL, "validate in newOrder: authorizations whose record stands are valid at once", FLAG, AT(jit), 0, 0,
		NULL},
	{"lifetime", "SECONDS", "of certificates without profile (7776000)", NUMBER, AT(lifetime_s), 1, INT32_MAX,
		NULL},
	{"profiles", "NAME=S,...", "certificate profiles and their lifetimes", SPECIAL, 0, 0, 0, set_profiles},
	{"alternates", "N", "alternate roots, that is chains (0)", NUMBER, AT(alternates), 0, 8, NULL},
	{"key", "TYPE", "of root and intermediate: ec256, rsa2048, … (ec256)", SPECIAL, 0, 0, 0, set_key},
	{"authz-delay", "MS", "a validation takes so long (0)", NUMBER, AT(authz_delay_ms), 0, INT32_MAX, NULL},
	{"order-delay", "MS", "an order is `processing` so long; 0 answers finalize with the end (0)", NUMBER,
		AT(order_delay_ms), 0, INT32_MAX, NULL},
	{"authz-lifetime", "SECONDS", "of authorizations (3600)", NUMBER, AT(authz_lifetime_s), 0, INT32_MAX, NULL},
	{"order-lifetime", "SECONDS", "of orders (86400)", NUMBER, AT(order_lifetime_s), 0, INT32_MAX, NULL},
	{"retry-after", "SECONDS", "in replies that are to be polled; -1 for none (-1)", NUMBER, AT(retry_after_s), -1,
		INT32_MAX, NULL},
	{"eab", "FILE", "require external account binding; lines: KID BASE64URL-KEY", SPECIAL, 0, 0, 0, set_eab},
	{"no-tos", NULL, "have no terms of service", NO_FLAG, AT(tos), 0, 0, NULL},
	{"blocked", "NAME", "refuse orders for it and all below it; may be repeated", LIST, AT(blocked), 0, 0, NULL},
	{"faults", "FILE", "faults to begin with, one JSON object a line", TEXT, AT(faults), 0, 0, NULL},
	{"fault", "JSON", "one fault; may be repeated", LIST, AT(fault), 0, 0, NULL},
	{"seed", "N", "for the dice of faults, to repeat a run", NUMBER, AT(seed), 0, INT64_MAX, NULL},
	{"log", "FILE", "append a JSON line for each request", TEXT, AT(log), 0, 0, NULL},
	{"send", "JSON", "send one command to the control socket, print the answer, end", TEXT, AT(send), 0, 0, NULL},
	{"list-faults", NULL, "print the faults that can be had, end", FLAG, AT(list_faults), 0, 0, NULL},
	{"version", NULL, "print the version, end", FLAG, AT(version), 0, 0, NULL},
	{"help", NULL, "print this, end", FLAG, AT(help), 0, 0, NULL},
};

void options_help(void)
{
	printf("usage: perdure-testca [OPTIONS]\n\n"
	       "An ACME CA in one process for tests. Nobody trusts it; its state is in memory only.\n"
	       "Prints one line of JSON when it is ready: directory, ca_bundle, roots, control, dir, pid.\n\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char left[64];
		snprintf(left, sizeof(left), "--%s%s%s", rows[i].name, rows[i].arg ? " " : "",
			rows[i].arg ? rows[i].arg : "");
		printf("  %-28s %s\n", left, rows[i].help);
	}
	printf("\nExample: perdure-testca --listen 127.0.0.1:14000 --dir /tmp/ca --level 02 --dns 127.0.0.1:5353\n");
}

static int apply(struct options *o, const struct option_row *row, const char *arg, struct err *e)
{
	char *at = (char *)o + row->at;
	switch (row->kind) {
	case TEXT:
		take((char **)at, arg);
		return 0;
	case LIST:
		strv_add((struct strv *)at, arg);
		return 0;
	case NUMBER:
		if (read_number(arg, row->min, row->max, (int64_t *)at))
			return err_set(e, ERR_USAGE, "--%s %s: a number from %lld to %lld is needed", row->name, arg,
				(long long)row->min, (long long)row->max);
		return 0;
	case FLAG:
	case NO_FLAG:
		*(bool *)at = row->kind == FLAG;
		return 0;
	case SPECIAL:
		break;
	}
	return row->special(o, arg, e);
}

/* What must fit together. */
static int check(struct options *o, struct err *e)
{
	bool loopback = !strncmp(o->listen, "127.", 4) || !strcmp(o->listen, "::1");
	if (!loopback && !o->public) {
		err_set(e, ERR_USAGE, "--listen %s: others can reach that address", o->listen);
		err_hint(e, "perdure-testca gives certificates to anybody; add --public if that is meant");
		return -1;
	}
	if (o->send || o->help || o->version || o->list_faults)
		return 0;
	if (!o->dns && !o->always_valid) {
		err_set(e, ERR_USAGE, "without a DNS server no validation can pass");
		err_hint(e, "give --dns ADDRESS:PORT, or --always-valid");
		return -1;
	}
	for (size_t i = 0; i < o->hash_algs.n; i++)
		if (!perdure_hash_length(o->hash_algs.v[i]))
			return err_set(e, ERR_USAGE, "--hash %s: not a hash that level 02 can use", o->hash_algs.v[i]);
	if (!o->issuers.n)
		strv_add(&o->issuers, "ca.test");
	/* sha-256 is accepted always. */
	strv_add(&o->hash_algs, "sha-256");
	return 0;
}

static void defaults(struct options *o)
{
	*o = (struct options){
		.listen = xstrdup("127.0.0.1"),
		.name = xstrdup("localhost"),
		.level = PERDURE_LEVEL_01,
		.lifetime_s = 90 * 86400,
		.authz_lifetime_s = 3600,
		.order_lifetime_s = 86400,
		.retry_after_s = -1,
		.dns01 = true,
		.persist = true,
		.tos = true,
	};
}

int options_parse(struct options *o, int argc, char **argv, struct err *e)
{
	struct option longs[ARRAY_LEN(rows) + 1];
	defaults(o);
	memset(longs, 0, sizeof(longs));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		longs[i] = (struct option){rows[i].name, rows[i].arg ? required_argument : no_argument, NULL, 0};
	opterr = 0;
	for (int at;;) {
		int c = getopt_long(argc, argv, "", longs, &at);
		if (c == -1)
			break;
		if (c != 0) {
			err_set(e, ERR_USAGE, "%s: unknown option, or its argument is missing", argv[optind - 1]);
			err_hint(e, "perdure-testca --help lists them");
			return -1;
		}
		if (apply(o, &rows[at], optarg, e))
			return -1;
	}
	if (optind < argc)
		return err_set(e, ERR_USAGE, "%s: only options are taken", argv[optind]);
	return check(o, e);
}

void options_done(struct options *o)
{
	free(o->listen);
	free(o->name);
	free(o->dir);
	free(o->dns);
	free(o->faults);
	free(o->log);
	free(o->control);
	free(o->send);
	strv_done(&o->issuers);
	strv_done(&o->blocked);
	strv_done(&o->hash_algs);
	strv_done(&o->fault);
	for (size_t i = 0; i < o->n_profiles; i++)
		free(o->profiles[i].name);
	free(o->profiles);
	for (size_t i = 0; i < o->n_eab; i++)
		free(o->eab[i].kid);
	free(o->eab);
}
