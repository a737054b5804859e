/* tokens.c: the values of token records: read, made, hidden. */
#include "inventory/tokens.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/random.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "crypto/jose.h"
#include "inventory/plan.h"
#include "inventory/wishes.h"
#include "inventory/written.h"
#include "provider/rdata.h"

enum { SECRET_OCTETS = 32, VALUE_MAX = 4096, SHOWN_OCTETS = 4, LOCK_WAIT_MS = 30000 };

void tokens_done(struct tokens *t)
{
	for (size_t i = 0; i < t->n; i++)
		secret_done(&t->now[i].text);
	for (size_t i = 0; i < t->n_before; i++)
		secret_done(&t->before[i].text);
	free(t->now);
	free(t->before);
	*t = (struct tokens){0};
}

/* --- values --- */

static struct secret with_prefix(const struct config_token *conf, const uint8_t *p, size_t n)
{
	size_t head = strlen(conf->prefix);
	struct secret s = {.p = xmalloc(head + n + 1), .n = head + n};
	memcpy(s.p, conf->prefix, head);
	memcpy(s.p + head, p, n);
	s.p[s.n] = '\0';
	return s;
}

static struct secret made(const struct config_token *conf)
{
	uint8_t random[SECRET_OCTETS];
	random_octets(random, sizeof(random));
	char *text = codec_b64url_str(random, sizeof(random));
	struct secret s = with_prefix(conf, (const uint8_t *)text, strlen(text));
	explicit_bzero(text, strlen(text));
	explicit_bzero(random, sizeof(random));
	free(text);
	return s;
}

static char *dir_of(const struct config *c)
{
	return xasprintf("%s/tokens", c->state_dir);
}

int tokens_keep(const struct config *c, const struct config_token *conf, const char *text, size_t n, struct err *e)
{
	AUTO(xfreep) char *dir = dir_of(c);
	AUTO(xfreep) char *path = xasprintf("%s/%s", dir, conf->id);
	size_t head = strlen(conf->prefix);
	AUTO(secret_done) struct secret line = secret_dup(text + head, n - head + 1);
	line.p[n - head] = '\n';
	return fs_mkdirs(dir, 0700, e) || fs_write_atomic(path, line.p, line.n, 0600, e) ? -1 : 0;
}

/* Made once: two runs that begin at the same time agree on one value. */
static int make_first(const struct config *c, const struct config_token *conf, const char *path, struct err *e)
{
	AUTO(xfreep) char *dir = dir_of(c);
	AUTO(xfreep) char *lock_path = xasprintf("%s/.lock", dir);
	struct fs_lock lock = {.fd = -1};
	if (fs_mkdirs(dir, 0700, e) || fs_lock_take(&lock, lock_path, LOCK_WAIT_MS, NULL, e))
		return -1;
	int r = 0;
	if (!fs_exists(path)) {
		AUTO(secret_done) struct secret s = made(conf);
		r = tokens_keep(c, conf, (const char *)s.p, s.n, e);
	}
	fs_lock_release(&lock);
	return r;
}

static int check(const struct secret *s, const char *path, struct err *e)
{
	bool good = s->n && s->n <= VALUE_MAX;
	for (size_t i = 0; good && i < s->n; i++)
		good = s->p[i] >= ' ' && s->p[i] <= '~';
	return good ? 0 : err_set(e, ERR_CONFIG, "%s holds no line of printable characters", path);
}

static int read_value(const struct config *c, const struct config_token *conf, struct secret *ret, struct err *e)
{
	AUTO(xfreep) char *own = xasprintf("%s/tokens/%s", c->state_dir, conf->id);
	AUTO(secret_done) struct secret raw = {0};
	const char *path = conf->value_file ? conf->value_file : own;
	if (!conf->value_file && !fs_exists(own) && make_first(c, conf, own, e))
		return -1;
	if (fs_read_secret(path, &raw, e) || check(&raw, path, e))
		return err_ctx(e, "token %s", conf->id);
	*ret = with_prefix(conf, raw.p, raw.n);
	return 0;
}

int tokens_open(const struct config *c, struct tokens *ret, struct err *e)
{
	AUTO(tokens_done) struct tokens t = {.now = xcalloc(c->n_tokens + 1, sizeof(*t.now))};
	for (; t.n < c->n_tokens; t.n++) {
		t.now[t.n] = (struct token_value){.conf = &c->tokens[t.n]};
		if (read_value(c, &c->tokens[t.n], &t.now[t.n].text, e))
			return -1;
	}
	*ret = t;
	t = (struct tokens){0};
	return 0;
}

static void remember(struct tokens *t, const struct config_token *conf, const void *p, size_t n)
{
	t->before = xreallocarray(t->before, t->n_before + 1, sizeof(*t->before));
	t->before[t->n_before++] = (struct token_value){.conf = conf, .text = secret_dup(p, n)};
}

struct learning {
	struct tokens *t;
	const struct config_token *conf;
};

static void learn(const char *data, void *ctx)
{
	struct learning *l = ctx;
	AUTO(buf_done) struct buf text = buf_make(RDATA_MAX);
	rdata_text(data, &text);
	if (text.n > strlen(l->conf->prefix) && !strncmp(buf_str(&text), l->conf->prefix, strlen(l->conf->prefix)))
		remember(l->t, l->conf, buf_str(&text), text.n);
}

void tokens_learn_data(struct tokens *t, const struct config_token *conf, const struct strv *data)
{
	struct learning l = {.t = t, .conf = conf};
	for (size_t i = 0; i < data->n; i++)
		learn(data->v[i], &l);
}

