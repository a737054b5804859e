/* init.h: a first configuration with every key explained. */
#ifndef PERDURE_CONFIG_INIT_H
#define PERDURE_CONFIG_INIT_H

#include "base/strv.h"

struct err;

/*
 * The text of a first configuration: every key of the schema with its help, commented out except what is given here.
 * ca is the name of a preset or NULL; names are the normalised names of a first certificate, NULL or empty for none;
 * state_dir is NULL for the default one. Heap string.
 */
char *config_init_text(const char *ca, const struct strv *names, const char *state_dir);
/* Whether ca and names (normalised) can make a configuration: ERR_CONFIG for an unknown preset, or names without a CA.
 */
int config_init_check(const char *ca, const struct strv *names, struct err *e);
/*
 * Checks ca and names (which are normalised) and writes the text to a new file of mode 0644; missing directories above
 * are made. ERR_CONFIG for an existing file, an unknown preset or a bad name; ERR_SYS.
 */
int config_init_write(const char *path, const char *ca, const struct strv *names, const char *state_dir, struct err *e);

#endif
