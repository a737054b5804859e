/* drivers.h: the drivers, each defined in the file of its name. */
#ifndef PERDURE_PROVIDER_DRIVERS_H
#define PERDURE_PROVIDER_DRIVERS_H

struct provider_driver;

extern const struct provider_driver driver_acmedns;
extern const struct provider_driver driver_acmesh;
extern const struct provider_driver driver_azure;
extern const struct provider_driver driver_cloudflare;
extern const struct provider_driver driver_desec;
extern const struct provider_driver driver_digitalocean;
extern const struct provider_driver driver_exec;
extern const struct provider_driver driver_google;
extern const struct provider_driver driver_hetzner;
extern const struct provider_driver driver_powerdns;
extern const struct provider_driver driver_rfc2136;
extern const struct provider_driver driver_route53;

#endif
