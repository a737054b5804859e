/*
 * certfiles_tool.c: src/state by command line, for tests that stop it at each system call and look at what is left.
 *
 *   install DIR NAME N      generation N; each file is 300 times the line "KIND N 0"
 *   loop DIR NAME TIMES     the next generation, TIMES times, with the process id instead of 0; old ones are pruned
 *   delete DIR NAME         removes the lineage
 *   probe DIR               asks whether there is room
 *   put DIR NAME OCTETS     writes a certificate of about that size into the store, and commits
 *   list DIR                the names in the store, opened for reading
 *
 * Errors go to stderr; the status is 1 then.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "state/certfiles.h"
#include "state/store.h"

enum { LINES = 300, KEEP = 3 };

static char *lines_of(const char *kind, int64_t n, long mark)
{
	struct buf b = buf_make(1 << 20);
	for (int i = 0; i < LINES; i++)
		buf_printf(&b, "%s %" PRId64 " %ld\n", kind, n, mark);
	return buf_take(&b);
}

static int install(const char *dir, const char *name, int64_t n, long mark, struct err *e)
{
	AUTO(xfreep) char *key = lines_of("key", n, mark);
	AUTO(xfreep) char *cert = lines_of("cert", n, mark);
	AUTO(xfreep) char *chain = lines_of("chain", n, mark);
	AUTO(xfreep) char *full = xasprintf("%s%s", cert, chain);
	AUTO(secret_done) struct secret pem = secret_dup(key, strlen(key));
	struct certfiles_set set = {.name = name,
		.generation = n,
		.key_pem = &pem,
		.cert_pem = cert,
		.chain_pem = chain,
		.fullchain_pem = full};
	return certfiles_install(dir, &set, e);
}

static int loop(const char *dir, const char *name, int64_t times, struct err *e)
{
	while (times > 0) {
		int64_t n;
		if (certfiles_next_generation(dir, name, &n, e))
			return -1;
		if (install(dir, name, n, (long)getpid(), e)) {
			/* Another process was faster with this number. */
			if (e->kind != ERR_STORE)
				return -1;
			err_done(e);
			continue;
		}
		if (certfiles_prune(dir, name, KEEP, e))
			return -1;
		times--;
	}
	return 0;
}

static void on_commit(const struct err *failed, void *ctx)
{
	(void)ctx;
	puts(failed ? "undone" : "committed");
}

static int put(const char *dir, const char *name, size_t octets, struct err *e)
{
	struct store *s;
	if (store_open(dir, false, &s, e))
		return -1;
	AUTO(store_cert_done) struct store_cert c = {.name = xstrdup(name), .last_error = xmalloc(octets + 1)};
	memset(c.last_error, 'x', octets);
	c.last_error[octets] = '\0';
	store_after_commit(s, on_commit, NULL);
	int r = store_cert_put(s, &c, e);
	if (r) {
		struct err again = {0};
		store_commit(s, &again);
		err_done(&again);
	} else {
		r = store_commit(s, e);
	}
	store_close(s);
	return r;
}

static int print_name(const struct store_cert *c, void *ctx, struct err *e)
{
	(void)ctx;
	(void)e;
	puts(c->name);
	return 0;
}

static int list(const char *dir, struct err *e)
{
	struct store *s;
	if (store_open(dir, true, &s, e))
		return -1;
	int r = store_cert_each(s, print_name, NULL, e);
	store_close(s);
	return r;
}

static int run(int argc, char **argv, struct err *e)
{
	const char *verb = argc > 2 ? argv[1] : "";
	int64_t n = argc > 4 ? strtoll(argv[4], NULL, 10) : 0;
	if (!strcmp(verb, "probe"))
		return certfiles_probe(argv[2], e);
	if (!strcmp(verb, "list"))
		return list(argv[2], e);
	if (argc > 3 && !strcmp(verb, "delete"))
		return certfiles_delete(argv[2], argv[3], e);
	if (argc > 4 && !strcmp(verb, "install"))
		return install(argv[2], argv[3], n, 0, e);
	if (argc > 4 && !strcmp(verb, "loop"))
		return loop(argv[2], argv[3], n, e);
	if (argc > 4 && !strcmp(verb, "put"))
		return put(argv[2], argv[3], (size_t)n, e);
	return err_set(e, ERR_USAGE, "certfiles_tool install|loop|delete|probe|put|list DIR [NAME [NUMBER]]");
}

int main(int argc, char **argv)
{
	struct err e = {0};
	if (!run(argc, argv, &e))
		return 0;
	err_print(&e);
	err_done(&e);
	return 1;
}
