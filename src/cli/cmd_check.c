/* cmd_check.c: perdure check: what is published now, and what each CA would say to it. */
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "cli/check.h"
#include "cli/cli.h"
#include "cli/verbs.h"

static int run(struct cli *c, struct err *e)
{
	AUTO(check_ask_done) struct check_ask a = {.site = {.lock = {.fd = -1}}};
	if (cli_flag(c, "codes")) {
		check_print_codes(c);
		return EXIT_DONE;
	}
	if (cli_flag(c, "merge"))
		return check_merge(c, e);
	if (cli_flag(c, "advise") && (cli_value(c, "issuer") || cli_flag(c, "if-published")))
		return err_set(e, ERR_USAGE, "--advise goes by the configuration, and with names alone");
	if (check_ask(c, &a, e))
		return -1;
	if (cli_flag(c, "advise"))
		return check_advise(c, &a, e);
	return cli_flag(c, "if-published") ? check_flight(c, &a, e) : check_rounds(c, &a, e);
}

static const struct cli_option options[] = {
	{"all", 0, NULL, false, "all names of all configured certificates"},
	{"names", 0, "FILE", false, "names from a file, parted by blanks or lines; \"-\" for standard input"},
	{"ca", 0, "NAME", false, "for this CA only"},
	{"issuer", 0, "DOMAIN", true, "a CA by hand: its issuer domain name; no configuration is needed then"},
	{"account-uri", 0, "URL", false, "by hand: the account's URL"},
	{"level", 0, "N", false, "by hand: text of the draft, 00, 01 (default) or 02"},
	{"thumbprint", 0, "T", true, "by hand, level 02: thumbprint of the account key, earlier ones after it"},
	{"hash-prefix", 0, "P", false, "by hand, level 02: the CA's accountHashPrefix"},
	{"dialect", 0, "D", false, "as this software reads records: draft, boulder, pebble, acme2certifier, ucm, adcs"},
	{"delegation", 0, NULL, false,
		"the names use dns-01 through a CNAME at _acme-challenge: it must be sound, too"},
	{"vantage", 0, "RESOLVER", true,
		"ask this resolver, too: ADDRESS, ADDRESS@PORT, tcp://ADDRESS, https://HOST/PATH, or \"system\""},
	{"region", 0, "REGION", false,
		"whose region this host is in, for --merge elsewhere: afrinic, apnic, arin, lacnic or ripe"},
	{"slack", 0, "DAYS", false, "how long a record must outlive the next renewal (7)"},
	{"watch", 0, NULL, false, "repeat until a verdict changes, then print what changed"},
	{"wait", 0, "VERDICT", false,
		"repeat until all names are \"accepted\" or \"refused\"; status 0 then, 75 at the time-out"},
	{"interval", 0, "TIME", false, "between two rounds (10s)"},
	{"timeout", 0, "TIME", false, "when to give up waiting (10m)"},
	{"advise", 0, NULL, false,
		"which ways of validation would work at each CA, what each costs, and which is recommended"},
	{"if-published", 0, NULL, false, "would adding the record hurt? Nothing is said of what stands there now"},
	{"zone", 0, "ZONE", false, "with --if-published: the zone that the record would be written to"},
	{"merge", 0, NULL, false, "the arguments are files with the results of \"check --json\" on several hosts"},
	{"codes", 0, NULL, false, "list the codes of findings"},
	{"offline", 0, NULL, false, "do not ask the CAs for their directory; the DNS is asked all the same"},
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb verb_check = {
	.name = "check",
	.args = "NAME…|--all",
	.min_args = 0,
	.max_args = -1,
	.summary = "ask the authoritative servers, and say whether each CA would accept",
	.about = "Every server of the zone is asked for the record, and CAA, DNSSEC, aliases and delegations are "
		 "looked at "
		 "with it. A name is accepted\n"
		 "when most servers that answer publish a record that the CA accepts and nothing else would make it "
		 "refuse. "
		 "Findings have codes,\n"
		 "which docs/check.md explains. Exit status 5 when a name would be refused, 75 when no server could be "
		 "reached.",
	.options = options,
	.examples = "  perdure check example.com '*.example.com'\n"
		    "  perdure check --all --json\n"
		    "  perdure check example.com --issuer ca.example --account-uri https://ca.example/acct/1\n"
		    "  perdure check example.com --wait accepted --timeout 30m\n"
		    "  perdure check example.com --if-published\n"
		    "  perdure check example.com --advise\n"
		    "  perdure check --all --json --region ripe >here.json\n"
		    "  perdure check --merge here.json there.json elsewhere.json",
	.run = run,
};
