/* system.c: the name servers this machine is set up to use (resolv.conf(5)). */
#include "dns/system.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "dns/addr.h"

#define RESOLV_CONF "/etc/resolv.conf"

/* The resolver library knows the keyword at the line's begin only. */
static void take_line(const char *line, size_t n, struct strv *ret)
{
	static const char word[] = "nameserver";
	const size_t skip = sizeof(word) - 1;
	if (n <= skip || memcmp(line, word, skip) != 0 || !strchr(" \t", line[skip]))
		return;
	line += skip;
	n -= skip;
	while (n && strchr(" \t", *line)) {
		line++;
		n--;
	}
	size_t len = 0;
	while (len < n && !strchr(" \t\r", line[len]))
		len++;
	AUTO(xfreep) char *text = xstrndup(line, len);
	struct addr a;
	struct err e = {0};
	if (addr_parse(text, 0, &a, &e))
		err_done(&e);
	else if (!strv_has(ret, a.text))
		strv_add(ret, a.text);
}

int dns_system_resolvers(const char *path, struct strv *ret, struct err *e)
{
	AUTO(buf_done) struct buf text = buf_make(BUF_MAX_SMALL_FILE);
	if (!path)
		path = RESOLV_CONF;
	if (!fs_exists(path))
		return 0;
	if (fs_read(path, &text, e))
		return -1;
	size_t had = ret->n;
	for (const char *p = buf_str(&text); *p && ret->n - had < SYSTEM_RESOLVERS_MAX;) {
		size_t n = strcspn(p, "\n");
		take_line(p, n, ret);
		p += n + (p[n] == '\n');
	}
	return 0;
}
