/* greeting.c: how a new connection is met. */
#include "testca/greeting.h"

#include <string.h>

#include "base/xalloc.h"
#include "testca/authority.h"
#include "testca/ca.h"
#include "testca/faults.h"

static enum authority_tls certificate_of(const struct fault *f)
{
	static const struct {
		const char *value;
		enum authority_tls which;
	} known[] = {
		{"other-name", AUTHORITY_TLS_OTHER_NAME},
		{"unknown-root", AUTHORITY_TLS_UNKNOWN_ROOT},
	};
	for (size_t i = 0; f->value && i < ARRAY_LEN(known); i++)
		if (!strcmp(f->value, known[i].value))
			return known[i].which;
	return AUTHORITY_TLS_EXPIRED;
}

enum web_greeting ca_greet(struct tls_server **ret, void *ctx)
{
	struct ca *ca = ctx;
	if (faults_strike(ca->faults, FAULT_TLS_STALL, EP_OTHER))
		return WEB_SILENT;
	if (faults_strike(ca->faults, FAULT_TLS_CUT, EP_OTHER))
		return WEB_RUDE;
	const struct fault *f = faults_strike(ca->faults, FAULT_TLS_CERTIFICATE, EP_OTHER);
	*ret = ca->authority->tls[f ? certificate_of(f) : AUTHORITY_TLS_GOOD];
	return WEB_POLITE;
}
