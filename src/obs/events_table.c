/* events_table.c: the types of events. docs/events.md has a row for each; a test holds it against this table. */
#include <string.h>

#include "base/xalloc.h"
#include "obs/events.h"

enum { ERR = 3, WARN = 4, NOTE = 5, INFO = 6 };

static const struct event_kind kinds[] = {
	[EVENT_LOG_HEAD] = {"log.head", "process", "info", EVENT_SUCCESS, INFO,
		"A signed line: everything before it was as it is when this was written."},
	[EVENT_LOG_TORN] = {"log.torn", "process", "error", EVENT_FAILURE, WARN,
		"The last line of the log was not whole, as after a power cut; it was put aside."},
	[EVENT_LOG_LOST] = {"log.lost", "process", "error", EVENT_FAILURE, ERR,
		"Events could not be written, for want of room for example; so many are missing here."},
	[EVENT_LOG_GAP] = {"log.gap", "process", "error", EVENT_FAILURE, ERR,
		"The log ends before the last line that was signed: lines were taken away at its end."},
	[EVENT_ACCOUNT_REGISTERED] = {"account.registered", "iam", "creation", EVENT_SUCCESS, NOTE,
		"An account was registered with a CA, or found there."},
	[EVENT_ACCOUNT_ROLLOVER] = {"account.rollover", "iam", "change", EVENT_SUCCESS, NOTE,
		"The key of an account was replaced."},
	[EVENT_ACCOUNT_DEACTIVATED] = {"account.deactivated", "iam", "deletion", EVENT_SUCCESS, WARN,
		"An account was deactivated at the CA, for good."},
	[EVENT_ACCOUNT_EXPORTED] = {"account.exported", "iam", "access", EVENT_SUCCESS, WARN,
		"An account with its private key was written into an encrypted file."},
	[EVENT_ACCOUNT_IMPORTED] = {"account.imported", "iam", "creation", EVENT_SUCCESS, NOTE,
		"An account was taken over from a file or another client."},
	[EVENT_ORDER_PLACED] = {"order.placed", "configuration", "start", EVENT_UNKNOWN, INFO,
		"The CA has taken an order."},
	[EVENT_ORDER_HELD] = {"order.held", "configuration", "denied", EVENT_FAILURE, WARN,
		"An order waits: its validation record is absent or would be refused."},
	[EVENT_ORDER_PARKED] = {"order.parked", "configuration", "info", EVENT_UNKNOWN, NOTE,
		"An order is tried again later: a rate limit, or the CA or the network is down."},
	[EVENT_ORDER_FAILED] = {"order.failed", "configuration", "error", EVENT_FAILURE, ERR,
		"A certificate could not be had."},
	[EVENT_CERT_ISSUED] = {"certificate.issued", "configuration", "creation", EVENT_SUCCESS, NOTE,
		"The first certificate of a lineage is here."},
	[EVENT_CERT_RENEWED] = {"certificate.renewed", "configuration", "change", EVENT_SUCCESS, NOTE,
		"A certificate has its successor."},
	[EVENT_CERT_INSTALLED] = {"certificate.installed", "file", "change", EVENT_SUCCESS, INFO,
		"live/ was switched to a new generation of key and certificate."},
	[EVENT_CERT_DELETED] = {"certificate.deleted", "file", "deletion", EVENT_SUCCESS, WARN,
		"A lineage was deleted with its private keys."},
	[EVENT_CERT_IMPORTED] = {"certificate.imported", "file", "creation", EVENT_SUCCESS, NOTE,
		"A lineage was taken over from another client."},
	[EVENT_CERT_REVOKED] = {"certificate.revoked", "configuration", "deletion", EVENT_SUCCESS, WARN,
		"A certificate was revoked."},
	[EVENT_DEPLOY_DONE] = {"deploy.done", "process", "end", EVENT_SUCCESS, INFO,
		"A certificate was put where it is used."},
	[EVENT_DEPLOY_FAILED] = {"deploy.failed", "process", "error", EVENT_FAILURE, ERR,
		"A certificate could not be put where it is used."},
	[EVENT_RECORD_CHANGED] = {"record.changed", "configuration", "change", EVENT_SUCCESS, NOTE,
		"Records of one name were changed at a DNS provider."},
	[EVENT_RECORD_FAILED] = {"record.failed", "configuration", "error", EVENT_FAILURE, ERR,
		"Records of one name could not be changed, or the change cannot be seen."},
	[EVENT_RECORD_ROTATED] = {"record.rotated", "configuration", "change", EVENT_SUCCESS, NOTE,
		"A record was replaced by its successor."},
	[EVENT_RECORD_PRUNED] = {"record.pruned", "configuration", "deletion", EVENT_SUCCESS, NOTE,
		"A record that nobody needs was removed."},
	[EVENT_CONFIG_LOADED] = {"config.loaded", "configuration", "info", EVENT_SUCCESS, NOTE,
		"The daemon works by this configuration now."},
	[EVENT_CONFIG_REFUSED] = {"config.refused", "configuration", "error", EVENT_FAILURE, ERR,
		"A new configuration is wrong; the daemon goes on with the old one."},
	[EVENT_STATE_REBUILT] = {"state.rebuilt", "database", "creation", EVENT_SUCCESS, WARN,
		"The database was damaged or gone; the state was made again from live/ and archive/."},
	[EVENT_CLOCK_JUMPED] = {"clock.jumped", "host", "info", EVENT_UNKNOWN, WARN,
		"The clock of the machine was put forward or back by more than a day while the daemon ran."},
	[EVENT_DAEMON_STARTED] = {"daemon.started", "process", "start", EVENT_SUCCESS, NOTE, "The daemon has begun."},
	[EVENT_DAEMON_STOPPED] = {"daemon.stopped", "process", "end", EVENT_SUCCESS, NOTE, "The daemon has ended."},
	[EVENT_FINDING_NEW] = {"finding.new", "configuration", "info", EVENT_FAILURE, WARN,
		"An audit found what the one before had not found."},
	[EVENT_FINDING_GONE] = {"finding.gone", "configuration", "info", EVENT_SUCCESS, INFO,
		"What an audit had found is no longer so."},
};
_Static_assert(ARRAY_LEN(kinds) == EVENT_N_, "a row for each type");

const struct event_kind *event_kind(enum event_type t)
{
	return &kinds[t];
}

int event_type_from_name(const char *name, enum event_type *ret)
{
	for (size_t i = 0; i < EVENT_N_; i++)
		if (!strcmp(kinds[i].name, name)) {
			*ret = (enum event_type)i;
			return 0;
		}
	return -1;
}

static const char *const forms[] = {[EVENTS_JSON] = "json", [EVENTS_ECS] = "ecs", [EVENTS_CEF] = "cef"};
_Static_assert(ARRAY_LEN(forms) == EVENTS_FORM_N_, "a name for each form");

const char *events_form_name(enum events_form f)
{
	return forms[f];
}

int events_form_from_name(const char *name, enum events_form *ret)
{
	for (size_t i = 0; i < EVENTS_FORM_N_; i++)
		if (!strcmp(forms[i], name)) {
			*ret = (enum events_form)i;
			return 0;
		}
	return -1;
}
