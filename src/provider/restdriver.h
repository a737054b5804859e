/*
 * restdriver.h: what the drivers of HTTP interfaces have in common: their state, the work of one operation, requests
 * that go one after another, waiting for a change that the provider makes later.
 */
#ifndef PERDURE_PROVIDER_RESTDRIVER_H
#define PERDURE_PROVIDER_RESTDRIVER_H

#include "base/buf.h"
#include "provider/driver.h"
#include "provider/rest.h"

enum { REST_PATH_MAX = 4096, REST_BODY_MAX = 1 << 20 };

struct rest_kind {
	const struct provider_caps *caps;
	const char *base; /* when the configuration has no url */
	const char *token_prefix; /* "Bearer ": token_file goes into the header Authorization; NULL: no such header */
	void (*blame)(const struct rest_reply *r, struct rest_blame *ret);
	const char *media; /* of bodies both ways; NULL for JSON */
	bool repeatable; /* changes may be sent again (rest.h): what was done already is refused */
};

struct rest_driver {
	struct provider p; /* first */
	const struct rest_kind *kind;
	struct rest *rest;
	void *own; /* the driver's own state, if it has any: set after opening */
	void (*own_free)(void *own);
};
/* Opens the driver of conf's type by its kind. ERR_CONFIG. */
int rest_driver_open(struct loop *l, const struct config_provider *conf, struct provider **ret, struct err *e);
void rest_driver_free(struct provider *p);

/* A request that waits for those before it. */
struct rest_step {
	enum http_method method;
	char *path;
	char *body; /* NULL for none */
	struct strv headers;
};

struct rest_work;

/* A list that comes in pages: zones, or the records of a name. */
struct rest_list {
	const char *member; /* of an answer: the array; NULL: the answer itself is it */
	/* Pages by number: their size (the parameters are page and per_page), and whether there are more than w->page.
	 */
	int per_page;
	bool (*more)(const struct rest_work *w, const struct json *reply);
	/* Or, where each tells of the next: appends its path or URL; nothing when there is none. */
	void (*next)(const struct rest_work *w, const struct rest_reply *r, struct buf *out);
	/* An element of the array. */
	int (*take)(struct rest_work *w, const struct json *element, struct err *e);
};

/* The state of an operation. */
struct rest_work {
	struct rest_driver *d;
	struct provider_op *op;
	struct rest_call *call;
	rest_fn fn; /* of steps and of waiting */
	struct rest_step *steps;
	size_t n_steps;
	size_t step; /* of the one under way or done last, from 1 */
	struct loop_timer *timer;
	int64_t pause_ms;
	int64_t deadline; /* monotonic ms */
	unsigned page; /* from 1; of a list the one that is asked for */
	const struct rest_list *list;
	char *list_path;
	struct strv names, ids; /* the driver's own lists; of a search for zones those of rest_work_zone_add() */
	struct strv made; /* ids of the values that were added, in their order, where the provider has such */
	struct provider_rrset found;
	char what[320]; /* for messages */
};
/*
 * Hangs it on op->state, or gives the one that hangs there: the search for a zone asks for one candidate after the
 * other in one operation. What it is about is worded for messages.
 */
struct rest_work *rest_work_new(struct provider *p, struct provider_op *op, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* For provider_driver.drop. */
void rest_work_drop(struct provider *p, struct provider_op *op);
/* Ends the operation with a copy of an error. */
void rest_work_fail(struct rest_work *w, const struct err *e);
/* The same with an error that is moved, after the hint of its cause. */
void rest_work_refuse(struct rest_work *w, struct err *e);
/* Asks for path; fn gets w. */
void rest_work_get(struct rest_work *w, const struct buf *path, rest_fn fn);

/* The same at another client (rest.h), by a whole request. */
void rest_work_send(struct rest_work *w, struct rest *r, const struct rest_request *q, rest_fn fn);

/*
 * Takes the elements of all pages of path, which ends with "?" or "&" where pages have numbers; then ends list_zones,
 * or read with what is in w->found.
 */
void rest_work_list(struct rest_work *w, const struct rest_list *l, const struct buf *path);

/*
 * has_zone: asks for path, the candidate and `end` behind each other. An answer says that there is the zone (its id is
 * its name), 404 that there is none.
 */
void rest_has_zone(struct provider *p, struct provider_op *op, const char *path, const char *end);
/* list_zones, by a list of path. */
void rest_list_zones(struct provider *p, struct provider_op *op, const struct rest_list *l, const char *path);
/* For its `take`: a zone with its name, and its id where that is a string, else the name. */
int rest_take_zone(struct rest_work *w, const struct json *zone, struct err *e);
/*
 * Where several public zones of one name may be, of which only one is delegated to: they are kept until all are known,
 * and what has several fails when it is read (rest_work_is_one_zone() is false then), until the configuration says
 * which by zone_ids.
 */
void rest_work_zone_add(struct rest_work *w, const char *name, const char *id);
void rest_work_zones_end(struct rest_work *w);
bool rest_work_is_one_zone(struct rest_work *w);

/*
 * Takes a record at the name into w->found; its data as rdata_parse() reads it. PROVIDER_CNAME_THERE when it is of a
 * type that stands in the way, PROVIDER_REPLY when it makes no sense.
 */
int rest_work_record(
	struct rest_work *w, const char *type, const char *data, const char *id, const char *mark, struct err *e);

/* Adds a request to be sent by rest_work_next(); body may be NULL. */
void rest_work_step(struct rest_work *w, enum http_method method, const struct buf *path, const struct buf *body);
/* Gives the step that was added last a header, "Name: value". */
void rest_work_step_header(struct rest_work *w, const char *header);
/* Sends the next one (fn gets w), or says false when there is none. */
bool rest_work_next(struct rest_work *w, rest_fn fn);

/*
 * Asks for path after a pause that grows with each call; fn gets w. After ten minutes the operation fails with
 * ERR_TIMEOUT instead.
 */
void rest_work_poll(struct rest_work *w, const struct buf *path, rest_fn fn);

/* The changes of the operation are made, as wanted; ticket, of all of them, may be NULL. */
void rest_work_changed(struct rest_work *w, const char *ticket);
/* They were not made, or not as a whole: somebody else was quicker. */
void rest_work_lost(struct rest_work *w);
/* What to say behind the name of the first of its changes. */
const char *rest_others(const struct provider_op *op);

/* Appends name as it is called within the zone: "www", "@" at the apex. */
void rest_put_relative(struct buf *out, const char *name, const char *zone);

#endif
