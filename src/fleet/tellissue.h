/* tellissue.h: what becomes of an order, as events and as numbers. */
#ifndef PERDURE_FLEET_TELLISSUE_H
#define PERDURE_FLEET_TELLISSUE_H

struct config_cert;
struct issue_report;
struct site;
struct store_cert;

/* The CA has taken an order. */
void tell_placed(struct site *s, const struct config_cert *c, const char *ca, const char *order_url);
/* The end of a job; row is the certificate's then. */
void tell_issue(struct site *s, const struct issue_report *r, const struct store_cert *row, const char *order_url);

#endif
