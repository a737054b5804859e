/* zonesource.c: whole zones and lists of names that a command line gives. */
#include "cli/zonesource.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "dns/addr.h"
#include "dns/name.h"
#include "dns/tsig.h"

enum { TRANSFER_TIMEOUT_MS = 30000 };

static int transfer(struct loop *l, const char *name, const char *server, const struct tsig_key *key, transfer_fn fn,
	void *ctx, struct err *e)
{
	AUTO(xfreep) char *zone = xstrdup(name);
	struct addr at;
	size_t n = strlen(zone);
	if (n && zone[n - 1] == '.')
		zone[n - 1] = '\0';
	name_lower(zone);
	if (addr_parse(server, 0, &at, e)) {
		e->kind = ERR_USAGE;
		return err_ctx(e, "--server");
	}
	return transfer_zone(l, &at, key, zone, TRANSFER_TIMEOUT_MS, fn, ctx, e);
}

int zonesource_transfer(struct loop *l, const char *name, const char *server, const char *tsig_file, transfer_fn fn,
	void *ctx, struct err *e)
{
	AUTO(tsig_key_done) struct tsig_key key = {0};
	if (tsig_file && tsig_key_read(tsig_file, NULL, NULL, &key, e))
		return -1;
	return transfer(l, name, server, tsig_file ? &key : NULL, fn, ctx, e);
}

int zonesource_provider(
	struct loop *l, const struct config *c, const char *name, transfer_fn fn, void *ctx, struct err *e)
{
	AUTO(tsig_key_done) struct tsig_key key = {0};
	const struct config_provider *p = NULL;
	for (size_t i = 0; (p = config_provider_for(c, name, i, NULL)); i++)
		if (!strcmp(p->type, "rfc2136"))
			break;
	if (!p) {
		err_set(e, ERR_USAGE, "--zone %s: it is no file, and no provider of type rfc2136 is configured for it",
			name);
		err_hint(e, "give --server ADDRESS and --tsig-file FILE for a transfer, or a zone file");
		return -1;
	}
	const char *file = config_provider_str(p, "tsig.file");
	if (file && tsig_key_read(file, config_provider_str(p, "tsig.name"), config_provider_str(p, "tsig.algorithm"),
			    &key, e))
		return -1;
	if (transfer(l, name, config_provider_str(p, "server"), file ? &key : NULL, fn, ctx, e)) {
		err_hint(e, "the key of an update may not be allowed to transfer: give another with --server and "
			    "--tsig-file");
		return -1;
	}
	return 0;
}

int zonesource_words(const char *path, struct strv *ret, struct err *e)
{
	AUTO(buf_done) struct buf text = buf_make(BUF_MAX_NAMES_FILE);
	if (fs_read(strcmp(path, "-") != 0 ? path : "/dev/stdin", &text, e))
		return -1;
	char *rest = text.p, *line;
	while ((line = strsep(&rest, "\r\n"))) {
		char *word;
		line[strcspn(line, "#")] = '\0';
		while ((word = strsep(&line, " \t")))
			if (*word)
				strv_add(ret, word);
	}
	return 0;
}
