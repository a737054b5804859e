/* validate.c: questions to the validator, and what its answers mean. */
#include "dns/validate.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unbound.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "dns/dns_priv.h"
#include "dns/doubt.h"
#include "dns/message.h"
#include "dns/name.h"
#include "dns/validator.h"
#include "loop/loop.h"

enum {
	SILENT_MS = 30000, /* so long nobody waits for name servers of which none has ever answered */
	CLASS_IN = 1,
	AHEAD_MAX = 8, /* questions whose keys are asked for ahead */
};

enum validation_state { VALIDATION_WAITING, VALIDATION_ACTIVE, VALIDATION_DOUBTED, VALIDATION_ENDED };

struct dns_validation {
	struct dns *d;
	struct validator *v;
	enum validation_state state;
	TAILQ_ENTRY(dns_validation) link;
	char *owner;
	uint16_t type;
	unsigned flags; /* of dns_validate_flag */
	int id; /* libunbound's; while active */
	struct loop_timer *deadline; /* while active */
	struct doubt *doubt; /* while doubted */
	struct dns_validated *result; /* once doubted or ended */
	dns_validated_fn done;
	void *ctx;
};

static const char *const names[] = {
	[DNS_SECURE] = "secure",
	[DNS_INSECURE] = "insecure",
	[DNS_BOGUS] = "bogus",
	[DNS_UNVALIDATED] = "not validated",
	[DNS_UNRESOLVED] = "unresolved",
};
_Static_assert(sizeof(names) / sizeof(names[0]) == DNS_SECURITY_N_, "one name each");

const char *dns_security_name(enum dns_security s)
{
	return s < DNS_SECURITY_N_ ? names[s] : "unknown";
}

void dns_validated_free(struct dns_validated *v)
{
	if (!v)
		return;
	rrset_done(&v->rrset);
	free(v->why);
	free(v->hint);
	free(v);
}

/* --- the end of a validation --- */

static struct dns_validations *list_of(struct dns_validation *q)
{
	return q->state == VALIDATION_WAITING   ? &q->v->waiting
	       : q->state == VALIDATION_ACTIVE  ? &q->v->active
	       : q->state == VALIDATION_DOUBTED ? &q->v->doubted
						: &q->v->ended;
}

/* Takes it off its list; the same in the middle of libunbound's work on it. */
static void leave(struct dns_validation *q)
{
	TAILQ_REMOVE(list_of(q), q, link);
	if (q->state != VALIDATION_ACTIVE)
		return;
	loop_timer_free(q->deadline);
	q->deadline = NULL;
	q->v->n_active--;
	validator_listen(q->v);
}

static void release(struct dns_validation *q)
{
	dns_validated_free(q->result);
	free(q->owner);
	free(q);
}

/* The callback comes in the loop's next turn: never from inside a call of ours or of libunbound's. */
static void end(struct dns_validation *q, struct dns_validated *result)
{
	leave(q);
	q->result = result;
	q->state = VALIDATION_ENDED;
	TAILQ_INSERT_TAIL(&q->v->ended, q, link);
	loop_timer_start(q->v->turn, 0);
}

static struct dns_validated *result_new(
	const struct dns_validation *q, enum dns_security security, const char *why, const char *hint)
{
	struct dns_validated *r = xcalloc(1, sizeof(*r));
	r->security = security;
	r->rcode = MESSAGE_SERVFAIL;
	r->why = xstrdup(why);
	r->hint = xstrdup(hint);
	rrset_none(q->owner, q->type, &r->rrset);
	return r;
}

static void end_without(struct dns_validation *q, enum dns_security security, const char *why, const char *hint)
{
	end(q, result_new(q, security, why, hint));
}

/* --- what libunbound says --- */

static const char *bogus_hint(const struct validator *v)
{
	if (v->mode == DNS_RESOLVER)
		return "mend the zone's signatures, or its DS record in the zone above; if it is in order, the "
		       "resolvers in dns.resolvers do not pass on what DNSSEC needs";
	if (v->hints.n && v->anchor.kind != ANCHOR_CONFIGURED)
		return "mend the zone's signatures, or its DS record in the zone above; if dns.hints names root "
		       "servers of your own, name their key in dns.trust_anchor";
	return "mend the zone's signatures, or its DS record in the zone above: until then public CAs accept nothing "
	       "there";
}

