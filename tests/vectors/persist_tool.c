/*
 * persist_tool.c: drives libperdure from the vector tests. One request per line on stdin, fields separated by tabs ("-"
 * for an absent one, "" for an empty one; elements of a list by a space); one line of answer each.
 *
 *   hash   alg domain thumbprint account_url                        base64url digest
 *   uri    alg prefix domain thumbprint account_url                 accounturi
 *   build  level domain issuer account_url thumbprint prefix alg any wildcard until    owner, value, then its
 * character-strings offer  type prefix directory caa names names_old account_uri account_url           answer, level,
 * preprovision, reason name   name                                                     fqdn, wildcard, owner read value
 * issuer, account URI, wildcard, until or "-"
 *
 * `persist_tool judge DIALECT` is judge_stream() on stdin and stdout. A failed call answers "error" and its text.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "inventory/judge.h"
#include "perdure/hash.h"
#include "perdure/persist.h"

enum { FIELDS = 12, ELEMENTS = 64 };

static const struct perdure_hash hash = {.fn = perdure_hash_openssl};

struct list {
	const char *v[ELEMENTS];
	size_t n;
};

static const char *opt(const char *s)
{
	return strcmp(s, "-") ? s : NULL;
}

static const char *const *split(char *s, struct list *l)
{
	l->n = 0;
	if (!opt(s))
		return NULL;
	for (char *save, *t = strtok_r(s, " ", &save); t && l->n < ELEMENTS; t = strtok_r(NULL, " ", &save))
		l->v[l->n++] = t;
	return l->v;
}

static void failed(enum perdure_status s)
{
	printf("error\t%s\n", perdure_strerror(s));
}

static void do_hash(char **f)
{
	/* The digest is the end of an account URI with an arbitrary prefix. */
	char *uri;
	enum perdure_status s = perdure_account_uri(&hash, f[0], "x:", f[1], f[2], f[3], &uri);
	if (s != PERDURE_OK) {
		failed(s);
		return;
	}
	printf("%s\n", strchr(uri, '/') + 1);
	perdure_free(uri);
}

static void do_uri(char **f)
{
	char *uri;
	enum perdure_status s = perdure_account_uri(&hash, f[0], f[1], f[2], f[3], f[4], &uri);
	if (s != PERDURE_OK) {
		failed(s);
		return;
	}
	printf("%s\n", uri);
	perdure_free(uri);
}

static void do_build(char **f)
{
	struct perdure_recipe r = {.level = (enum perdure_level)(f[0][1] - '0'),
		.domain = f[1],
		.issuer = f[2],
		.account_url = f[3],
		.thumbprint = opt(f[4]),
		.account_hash_prefix = opt(f[5]),
		.hash_alg = opt(f[6]),
		.hash = &hash,
		.any_domain = f[7][0] == '1',
		.wildcard = f[8][0] == '1',
		.has_until = opt(f[9]) != NULL,
		.until = opt(f[9]) ? strtoll(f[9], NULL, 10) : 0,
		.ttl = 3600};
	struct perdure_built b;
	enum perdure_status s = perdure_record_build(&r, &b);
	if (s != PERDURE_OK) {
		failed(s);
		return;
	}
	printf("%s\t%s", b.owner, b.value);
	for (size_t i = 0; i < perdure_txt_count(strlen(b.value)); i++) {
		struct perdure_text t = perdure_txt_piece(b.value, strlen(b.value), i);
		printf("\t%.*s", (int)t.n, t.p);
	}
	putchar('\n');
	perdure_built_done(&b);
}

static void do_offer(char **f)
{
	static const char *const answers[] = {"accept", "reject", "confirm", "not-applicable"};
	struct list d, i, c, old;
	struct perdure_offer o = {.identifier_type = opt(f[0]),
		.account_hash_prefix = opt(f[1]),
		.directory = split(f[2], &d),
		.caa = split(f[3], &i),
		.names = split(f[4], &c),
		.names_old = split(f[5], &old),
		.account_uri = opt(f[6]),
		.account_url = opt(f[7])};
	o.n_directory = d.n;
	o.n_caa = i.n;
	o.n_names = c.n;
	o.n_names_old = old.n;
	struct perdure_offer_result r;
	enum perdure_status s = perdure_challenge_check(&o, &r);
	if (s != PERDURE_OK)
		failed(s);
	else
		printf("%s\t0%d\t%d\t%s\n", answers[r.answer], (int)r.level, r.preprovision, r.reason);
}

static void do_read(char **f)
{
	struct perdure_record r;
	enum perdure_fault fault;
	size_t at;
	enum perdure_status s = perdure_record_read(f[0], strlen(f[0]), &r, &fault, &at);
	if (s != PERDURE_OK) {
		printf("error\t%s\t%zu\n", perdure_fault_text(fault), at);
		return;
	}
	printf("%.*s\t%.*s\t%d\t", (int)r.issuer.n, r.issuer.p, (int)r.account_uri.n, r.account_uri.p, r.wildcard);
	if (r.has_until)
		printf("%" PRId64 "\n", r.until);
	else
		printf("-\n");
}

static void do_line(char *line)
{
	static const struct {
		const char *verb;
		int fields;
		void (*fn)(char **f);
	} verbs[] = {
		{"hash", 4, do_hash},
		{"uri", 5, do_uri},
		{"build", 10, do_build},
		{"offer", 8, do_offer},
		{"read", 1, do_read},
	};
	char *f[FIELDS];
	int n = 0;
	line[strcspn(line, "\n")] = '\0';
	for (char *t; n < FIELDS && (t = strsep(&line, "\t"));)
		f[n++] = t;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(f[0], verbs[i].verb) && n == verbs[i].fields + 1) {
			verbs[i].fn(f + 1);
			return;
		}
	printf("error\tbad request\n");
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "judge")) {
		struct err e = {0};
		int r = judge_stream(stdin, stdout, argv[2], &e);
		if (r)
			err_print(&e);
		err_done(&e);
		return r ? 1 : 0;
	}
	char *line = NULL;
	size_t cap = 0;
	while (getline(&line, &cap, stdin) > 0)
		do_line(line);
	free(line);
	return 0;
}
