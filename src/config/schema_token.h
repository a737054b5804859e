/* schema_token.h: the rows of the table of configuration keys about token records. For schema.c alone, which would be
 * too long with them. */
#ifndef PERDURE_CONFIG_SCHEMA_TOKEN_H
#define PERDURE_CONFIG_SCHEMA_TOKEN_H

#include "config/schema.h"

/* Seconds as the table has them. */
#define DURATION(s) ((int64_t)(s)*1000)

/* clang-format off */
#define SCHEMA_TOKEN_ROWS \
	[SCHEMA_TOKENS] = {.name = "tokens", \
		.type = SCHEMA_LIST, \
		.help = "Standing TXT records with a secret value, by which services and private CAs know that a name " \
			"is ours.", \
		.text = "They are planned, published and rotated like validation records. See docs/publish.md."}, \
	[SCHEMA_TOKEN_NAME] = {SCHEMA_TOKENS, "name", SCHEMA_STRING, SCHEMA_ZONE, 0, 0, NULL, NULL, \
		"_service-proof.example.com", "Name that the record stands at. Required.", NULL}, \
	[SCHEMA_TOKEN_ID] = {SCHEMA_TOKENS, "id", SCHEMA_STRING, SCHEMA_LABEL, 0, 200, NULL, NULL, "proof", \
		"Name of the token for \"record rotate --token\" and below tokens/ in the state directory.", \
		"The name of the record when not given."}, \
	[SCHEMA_TOKEN_PREFIX] = {SCHEMA_TOKENS, "prefix", SCHEMA_STRING, SCHEMA_TEXT, 0, 0, NULL, NULL, \
		"\"service-proof=\"", "What stands in the record before the secret.", NULL}, \
	[SCHEMA_TOKEN_FILE] = {SCHEMA_TOKENS, "value_file", SCHEMA_STRING, SCHEMA_PATH, 0, 0, NULL, NULL, \
		"/etc/perdure/proof.token", "File with the secret: one line.", \
		"Its mode must be 0600 or stricter. Without it 43 random characters are made and kept in tokens/ID of the " \
		"state directory."}, \
	[SCHEMA_TOKEN_TTL] = {SCHEMA_TOKENS, "ttl", SCHEMA_DURATION, SCHEMA_TEXT, DURATION(1), DURATION(604800), NULL, \
		"1h", NULL, "Time to live of the record.", NULL}
/* clang-format on */

#endif
