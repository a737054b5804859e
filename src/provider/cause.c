/* cause.c: what went wrong and what to do about it, in the same words for all providers; and what they cannot take. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "provider/internal.h"
#include "provider/rdata.h"

static const struct {
	const char *name;
	const char *hint;
} causes[] = {
	[PROVIDER_OTHER] = {"other", NULL},
	[PROVIDER_KEY] = {"key", "check the credentials: \"perdure provider test %s\" tries them"},
	[PROVIDER_CLOCK] = {"clock", "set this machine's clock (NTP); if it is right, the server's is wrong"},
	[PROVIDER_POLICY] = {"policy", "\"perdure provider policy %s\" prints the rights that it needs"},
	[PROVIDER_NO_ZONE] = {"no-zone", "check where the zone is hosted, then providers[].zones of provider %s"},
	[PROVIDER_DELEGATED] = {"delegated",
		"records below a delegation belong in the zone that begins there: use the provider that hosts it"},
	[PROVIDER_CNAME_THERE] = {"cname",
		"a CNAME goes with nothing else at its name: remove it, or put the record where it points"},
	[PROVIDER_RATE] = {"rate", "wait, then run the same again: what is done already is not repeated"},
	[PROVIDER_SIZE] = {"size", NULL},
	[PROVIDER_BUSY] = {"busy", "wait a little, then run the same again"},
	[PROVIDER_REPLY] = {"reply",
		"check that the URL of provider %s is that of the interface and not of a web page"},
	[PROVIDER_IGNORED] = {"ignored", "look at the zone at the provider: something there is in the way"},
};

enum provider_cause provider_cause(const struct err *e)
{
	return e->kind == ERR_PROVIDER ? (enum provider_cause)e->code : (enum provider_cause)0;
}

const char *provider_cause_name(enum provider_cause c)
{
	return (size_t)c < ARRAY_LEN(causes) && causes[c].name ? causes[c].name : "";
}

/* When the same may work: after a wait, or after somebody has changed something. */
static enum err_retry retry_of(enum provider_cause c)
{
	return c == PROVIDER_RATE || c == PROVIDER_BUSY || c == PROVIDER_REPLY ? RETRY_LATER : RETRY_AFTER_OPERATOR;
}

void provider_err_(struct err *e, const struct provider *p, enum provider_cause cause, const char *fmt, ...)
{
	char text[sizeof(e->msg)];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_set(e, ERR_PROVIDER, "%s", text);
	e->code = cause;
	err_retry(e, retry_of(cause), 0);
	provider_err_name(e, p);
}

void provider_err_name(struct err *e, const struct provider *p)
{
	err_ctx(e, "provider %s (%s)", p->conf->name, p->conf->type);
}

void provider_hint(struct err *e, const struct provider *p)
{
	enum provider_cause c = provider_cause(e);
	const char *hint = (size_t)c < ARRAY_LEN(causes) ? causes[c].hint : NULL;
	const char *at = hint ? strstr(hint, "%s") : NULL;
	if (at)
		err_hint(e, "%.*s%s%s", (int)(at - hint), hint, p->conf->name, at + 2);
	else if (hint)
		err_hint(e, "%s", hint);
}

/* --- what the capabilities exclude --- */

int provider_check_type_(const struct provider *p, enum provider_type type, const char *name, struct err *e)
{
	if (type == PROVIDER_TXT || (type == PROVIDER_CNAME && (p->caps.types & PROVIDER_CAN_CNAME)) ||
		(type == PROVIDER_CAA && (p->caps.types & PROVIDER_CAN_CAA)))
		return 0;
	provider_err(
		e, p, PROVIDER_SIZE, "it cannot hold %s records, one is wanted at %s", provider_type_name(type), name);
	err_hint(e, "set this record by hand: \"perdure record show\" prints it");
	return -1;
}

static int check_value(const struct provider *p, const struct provider_change *c, const char *data, struct err *e)
{
	AUTO(buf_done) struct buf b = buf_make(RDATA_MAX);
	if (c->type != PROVIDER_TXT || !p->caps.value_max)
		return 0;
	rdata_text(data, &b);
	if (b.n <= p->caps.value_max)
		return 0;
	provider_err(e, p, PROVIDER_SIZE, "a TXT value of %zu octets is wanted at %s, it takes %zu", b.n, c->name,
		p->caps.value_max);
	err_hint(e, "a delegation to a zone elsewhere, or another account URL, may make it shorter");
	return -1;
}

int provider_check_change_(const struct provider *p, const struct provider_change *c, struct err *e)
{
	struct provider_rrset wanted;
	if (provider_check_type_(p, c->type, c->name, e))
		return -1;
	for (size_t i = 0; i < c->add->n; i++)
		if (check_value(p, c, c->add->v[i], e))
			return -1;
	provider_change_wanted(c, &wanted);
	size_t n = wanted.n;
	provider_rrset_done(&wanted);
	if (c->type == PROVIDER_CNAME && n > 1)
		return provider_err(
			e, p, PROVIDER_CNAME_THERE, "%s would have %zu CNAME records, it may have one", c->name, n);
	if (p->caps.values_max && n > p->caps.values_max)
		return provider_err(
			e, p, PROVIDER_SIZE, "%s would have %zu values, it takes %zu", c->name, n, p->caps.values_max);
	/* What is there already is good, whatever it is. */
	if (n && c->ttl != c->expect->ttl && c->ttl != provider_ttl(&p->caps, c->ttl)) {
		provider_err(e, p, PROVIDER_SIZE, "it does not take a TTL of %lld s", (long long)c->ttl);
		err_hint(e, "the next that it takes is %lld s", (long long)provider_ttl(&p->caps, c->ttl));
		return -1;
	}
	return 0;
}

int64_t provider_ttl(const struct provider_caps *c, int64_t wanted)
{
	int64_t ttl = wanted > c->ttl_min ? wanted : c->ttl_min;
	if (c->ttl_max && ttl > c->ttl_max)
		ttl = c->ttl_max;
	if (!c->ttl_steps)
		return ttl;
	int64_t step = 0;
	for (size_t i = 0; c->ttl_steps[i]; i++) {
		step = c->ttl_steps[i];
		if (step >= ttl)
			break;
	}
	return step;
}

/* --- credentials --- */

int provider_secret(const struct config_provider *conf, const char *key, struct secret *ret, struct err *e)
{
	struct secret s;
	const char *path = config_provider_str(conf, key);
	if (!path)
		return err_set(e, ERR_CONFIG, "%s is missing", key);
	if (fs_read_secret(path, &s, e))
		return err_ctx(e, "%s", key);
	size_t n = s.n;
	while (n && (s.p[n - 1] == '\n' || s.p[n - 1] == '\r' || s.p[n - 1] == ' ' || s.p[n - 1] == '\t'))
		n--;
	bool bad = !n;
	for (size_t i = 0; i < n; i++)
		bad = bad || s.p[i] <= ' ' || s.p[i] >= 0x7f;
	if (bad) {
		secret_done(&s);
		err_set(e, ERR_CONFIG, "%s: the file %s does not hold one word", key, path);
		err_hint(e, "put the secret alone into the file: no name, no blanks, no second line");
		return -1;
	}
	*ret = secret_dup(s.p, n);
	secret_done(&s);
	return 0;
}
