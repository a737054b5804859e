/* main.c: perdure-testca: an ACME CA in one process for tests, drills and benches. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/random.h"
#include "base/xalloc.h"
#include "loop/lines.h"
#include "loop/loop.h"
#include "testca/authority.h"
#include "testca/ca.h"
#include "testca/control.h"
#include "testca/faults.h"
#include "testca/greeting.h"
#include "testca/nonce.h"
#include "testca/reqlog.h"
#include "testca/resolver.h"
#include "testca/web.h"
#include "json/json.h"

enum { DONE = 0, FAILED = 1, USAGE = 2 };

struct program {
	struct options o;
	struct ca ca;
	struct lines *control;
	bool own_dir; /* made by us, to be removed */
};

static int64_t wall(void *ctx)
{
	const struct ca *ca = ctx;
	return clk_wall(clk_real()) + ca->offset_ms;
}

static int64_t mono(void *ctx)
{
	(void)ctx;
	return clk_mono(clk_real());
}

static int make_dir(struct program *p, struct err *e)
{
	char made[] = "/tmp/perdure-testca-XXXXXX";
	if (p->o.dir) {
		p->ca.dir = realpath(p->o.dir, NULL);
		if (!p->ca.dir && fs_mkdirs(p->o.dir, 0755, e))
			return -1;
		if (!p->ca.dir)
			p->ca.dir = realpath(p->o.dir, NULL);
		return p->ca.dir ? 0 : err_sys(e, "cannot use the folder %s", p->o.dir);
	}
	if (!mkdtemp(made))
		return err_sys(e, "cannot make a temporary folder");
	p->ca.dir = xstrdup(made);
	p->own_dir = true;
	return 0;
}

static int read_faults(struct program *p, struct err *e)
{
	uint64_t seed = (uint64_t)p->o.seed;
	if (!seed)
		random_octets(&seed, sizeof(seed));
	p->ca.faults = faults_new(seed);
	if (p->o.faults && faults_add_file(p->ca.faults, p->o.faults, e))
		return -1;
	for (size_t i = 0; i < p->o.fault.n; i++)
		if (faults_add_text(p->ca.faults, p->o.fault.v[i], "--fault", e))
			return -1;
	return 0;
}

static void on_signal(int signo, void *ctx)
{
	(void)signo;
	loop_stop(ctx);
}

static int open_ca(struct program *p, struct err *e)
{
	struct ca *ca = &p->ca;
	ca->o = &p->o;
	ca->clk = (struct clk){wall, mono, ca};
	ca->nonces = nonces_new();
	ca->hash = (struct perdure_hash){perdure_hash_openssl, perdure_hash_openssl_new()};
	model_init(&ca->model);
	if (loop_new(clk_real(), &ca->loop, e))
		return -1;
	loop_on_stop_signal(ca->loop, on_signal, ca->loop);
	if (make_dir(p, e) || read_faults(p, e) || reqlog_new(p->o.log, &ca->log, e) ||
		authority_new(&p->o, ca->dir, &ca->authority, e) ||
		(p->o.dns && resolver_new(ca, p->o.dns, &ca->resolver, e)) ||
		web_new(ca->loop, p->o.listen, p->o.port, ca_greet, ca_request, ca, &ca->web, e))
		return -1;
	bool v6 = strchr(p->o.name, ':') != NULL;
	ca->base = xasprintf("https://%s%s%s:%u", v6 ? "[" : "", p->o.name, v6 ? "]" : "", (unsigned)web_port(ca->web));
	ca->hash_prefix = xasprintf("%s/acme/hash/", ca->base);
	if (!p->o.control)
		p->o.control = xasprintf("%s/control", ca->dir);
	return control_new(ca, p->o.control, &p->control, e);
}

static void close_ca(struct program *p)
{
	struct ca *ca = &p->ca;
	struct err e = {0};
	lines_free(p->control);
	resolver_free(ca->resolver);
	web_free(ca->web);
	ca_free_calls(ca);
	authority_free(ca->authority);
	reqlog_free(ca->log);
	faults_free(ca->faults);
	model_done(&ca->model);
	perdure_hash_openssl_free(ca->hash.ctx);
	nonces_free(ca->nonces);
	loop_free(ca->loop);
	if (p->own_dir && fs_remove_tree(ca->dir, &e))
		err_done(&e);
	free(ca->base);
	free(ca->hash_prefix);
	free(ca->dir);
}

static void say_ready(const struct program *p)
{
	const struct ca *ca = &p->ca;
	AUTO(buf_done) struct buf line = buf_make(BUF_MAX_HTTP_HEADERS);
	AUTO(xfreep) char *directory = xasprintf("%s%s", ca->base, endpoint_path(EP_DIRECTORY));
	AUTO(xfreep) char *bundle = xasprintf("%s/ca.pem", ca->dir), *roots = xasprintf("%s/roots.pem", ca->dir);
	struct json_out w = json_out_make(&line);
	json_out_object(&w, NULL);
	json_out_str(&w, "directory", directory);
	json_out_str(&w, "ca_bundle", bundle);
	json_out_str(&w, "roots", roots);
	json_out_str(&w, "control", p->o.control);
	json_out_str(&w, "dir", ca->dir);
	json_out_int(&w, "port", web_port(ca->web));
	json_out_int(&w, "pid", getpid());
	json_out_end_object(&w);
	puts(buf_str(&line));
	fflush(stdout);
}

static int serve(struct program *p, struct err *e)
{
	struct rlimit files;
	/* A descriptor for each connection. */
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	int rc = open_ca(p, e);
	if (!rc) {
		say_ready(p);
		rc = loop_run(p->ca.loop, e);
	}
	close_ca(p);
	return rc;
}

static int send_command(const struct options *o, struct err *e)
{
	AUTO(xfreep) char *path = NULL;
	if (!o->control && !o->dir)
		return err_set(e, ERR_USAGE, "--send needs --control PATH or --dir DIR");
	path = o->control ? xstrdup(o->control) : xasprintf("%s/control", o->dir);
	return control_send(path, o->send, e);
}

int main(int argc, char **argv)
{
	struct program p = {0};
	struct err e = {0};
	int rc = options_parse(&p.o, argc, argv, &e);
	if (!rc && p.o.help)
		options_help();
	else if (!rc && p.o.version)
		printf("perdure-testca %s\n", PERDURE_VERSION);
	else if (!rc && p.o.list_faults)
		faults_print_all();
	else if (!rc)
		rc = p.o.send ? send_command(&p.o, &e) : serve(&p, &e);
	if (rc)
		err_print(&e);
	rc = !rc ? DONE : e.kind == ERR_USAGE || e.kind == ERR_CONFIG ? USAGE : FAILED;
	err_done(&e);
	options_done(&p.o);
	return rc;
}
