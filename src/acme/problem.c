/* problem.c: problem documents of ACME and what each type means for a client. */
#include "acme/problem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "http/http.h"
#include "json/json.h"

enum { MAX_SUBPROBLEMS = 200, EXCERPT = 200 };

/* RFC 8555 section 6.7, RFC 9773, draft-ietf-acme-profiles. Types that are not here go by the HTTP status. */
static const struct meaning {
	const char *type;
	enum err_retry retry;
	const char *hint;
} meanings[] = {
	{"accountDoesNotExist", RETRY_AFTER_OPERATOR,
		"the CA does not know this account key: run `perdure account register`; a new account has a new URL, "
		"so its "
		"records must be published first"},
	{"alreadyReplaced", RETRY_NEVER, NULL},
	{"alreadyRevoked", RETRY_NEVER, NULL},
	{"badCSR", RETRY_NEVER, "the CA does not accept this key type or these names; change `key:`"},
	{"badNonce", RETRY_NOW, NULL},
	{"badPublicKey", RETRY_AFTER_OPERATOR, "the CA does not accept this key; choose another key type"},
	{"badRevocationReason", RETRY_NEVER, NULL},
	{"badSignatureAlgorithm", RETRY_AFTER_OPERATOR,
		"the CA does not accept this type of account key; an ec256 key works everywhere"},
	{"caa", RETRY_AFTER_OPERATOR,
		"a CAA record forbids it: allow this CA, the method dns-persist-01 in validationmethods and this "
		"account URL in "
		"accounturi"},
	{"compound", RETRY_AFTER_OPERATOR, NULL},
	{"conflict", RETRY_LATER, NULL},
	{"connection", RETRY_AFTER_OPERATOR, NULL},
	{"dns", RETRY_LATER, "the CA could not look the record up; see `perdure check`"},
	{"externalAccountRequired", RETRY_AFTER_OPERATOR,
		"get a key id and HMAC key from the CA and set `eab: { kid: …, hmac_key_file: … }`"},
	{"incorrectResponse", RETRY_AFTER_OPERATOR, "compare the published record: `perdure check`"},
	{"invalidContact", RETRY_AFTER_OPERATOR, "correct `contact:`"},
	{"invalidProfile", RETRY_AFTER_OPERATOR, "`perdure ca probe` lists the CA's profiles"},
	{"malformed", RETRY_NEVER, NULL},
	{"orderNotReady", RETRY_NOW, NULL},
	{"rateLimited", RETRY_LATER, NULL},
	{"rejectedIdentifier", RETRY_AFTER_OPERATOR, "the CA does not issue for this name"},
	{"serverInternal", RETRY_LATER, NULL},
	{"tls", RETRY_AFTER_OPERATOR, NULL},
	{"unauthorized", RETRY_AFTER_OPERATOR,
		"see `perdure check` for the record and `perdure account show` for the account"},
	{"unsupportedContact", RETRY_AFTER_OPERATOR, "use mailto: addresses in `contact:`"},
	{"unsupportedIdentifier", RETRY_AFTER_OPERATOR, "the CA does not issue for names of this kind"},
	{"userActionRequired", RETRY_AFTER_OPERATOR, NULL},
};

/* The last part of an ACME error URN; other types whole. */
static const char *short_type(const char *type)
{
	static const char *const prefixes[] = {"urn:ietf:params:acme:error:", "urn:acme:error:"};
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (!strncmp(type, prefixes[i], strlen(prefixes[i])))
			return type + strlen(prefixes[i]);
	return type;
}

static bool is_acme_type(const char *type)
{
	return short_type(type) != type;
}

bool acme_problem_is(const struct err *e, const char *type)
{
	return e->kind == ERR_ACME && e->problem && is_acme_type(e->problem->type) &&
	       !strcmp(short_type(e->problem->type), type);
}

static enum err_retry retry_of_status(int status)
{
	return status >= 500 || status == 429 || status == 408 || status == 409 ? RETRY_LATER : RETRY_NEVER;
}

/* Only a person at the address in the message can lift a pause. */
static void read_pause(struct err *e)
{
	AUTO(xfreep) char *url = acme_problem_unpause(e);
	if (!url)
		return;
	e->retry = RETRY_AFTER_OPERATOR;
	err_hint(e, "the CA has paused this account and name; lift it at %s", url);
}

