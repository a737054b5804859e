/* test_flow.c: orders from newOrder to the chain against a CA in memory: which requests, how they end. */
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "base/xalloc.h"
#include "flow_play.h"

/* --- how it goes well --- */

static const struct row good[] = {
	{.title = "pending", .log = "D N O A0 C0 A0 F o c", .offers = "a.test/0/ca.test/" FAKE_ACCOUNT},
	{.title = "base name and wildcard",
		.names = "a.test *.a.test",
		.judge = "GG",
		.log = "D N O A0 A1 C0 C1 A0 A1 F o c",
		.offers = "a.test/0/ca.test/" FAKE_ACCOUNT " *.a.test/0/ca.test/" FAKE_ACCOUNT},
	{.title = "judged later", .names = "a.test b.test", .judge = "gg", .log = "D N O A0 A1 C0 C1 A0 A1 F o c"},
	{.title = "authorizations valid already",
		.names = "a.test b.test",
		.ca = {.authz = {"valid", "valid"}},
		.log = "D N O A0 A1 F o c",
		.offers = ""},
	{.title = "one valid, one pending",
		.names = "a.test b.test",
		.ca = {.authz = {"valid"}},
		.log = "D N O A0 A1 C1 A1 F o c"},
	{.title = "ready with a pending authorization",
		.names = "a.test b.test",
		.ca = {.authz = {"valid"}, .order = "ready"},
		.log = "D N O A0 A1 C1 A1 F o c"},
	{.title = "valid in the finalize reply",
		.ca = {.authz = {"valid"}, .valid_at_once = true},
		.log = "D N O A0 F c"},
	{.title = "authorizations listed twice", .ca = {.twice_listed = true}, .log = "D N O A0 C0 A0 F o c"},
	{.title = "polls", .ca = {.authz_polls = 2, .order_polls = 3}, .log = "D N O A0 C0 A0 A0 A0 F o o o o c"},
	{.title = "Retry-After in seconds",
		.ca = {.authz_polls = 1, .order_polls = 1, .authz_retry_after = "3", .order_retry_after = "5"},
		.log = "D N O A0 C0 A0 A0 F o o c",
		.took_ms = 13005},
	{.title = "Retry-After as a date",
		.ca = {.order_polls = 1, .order_retry_after = "Mon, 21 Sep 2026 14:13:40 GMT"},
		.log = "D N O A0 C0 A0 F o o c",
		.took_ms = 20005},
	{.title = "Retry-After of the challenge",
		.ca = {.faults = {{"C0", .acts = true, .header = "Retry-After: 7"}}},
		.log = "D N O A0 C0 A0 F o c",
		.took_ms = 7005},
	{.title = "Retry-After that is none",
		.ca = {.order_polls = 1, .order_retry_after = "soon"},
		.log = "D N O A0 C0 A0 F o o c"},
	{.title = "bad nonces", .ca = {.bad_nonces = 29}},
	{.title = "no nonces in replies", .ca = {.keep_nonces = true}, .log = "D N O N A0 N C0 N A0 N F N o N c"},
	{.title = "level 01", .ca = {.level = 1}, .offers = "a.test/1/ca.test/" FAKE_ACCOUNT},
	{.title = "level 02", .ca = {.level = 2}, .offers = "a.test/2/ca.test/" FAKE_HOST "/hashed/"},
	{.title = "level 01 configured",
		.ca = {.level = 1},
		.level = LEVEL_01,
		.offers = "a.test/1/ca.test/" FAKE_ACCOUNT},
	{.title = "level 01 configured, 00 spoken", .level = LEVEL_01, .offers = "a.test/1/ca.test/" FAKE_ACCOUNT},
	{.title = "level 00 configured, 01 spoken",
		.ca = {.level = 1},
		.level = LEVEL_00,
		.offers = "a.test/0/ca.test/" FAKE_ACCOUNT},
	{.title = "ten issuers",
		.ca = {.issuers = "a.x,b.x,c.x,d.x,e.x,f.x,g.x,h.x,i.x,j.x"},
		.offers = "a.test/0/a.x,b.x,c.x,d.x,e.x,f.x,g.x,h.x,i.x,j.x/" FAKE_ACCOUNT},
	{.title = "foreign account with consent",
		.ca = {.level = 1, .account_uri = "https://other.test/7"},
		.any_uri = true,
		.offers = "a.test/1/ca.test/https://other.test/7"},
	{.title = "a stray token", .ca = {.token = "abc-_09"}},
	{.title = "unknown record", .judge = "U", .warns = "servers are silent", .log = "D N O A0 C0 A0 F o c"},
	{.title = "preferred chain is the default",
		.ca = {.alternates = "<" FAKE_HOST "/cert/1>;rel=\"alternate\""},
		.preferred = "Fake Root",
		.log = "D N O A0 C0 A0 F o c"},
	{.title = "alternate chain",
		.ca = {.alternates = "<" FAKE_HOST "/cert/1>;rel=\"alternate\""},
		.preferred = "Other Root",
		.issuer = "Other Root",
		.log = "D N O A0 C0 A0 F o c x1"},
	{.title = "no such chain",
		.ca = {.alternates = "<" FAKE_HOST "/cert/1>;rel=\"alternate\""},
		.preferred = "Third Root",
		.log = "D N O A0 C0 A0 F o c x1",
		.warns = "Third Root"},
	{.title = "alternate chain elsewhere",
		.ca = {.alternates = "<https://other.test/cert/1>;rel=\"alternate\""},
		.preferred = "Other Root",
		.log = "D N O A0 C0 A0 F o c",
		.warns = "other.test|Other Root"},
	{.title = "alternate chain fails",
		.ca = {.alternates = "<" FAKE_HOST "/cert/1>;rel=\"alternate\"", .faults = {{"x1", .status = 404}}},
		.preferred = "Other Root",
		.log = "D N O A0 C0 A0 F o c x1",
		.warns = "alternate chain|Other Root"},
};

