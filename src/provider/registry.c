/* registry.c: the table of drivers. */
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "provider/drivers.h"
#include "provider/internal.h"

static const struct provider_driver *const drivers[] = {
	&driver_powerdns,
	&driver_rfc2136,
	&driver_cloudflare,
	&driver_route53,
	&driver_google,
	&driver_azure,
	&driver_hetzner,
	&driver_digitalocean,
	&driver_desec,
	&driver_exec,
	&driver_acmesh,
	&driver_acmedns,
	NULL,
};

const struct provider_driver *const *provider_drivers(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(drivers) - 1;
	return drivers;
}

const struct provider_driver *provider_driver_find(const char *type)
{
	for (size_t i = 0; drivers[i]; i++)
		if (!strcmp(drivers[i]->type, type))
			return drivers[i];
	return NULL;
}

const char *provider_driver_type(const struct provider_driver *d)
{
	return d->type;
}

const char *provider_driver_title(const struct provider_driver *d)
{
	return d->title;
}

void provider_policy(const struct config_provider *conf, const struct strv *owners, struct buf *out)
{
	static const struct strv none;
	const struct provider_driver *d = provider_driver_find(conf->type);
	if (d)
		d->policy(conf, owners ? owners : &none, out);
}
