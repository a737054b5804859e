/* renewreal.c: what a run asks of the real world. */
#include "base/err.h"
#include "fleet/fallback.h"
#include "fleet/renew.h"
#include "fleet/windows.h"
#include "inventory/site.h"
#include "state/certfiles.h"

static bool has_files(const struct site *s, const char *cert)
{
	struct err ignored = {0};
	int64_t live = 0;
	if (certfiles_live_generation(s->config->state_dir, cert, &live, &ignored))
		err_done(&ignored);
	return live != 0;
}

const struct renew_ops renew_real = {
	.open = site_account_session,
	.dns = site_dns,
	.live = has_files,
	.start = issue_start,
	.go = issue_go,
	.free = issue_free,
	.fallback_start = fallback_start,
	.fallback_free = fallback_free,
	.windows_start = windows_start,
	.windows_free = windows_free,
	.deploy = &deploy_real,
};