static void goes_well(void **state)
{
	(void)state;
	play_all(good, ARRAY_LEN(good));
}

/* --- an order that was kept --- */

static const struct row kept[] = {
	{.title = "pending", .kept = true, .log = "D N o A0 C0 A0 F o c"},
	{.title = "answered before",
		.kept = true,
		.ca = {.authz = {"processing"}, .authz_polls = 1},
		.log = "D N o A0 A0 F o c",
		.offers = ""},
	{.title = "answered before, still processing",
		.kept = true,
		.ca = {.authz = {"processing"}, .authz_polls = 3},
		.log = "D N o A0 A0 A0 A0 F o c"},
	{.title = "ready", .kept = true, .ca = {.authz = {"valid"}}, .log = "D N o A0 F o c"},
	{.title = "processing",
		.kept = true,
		.ca = {.authz = {"valid"}, .finalized = 1, .order_polls = 2},
		.log = "D N o o o c"},
	{.title = "processing with Retry-After",
		.kept = true,
		.ca = {.authz = {"valid"}, .finalized = 1, .order_polls = 1, .order_retry_after = "4"},
		.log = "D N o o c",
		.took_ms = 4000},
	{.title = "valid", .kept = true, .ca = {.authz = {"valid"}, .finalized = 2}, .log = "D N o c"},
	{.title = "invalid",
		.kept = true,
		.names = "a.test b.test",
		.ca = {.authz = {"valid", "invalid"}},
		.log = "D N o A0 A1",
		.kind = ERR_ACME,
		.retry = RETRY_AFTER_OPERATOR,
		.lost = true,
		.subs = "b.test",
		.says = "b.test|no such record"},
	{.title = "invalid without a reason",
		.kept = true,
		.ca = {.order = "invalid", .authz = {"valid"}},
		.log = "D N o A0",
		.kind = ERR_ACME,
		.retry = RETRY_LATER,
		.lost = true,
		.says = "no reason"},
	{.title = "revoked authorization",
		.kept = true,
		.ca = {.authz = {"revoked"}},
		.log = "D N o A0",
		.kind = ERR_ACME,
		.retry = RETRY_LATER,
		.lost = true,
		.subs = "a.test",
		.says = "revoked"},
	{.title = "gone",
		.kept = true,
		.ca = {.faults = {{"o", .status = 404, .problem = "malformed"}}},
		.log = "D N o",
		.kind = ERR_ACME,
		.retry = RETRY_LATER,
		.lost = true},
	{.title = "expired",
		.kept = true,
		.log = "D N o",
		.ca = {.faults = {{"o", .body = "{\"status\":\"pending\",\"expires\":\"2020-01-01T00:00:00Z\","
						"\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.test\"}],"
						"\"authorizations\":[\"" FAKE_HOST "/authz/0\"],"
						"\"finalize\":\"" FAKE_HOST "/f\"}"}}},
		.kind = ERR_ACME,
		.retry = RETRY_LATER,
		.lost = true,
		.says = "expired at 2020-01-01T00:00:00Z"},
	{.title = "of another CA",
		.kept = true,
		.kept_url = "https://other.test/order/1",
		.log = "D",
		.kind = ERR_PROTO,
		.retry = RETRY_LATER,
		.lost = true,
		.says = "other.test|ca.test"},
	{.title = "server down",
		.kept = true,
		.ca = {.faults = {{"o", .status = 502, .times = 1000}}},
		.kind = ERR_HTTP,
		.retry = RETRY_LATER,
		.says = "502"},
	{.title = "server down for a while",
		.kept = true,
		.ca = {.faults = {{"o", .status = 503, .times = 3}}},
		.log = "D N o o o o A0 C0 A0 F o c"},
};

