/* planfile.h: a plan as JSON: for people and programs to look at, and to be carried out later. */
#ifndef PERDURE_INVENTORY_PLANFILE_H
#define PERDURE_INVENTORY_PLANFILE_H

struct buf;
struct err;
struct json_out;
struct plan;
struct plan_rrset;

enum { PLANFILE_VERSION = 1 };

/* The RRset as members of an object that is open. */
void planfile_rrset(struct json_out *w, const struct plan_rrset *r);
/* The whole plan as one JSON object, RRsets on lines of their own. */
void planfile_write(const struct plan *p, struct buf *out);
/* Reads what planfile_write() wrote. ERR_SYS, ERR_PARSE, ERR_CONFIG for another version. *ret needs plan_done(). */
int planfile_read(const char *path, struct plan *ret, struct err *e);

#endif
