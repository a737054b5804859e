/* zonefile.c: the records of a zone file, read by ldns line by line. */
#include "dns/zonefile.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "dns/name.h"

enum { DEPTH_MAX = 8, TEXT_SHOWN = 4096 };

struct reading {
	const struct zonefile_reader *r;
	ldns_rdf *origin; /* owned; NULL while none is known */
	ldns_rdf *prev; /* owned; the owner that a line without one has */
	uint32_t ttl;
	unsigned depth;
	bool told_default; /* the origin was given by the caller or the file */
};

static void close_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

/* The text of a domain name as in name.h. */
static char *name_text(const ldns_rdf *dname)
{
	char *s = ldns_rdf2str(dname);
	size_t n = s ? strlen(s) : 0;
	if (n && s[n - 1] == '.')
		s[n - 1] = '\0';
	if (s)
		name_lower(s);
	return s;
}

static void lower_names(ldns_rr *rr)
{
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++)
		if (ldns_rdf_get_type(ldns_rr_rdf(rr, i)) == LDNS_RDF_TYPE_DNAME)
			ldns_dname2canonical(ldns_rr_rdf(rr, i));
}

static void tell(struct reading *g, ldns_rr *rr)
{
	size_t n = 0;
	AUTO(xfreep) char *owner = name_text(ldns_rr_owner(rr));
	if (!owner || ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN)
		return;
	lower_names(rr);
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++)
		n += ldns_rdf_size(ldns_rr_rdf(rr, i));
	AUTO(xfreep) uint8_t *data = xmalloc(n ? n : 1);
	struct dns_rr out = {.type = (uint16_t)ldns_rr_get_type(rr), .ttl = ldns_rr_ttl(rr), .data = data};
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *f = ldns_rr_rdf(rr, i);
		if (ldns_rdf_size(f)) /* one without octets has no address either */
			memcpy(data + out.n, ldns_rdf_data(f), ldns_rdf_size(f));
		out.n += ldns_rdf_size(f);
	}
	g->r->record(g->r->ctx, owner, &out);
}

/* What stands in the file between two positions. Heap string. */
static char *between(FILE *f, long from, long to)
{
	size_t n = to > from ? (size_t)(to - from) : 0;
	if (n > TEXT_SHOWN)
		n = TEXT_SHOWN;
	char *s = xmalloc(n + 1);
	if (fseek(f, from, SEEK_SET) == 0)
		n = fread(s, 1, n, f);
	else
		n = 0;
	s[n] = '\0';
	fseek(f, to, SEEK_SET);
	return s;
}

static int read_one(struct reading *g, const char *path, struct err *e);

/* "$INCLUDE FILE [ORIGIN]" (RFC 1035 section 5.1): the origin and the last owner are put back behind it. */
static int include(struct reading *g, const char *path, const char *line, struct err *e)
{
	char file[1024], origin[NAME_TEXT_MAX];
	int fields = sscanf(line, " $%*7[A-Za-z] %1023s %1000s", file, origin); /* the sizes less one */
	const char *slash = strrchr(path, '/');
	if (fields < 1)
		return err_set(e, ERR_PARSE, "$INCLUDE in %s names no file", path);
	if (g->depth >= DEPTH_MAX)
		return err_set(e, ERR_LIMIT, "%s: $INCLUDE more than %d files deep", path, DEPTH_MAX);
	AUTO(xfreep)
	char *name = file[0] == '/' || !slash ? xstrdup(file) : xasprintf("%.*s/%s", (int)(slash - path), path, file);
	ldns_rdf *before = g->origin ? ldns_rdf_clone(g->origin) : NULL;
	if (fields > 1 && origin[0] != ';') {
		ldns_rdf *to = ldns_dname_new_frm_str(origin);
		if (to && before && !ldns_dname_str_absolute(origin))
			ldns_dname_cat(to, before);
		ldns_rdf_deep_free(g->origin);
		g->origin = to;
	}
	g->depth++;
	int rc = read_one(g, name, e);
	g->depth--;
	ldns_rdf_deep_free(g->origin);
	g->origin = before;
	return rc;
}

/* Whether the name, relative in the file, stayed so for want of an origin: then the zone's SOA stands at the root. */
static bool rootless(const struct reading *g, const ldns_rr *rr)
{
	return !g->told_default && !g->origin && ldns_rr_get_type(rr) == LDNS_RR_TYPE_SOA &&
	       ldns_rdf_size(ldns_rr_owner(rr)) == 1;
}

static int read_line(struct reading *g, const char *path, FILE *f, int *line, struct err *e)
{
	long from = ftell(f);
	int begin = *line;
	ldns_rr *rr = NULL;
	ldns_status s = ldns_rr_new_frm_fp_l(&rr, f, &g->ttl, &g->origin, &g->prev, line);
	int rc = 0;
	switch ((int)s) {
	case LDNS_STATUS_OK:
		if (rootless(g, rr)) {
			rc = err_set(e, ERR_USAGE, "%s: line %d: the names are relative, and nothing says to what",
				path, begin);
			err_hint(e, "give --origin ZONE, or begin the file with $ORIGIN");
		} else {
			tell(g, rr);
		}
		ldns_rr_free(rr);
		break;
	case LDNS_STATUS_SYNTAX_TTL:
	case LDNS_STATUS_SYNTAX_ORIGIN:
	case LDNS_STATUS_SYNTAX_EMPTY:
		break;
	default: {
		AUTO(xfreep) char *text = between(f, from, ftell(f));
		if (s == LDNS_STATUS_SYNTAX_INCLUDE)
			rc = include(g, path, text, e);
		else if (text[strspn(text, " \t\r\n")])
			g->r->bad(g->r->ctx, path, begin, ldns_get_errorstr_by_id(s), text);
	}
	}
	return rc;
}

static int read_one(struct reading *g, const char *path, struct err *e)
{
	AUTO(close_file) FILE *f = fopen(path, "re");
	int line = 1, rc = 0;
	if (!f)
		return err_sys(e, "open the zone file %s", path);
	while (!rc && !feof(f) && !ferror(f))
		rc = read_line(g, path, f, &line, e);
	return !rc && ferror(f) ? err_sys(e, "read the zone file %s", path) : rc;
}

int zonefile_read(const char *path, const char *origin, const struct zonefile_reader *r, struct err *e)
{
	struct reading g = {.r = r, .ttl = 3600, .told_default = origin != NULL};
	if (origin && !(g.origin = ldns_dname_new_frm_str(*origin ? origin : ".")))
		return err_set(e, ERR_USAGE, "\"%s\" is no domain name", origin);
	int rc = read_one(&g, path, e);
	ldns_rdf_deep_free(g.origin);
	ldns_rdf_deep_free(g.prev);
	return rc;
}
