/* audit_tell.h: what an audit of the configured names found, as events, numbers and messages. */
#ifndef PERDURE_CLI_AUDIT_TELL_H
#define PERDURE_CLI_AUDIT_TELL_H

struct finding;
struct report_summary;
struct site;

struct audit_tell;
struct audit_tell *audit_tell_new(void);
void audit_tell_free(struct audit_tell *t);
/* Takes a finding that stands; of one rule about one name the first counts. */
void audit_tell_finding(struct audit_tell *t, const struct finding *f);
/*
 * Tells what has changed since the audit before (finding.new, finding.gone), writes the numbers beside metrics.textfile
 * and has the channels of notify told. A name that could not be looked at keeps what was found there. What fails is
 * warned of.
 */
void audit_tell_end(struct audit_tell *t, struct site *s, const struct report_summary *sum);

#endif
