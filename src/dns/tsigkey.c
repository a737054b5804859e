/* tsigkey.c: TSIG keys and the forms of the files that hold them. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "dns/tsig.h"

enum { WORDS_MAX = 256, SECRET_MAX = 4096 };

static const struct {
	const char *name;
	enum hmac_hash hash;
} algorithms[] = {
	{"hmac-sha256", HMAC_SHA256},
	{"hmac-sha512", HMAC_SHA512},
	{"hmac-sha384", HMAC_SHA384},
	{"hmac-sha1", HMAC_SHA1},
};

const char *tsig_algorithm_name(enum hmac_hash h)
{
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++)
		if (algorithms[i].hash == h)
			return algorithms[i].name;
	return "";
}

/* A part of the text. */
struct word {
	const char *p;
	size_t n;
};

struct words {
	struct word w[WORDS_MAX];
	size_t n;
};

/* What is found of one key. */
struct found {
	struct word name, algorithm, secret;
};

static bool is(const struct word *w, const char *s)
{
	return strlen(s) == w->n && !strncasecmp(w->p, s, w->n);
}

/* Behind a comment that begins at p, or p when none does. Base64 may hold "//", but does not begin a word with it. */
static const char *skip_comment(const char *p)
{
	if (p[0] == '/' && p[1] == '*') {
		const char *end = strstr(p + 2, "*/");
		return end ? end + 2 : p + strlen(p);
	}
	if (p[0] == '#' || (p[0] == '/' && p[1] == '/'))
		return p + strcspn(p, "\n");
	return p;
}

static int split(const char *text, struct words *ret, struct err *e)
{
	static const char between[] = " \t\r\n{};:\"";
	ret->n = 0;
	for (const char *p = text; *p;) {
		const char *after = skip_comment(p);
		if (after != p || strchr(between, *p)) {
			p = after != p ? after : p + 1;
			continue;
		}
		size_t n = strcspn(p, between);
		if (ret->n == WORDS_MAX)
			return err_set(e, ERR_CONFIG, "it is too long for a file of TSIG keys");
		ret->w[ret->n++] = (struct word){p, n};
		p += n;
	}
	return 0;
}

/* The key of that name (NULL: of any), and how many there are. */
static size_t find(const struct words *w, const char *name, struct found *ret)
{
	struct found one = {0};
	size_t n = 0;
	*ret = one;
	if (w->n == 1) {
		ret->secret = w->w[0];
		return 1;
	}
	if (w->n == 3 && w->w[0].n > 5 && !strncasecmp(w->w[0].p, "hmac-", 5)) {
		*ret = (struct found){.algorithm = w->w[0], .name = w->w[1], .secret = w->w[2]};
		return 1;
	}
	for (size_t i = 0; i + 1 < w->n; i++) {
		const struct word *next = &w->w[i + 1];
		bool begins = is(&w->w[i], "id") || (is(&w->w[i], "key") && !is(next, "-") && !is(next, "id"));
		if (begins)
			one = (struct found){.name = *next};
		else if (is(&w->w[i], "algorithm"))
			one.algorithm = *next;
		else if (is(&w->w[i], "secret"))
			one.secret = *next;
		else
			continue;
		i++;
		/* The members come in any order; a later one completes what was counted. */
		bool wanted = one.name.n && (!name || is(&one.name, name));
		n += wanted && begins;
		if (wanted && (n == 1 || name))
			*ret = one;
	}
	return n;
}

static char *lower_name(const char *p, size_t n)
{
	while (n && p[n - 1] == '.')
		n--;
	char *s = xstrndup(p, n);
	name_lower(s);
	return s;
}

static int set_algorithm(struct tsig_key *k, const struct word *found, const char *given, struct err *e)
{
	AUTO(xfreep) char *a = found->n ? xstrndup(found->p, found->n) : xstrdup(given ? given : "hmac-sha256");
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
		if (strcasecmp(algorithms[i].name, a) != 0)
			continue;
		k->hash = algorithms[i].hash;
		return 0;
	}
	err_set(e, ERR_CONFIG, "the TSIG key %s has the algorithm \"%.40s\", which is not supported", k->name, a);
	err_hint(e, "make a key of hmac-sha256: \"tsig-keygen -a hmac-sha256 %s\", or \"keymgr -t %s\"", k->name,
		k->name);
	return -1;
}

static int set_secret(struct tsig_key *k, const struct word *found, struct err *e)
{
	struct buf b = buf_make(SECRET_MAX);
	struct err why = {0};
	if (!found->n || codec_b64_decode(&b, found->p, found->n, &why) || !b.n) {
		/* The reason names no octets of it: it may be a secret that was only cut off. */
		err_done(&why);
		buf_wipe(&b);
		err_set(e, ERR_CONFIG, "the secret of the TSIG key %s is not base64", k->name);
		err_hint(e, "the file holds a key statement, ALGORITHM:NAME:SECRET, or the secret alone");
		return -1;
	}
	k->secret = secret_dup(buf_str(&b), b.n);
	buf_wipe(&b);
	return 0;
}

int tsig_key_parse(const char *text, const char *name, const char *algorithm, struct tsig_key *ret, struct err *e)
{
	struct words words = {0};
	struct found f;
	struct tsig_key k = {0};
	AUTO(xfreep) char *wanted = name ? lower_name(name, strlen(name)) : NULL;
	if (split(text, &words, e))
		return -1;
	size_t n = find(&words, wanted, &f);
	if (!n && wanted)
		return err_set(e, ERR_CONFIG, "it holds no TSIG key \"%s\"", wanted);
	if (!n)
		return err_set(e, ERR_CONFIG, "it holds no TSIG key");
	if (n > 1 && !wanted) {
		err_set(e, ERR_CONFIG, "it holds %zu TSIG keys", n);
		err_hint(e, "say with tsig.name which one is meant");
		return -1;
	}
	if (!f.name.n && !wanted) {
		err_set(e, ERR_CONFIG, "it does not say the name of the TSIG key");
		err_hint(e, "give it as tsig.name: server and client must use the same name");
		return -1;
	}
	k.name = f.name.n ? lower_name(f.name.p, f.name.n) : TAKE(wanted);
	if (name_wire(k.name, k.wire, &k.wire_n, e) || set_algorithm(&k, &f.algorithm, algorithm, e) ||
		set_secret(&k, &f.secret, e)) {
		e->kind = ERR_CONFIG;
		tsig_key_done(&k);
		return -1;
	}
	*ret = k;
	return 0;
}

int tsig_key_read(const char *path, const char *name, const char *algorithm, struct tsig_key *ret, struct err *e)
{
	struct secret s;
	if (fs_read_secret(path, &s, e))
		return err_ctx(e, "TSIG key");
	int rc = strlen((const char *)s.p) == s.n ? tsig_key_parse((const char *)s.p, name, algorithm, ret, e)
						  : err_set(e, ERR_CONFIG, "it is no text");
	secret_done(&s);
	return rc ? err_ctx(e, "TSIG key file %s", path) : 0;
}

void tsig_key_done(struct tsig_key *k)
{
	free(k->name);
	secret_done(&k->secret);
	*k = (struct tsig_key){0};
}
