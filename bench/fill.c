/*
 * fill.c: a state directory with many certificates, none of them due, for the measurements of runs that find nothing to
 * do. Not a test of anything.
 *
 * fill STATE_DIR TEMPLATE <LINEAGES   gives every lineage of LINEAGES (a line each) the row of the certificate
 * TEMPLATE, as generation 1 for the names LINEAGE and *.LINEAGE. The files are the caller's work.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "state/store.h"

static void die(const struct err *e)
{
	fprintf(stderr, "fill: %s\n", e->msg);
	exit(1);
}

static void put(struct store *s, const struct store_cert *template, char *name)
{
	struct store_cert row = *template;
	struct err e = {0};
	row.name = name;
	row.generation = 1;
	row.names = (struct strv){0};
	strv_add(&row.names, name);
	strv_add_take(&row.names, xasprintf("*.%s", name));
	if (store_cert_put(s, &row, &e))
		die(&e);
	strv_done(&row.names);
}

int main(int argc, char **argv)
{
	struct store *s = NULL;
	struct store_cert template = {0};
	struct err e = {0};
	bool found = false;
	char line[512];
	if (argc != 3) {
		fprintf(stderr, "usage: fill STATE_DIR TEMPLATE <LINEAGES\n");
		return 2;
	}
	if (store_open(argv[1], false, &s, &e) || store_cert_get(s, argv[2], &template, &found, &e))
		die(&e);
	if (!found) {
		fprintf(stderr, "fill: there is no certificate %s\n", argv[2]);
		return 1;
	}
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		put(s, &template, line);
	}
	if (store_commit(s, &e))
		die(&e);
	store_cert_done(&template);
	store_close(s);
	return 0;
}