static struct dns_validated *read_result(const struct dns_validation *q, const struct ub_result *u)
{
	struct message m;
	struct err e = {0};
	char word[16], why[64];
	if (u->answer_len < 0 ||
		message_decode(u->answer_packet, u->answer_packet ? (size_t)u->answer_len : 0, &m, &e)) {
		struct dns_validated *r = result_new(q, DNS_UNRESOLVED, e.msg, "");
		err_done(&e);
		return r;
	}
	struct dns_validated *r = result_new(q, DNS_UNRESOLVED, "", "");
	bool usable = m.rcode == MESSAGE_NOERROR || m.rcode == MESSAGE_NXDOMAIN;
	r->rcode = m.rcode;
	rrset_done(&r->rrset);
	rrset_take(&m, q->owner, q->type, &r->rrset);
	snprintf(why, sizeof(why), "no server gives an answer of use (%s)", message_rcode_name(m.rcode, word));
	message_done(&m);
	if (u->bogus)
		r->security = DNS_BOGUS;
	else if (usable)
		r->security = u->secure ? DNS_SECURE : DNS_INSECURE;
	if (r->security == DNS_BOGUS || r->security == DNS_UNRESOLVED) {
		free(r->why);
		r->why = xstrdup(!u->bogus ? why : u->why_bogus ? u->why_bogus : "validation failed");
	}
	if (r->security == DNS_BOGUS) {
		free(r->hint);
		r->hint = xstrdup(bogus_hint(q->v));
	}
	return r;
}

/* Bogus, unless it is so only because somebody out of reach has the keys. */
static void doubted(const char *zone, void *ctx)
{
	struct dns_validation *q = ctx;
	struct dns_validated *r = TAKE(q->result);
	q->doubt = NULL;
	if (zone) {
		const char *name = *zone ? zone : "the root zone";
		char *why = xasprintf("no server of %s could be asked for its keys (%s)", name, r->why);
		free(r->why);
		free(r->hint);
		r->why = why;
		r->hint = xasprintf(
			"let this host reach the servers of %s, or name keys in dns.trust_anchor whose zone it "
			"does reach",
			name);
		r->security = DNS_UNRESOLVED;
	}
	end(q, r);
}

/* Nothing is known yet of who can be reached where resolvers do the asking: they could. */
static void doubt(struct dns_validation *q, struct dns_validated *r)
{
	q->doubt = q->d->mode == DNS_AUTHORITATIVE
			   ? doubt_start(q->d, q->owner, &validator_anchor(q->v)->zones, doubted, q)
			   : NULL;
	if (!q->doubt) {
		end(q, r);
		return;
	}
	leave(q);
	q->result = r;
	q->state = VALIDATION_DOUBTED;
	TAILQ_INSERT_TAIL(&q->v->doubted, q, link);
}

static void resolved(void *ctx, int err, struct ub_result *u)
{
	struct dns_validation *q = ctx;
	if (err || !u) {
		AUTO(xfreep) char *why = xasprintf("libunbound: %s", ub_strerror(err));
		end_without(q, DNS_UNRESOLVED, why, "");
	} else {
		struct dns_validated *r = read_result(q, u);
		/* SERVFAIL is what it says when nobody has answered, too. */
		q->v->heard |= r->security != DNS_UNRESOLVED;
		if (r->security == DNS_BOGUS)
			doubt(q, r);
		else
			end(q, r);
	}
	ub_resolve_free(u);
}

static void overdue(void *ctx)
{
	struct dns_validation *q = ctx;
	struct validator *v = q->v;
	ub_cancel(v->ctx, q->id);
	if (!v->heard)
		v->silent_until = clk_mono(loop_clk(v->loop)) + SILENT_MS;
	AUTO(xfreep) char *why = xasprintf("no answer within %.0f s", (double)v->deadline_ms / 1000);
	end_without(q, DNS_UNRESOLVED, why, "");
}

/* --- the begin --- */

/* Why there is nothing to ask libunbound about this name; false when there is. */
static bool refuse(struct dns_validation *q)
{
	struct validator *v = q->v;
	const char *stub = validator_stub(v, q->owner);
	if (!v->on || v->mode == DNS_NONE) {
		end_without(q, DNS_UNVALIDATED, v->on ? "dns.mode is none" : "dns.validate is false", "");
		return true;
	}
	if (stub && !v->configured) {
		AUTO(xfreep) char *why = xasprintf("it is in the stub zone %s", *stub ? stub : ".");
		end_without(q, DNS_UNVALIDATED, why,
			"to have stub zones validated, name a file with their keys in "
			"dns.trust_anchor");
		return true;
	}
	const struct anchor *a = validator_anchor(v);
	if (a->kind == ANCHOR_NONE) {
		end_without(q, DNS_UNVALIDATED, a->why, a->hint);
		return true;
	}
	for (size_t i = 0; i < a->zones.n; i++)
		if (name_within(q->owner, a->zones.v[i]))
			return false;
	AUTO(xfreep) char *why = xasprintf("%s has no key for it or a name above it", a->path);
	end_without(q, DNS_UNVALIDATED, why, "add the root's keys to that file, or those of the zone");
	return true;
}