static void goes_on(void **state)
{
	(void)state;
	play_all(kept, ARRAY_LEN(kept));
}

/* --- what is refused --- */

static const struct row refused[] = {
	{.title = "record refused",
		.judge = "R",
		.log = "D N O A0",
		.kind = ERR_POLICY,
		.retry = RETRY_AFTER_OPERATOR,
		.subs = "a.test",
		.says = "no record|publish it|a.test"},
	{.title = "all records are judged first",
		.names = "a.test b.test *.b.test",
		.judge = "grR",
		.log = "D N O A0 A1 A2",
		.kind = ERR_POLICY,
		.retry = RETRY_AFTER_OPERATOR,
		.subs = "b.test *.b.test",
		.says = "b.test, *.b.test"},
	{.title = "refused by the CA",
		.names = "a.test b.test",
		.ca = {.invalid = {false, true}},
		.log = "D N O A0 A1 C0 C1 A0 A1",
		.kind = ERR_ACME,
		.retry = RETRY_AFTER_OPERATOR,
		.lost = true,
		.subs = "b.test",
		.says = "unauthorized|no such record|b.test"},
	{.title = "both refused by the CA",
		.names = "a.test *.a.test",
		.ca = {.invalid = {true, true}, .authz_polls = 1},
		.log = "D N O A0 A1 C0 C1 A0 A0 A1 A1",
		.kind = ERR_ACME,
		.retry = RETRY_AFTER_OPERATOR,
		.lost = true,
		.subs = "a.test *.a.test"},
	{.title = "other challenges only",
		.ca = {.no_persist = true},
		.log = "D N O A0",
		.kind = ERR_PROTO,
		.retry = RETRY_AFTER_OPERATOR,
		.lost = true,
		.says = "http-01, quantum-01|dns-persist-01|perdure ca"},
	{.title = "foreign account",
		.ca = {.level = 1, .account_uri = "https://ca.test/account/2"},
		.log = "D N O A0",
		.kind = ERR_POLICY,
		.retry = RETRY_AFTER_OPERATOR,
		.says = "https://ca.test/account/2|" FAKE_ACCOUNT "|account_uri_any"},
	{.title = "account that only looks alike",
		.ca = {.level = 1, .account_uri = "https://CA.test/account/1"},
		.log = "D N O A0",
		.kind = ERR_POLICY,
		.retry = RETRY_AFTER_OPERATOR},
	{.title = "eleven issuers",
		.ca = {.issuers = "a.x,b.x,c.x,d.x,e.x,f.x,g.x,h.x,i.x,j.x,k.x"},
		.log = "D N O A0",
		.kind = ERR_PROTO,
		.retry = RETRY_LATER,
		.says = "must not be answered"},
	{.title = "no issuer", .ca = {.issuers = ""}, .log = "D N O A0", .kind = ERR_PROTO, .retry = RETRY_LATER},
	{.title = "directory's issuer is not offered",
		.ca = {.level = 2, .issuers = "x.test"},
		.log = "D N O A0",
		.kind = ERR_PROTO,
		.retry = RETRY_LATER},
	{.title = "offered issuer is none of caaIdentities",
		.ca = {.level = 2, .issuers = "ca.test,x.test"},
		.log = "D N O A0",
		.kind = ERR_PROTO,
		.retry = RETRY_LATER},
	{.title = "level 02 configured, 01 spoken",
		.ca = {.level = 1},
		.level = LEVEL_02,
		.log = "D N O A0",
		.kind = ERR_PROTO,
		.retry = RETRY_AFTER_OPERATOR,
		.says = "accountHashPrefix"},
	{.title = "token with a path",
		.ca = {.token = "../../etc/x"},
		.log = "D N O A0",
		.kind = ERR_PROTO,
		.retry = RETRY_LATER,
		.says = "token"},
	{.title = "the order could not be kept",
		.placed_error = "disk full",
		.log = "D N O",
		.kind = ERR_STORE,
		.says = "disk full"},
	{.title = "order invalid after finalize",
		.ca = {.invalid_at_end = true},
		.log = "D N O A0 C0 A0 F",
		.kind = ERR_ACME,
		.retry = RETRY_AFTER_OPERATOR,
		.lost = true,
		.says = "CAA forbids it|invalid"},
	{.title = "certificate of another key",
		.ca = {.wrong_key = true},
		.log = "D N O A0 C0 A0 F o c",
		.kind = ERR_CRYPTO,
		.retry = RETRY_LATER,
		.lost = true,
		.says = "not installed"},
	{.title = "certificate with another name",
		.ca = {.wrong_name = "b.test"},
		.log = "D N O A0 C0 A0 F o c",
		.kind = ERR_CRYPTO,
		.retry = RETRY_LATER,
		.lost = true},
	{.title = "expired certificate",
		.ca = {.lifetime_s = -86400},
		.log = "D N O A0 C0 A0 F o c",
		.kind = ERR_CRYPTO,
		.retry = RETRY_LATER,
		.lost = true},
	{.title = "authorization never decided",
		.ca = {.authz_polls = 100000},
		.patience_ms = 60000,
		.kind = ERR_TIMEOUT,
		.retry = RETRY_LATER,
		.says = "a.test|not decided"},
	{.title = "order never decided",
		.ca = {.order_polls = 100000},
		.patience_ms = 60000,
		.kind = ERR_TIMEOUT,
		.retry = RETRY_LATER,
		.says = "the order|not decided"},
	{.title = "Retry-After beyond patience",
		.ca = {.order_polls = 1, .order_retry_after = "7200"},
		.log = "D N O A0 C0 A0 F",
		.kind = ERR_TIMEOUT,
		.retry = RETRY_LATER},
};

