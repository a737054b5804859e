/*
 * exec.c: a program of the operator. Here the form that lego calls its programs in: PROGRAM present NAME. VALUE, and
 * cleanup with the same to take the value away. What stands there, a name server says (bridge.c). The richer form is in
 * exec_json.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "provider/bridge.h"
#include "provider/drivers.h"
#include "provider/exec_internal.h"

static void put_call(
	struct bridge *b, bool add, const char *name, const char *value, struct strv *argv, struct strv *env)
{
	(void)env;
	strv_add(argv, config_provider_str(b->p.conf, "program"));
	strv_add(argv, add ? "present" : "cleanup");
	strv_add_take(argv, xasprintf("%s.", name));
	strv_add(argv, value);
}

static void free_driver(struct provider *p)
{
	struct bridge *b = (struct bridge *)p;
	bridge_done(b);
	free(b);
}

static int open_driver(struct loop *l, const struct config_provider *conf, struct provider **ret, struct err *e)
{
	if (!strcmp(config_provider_str(conf, "protocol"), "json"))
		return exec_json_open(l, conf, ret, e);
	struct bridge *b = xcalloc(1, sizeof(*b));
	provider_init(&b->p, &driver_exec, l, conf);
	if (bridge_init(b, put_call, false, e)) {
		free_driver(&b->p);
		return -1;
	}
	*ret = &b->p;
	return 0;
}

static void policy(const struct config_provider *conf, const struct strv *owners, struct buf *out)
{
	buf_printf(out,
		"What %s needs, only its author knows. It runs as the user that runs perdure, with PATH and what env "
		"and\n"
		"env_file name as its environment. Let its credentials change TXT records and nothing else, at\n\n",
		config_provider_str(conf, "program"));
	for (size_t i = 0; i < owners->n; i++)
		buf_printf(out, "  %s.\n", owners->v[i]);
	if (!owners->n)
		buf_puts(out, "  _validation-persist.* and _acme-challenge.* of each zone with standing records\n");
}

const struct provider_driver driver_exec = {
	.type = "exec",
	.title = "a program of your own: as lego calls it, or with JSON on its standard input",
	.open = open_driver,
	.free = free_driver,
	.has_zone = bridge_has_zone,
	.read = bridge_read,
	.change = bridge_change,
	.drop = bridge_drop,
	.policy = policy,
};
