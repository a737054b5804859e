/* load.c: finds the files, reads them, and puts the configuration together. */
#include "config/load.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/xalloc.h"

enum { LOAD_MAX_WARNINGS = 100 };

char *load_path(const struct config_mark *m, const char *path)
{
	if (*path == '/')
		return xstrdup(path);
	const char *slash = strrchr(m->file, '/');
	AUTO(xfreep) char *dir = xstrndup(m->file, slash ? (size_t)(slash - m->file) : 0);
	if (*m->file == '/')
		return xasprintf("%s/%s", dir, path);
	AUTO(xfreep) char *cwd = getcwd(NULL, 0);
	return xasprintf("%s/%s%s%s", cwd ? cwd : ".", dir, *dir ? "/" : "", path);
}

const char *load_file_name(struct load *l, const char *path)
{
	strv_add(&l->c->files, path);
	return l->c->files.v[l->c->files.n - 1];
}

void load_warn(struct load *l, const struct config_mark *m, const char *fmt, ...)
{
	if (l->c->warnings.n >= LOAD_MAX_WARNINGS) {
		l->warnings_dropped++;
		return;
	}
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	strv_add_take(&l->c->warnings, xasprintf("%s:%d:%d: %s", m->file, m->line, m->column, text));
}

const char *load_keep(struct load *l, const char *s)
{
	if (!s)
		return NULL;
	strv_add(&l->c->pool, s);
	return l->c->pool.v[l->c->pool.n - 1];
}

/* Parses one file's content into the outermost map. */
static int add_text(struct load *l, const char *file, const char *p, size_t n, struct err *e)
{
	struct doc *d = NULL;
	if (doc_parse(load_file_name(l, file), p, n, &d, e))
		return -1;
	l->docs = xreallocarray(l->docs, l->n_docs + 1, sizeof(*l->docs));
	l->docs[l->n_docs++] = d;
	int root = doc_root(d);
	/* A file of comments only is an empty configuration. */
	if (!root || doc_null(d, root))
		return 0;
	return section_read(&l->top, d, root, SCHEMA_ROOT, e);
}

static int add_file(struct load *l, const char *file, struct err *e)
{
	AUTO(buf_done) struct buf b = buf_make(BUF_MAX_CONFIG);
	if (fs_read(file, &b, e))
		return err_ctx(e, "configuration");
	return add_text(l, file, buf_str(&b), b.n, e);
}

static int is_yaml(const struct dirent *f)
{
	size_t n = strlen(f->d_name);
	return f->d_name[0] != '.' && n > 5 && !strcmp(f->d_name + n - 5, ".yaml");
}

