/* export_priv.h: what the writers of export formats share. */
#ifndef PERDURE_INVENTORY_EXPORT_PRIV_H
#define PERDURE_INVENTORY_EXPORT_PRIV_H

#include "inventory/export.h"

/* RDATA in zone-file form: quoted TXT strings of at most 255 octets, CAA, a CNAME target with its dot. */
void export_rdata(struct buf *out, const struct export_rrset *r, const struct export_value *v);
/* The text quoted for: HCL; a JSON or JavaScript string; a YAML single-quoted scalar; one word of a POSIX shell. */
void export_hcl(struct buf *out, const char *s);
void export_json(struct buf *out, const char *s);
void export_yaml(struct buf *out, const char *s);
void export_shell(struct buf *out, const char *s);
/* Whether the RRset is the first of its zone in the sorted set. */
bool export_zone_begins(const struct export_set *s, size_t i);
/* All values of the RRset for tools that own it whole: ours first. */
size_t export_n_values(const struct export_rrset *r);
const struct export_value *export_value_at(const struct export_rrset *r, size_t i);

/* export_zone.c */
void export_write_zone(const struct export_set *s, struct buf *out);
void export_write_nsupdate(const struct export_set *s, struct buf *out);
/* export_terraform.c */
void export_write_tf_cloudflare(const struct export_set *s, struct buf *out);
void export_write_tf_cloudflare4(const struct export_set *s, struct buf *out);
void export_write_tf_aws(const struct export_set *s, struct buf *out);
void export_write_tf_google(const struct export_set *s, struct buf *out);
void export_write_tf_azure(const struct export_set *s, struct buf *out);
void export_write_tf_digitalocean(const struct export_set *s, struct buf *out);
void export_write_tf_hetzner(const struct export_set *s, struct buf *out);
/* export_declarative.c */
void export_write_dnscontrol(const struct export_set *s, struct buf *out);
void export_write_octodns(const struct export_set *s, struct buf *out);
void export_write_external_dns(const struct export_set *s, struct buf *out);
void export_write_ansible(const struct export_set *s, struct buf *out);
/* export_commands.c */
void export_write_aws_cli(const struct export_set *s, struct buf *out);
void export_write_gcloud(const struct export_set *s, struct buf *out);
void export_write_cfcli(const struct export_set *s, struct buf *out);

#endif
