/* presets.c: public CAs by name, as known when this was written; `perdure ca probe` asks what holds now. */
#include <string.h>

#include "base/xalloc.h"
#include "config/config.h"

static const struct config_preset presets[] = {
	{"google", "https://dv.acme-v02.api.pki.goog/directory", "pki.goog", 1, true, 0, 0,
		"Google Trust Services; offers dns-persist-01 since September 2026, needs external account binding"},
	{"google-staging", "https://dv.acme-v02.test-api.pki.goog/directory", "pki.goog", CONFIG_LEVEL_UNSET, true, 0,
		0,
		"Google Trust Services for tests, certificates not trusted by browsers; needs external account binding "
		"of its "
		"own"},
	{"letsencrypt", "https://acme-v02.api.letsencrypt.org/directory", "letsencrypt.org", CONFIG_LEVEL_UNSET, false,
		300, 3 * 3600, "Let's Encrypt; does not offer dns-persist-01 yet"},
	{"letsencrypt-staging", "https://acme-staging-v02.api.letsencrypt.org/directory", "letsencrypt.org", 1, false,
		0, 0, "Let's Encrypt for tests, certificates not trusted by browsers; offers dns-persist-01"},
	{"zerossl", "https://acme.zerossl.com/v2/DV90", "sectigo.com", CONFIG_LEVEL_UNSET, true, 0, 0,
		"ZeroSSL; does not offer dns-persist-01, needs external account binding"},
};

const struct config_preset *config_presets(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(presets);
	return presets;
}

const struct config_preset *config_find_preset(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(presets); i++)
		if (!strcmp(presets[i].name, name))
			return &presets[i];
	return NULL;
}
