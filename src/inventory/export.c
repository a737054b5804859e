/* export.c: the RRsets of an export: collected, compared with what is published, put in order; quoting for all writers.
 */
#include "inventory/export.h"

#include <perdure/persist.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "dns/name.h"
#include "dns/view.h"
#include "inventory/export_priv.h"
#include "json/json.h"

const char *export_type_name(enum export_type t)
{
	static const char *const names[EXPORT_N_] = {"TXT", "CAA", "CNAME"};
	return names[t];
}

static void values_done(struct export_value *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].text);
		free(v[i].tag);
	}
	free(v);
}

static void rrset_done(struct export_rrset *r)
{
	free(r->zone);
	free(r->owner);
	values_done(r->ours, r->n_ours);
	values_done(r->foreign, r->n_foreign);
}

void export_set_done(struct export_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		rrset_done(&s->v[i]);
	free(s->v);
	*s = (struct export_set){0};
}

static struct export_value *append(
	struct export_value **v, size_t *n, const char *text, unsigned flags, const char *tag)
{
	*v = xreallocarray(*v, *n + 1, sizeof(**v));
	(*v)[*n] = (struct export_value){.text = xstrdup(text), .flags = flags, .tag = tag ? xstrdup(tag) : NULL};
	return &(*v)[(*n)++];
}

/* Validation records are the same when they mean the same, other values when they read the same. */
static bool same(const struct export_value *v, const char *text, unsigned flags, const char *tag)
{
	if (!tag != !v->tag || v->flags != flags || (tag && strcmp(tag, v->tag) != 0))
		return false;
	if (!strcmp(v->text, text))
		return true;
	struct perdure_record a, b;
	return !tag && perdure_record_read(v->text, strlen(v->text), &a, NULL, NULL) == PERDURE_OK &&
	       perdure_record_read(text, strlen(text), &b, NULL, NULL) == PERDURE_OK && perdure_record_equal(&a, &b);
}

struct export_rrset *export_add(struct export_set *s, const char *owner, enum export_type type, uint32_t ttl,
	const char *text, unsigned flags, const char *tag)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 64;
		s->v = xreallocarray(s->v, s->cap, sizeof(*s->v));
	}
	struct export_rrset *r = &s->v[s->n];
	*r = (struct export_rrset){.owner = xstrdup(owner), .type = type, .ttl = ttl, .order = s->n};
	s->n++;
	append(&r->ours, &r->n_ours, text, flags, tag);
	return r;
}

static bool has(const struct export_rrset *r, const struct export_value *v)
{
	for (size_t i = 0; i < r->n_ours; i++)
		if (same(&r->ours[i], v->text, v->flags, v->tag))
			return true;
	return false;
}

static int by_owner(const void *a, const void *b)
{
	const struct export_rrset *x = a, *y = b;
	int r = strcmp(x->owner, y->owner);
	if (!r)
		r = (int)x->type - (int)y->type;
	return r ? r : x->order < y->order ? -1 : x->order > y->order;
}

void export_merge(struct export_set *s)
{
	size_t kept = 0;
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), by_owner);
	for (size_t i = 0; i < s->n; i++) {
		struct export_rrset *r = &s->v[i];
		struct export_rrset *to = kept ? &s->v[kept - 1] : NULL;
		if (!to || to->type != r->type || strcmp(to->owner, r->owner) != 0) {
			s->v[kept++] = *r;
			continue;
		}
		for (size_t k = 0; k < r->n_ours; k++)
			if (!has(to, &r->ours[k]))
				append(&to->ours, &to->n_ours, r->ours[k].text, r->ours[k].flags, r->ours[k].tag);
		rrset_done(r);
	}
	s->n = kept;
}

/* A value that stands: one of ours, in the spelling in which it stands, or somebody else's. */
static void found(struct export_rrset *r, const char *text, unsigned flags, const char *tag)
{
	r->exists = true;
	for (size_t i = 0; i < r->n_ours; i++) {
		struct export_value *v = &r->ours[i];
		if (v->stands || !same(v, text, flags, tag))
			continue;
		v->stands = true;
		if (strcmp(v->text, text) != 0) {
			free(v->text);
			v->text = xstrdup(text);
		}
		return;
	}
	append(&r->foreign, &r->n_foreign, text, flags, tag)->stands = true;
}

static int unprintable(const struct export_rrset *r, const char *server, struct err *e)
{
	err_set(e, ERR_DNS, "%s keeps a %s value at %s that cannot be repeated in text: octets outside printable ASCII",
		server, export_type_name(r->type), r->owner);
	err_hint(e, "export with --offline, which writes our values only, and add them to what stands there by hand");
	return -1;
}

static bool printable(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < 0x20 || (unsigned char)s[i] > 0x7e)
			return false;
	return true;
}

static int found_txt(struct export_rrset *r, const struct dns_answer *a, const struct dns_txt *t, struct err *e)
{
	AUTO(buf_done) struct buf b = buf_make(BUF_MAX_TXT_SET);
	for (size_t i = 0; i < t->n; i++)
		buf_put(&b, t->strings[i].p, t->strings[i].n);
	if (buf_check(&b, "the TXT record", e))
		return -1;
	if (!printable(buf_str(&b), b.n))
		return unprintable(r, a->server, e);
	found(r, buf_str(&b), 0, NULL);
	return 0;
}

