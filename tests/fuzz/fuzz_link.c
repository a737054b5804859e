/*
 * fuzz_link.c: Link header values and URLs as a CA may send them. The input is lines: the base URL, the relation type,
 * the header value. Whatever comes out of it must be a URL that the check lets through.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "http/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *all = malloc(size + 1);
	if (!all)
		return 0;
	if (size)
		memcpy(all, data, size);
	all[size] = '\0';
	char *rest = all;
	const char *base = strsep(&rest, "\n");
	const char *rel = rest ? strsep(&rest, "\n") : "alternate";
	const char *value = rest ? rest : base;

	struct err e = {0};
	http_url_check(base, "base", &e);
	err_done(&e);
	http_url_same_origin(base, value);
	char *target = http_link_target(value, rel, base);
	if (target && http_url_check(target, "target", &e))
		abort();
	free(target);
	free(all);
	return 0;
}
