/*
 * fuzz_config.c: a configuration from any octets: up to the first NUL it is the main file, after it what every names
 * file holds. What loads must keep the promises of config.h.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "config/load.h"
#include "config/name.h"

struct octets {
	const char *p;
	size_t n;
};

static int read_names(void *ctx, const char *path, struct buf *out, struct err *e)
{
	const struct octets *o = ctx;
	buf_put(out, o->p, o->n);
	return buf_check(out, path, e);
}

static void must(bool good)
{
	if (!good)
		abort();
}

static void check(const struct config *c)
{
	must(c->state_dir[0] == '/');
	for (size_t i = 0; i < c->n_cas; i++)
		must(!strncmp(c->cas[i].directory, "https://", 8) && config_find_ca(c, c->cas[i].name) == &c->cas[i]);
	for (size_t i = 0; i < c->n_certs; i++) {
		const struct config_cert *cert = &c->certs[i];
		must(cert->names.n && cert->cas.n && cert->key && config_find_cert(c, cert->name) == cert);
		must(!strchr(cert->name, '/') && cert->name[0] != '.' && cert->name[0] != '-');
		for (size_t j = 0; j < cert->cas.n; j++)
			must(config_find_ca(c, cert->cas.v[j]) != NULL);
		for (size_t j = 0; j < cert->names.n; j++) {
			struct err e = {0};
			AUTO(xfreep) char *again = NULL;
			must(!name_normalize(cert->names.v[j], &again, &e) && !strcmp(again, cert->names.v[j]));
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *nul = size ? memchr(text, 0, size) : NULL;
	size_t n = nul ? (size_t)(nul - text) : size;
	struct octets names = {.p = nul ? nul + 1 : text + n, .n = nul ? size - n - 1 : 0};
	struct load_source source = {.read = read_names, .ctx = &names};
	struct err e = {0};
	AUTO(config_freep) struct config *c = NULL;
	if (!load_text("/etc/perdure/perdure.yaml", text, n, &source, &c, &e))
		check(c);
	else
		must(e.kind == ERR_CONFIG || e.kind == ERR_LIMIT);
	err_done(&e);
	return 0;
}