static int by_octets(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_conf_d(struct load *l, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	AUTO(xfreep) char *dir = xasprintf("%.*sconf.d", slash ? (int)(slash - path) + 1 : 0, path);
	struct dirent **list = NULL;
	int n = scandir(dir, &list, is_yaml, by_octets);
	if (n < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : err_sys(e, "read the directory %s", dir);
	int r = 0;
	for (int i = 0; i < n; i++) {
		AUTO(xfreep) char *file = xasprintf("%s/%s", dir, list[i]->d_name);
		if (!r)
			r = add_file(l, file, e);
		free(list[i]);
	}
	free(list);
	return r;
}

static int require(const struct section *s, enum schema_id id, const struct config_mark *m, struct err *e)
{
	if (s->v[id].set)
		return 0;
	CONFIG_ERROR(e, m, "%s is missing", schema_path(id).text);
	err_hint(e, "%s", schema_keys[id].help);
	return -1;
}

static void copy_items(struct strv *to, const struct section_value *v)
{
	for (size_t i = 0; i < v->n; i++)
		strv_add(to, v->items[i].s);
}

/* "Corp.Example." → "corp.example"; "." → "" */
char *load_zone_name(const char *s)
{
	char *z = xstrdup(s);
	size_t n = strlen(z);
	if (n && z[n - 1] == '.')
		z[n - 1] = '\0';
	for (char *p = z; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return z;
}

static int add_stub(struct load *l, const struct section_item *item, struct err *e)
{
	AUTO(section_done) struct section s;
	section_init(&s);
	if (section_read(&s, item->doc, item->node, SCHEMA_DNS_STUBS, e) ||
		require(&s, SCHEMA_STUB_ZONE, &item->mark, e) || require(&s, SCHEMA_STUB_SERVERS, &item->mark, e))
		return -1;
	struct config_dns *dns = &l->c->dns;
	AUTO(xfreep) char *zone = load_zone_name(s.v[SCHEMA_STUB_ZONE].s);
	for (size_t i = 0; i < dns->n_stubs; i++)
		if (!strcmp(dns->stubs[i].zone, zone))
			return CONFIG_ERROR(
				e, &item->mark, "the zone '%s' has a stub already", s.v[SCHEMA_STUB_ZONE].s);
	dns->stubs = xreallocarray(dns->stubs, dns->n_stubs + 1, sizeof(*dns->stubs));
	struct config_dns_stub *stub = &dns->stubs[dns->n_stubs++];
	*stub = (struct config_dns_stub){.zone = TAKE(zone), .port = (int)s.v[SCHEMA_STUB_PORT].i};
	copy_items(&stub->servers, &s.v[SCHEMA_STUB_SERVERS]);
	return 0;
}

static int load_dns(struct load *l, struct err *e)
{
	const struct section_value *v = l->top.v;
	struct config_dns *dns = &l->c->dns;
	const char *mode = v[SCHEMA_DNS_MODE].s;
	dns->mode = !strcmp(mode, "none")       ? CONFIG_DNS_NONE
		    : !strcmp(mode, "resolver") ? CONFIG_DNS_RESOLVER
						: CONFIG_DNS_AUTHORITATIVE;
	dns->timeout_ms = v[SCHEMA_DNS_TIMEOUT].i;
	dns->per_server = (unsigned)v[SCHEMA_DNS_PER_SERVER].i;
	dns->pace = (unsigned)v[SCHEMA_DNS_PACE].i;
	copy_items(&dns->resolvers, &v[SCHEMA_DNS_RESOLVERS]);
	copy_items(&dns->hints, &v[SCHEMA_DNS_HINTS]);
	dns->validate = v[SCHEMA_DNS_VALIDATE].i != 0;
	if (v[SCHEMA_DNS_ANCHOR].set)
		dns->trust_anchor = load_path(&v[SCHEMA_DNS_ANCHOR].mark, v[SCHEMA_DNS_ANCHOR].s);
	if (v[SCHEMA_DNS_BUNDLE].set)
		dns->ca_bundle = load_path(&v[SCHEMA_DNS_BUNDLE].mark, v[SCHEMA_DNS_BUNDLE].s);
	copy_items(&dns->vantage, &v[SCHEMA_DNS_VANTAGE]);
	if (v[SCHEMA_DNS_REGION].set)
		dns->region = xstrdup(v[SCHEMA_DNS_REGION].s);
	if (dns->mode == CONFIG_DNS_RESOLVER && !dns->resolvers.n) {
		CONFIG_ERROR(e, &v[SCHEMA_DNS_MODE].mark, "dns.mode is resolver, but dns.resolvers is missing");
		err_hint(e, "add resolvers: [ADDRESS] below dns");
		return -1;
	}
	for (size_t i = 0; i < v[SCHEMA_DNS_STUBS].n; i++)
		if (add_stub(l, &v[SCHEMA_DNS_STUBS].items[i], e))
			return -1;
	return 0;
}

static int assemble(struct load *l, struct err *e)
{
	struct config *c = l->c;
	const struct section_value *v = l->top.v;
	c->state_dir = v[SCHEMA_STATE_DIR].set ? load_path(&v[SCHEMA_STATE_DIR].mark, v[SCHEMA_STATE_DIR].s)
					       : config_default_state_dir();
	c->keep = v[SCHEMA_ARCHIVE_KEEP].i;
	c->record_ttl = v[SCHEMA_DEFAULT_TTL].i / 1000;
	c->daemon = (struct config_daemon){
		.interval_ms = v[SCHEMA_DAEMON_INTERVAL].i, .audit_ms = v[SCHEMA_DAEMON_AUDIT].i};
	if (load_dns(l, e) || load_cas(l, e) || load_providers(l, e) || load_delegation(l, e) || load_http(l, e) ||
		load_deploy_groups(l, e) || load_certs(l, e) || load_tokens(l, e) || load_audit(l, e) || load_obs(l, e))
		return -1;
	if (l->warnings_dropped)
		strv_add_take(&c->warnings, xasprintf("%s: %zu more warnings", c->path, l->warnings_dropped));
	return 0;
}

static void load_init(struct load *l, const char *path, const struct load_source *source)
{
	*l = (struct load){.c = xcalloc(1, sizeof(*l->c)), .source = source};
	l->c->path = xstrdup(path);
	section_init(&l->top);
}

static void load_done(struct load *l)
{
	for (size_t i = 0; i < l->n_docs; i++)
		doc_free(l->docs[i]);
	free(l->docs);
	section_done(&l->top);
	config_free(l->c);
}

static int read_from_files(void *ctx, const char *path, struct buf *out, struct err *e)
{
	(void)ctx;
	return fs_read(path, out, e);
}

int load_text(
	const char *file, const char *p, size_t n, const struct load_source *source, struct config **ret, struct err *e)
{
	AUTO(load_done) struct load l;
	load_init(&l, file, source);
	if (add_text(&l, file, p, n, e) || assemble(&l, e))
		return -1;
	*ret = TAKE(l.c);
	return 0;
}

int config_load(const char *path, struct config **ret, struct err *e)
{
	static const struct load_source files = {.read = read_from_files};
	AUTO(load_done) struct load l;
	const struct config_mark here = {.file = ""};
	AUTO(xfreep) char *whole = load_path(&here, path);
	load_init(&l, whole, &files);
	if (add_file(&l, path, e)) {
		if (e->kind == ERR_SYS && e->code == ENOENT)
			err_hint(e, "perdure init writes a first configuration; --config names another file");
		return -1;
	}
	if (add_conf_d(&l, path, e) || assemble(&l, e))
		return -1;
	*ret = TAKE(l.c);
	return 0;
}