static void have_keys(void *ctx, int err, struct ub_result *u)
{
	(void)ctx;
	(void)err;
	ub_resolve_free(u);
}

/*
 * The keys of all zones that may be above the name, asked for with it: libunbound would ask for one after the other, a
 * round trip each, once it has the answer. They wait in its cache meanwhile.
 */
static void ask_ahead(struct validator *v, const char *owner)
{
	if (!v->prompt || v->n_ahead++ >= AHEAD_MAX)
		return;
	for (const char *p = name_parent(owner); p; p = name_parent(p))
		ub_resolve_async(v->ctx, *p ? p : ".", DNS_TYPE_DNSKEY, CLASS_IN, NULL, have_keys, NULL);
}

static void begin(struct dns_validation *q)
{
	struct validator *v = q->v;
	if (refuse(q))
		return;
	if (!v->ctx)
		v->prompt = q->flags & DNS_VALIDATE_PROMPT;
	if (!validator_start(v)) {
		end_without(q, DNS_UNRESOLVED, v->broken, "");
		return;
	}
	if (!v->heard && clk_mono(loop_clk(v->loop)) < v->silent_until) {
		end_without(q, DNS_UNRESOLVED, "no name server has answered other questions, not asked again yet", "");
		return;
	}
	/* The first question makes libunbound's thread, which is to leave signals to ours. */
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int rc = ub_resolve_async(v->ctx, *q->owner ? q->owner : ".", q->type, CLASS_IN, q, resolved, &q->id);
	if (!rc)
		ask_ahead(v, q->owner);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc) {
		AUTO(xfreep) char *why = xasprintf("libunbound does not take the question: %s", ub_strerror(rc));
		end_without(q, DNS_UNRESOLVED, why,
			rc == UB_INITFAIL ? "see whether the file with the trust anchor is in order" : "");
		return;
	}
	leave(q);
	q->state = VALIDATION_ACTIVE;
	TAILQ_INSERT_TAIL(&v->active, q, link);
	v->n_active++;
	q->deadline = loop_timer_new(v->loop, overdue, q);
	loop_timer_start(q->deadline, v->deadline_ms);
	validator_listen(v);
}

void validations_turn(void *ctx)
{
	struct validator *v = ctx;
	for (struct dns_validation *q; v->n_active < v->active_max && (q = TAILQ_FIRST(&v->waiting));)
		begin(q);
	for (struct dns_validation *q; (q = TAILQ_FIRST(&v->ended));) {
		struct dns_validated *result = TAKE(q->result);
		dns_validated_fn done = q->done;
		void *arg = q->ctx;
		leave(q);
		release(q);
		done(result, arg);
	}
	if (v->n_active < v->active_max && !TAILQ_EMPTY(&v->waiting))
		loop_timer_start(v->turn, 0);
}

struct dns_validation *dns_validate(
	struct dns *d, const char *owner, uint16_t type, unsigned flags, dns_validated_fn done, void *ctx)
{
	struct dns_validation *q = xcalloc(1, sizeof(*q));
	q->d = d;
	q->v = d->validator;
	q->owner = xstrdup(owner);
	q->type = type;
	q->flags = flags;
	q->done = done;
	q->ctx = ctx;
	TAILQ_INSERT_TAIL(&q->v->waiting, q, link);
	loop_timer_start(q->v->turn, 0);
	return q;
}

void dns_validate_cancel(struct dns_validation *q)
{
	if (!q)
		return;
	if (q->state == VALIDATION_ACTIVE)
		ub_cancel(q->v->ctx, q->id);
	doubt_cancel(q->doubt);
	leave(q);
	release(q);
}

static void drop(struct dns_validations *list)
{
	for (struct dns_validation *q; (q = TAILQ_FIRST(list));)
		dns_validate_cancel(q);
}

void validations_drop(struct validator *v)
{
	drop(&v->waiting);
	drop(&v->active);
	drop(&v->doubted);
	drop(&v->ended);
}
