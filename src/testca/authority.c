/* authority.c: roots, intermediates, and the certificate of the HTTPS server. */
#include "testca/authority.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/random.h"
#include "base/xalloc.h"
#include "crypto/issue.h"
#include "crypto/key.h"
#include "crypto/tlsserver.h"
#include "testca/options.h"

enum { YEAR_S = 365 * 86400 };

static struct issue_validity years(int n)
{
	int64_t now = clk_wall(clk_real()) / 1000;
	return (struct issue_validity){now - 86400, now + (int64_t)n * YEAR_S};
}

static int make_roots(struct authority *a, enum key_type type, size_t n, struct err *e)
{
	struct issue_validity v = years(20);
	unsigned tag = (unsigned)random_below(0x1000000);
	char name[96];
	if (key_generate(type, &a->issuing_key, e) || key_generate(KEY_EC256, &a->other_key, e))
		return -1;
	for (size_t i = 0; i < n; i++) {
		AUTO(buf_done) struct buf pem = buf_make(BUF_MAX_CHAIN);
		snprintf(name, sizeof(name), "perdure-testca root %zu %06x DO NOT TRUST", i, tag);
		if (key_generate(type, &a->keys[i], e) || issue_ca_new(NULL, a->keys[i], name, &v, &a->roots[i], e))
			return -1;
		snprintf(name, sizeof(name), "perdure-testca intermediate %06x DO NOT TRUST", tag);
		if (issue_ca_new(a->roots[i], a->issuing_key, name, &v, &a->issuing[i], e))
			return -1;
		issue_ca_pem(a->issuing[i], &pem);
		a->issuing_pem[i] = buf_take(&pem);
		a->n++;
	}
	return 0;
}

static int write_roots(const struct authority *a, const char *dir, struct err *e)
{
	AUTO(buf_done) struct buf pem = buf_make(BUF_MAX_CHAIN);
	AUTO(xfreep) char *path = xasprintf("%s/roots.pem", dir);
	for (size_t i = 0; i < a->n; i++)
		issue_ca_pem(a->roots[i], &pem);
	return fs_write_atomic(path, buf_str(&pem), pem.n, 0644, e);
}

/* A certificate below the root for the HTTPS server, and what shows it. */
static int make_tls(
	const struct issue_ca *root, const struct issue_leaf_request *r, struct tls_server **ret, struct err *e)
{
	AUTO(key_freep) struct key *key = NULL;
	AUTO(buf_done) struct buf chain = buf_make(BUF_MAX_CHAIN);
	if (key_generate(KEY_EC256, &key, e) || issue_leaf_for(root, key, r, &chain, NULL, e))
		return -1;
	return tls_server_new(key, buf_str(&chain), chain.n, ret, e);
}

/* Those that a client must refuse. */
static int make_bad_tls(struct authority *a, const struct issue_ca *root, struct issue_leaf_request r, struct err *e)
{
	AUTO(key_freep) struct key *root_key = NULL;
	AUTO(issue_ca_freep) struct issue_ca *unknown = NULL;
	AUTO(strv_done) struct strv elsewhere = {0};
	struct issue_validity v = years(20);
	if (key_generate(KEY_EC256, &root_key, e) ||
		issue_ca_new(NULL, root_key, "perdure-testca other root DO NOT TRUST", &v, &unknown, e) ||
		make_tls(unknown, &r, &a->tls[AUTHORITY_TLS_UNKNOWN_ROOT], e))
		return -1;
	struct issue_leaf_request late = r;
	late.validity.not_after = late.validity.not_before;
	late.validity.not_before -= YEAR_S;
	if (make_tls(root, &late, &a->tls[AUTHORITY_TLS_EXPIRED], e))
		return -1;
	strv_add(&elsewhere, "elsewhere.test");
	struct issue_leaf_request other = {.names = &elsewhere, .validity = r.validity};
	return make_tls(root, &other, &a->tls[AUTHORITY_TLS_OTHER_NAME], e);
}

static int make_server(struct authority *a, const struct options *o, const char *dir, struct err *e)
{
	static const char *const loopback[] = {"127.0.0.1", "::1"};
	const char *addresses[] = {loopback[0], loopback[1], o->listen};
	bool other = strcmp(o->listen, loopback[0]) != 0 && strcmp(o->listen, loopback[1]) != 0;
	AUTO(key_freep) struct key *root_key = NULL;
	AUTO(issue_ca_freep) struct issue_ca *root = NULL;
	AUTO(buf_done) struct buf pem = buf_make(BUF_MAX_CHAIN);
	AUTO(strv_done) struct strv names = {0};
	AUTO(xfreep) char *path = xasprintf("%s/ca.pem", dir);
	struct issue_leaf_request r = {
		.names = &names, .addresses = addresses, .n_addresses = other ? 3 : 2, .validity = years(1)};
	struct issue_validity v = years(20);
	strv_add(&names, "localhost");
	if (strcmp(o->name, "localhost") != 0 && o->name[strspn(o->name, "0123456789.:")])
		strv_add(&names, o->name);
	if (key_generate(KEY_EC256, &root_key, e) ||
		issue_ca_new(NULL, root_key, "perdure-testca HTTPS root DO NOT TRUST", &v, &root, e) ||
		make_tls(root, &r, &a->tls[AUTHORITY_TLS_GOOD], e) || make_bad_tls(a, root, r, e))
		return -1;
	issue_ca_pem(root, &pem);
	return fs_write_atomic(path, buf_str(&pem), pem.n, 0644, e);
}

int authority_new(const struct options *o, const char *dir, struct authority **ret, struct err *e)
{
	struct authority *a = xcalloc(1, sizeof(*a));
	if (make_roots(a, o->key, 1 + (size_t)o->alternates, e) || write_roots(a, dir, e) ||
		make_server(a, o, dir, e)) {
		authority_free(a);
		return err_ctx(e, "setting up the CA");
	}
	*ret = a;
	return 0;
}

void authority_free(struct authority *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < AUTHORITY_ROOTS; i++) {
		issue_ca_free(a->roots[i]);
		issue_ca_free(a->issuing[i]);
		key_free(a->keys[i]);
		free(a->issuing_pem[i]);
	}
	key_free(a->issuing_key);
	key_free(a->other_key);
	for (size_t i = 0; i < AUTHORITY_TLS_N_; i++)
		tls_server_free(a->tls[i]);
	free(a);
}
