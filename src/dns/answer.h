/* answer.h: one server's answer as a value. */
#ifndef PERDURE_DNS_ANSWER_H
#define PERDURE_DNS_ANSWER_H

#include "dns/message.h"
#include "dns/view.h"

void answer_init(struct dns_answer *a, const char *server, const char *address);
void answer_done(struct dns_answer *a);
/* text is copied. The result is DNS_TIMEOUT for UNREACHABLE and SILENT, else DNS_FAILED. */
void answer_fail(struct dns_answer *a, enum dns_health health, const char *text);
/* Takes the records of name and type out of the answer section: sorted, each once. */
void answer_take(struct dns_answer *a, const struct message *m, const char *name, uint16_t type);
/* The same for a CNAME, with the DNAME of that owner (may be NULL) that it comes from. */
void answer_take_alias(struct dns_answer *a, const struct message *m, const char *name, const char *dname);
/* Whether it says what there is, or that there is nothing. */
bool answer_is(const struct dns_answer *a);
/* Whether two answers that answer_is() say the same; TTLs left out. */
bool answer_same(const struct dns_answer *a, const struct dns_answer *b);
/* Puts the answers that answer_is() into the view's groups. */
void answer_group(struct dns_view *v);

#endif