static void is_refused(void **state)
{
	(void)state;
	play_all(refused, ARRAY_LEN(refused));
}

/* --- what fails on the way --- */

static const struct row faulty[] = {
	{.title = "directory comes late",
		.ca = {.faults = {{"D", .status = 500, .times = 2}}},
		.log = "D D D N O A0 C0 A0 F o c"},
	{.title = "not a directory",
		.ca = {.faults = {{"D", .body = "<html>"}}},
		.log = "D",
		.kind = ERR_PROTO,
		.says = "is that URL an ACME directory"},
	{.title = "nonce comes late", .ca = {.faults = {{"N", .status = 503}}}, .log = "D N N O A0 C0 A0 F o c"},
	{.title = "lost newOrder reply",
		.ca = {.faults = {{"O", .acts = true, .lost = true}}},
		.log = "D N O N O A0 C0 A0 F o c"},
	{.title = "newOrder 500",
		.ca = {.faults = {{"O", .status = 500, .times = 2, .body = "<h1>oops"}}},
		.log = "D N O O O A0 C0 A0 F o c"},
	{.title = "rate limited",
		.ca = {.faults = {{"O", .status = 429, .problem = "rateLimited", .header = "Retry-After: 7200"}}},
		.log = "D N O",
		.kind = ERR_ACME,
		.retry = RETRY_LATER,
		.says = "rateLimited"},
	{.title = "rate limited, no time",
		.ca = {.faults = {{"O", .status = 429, .problem = "rateLimited"}}},
		.log = "D N O",
		.kind = ERR_ACME,
		.retry = RETRY_LATER},
	{.title = "rate limited for a moment",
		.ca = {.faults = {{"O", .status = 429, .problem = "rateLimited", .header = "Retry-After: 2"}}},
		.log = "D N O O A0 C0 A0 F o c",
		.took_ms = 2000},
	{.title = "account gone",
		.ca = {.faults = {{"O", .status = 400, .problem = "accountDoesNotExist"}}},
		.log = "D N O",
		.kind = ERR_ACME,
		.retry = RETRY_AFTER_OPERATOR,
		.says = "perdure account register"},
	{.title = "newOrder without Location",
		.ca = {.faults = {{"O", .status = 201, .body = "{}"}}},
		.log = "D N O",
		.kind = ERR_PROTO,
		.retry = RETRY_LATER,
		.says = "Location"},
	{.title = "order for other names",
		.log = "D N O",
		.kind = ERR_PROTO,
		.retry = RETRY_LATER,
		.says = "b.test",
		.ca = {.faults = {{"O", .acts = true,
			       .body = "{\"status\":\"pending\",\"identifiers\":[{\"type\":\"dns\",\"value\":\"b."
				       "test\"}],"
				       "\"authorizations\":[],\"finalize\":\"" FAKE_HOST "/f\"}"}}}},
	{.title = "replaces refused",
		.replaces = "abc.def",
		.ca = {.faults = {{"O", .status = 409, .problem = "alreadyReplaced"}}},
		.log = "D N O O A0 C0 A0 F o c",
		.warns = "alreadyReplaced|without"},
	{.title = "replaces makes the server stumble",
		.replaces = "abc.def",
		.ca = {.faults = {{"O", .status = 500, .problem = "serverInternal"}}},
		.log = "D N O O A0 C0 A0 F o c",
		.warns = "serverInternal|without"},
	{.title = "replaces and a lost reply",
		.replaces = "abc.def",
		.ca = {.faults = {{"O", .acts = true, .lost = true}}},
		.log = "D N O N O A0 C0 A0 F o c"},
	{.title = "replaces and rate limited",
		.replaces = "abc.def",
		.ca = {.faults = {{"O", .status = 429, .problem = "rateLimited"}}},
		.log = "D N O",
		.kind = ERR_ACME,
		.retry = RETRY_LATER},
	{.title = "replaces and come again in a moment",
		.replaces = "abc.def",
		.ca = {.faults = {{"O", .status = 503, .header = "Retry-After: 5"}}},
		.log = "D N O O A0 C0 A0 F o c"},
	{.title = "replaces at a CA that does not know it",
		.replaces = "abc.def",
		.ca = {.no_renewal_info = true, .faults = {{"O", .status = 409, .problem = "alreadyReplaced"}}},
		.log = "D N O",
		.kind = ERR_ACME,
		.says = "alreadyReplaced"},
	{.title = "lost challenge reply",
		.ca = {.faults = {{"C0", .acts = true, .lost = true}}},
		.log = "D N O A0 C0 N A0 F o c"},
	{.title = "lost challenge", .ca = {.faults = {{"C0", .lost = true}}}, .log = "D N O A0 C0 N A0 C0 A0 F o c"},
	{.title = "challenge decided by somebody else",
		.names = "a.test b.test",
		.ca = {.faults = {{"C0", .acts = true, .status = 400, .problem = "malformed"}}},
		.log = "D N O A0 A1 C0 A0 C1 A1 F o c"},
	{.title = "challenge refused",
		.ca = {.faults = {{"C0", .status = 400, .problem = "malformed"}}},
		.log = "D N O A0 C0 A0",
		.kind = ERR_ACME,
		.retry = RETRY_NEVER,
		.says = "challenge|a.test"},
	{.title = "challenge never arrives",
		.ca = {.faults = {{"C0", .status = 500, .times = 100}}},
		.log = "D N O A0 C0 A0 C0 A0 C0 A0 C0 A0 C0 A0",
		.kind = ERR_HTTP,
		.retry = RETRY_LATER},
	{.title = "lost finalize reply",
		.ca = {.faults = {{"F", .acts = true, .lost = true}}},
		.log = "D N O A0 C0 A0 F N o c"},
	{.title = "lost finalize reply, still processing",
		.ca = {.order_polls = 2, .faults = {{"F", .acts = true, .lost = true}}},
		.log = "D N O A0 C0 A0 F N o o o c"},
	{.title = "lost finalize", .ca = {.faults = {{"F", .lost = true}}}, .log = "D N O A0 C0 A0 F N o F o c"},
	{.title = "not ready yet",
		.ca = {.faults = {{"F", .status = 403, .problem = "orderNotReady"}}},
		.log = "D N O A0 C0 A0 F o F o c"},
	{.title = "never ready",
		.ca = {.faults = {{"F", .status = 403, .problem = "orderNotReady", .times = 100}}},
		.kind = ERR_ACME,
		.retry = RETRY_LATER,
		.says = "orderNotReady"},
	{.title = "finalize refused",
		.ca = {.faults = {{"F", .status = 400, .problem = "badCSR"}}},
		.log = "D N O A0 C0 A0 F o",
		.kind = ERR_ACME,
		.retry = RETRY_NEVER,
		.lost = true,
		.says = "badCSR"},
	{.title = "finalize 403 though valid",
		.ca = {.faults = {{"F", .acts = true, .status = 403, .problem = "orderNotReady"}}},
		.log = "D N O A0 C0 A0 F o c"},
	{.title = "finalize rate limited",
		.ca = {.faults = {{"F", .status = 429, .problem = "rateLimited"}}},
		.log = "D N O A0 C0 A0 F",
		.kind = ERR_ACME,
		.retry = RETRY_LATER},
	{.title = "finalize reply is no order",
		.ca = {.faults = {{"F", .acts = true, .body = "<html>"}}},
		.log = "D N O A0 C0 A0 F o c",
		.warns = "finalize reply"},
	{.title = "authorization is no JSON",
		.ca = {.faults = {{"A0", .body = "{\"status\":"}}},
		.log = "D N O A0",
		.kind = ERR_PROTO,
		.retry = RETRY_LATER,
		.says = "/authz/0"},
	{.title = "certificate cut short",
		.ca = {.faults = {{"c", .body = "-----BEGIN CERTIFICATE-----\nMII", .times = 2}}},
		.log = "D N O A0 C0 A0 F o c c c"},
	{.title = "certificate always cut short",
		.ca = {.faults = {{"c", .body = "-----BEGIN CERTIFICATE-----\nMII", .times = 99}}},
		.log = "D N O A0 C0 A0 F o c c c c",
		.kind = ERR_PROTO,
		.retry = RETRY_LATER},
	{.title = "certificate not there",
		.ca = {.faults = {{"c", .status = 404, .problem = "malformed"}}},
		.log = "D N O A0 C0 A0 F o c",
		.kind = ERR_ACME,
		.retry = RETRY_LATER},
};

