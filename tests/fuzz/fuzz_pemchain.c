/* fuzz_pemchain.c: what a CA sends as a certificate chain: reading, describing, writing, checking. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct x509_chain *c = NULL, *again = NULL;
	if (x509_chain_parse(data, size, &c, &e)) {
		if (c || e.kind != ERR_PROTO)
			abort();
		err_done(&e);
		return 0;
	}
	const struct x509_info *i = x509_chain_info(c);
	struct buf leaf = buf_make(1 << 20), all = buf_make(1 << 20);
	x509_chain_has_issuer(c, "Test Root");
	x509_chain_pem_leaf(c, &leaf);
	x509_chain_pem_all(c, &leaf);
	x509_chain_pem_leaf(c, &all);
	x509_chain_pem_rest(c, &all);
	if (x509_chain_check(c, NULL, i->spki_sha256, &i->names, i->not_before, &e))
		err_done(&e);
	/* The chain in its own order is read as what it was. */
	if (x509_chain_parse(all.p, all.n, &again, &e) || strcmp(x509_chain_info(again)->sha256, i->sha256) != 0)
		abort();
	x509_chain_free(again);
	x509_chain_free(c);
	buf_done(&leaf);
	buf_done(&all);
	return 0;
}