static int found_caa(struct export_rrset *r, const struct dns_answer *a, const struct dns_rr *rr, struct err *e)
{
	struct dns_caa c;
	if (!dns_rr_caa(rr, &c) || !printable(c.tag, c.n_tag) || !printable((const char *)c.value, c.n_value))
		return unprintable(r, a->server, e);
	AUTO(xfreep) char *tag = xstrndup(c.tag, c.n_tag);
	AUTO(xfreep) char *value = xstrndup((const char *)c.value, c.n_value);
	found(r, value, c.flags, tag);
	return 0;
}

static void found_cname(struct export_rrset *r, const struct dns_rr *rr)
{
	AUTO(xfreep) char *target = rr->type == DNS_TYPE_CNAME ? dns_rr_name(rr) : NULL;
	if (target)
		found(r, target, 0, NULL);
}

int export_observed(struct export_rrset *r, const struct dns_view *v, struct err *e)
{
	const struct dns_answer *a = dns_view_any(v);
	/* A stub zone may hold other zones, which its servers tell of only where there is nothing. */
	if (!r->zone && a && a->soa_zone)
		r->zone = xstrdup(a->soa_zone);
	if (!r->zone && v->zone[0])
		r->zone = xstrdup(v->zone);
	for (size_t i = 0; a && a->result == DNS_FOUND && !v->n_hops && i < a->n_rr; i++) {
		if (r->type == EXPORT_TXT && found_txt(r, a, &a->txt[i], e))
			return -1;
		if (r->type == EXPORT_CAA && found_caa(r, a, &a->rr[i], e))
			return -1;
	}
	for (size_t i = 0; a && a->result == DNS_ALIAS && r->type == EXPORT_CNAME && i < a->n_rr; i++)
		found_cname(r, &a->rr[i]);
	if (a && r->exists)
		r->ttl = a->ttl;
	return 0;
}

void export_zones(struct export_set *s, const char *const *zones, size_t n)
{
	for (size_t i = 0; i < s->n; i++) {
		struct export_rrset *r = &s->v[i];
		const char *best = NULL;
		for (size_t k = 0; k < n; k++)
			if (name_within(r->owner, zones[k]) && (!best || strlen(zones[k]) > strlen(best)))
				best = zones[k];
		if (best)
			r->zone = xstrdup(best);
	}
}

static int by_zone(const void *a, const void *b)
{
	const struct export_rrset *x = a, *y = b;
	int r = strcmp(x->zone, y->zone);
	if (!r)
		r = strcmp(x->owner, y->owner);
	return r ? r : (int)x->type - (int)y->type;
}

int export_sort(struct export_set *s, struct err *e)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i].zone)
			continue;
		err_set(e, ERR_USAGE, "nobody says which zone %s is in", s->v[i].owner);
		err_hint(e, "name it with --zone ZONE, which can be repeated");
		return -1;
	}
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), by_zone);
	return 0;
}

static const struct export_format formats[] = {
	{"zone", "lines for a zone file", false, export_write_zone},
	{"nsupdate", "commands for nsupdate or knsupdate, guarded by prerequisites", false, export_write_nsupdate},
	{"terraform-cloudflare", "Terraform or OpenTofu, Cloudflare provider 5", false, export_write_tf_cloudflare},
	{"terraform-cloudflare4", "the same for Cloudflare provider 4", false, export_write_tf_cloudflare4},
	{"terraform-aws", "Terraform or OpenTofu, Route 53", true, export_write_tf_aws},
	{"terraform-google", "Terraform or OpenTofu, Google Cloud DNS", true, export_write_tf_google},
	{"terraform-azure", "Terraform or OpenTofu, Azure DNS", true, export_write_tf_azure},
	{"terraform-digitalocean", "Terraform or OpenTofu, DigitalOcean", false, export_write_tf_digitalocean},
	{"terraform-hetzner", "Terraform or OpenTofu, Hetzner Cloud DNS", true, export_write_tf_hetzner},
	{"dnscontrol", "DNSControl: D_EXTEND() for each zone", true, export_write_dnscontrol},
	{"octodns", "octoDNS YAML, a document for each zone", true, export_write_octodns},
	{"external-dns", "Kubernetes external-dns: DNSEndpoint resources", true, export_write_external_dns},
	{"ansible", "an Ansible play with community.general.nsupdate", true, export_write_ansible},
	{"aws-cli", "a shell script of AWS CLI change batches", true, export_write_aws_cli},
	{"gcloud", "a shell script of gcloud commands", true, export_write_gcloud},
	{"cfcli", "a shell script of cfcli (Cloudflare) commands", false, export_write_cfcli},
};

const struct export_format *export_formats(size_t *ret_n)
{
	*ret_n = sizeof(formats) / sizeof(formats[0]);
	return formats;
}

int export_format_find(const char *name, const struct export_format **ret, struct err *e)
{
	AUTO(buf_done) struct buf all = buf_make(4096);
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (!strcmp(formats[i].name, name)) {
			*ret = &formats[i];
			return 0;
		}
		buf_printf(&all, "%s%s", i ? ", " : "", formats[i].name);
	}
	err_set(e, ERR_USAGE, "--format %s: there is no such format", name);
	err_hint(e, "one of %s", buf_str(&all));
	return -1;
}