static void fails_on_the_way(void **state)
{
	(void)state;
	play_all(faulty, ARRAY_LEN(faulty));
}

static void tells_its_steps_and_wishes(void **state)
{
	(void)state;
	const struct row row = {
		.title = "steps", .names = "a.test *.a.test", .profile = "shortlived", .replaces = "abc.def"};
	struct run t;
	struct err e = {0};
	struct fake_ca ca = {.level = 1};
	run_flow(&t, &row, &ca);
	assert_int_equal(loop_run(ca.l, &e), 0);
	check_run(&t);
	assert_string_equal(buf_str(&t.steps), "order; authorization a.test; authorization *.a.test; record a.test; "
					       "record *.a.test; challenge a.test; "
					       "challenge *.a.test; finalize; certificate");
	assert_string_equal(buf_str(&ca.payload),
		"{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.test\"},{\"type\":\"dns\",\"value\":\"*.a.test\"}],"
		"\"profile\":\"shortlived\",\"replaces\":\"abc.def\"}");
	assert_true(t.placed);
	end_run(&t);
}

static void cut(void *ctx)
{
	struct run *t = ctx;
	loop_timer_stop(t->later);
	acme_flow_free(t->flow);
	t->flow = NULL;
}

/* At any moment the flow can be let go: no callback comes, nothing leaks, and what was asked is not undone. */
static void can_be_dropped_at_any_time(void **state)
{
	(void)state;
	const struct row row = {.title = "dropped", .judge = "g"};
	for (int64_t ms = 1; ms < 250; ms += 3) {
		struct run t;
		struct err e = {0};
		struct fake_ca ca = {.order_polls = 2, .authz_polls = 1, .delay_ms = 6};
		run_flow(&t, &row, &ca);
		struct loop_timer *knife = loop_timer_new(ca.l, cut, &t);
		loop_timer_start(knife, ms);
		assert_int_equal(loop_run(ca.l, &e), 0);
		assert_true(t.done || !t.flow);
		loop_timer_free(knife);
		end_run(&t);
	}
}