static void apply_meaning(struct err *e)
{
	e->retry = retry_of_status((int)e->code);
	if (!is_acme_type(e->problem->type))
		return;
	for (size_t i = 0; i < ARRAY_LEN(meanings); i++) {
		if (strcmp(short_type(e->problem->type), meanings[i].type))
			continue;
		e->retry = meanings[i].retry;
		if (!strcmp(meanings[i].type, "rateLimited"))
			read_pause(e);
		if (!strcmp(meanings[i].type, "userActionRequired") && e->problem->instance[0])
			err_hint(e, "read and agree at %.300s", e->problem->instance);
		if (meanings[i].hint)
			err_hint(e, "%s", meanings[i].hint);
		return;
	}
}

char *acme_problem_unpause(const struct err *e)
{
	if (!acme_problem_is(e, "rateLimited"))
		return NULL;
	const char *detail = e->problem->detail;
	const char *start = strstr(detail, "unpause");
	while (start && start > detail && !isspace((unsigned char)start[-1]))
		start--;
	if (!start || strncmp(start, "https://", 8) != 0)
		return NULL;
	return xstrndup(start, strcspn(start, " \t\r\n"));
}

static const char *str_or(const struct json *obj, const char *member, const char *dflt)
{
	const char *s = json_str(json_get(obj, member));
	return s ? s : dflt;
}

static void replace(char **dst, const char *src)
{
	free(*dst);
	*dst = xstrdup(src);
}

static struct err_problem *read_problem(const struct json *doc)
{
	struct err_problem *p = err_problem_new();
	int64_t status;
	replace(&p->type, str_or(doc, "type", "about:blank"));
	replace(&p->title, str_or(doc, "title", ""));
	replace(&p->detail, str_or(doc, "detail", ""));
	replace(&p->instance, str_or(doc, "instance", ""));
	if (json_int(json_get(doc, "status"), &status) && status >= 100 && status <= 999)
		p->status = (int)status;
	const struct json *subs = json_get(doc, "subproblems");
	for (size_t i = 0; i < json_len(subs) && i < MAX_SUBPROBLEMS; i++) {
		const struct json *sub = json_at(subs, i);
		err_problem_add(p, str_or(json_get(sub, "identifier"), "value", ""), str_or(sub, "type", ""),
			str_or(sub, "detail", ""));
	}
	return p;
}

/* Sets e from the document; what comes before the type in the message. */
static void set_from(struct err *e, const struct json *doc, const char *what, int http_status)
{
	struct err_problem *p = read_problem(doc);
	const char *words = p->detail[0] ? p->detail : p->title;
	err_set(e, ERR_ACME, "%s: %.100s%s%.600s", what, short_type(p->type), words[0] ? ": " : "", words);
	e->code = http_status ? http_status : p->status;
	e->problem = p;
	apply_meaning(e);
}

int acme_problem_from_json(const struct json *problem, const char *what, struct err *e)
{
	if (json_is_object(problem)) {
		set_from(e, problem, what, 0);
		return -1;
	}
	err_set(e, ERR_ACME, "%s: the server gave no reason", what);
	e->problem = err_problem_new();
	return -1;
}

/* The target of the terms-of-service link that comes with userActionRequired (RFC 8555 section 7.3.3). */
static void terms_hint(const struct http_reply *r, const char *url, struct err *e)
{
	if (!acme_problem_is(e, "userActionRequired"))
		return;
	for (size_t i = 0; i < r->n_headers; i++) {
		if (strcmp(r->headers[i].name, "link"))
			continue;
		char *terms = http_link_target(r->headers[i].value, "terms-of-service", url);
		if (terms)
			err_hint(e,
				"read the terms of service at %.300s and agree to them: `perdure account register "
				"--agree-tos`",
				terms);
		free(terms);
	}
}

int acme_problem_from_reply(const struct http_reply *r, const char *url, int64_t now_ms, struct err *e)
{
	struct json *doc = NULL;
	struct err not_json = {0};
	AUTO(xfreep) char *what = xasprintf("%.300s answered %d", url, r->status);
	if (r->body.n && !json_parse(r->body.p, r->body.n, "error reply", &doc, &not_json) && json_is_object(doc) &&
		(json_str(json_get(doc, "type")) || json_str(json_get(doc, "detail")))) {
		set_from(e, doc, what, r->status);
		terms_hint(r, url, e);
	} else {
		int shown = r->body.n < EXCERPT ? (int)r->body.n : EXCERPT;
		err_set(e, ERR_HTTP, "%s%s%.*s", what, shown ? ": " : " with an empty body", shown, buf_str(&r->body));
		e->code = r->status;
		e->retry = retry_of_status(r->status);
	}
	err_done(&not_json);
	json_free(doc);
	const char *after = http_reply_header(r, "retry-after");
	int64_t at;
	if (e->retry == RETRY_LATER && after && clock_retry_after(after, now_ms, &at))
		e->retry_at = at;
	return -1;
}
