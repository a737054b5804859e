/* fuzz_baseline.c: any octets as a baseline: every name in it looked up and compared with what stands there now. */
#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "memfile.h"
#include "watch/baseline.h"
#include "watch/context.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct audit_context *c;
	struct baseline *b;
	size_t names;
};

static void must(bool good)
{
	if (!good)
		abort();
}

static void told(const struct finding *f, void *ctx)
{
	(void)ctx;
	must(f->rule && f->evidence && f->remedy[0]);
}

static void look(struct world *w, const char *fqdn)
{
	static const struct perdure_text now = {"ca.example;accounturi=https://ca.example/acct/123", 49};
	struct err e = {0};
	struct baseline_name n = {0};
	bool found = false;
	struct facts f = {.fqdn = fqdn, .owner = fqdn};
	if (baseline_find(w->b, fqdn, &n, &found, &e)) {
		must(e.kind == ERR_PARSE);
		err_done(&e);
		return;
	}
	facts_add_rr(facts_add_set(&f, "ns1", 1, 60), &now, 1);
	facts_read(&f, w->c);
	baseline_compare(&n, &f, w->c, told, w);
	baseline_knows(&n, &(struct finding){.rule = rules_find("PD101"), .fingerprint = 1});
	facts_done(&f);
	baseline_name_done(&n);
	w->names++;
}

static void one(const char *fqdn, void *ctx)
{
	look(ctx, fqdn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[MEMFILE_PATH];
	struct err e = {0};
	struct world w = {.c = context_new(1800000000)};
	if (size > 65535) {
		context_free(w.c);
		return 0;
	}
	int fd = memfile(data, size, path);
	context_add_ca(w.c, "ca");
	must(!context_ready(w.c, &e));
	if (baseline_load(path, &w.b, &e)) {
		must(err_is(&e));
		err_done(&e);
	} else {
		baseline_compare_ca(w.b, &w.c->cas[0], w.c, told, &w);
		look(&w, "example.com");
		baseline_rest(w.b, one, &w);
	}
	baseline_free(w.b);
	context_free(w.c);
	close(fd);
	return 0;
}
