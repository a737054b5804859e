/* answer.h: one server's answer as a value. */
#ifndef PERDURE_DNS_ANSWER_H
#define PERDURE_DNS_ANSWER_H

#include "dns/message.h"
#include "dns/view.h"

void answer_init(struct dns_answer *a, const char *server, const char *address);
void answer_done(struct dns_answer *a);
/* result is DNS_FAILED or DNS_TIMEOUT; text is copied. */
void answer_fail(struct dns_answer *a, enum dns_result result, const char *text);
/* Takes the TXT records of name out of the answer section: sorted, each once. */
void answer_take_txt(struct dns_answer *a, const struct message *m, const char *name);

#endif
