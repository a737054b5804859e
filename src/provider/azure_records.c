/* azure_records.c: the records of Azure DNS, which come as JSON of their own form for each type. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "dns/rr.h"
#include "provider/azure.h"
#include "provider/rdata.h"
#include "json/json.h"

enum { TEXT_MAX = 1 << 20 };

const char *azure_member(enum provider_type type)
{
	switch (type) {
	case PROVIDER_CNAME:
		return "CNAMERecord";
	case PROVIDER_CAA:
		return "caaRecords";
	case PROVIDER_TXT:
		break;
	}
	return "TXTRecords";
}

/* --- reading --- */

static char *txt_text(const struct json *record)
{
	AUTO(buf_done) struct buf b = buf_make(TEXT_MAX);
	const struct json *strings = json_get(record, "value");
	for (size_t i = 0; i < json_len(strings); i++) {
		const char *s = json_str(json_at(strings, i));
		if (!s)
			return NULL;
		AUTO(xfreep) char *quoted = rdata_from_text(s, strlen(s));
		buf_printf(&b, "%s%s", i ? " " : "", quoted);
	}
	return b.n ? xstrdup(buf_str(&b)) : NULL;
}

static char *caa_text(const struct json *record)
{
	const char *tag = json_str(json_get(record, "tag")), *value = json_str(json_get(record, "value"));
	AUTO(buf_done) struct buf b = buf_make(TEXT_MAX);
	int64_t flags;
	if (!tag || !value || !json_int(json_get(record, "flags"), &flags))
		return NULL;
	buf_printf(&b, "%lld %s \"", (long long)flags, tag);
	for (const char *p = value; *p; p++)
		buf_printf(&b, "%s%c", *p == '"' || *p == '\\' ? "\\" : "", *p);
	buf_putc(&b, '"');
	return xstrdup(buf_str(&b));
}

char *azure_record_text(enum provider_type type, const struct json *record)
{
	const char *target;
	switch (type) {
	case PROVIDER_CNAME:
		target = json_str(json_get(record, "cname"));
		return target ? xstrdup(target) : NULL;
	case PROVIDER_CAA:
		return caa_text(record);
	case PROVIDER_TXT:
		break;
	}
	return txt_text(record);
}

void azure_copy_record(struct buf *out, enum provider_type type, const struct json *record)
{
	struct json_out j = json_out_make(out);
	const struct json *strings = json_get(record, "value");
	int64_t flags = 0;
	json_out_object(&j, NULL);
	if (type == PROVIDER_CAA) {
		json_int(json_get(record, "flags"), &flags);
		json_out_int(&j, "flags", flags);
		json_out_str(&j, "tag", json_str(json_get(record, "tag")));
		json_out_str(&j, "value", json_str(strings));
	} else if (type == PROVIDER_CNAME) {
		json_out_str(&j, "cname", json_str(json_get(record, "cname")));
	} else {
		json_out_array(&j, "value");
		for (size_t i = 0; i < json_len(strings); i++)
			json_out_str(&j, NULL, json_str(json_at(strings, i)));
		json_out_end_array(&j);
	}
	json_out_end_object(&j);
}

/* --- writing --- */

/* The value of CAA data `FLAGS TAG "VALUE"`, which is in the one spelling, without quotes and backslashes. */
static void caa_value(const char *data, struct buf *out)
{
	const char *p = strchr(data, '"');
	for (p = p ? p + 1 : ""; *p && *p != '"'; p++) {
		p += *p == '\\';
		buf_putc(out, *p);
	}
}

static void put_caa(struct json_out *j, const char *data)
{
	AUTO(buf_done) struct buf value = buf_make(TEXT_MAX);
	char *rest;
	long flags = strtol(data, &rest, 10);
	rest += strspn(rest, " ");
	caa_value(data, &value);
	json_out_int(j, "flags", flags);
	json_out_strn(j, "tag", rest, strcspn(rest, " "));
	json_out_str(j, "value", buf_str(&value));
}

static void put_txt(struct json_out *j, const char *data)
{
	struct dns_txt txt;
	rdata_txt(data, &txt);
	json_out_array(j, "value");
	for (size_t i = 0; i < txt.n; i++)
		json_out_strn(j, NULL, (const char *)txt.strings[i].p, txt.strings[i].n);
	json_out_end_array(j);
	dns_txt_done(&txt);
}

void azure_put_record(struct json_out *j, enum provider_type type, const char *data, const char *json)
{
	const char *member = type == PROVIDER_CNAME ? azure_member(type) : NULL;
	if (json) {
		json_out_raw(j, member, json);
		return;
	}
	json_out_object(j, member);
	if (type == PROVIDER_CNAME)
		json_out_strn(j, "cname", data, strlen(data) - 1);
	else if (type == PROVIDER_CAA)
		put_caa(j, data);
	else
		put_txt(j, data);
	json_out_end_object(j);
}

bool azure_can_hold(enum provider_type type, const char *data)
{
	/* What is not printable ASCII stands as \DDD in this spelling; so does nothing else. */
	for (const char *p = data; type != PROVIDER_CNAME && *p; p++) {
		if (*p != '\\')
			continue;
		if (p[1] >= '0' && p[1] <= '9')
			return false;
		p++;
	}
	return true;
}
