/* azure.h: what azure.c (Azure DNS), azure_records.c (record sets as JSON) and azure_text.c (errors, rights) share. */
#ifndef PERDURE_PROVIDER_AZURE_H
#define PERDURE_PROVIDER_AZURE_H

#include "base/strv.h"
#include "provider/provider.h"
#include "provider/rest.h"

struct buf;
struct config_provider;
struct err;
struct json;
struct json_out;

/*
 * One record of a set, as an element of its array (or, of CNAME, as the object itself): what it says in master-file
 * form, as rdata_parse() reads it. Heap string, or NULL when it makes no sense.
 */
char *azure_record_text(enum provider_type type, const struct json *record);
/* The members of `properties` with the records of a set: "TXTRecords", "CNAMERecord", "caaRecords". */
const char *azure_member(enum provider_type type);
/* Appends a value with its own JSON as it stood there (json), or made of its data. */
void azure_put_record(struct json_out *j, enum provider_type type, const char *data, const char *json);
/* Appends a record as it stands there, for azure_put_record(). */
void azure_copy_record(struct buf *out, enum provider_type type, const struct json *record);
/* Whether the interface can carry the value: its texts are Unicode, not octets. */
bool azure_can_hold(enum provider_type type, const char *data);

/* For rest_kind. */
void azure_blame(const struct rest_reply *r, struct rest_blame *ret);
/* Whether an error means that there is no such zone (and not that there is no such group or subscription). */
bool azure_is_no_zone(const struct rest_reply *r);
/* For provider_driver. */
void azure_policy(const struct config_provider *conf, const struct strv *owners, struct buf *out);

#endif
