/*
 * switch.h: a file or folder that services read through, exchanged for a link to ours in one step, and back. What stood
 * there is kept beside it as NAME.before-perdure. Whenever a run ends, also by a crash, the name leads to one of the
 * two, and running again goes on.
 */
#ifndef PERDURE_MIGRATE_SWITCH_H
#define PERDURE_MIGRATE_SWITCH_H

#include <stdbool.h>

struct err;

/* Under which name the old one is kept. Heap string. */
char *switch_kept_name(const char *path);
/* Whether path is a link and the old one is kept beside it. */
bool switch_is_done(const char *path);

/*
 * Makes path a link to target. That it is already is no error (*ret_changed is false then). ERR_POLICY when path is a
 * link of somebody else, or the old one could not be kept; ERR_SYS, also where the file system cannot exchange two
 * names (RENAME_EXCHANGE): path is as it was.
 */
int switch_to(const char *path, const char *target, bool *ret_changed, struct err *e);
/* Puts back what is kept. That nothing was exchanged is no error. ERR_SYS. */
int switch_back(const char *path, bool *ret_changed, struct err *e);

#endif
