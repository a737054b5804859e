/* fuzz_acme.c: any octets as a directory, an order, an authorization, an error reply. The first octet chooses which. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "acme/directory.h"
#include "acme/object.h"
#include "acme/problem.h"
#include "base/buf.h"
#include "base/err.h"
#include "http/http.h"

static void as_directory(const void *p, size_t n)
{
	struct acme_directory d;
	struct err e = {0};
	if (acme_directory_decode(p, n, "https://ca.test/dir", &d, &e) == 0) {
		if (!d.new_nonce[0] || !d.new_account[0] || !d.new_order[0])
			abort();
		acme_directory_done(&d);
	} else if (e.kind != ERR_PROTO) {
		abort();
	}
	err_done(&e);
}

static void as_order(const void *p, size_t n)
{
	struct acme_order o;
	struct err e = {0};
	if (acme_order_decode(p, n, "https://ca.test/order/1", &o, &e) == 0) {
		if (o.authzs.n > ACME_MAX_AUTHZS || !o.finalize || (o.status == ACME_VALID && !o.certificate))
			abort();
		acme_order_done(&o);
	} else if (e.kind != ERR_PROTO) {
		abort();
	}
	err_done(&e);
}

static void as_authz(const void *p, size_t n)
{
	struct acme_authz a;
	struct err e = {0};
	if (acme_authz_decode(p, n, "https://ca.test/authz/1", &a, &e) == 0) {
		const struct acme_challenge *c = acme_authz_find(&a, ACME_DNS_PERSIST_01);
		if (!a.name || (c && (!c->url || c->issuers.n > ACME_MAX_ISSUERS)))
			abort();
		acme_authz_done(&a);
	} else if (e.kind != ERR_PROTO) {
		abort();
	}
	err_done(&e);
}

static void as_problem(const void *p, size_t n)
{
	struct http_reply r = {.status = 400, .body = buf_make(BUF_MAX_HTTP_BODY)};
	struct err e = {0};
	buf_put(&r.body, p, n);
	http_reply_add(&r, "Retry-After", "5");
	acme_problem_from_reply(&r, "https://ca.test/x", 1790000000000, &e);
	if (!err_is(&e) || (e.kind == ERR_ACME) != (e.problem != NULL))
		abort();
	err_done(&e);
	http_reply_done(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(const void *p, size_t n) = {as_directory, as_order, as_authz, as_problem};
	if (size)
		readers[data[0] % 4](data + 1, size - 1);
	return 0;
}