void tokens_learn(struct tokens *t, const struct written *w)
{
	for (size_t i = 0; i < t->n; i++) {
		struct learning l = {.t = t, .conf = t->now[i].conf};
		written_values(w, PROVIDER_TXT, l.conf->owner, learn, &l);
	}
}

int tokens_find(struct tokens *t, const char *id, struct token_value **ret, struct err *e)
{
	AUTO(strv_done) struct strv ids = {0};
	for (size_t i = 0; i < t->n; i++) {
		if (!strcmp(t->now[i].conf->id, id)) {
			*ret = &t->now[i];
			return 0;
		}
		strv_add(&ids, t->now[i].conf->id);
	}
	AUTO(xfreep) char *all = strv_join(&ids, ", ");
	err_set(e, ERR_USAGE, "no token \"%s\" is configured", id);
	err_hint(e, ids.n ? "there are %s" : "add one to tokens: in the configuration%s", all);
	return -1;
}

int tokens_renew(struct tokens *t, struct token_value *v, struct err *e)
{
	if (v->conf->value_file) {
		err_set(e, ERR_CONFIG, "the value of token %s is in %s", v->conf->id, v->conf->value_file);
		err_hint(e, "put the new value there first");
		return -1;
	}
	remember(t, v->conf, v->text.p, v->text.n);
	secret_done(&v->text);
	v->text = made(v->conf);
	return 0;
}

void tokens_wishes(const struct tokens *t, const char *id, struct wishes *w)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct config_token *conf = t->now[i].conf;
		const char *dot = strchr(conf->owner, '.');
		struct plan_want want = {.kind = PLAN_TOKEN, .ca = "", .value = (const char *)t->now[i].text.p};
		if (!id || !strcmp(conf->id, id))
			wishes_add(w, PROVIDER_TXT, conf->owner, conf->owner[0] == '_' && dot ? dot + 1 : conf->owner,
				conf->ttl, &want);
	}
}

/* --- hiding --- */

/* What is shown for a value, as record data. */
static char *shown(const struct token_value *v)
{
	uint8_t hash[32];
	AUTO(buf_done) struct buf hex = buf_make(64);
	jose_sha256(v->text.p, v->text.n, hash);
	codec_hex(&hex, hash, SHOWN_OCTETS);
	AUTO(xfreep) char *text = xasprintf("%s[token %s %s]", v->conf->prefix, v->conf->id, buf_str(&hex));
	return rdata_from_text(text, strlen(text));
}

static const struct token_value *value_at(const struct tokens *t, size_t i)
{
	return i < t->n ? &t->now[i] : i < t->n + t->n_before ? &t->before[i - t->n] : NULL;
}

static void replace(char **data, char *by)
{
	free(*data);
	*data = by;
}

const struct token_value *tokens_whose(const struct tokens *t, const char *data)
{
	const struct token_value *v;
	for (size_t i = 0; t && (v = value_at(t, i)); i++) {
		AUTO(xfreep) char *plain = rdata_from_text(v->text.p, v->text.n);
		if (rdata_same(PROVIDER_TXT, data, plain))
			return v;
	}
	return NULL;
}

static void hide(const struct tokens *t, char **data)
{
	const struct token_value *v = *data ? tokens_whose(t, *data) : NULL;
	if (v)
		replace(data, shown(v));
}

static int reveal(const struct tokens *t, char **data, struct err *e)
{
	const struct token_value *v;
	if (!*data || !strstr(*data, "[token "))
		return 0;
	for (size_t i = 0; (v = value_at(t, i)); i++) {
		AUTO(xfreep) char *hidden = shown(v);
		if (!strcmp(*data, hidden)) {
			replace(data, rdata_from_text(v->text.p, v->text.n));
			return 0;
		}
	}
	err_set(e, ERR_POLICY, "%s is a value that the token does not have any more", *data);
	err_hint(e, "make a new plan");
	return -1;
}

void tokens_hide_all(const struct tokens *t, struct strv *data)
{
	for (size_t i = 0; i < data->n; i++)
		hide(t, &data->v[i]);
}

void tokens_hide(const struct tokens *t, struct plan *p)
{
	for (size_t i = 0; t && (t->n || t->n_before) && i < p->n; i++) {
		struct plan_rrset *r = &p->v[i];
		if (r->type != PROVIDER_TXT)
			continue;
		tokens_hide_all(t, &r->standing);
		for (size_t k = 0; k < r->n; k++) {
			hide(t, &r->items[k].data);
			hide(t, &r->items[k].old);
		}
	}
}

int tokens_reveal(const struct tokens *t, struct plan *p, struct err *e)
{
	for (size_t i = 0; i < p->n; i++) {
		struct plan_rrset *r = &p->v[i];
		for (size_t k = 0; k < r->standing.n; k++)
			if (reveal(t, &r->standing.v[k], e))
				return err_ctx(e, "%s", r->owner);
		for (size_t k = 0; k < r->n; k++)
			if (reveal(t, &r->items[k].data, e) || reveal(t, &r->items[k].old, e))
				return err_ctx(e, "%s", r->owner);
	}
	return 0;
}

void tokens_hide_text(const struct tokens *t, char *text, size_t cap)
{
	const struct token_value *v;
	for (size_t i = 0; t && (v = value_at(t, i)); i++) {
		const char *secret = (const char *)v->text.p + strlen(v->conf->prefix);
		size_t n = strlen(secret);
		for (char *at = text; n && n < cap && (at = strstr(at, secret)); at += n)
			memset(at, '*', n);
	}
}
