/*
 * fuzz_migrate.c: any octets as what other ACME clients keep: the first octet chooses the client, the rest, cut at each
 * NUL, becomes its files. Whatever they are, they are read to the end, and nothing that was found is half.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "migrate/migrate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILES = 3 };

static const char *const files[MIGRATE_CLIENT_N_][FILES] = {
	[MIGRATE_CERTBOT] = {"renewal/a.test.conf", "accounts/ca.test/dir/0123456789abcdef0123456789abcdef/regr.json",
		"accounts/ca.test/dir/0123456789abcdef0123456789abcdef/private_key.json"},
	[MIGRATE_ACMESH] = {"a.test_ecc/a.test.conf", "ca/ca.test/dir/account.json", "account.conf"},
	[MIGRATE_LEGO] = {"certificates/a.test.json", "accounts/ca.test/a@b.test/account.json",
		"accounts/ca.test/a@b.test/keys/a@b.test.key"},
	[MIGRATE_DEHYDRATED] = {"config", "domains.txt", "certs/a.test/config"},
};

static char *top;

static void must(bool good)
{
	if (!good)
		abort();
}

static void leave(void)
{
	struct err e = {0};
	fs_remove_tree(top, &e);
	err_done(&e);
	free(top);
}

/* The folders of all clients. */
static void begin(void)
{
	const char *tmp = getenv("TMPDIR");
	top = xasprintf("%s/perdure-fuzz-XXXXXX", tmp ? tmp : "/tmp");
	must(mkdtemp(top) != NULL && !atexit(leave));
	for (size_t i = 0; i < MIGRATE_CLIENT_N_; i++)
		for (size_t j = 0; j < FILES; j++) {
			AUTO(xfreep) char *path = xasprintf("%s/%zu/%s", top, i, files[i][j]);
			struct err e = {0};
			*strrchr(path, '/') = '\0';
			must(!fs_mkdirs(path, 0700, &e));
		}
}

static void put(size_t client, size_t file, const uint8_t *data, size_t n)
{
	AUTO(xfreep) char *path = xasprintf("%s/%zu/%s", top, client, files[client][file]);
	FILE *f = fopen(path, "wb");
	must(f && fwrite(data, 1, n, f) == n && !fclose(f));
}

static void lineage(const struct migrate_lineage *l)
{
	must(l->id && l->base && l->directory && l->server && l->account && l->preferred_chain && l->profile &&
		l->method);
	must((l->chain && l->key_pem.n) || l->problem);
	for (size_t i = 0; i < l->n_hooks; i++)
		must(*l->hooks[i].when && *l->hooks[i].command && *l->hooks[i].where);
	for (size_t i = 0; i < l->n_copies; i++)
		must(*l->copies[i].path && *l->copies[i].what);
	for (size_t i = 0; i < l->n_places; i++)
		must(l->places[i].path && l->places[i].file);
}

static void account(const struct migrate_account *a)
{
	must(a->id && a->directory && a->server && a->url && a->key_file && (a->key || a->problem));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct migrate_found found = {0};
	struct err e = {0};
	if (!size || size > 65535)
		return 0;
	if (!top)
		begin();
	size_t client = data[0] % MIGRATE_CLIENT_N_;
	data++;
	size--;
	for (size_t i = 0; i < FILES; i++) {
		const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
		size_t n = nul ? (size_t)(nul - data) : size;
		put(client, i, data, n);
		n += nul != NULL;
		data += n;
		size -= n;
	}
	AUTO(xfreep) char *dir = xasprintf("%s/%zu", top, client);
	if (!migrate_read((enum migrate_client)client, dir, &found, &e))
		for (size_t i = 0; i < found.n_lineages; i++)
			lineage(&found.lineages[i]);
	must(!e.kind || found.n_lineages == 0);
	for (size_t i = 0; i < found.n_accounts; i++)
		account(&found.accounts[i]);
	err_done(&e);
	migrate_found_done(&found);
	return 0;
}