static void stop_loop(void *ctx)
{
	loop_stop(ctx);
}

/* Many orders wait at once: what one holds while its record is looked at. */
static void holds_little(void **state)
{
	(void)state;
	const struct row row = {.title = "memory", .judge = "g"};
	struct run t;
	struct err e = {0};
	struct fake_ca ca = {.level = 1};
	run_flow(&t, &row, &ca);
	struct loop_timer *knife = loop_timer_new(ca.l, stop_loop, ca.l);
	loop_timer_start(knife, 50);
	assert_int_equal(loop_run(ca.l, &e), 0);
	loop_timer_free(knife);
	assert_int_equal(t.judgements, 1);
	size_t before = mallinfo2().uordblks;
	loop_timer_stop(t.later);
	acme_flow_free(t.flow);
	t.flow = NULL;
	size_t held = before - mallinfo2().uordblks;
	assert_true(held < 8192);
	end_run(&t);
}

/* --- other challenges --- */

static const struct row choices[] = {
	{.title = "dns-persist-01 chosen",
		.ca = {.dns_01 = true},
		.choose = "P",
		.offered = "3",
		.log = "D N O A0 C0 A0 F o c"},
	{.title = "dns-01 chosen",
		.ca = {.no_persist = true, .dns_01 = true},
		.choose = "D",
		.offered = "2",
		.setups = "a.test/dns-01/token-0; clean",
		.log = "D N O A0 T0 A0 F o c"},
	{.title = "dns-01 for base name and wildcard, set up later",
		.names = "a.test *.a.test",
		.ca = {.no_persist = true, .dns_01 = true},
		.choose = "DD",
		.prepare = "g",
		.setups = "a.test/dns-01/token-0 *.a.test/dns-01/token-1; clean",
		.log = "D N O A0 A1 T0 T1 A0 A1 F o c"},
	{.title = "one name by each",
		.names = "a.test b.test",
		.ca = {.dns_01 = true},
		.choose = "PD",
		.setups = "b.test/dns-01/token-1; clean",
		.log = "D N O A0 A1 C0 T1 A0 A1 F o c"},
	{.title = "record refused, then dns-01",
		.ca = {.dns_01 = true},
		.choose = "PD",
		.judge = "R",
		.offered = "3 2!",
		.setups = "a.test/dns-01/token-0; clean",
		.log = "D N O A0 T0 A0 F o c"},
	{.title = "record refused later, then nothing",
		.ca = {.dns_01 = true},
		.choose = "PN",
		.judge = "r",
		.log = "D N O A0",
		.kind = ERR_POLICY,
		.retry = RETRY_AFTER_OPERATOR,
		.says = "no way to validate a.test|no way",
		.subs = "a.test"},
	{.title = "record refused and nothing else offered",
		.choose = "P",
		.judge = "R",
		.log = "D N O A0",
		.kind = ERR_POLICY,
		.retry = RETRY_AFTER_OPERATOR,
		.says = "no record|publish it",
		.subs = "a.test"},
	{.title = "nothing can be chosen now",
		.ca = {.dns_01 = true},
		.choose = "L",
		.log = "D N O A0",
		.kind = ERR_DNS,
		.retry = RETRY_LATER,
		.says = "no way now",
		.subs = "a.test"},
	{.title = "a foreign account, but dns-01",
		.ca = {.level = 1, .account_uri = "https://other.test/7", .dns_01 = true},
		.choose = "D",
		.offered = "2!",
		.setups = "a.test/dns-01/token-0; clean",
		.log = "D N O A0 T0 A0 F o c"},
	{.title = "answered by an earlier run",
		.kept = true,
		.ca = {.no_persist = true, .dns_01 = true, .authz = {"processing"}, .authz_polls = 1},
		.choose = "",
		.setups = "a.test/dns-01/token-0; clean",
		.log = "D N o A0 A0 F o c"},
	{.title = "cannot be set up",
		.ca = {.no_persist = true, .dns_01 = true},
		.choose = "D",
		.prepare = "f",
		.setups = "a.test/dns-01/token-0; kept",
		.log = "D N O A0",
		.kind = ERR_PROVIDER,
		.retry = RETRY_LATER,
		.says = "cannot write"},
	{.title = "refused by the CA",
		.ca = {.no_persist = true, .dns_01 = true, .invalid = {true}},
		.choose = "D",
		.setups = "a.test/dns-01/token-0; clean",
		.log = "D N O A0 T0 A0",
		.kind = ERR_ACME,
		.retry = RETRY_LATER,
		.lost = true,
		.says = "",
		.subs = "a.test"},
	{.title = "not decided in time",
		.ca = {.no_persist = true, .dns_01 = true, .authz_polls = 1000},
		.patience_ms = 50,
		.choose = "D",
		.setups = "a.test/dns-01/token-0; kept",
		.kind = ERR_TIMEOUT,
		.retry = RETRY_LATER,
		.says = "not decided"},
};

static void takes_what_is_chosen(void **state)
{
	(void)state;
	play_all(choices, ARRAY_LEN(choices));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_well),
		cmocka_unit_test(goes_on),
		cmocka_unit_test(takes_what_is_chosen),
		cmocka_unit_test(is_refused),
		cmocka_unit_test(fails_on_the_way),
		cmocka_unit_test(tells_its_steps_and_wishes),
		cmocka_unit_test(can_be_dropped_at_any_time),
		cmocka_unit_test(holds_little),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
