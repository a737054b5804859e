/* load_obs.c: `events`, `metrics` and `notify`: what is kept, shown and told of the work. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "config/form.h"
#include "config/load.h"

static char *opt_path(const struct section_value *v)
{
	return v->s ? load_path(&v->mark, v->s) : NULL;
}

static char *opt_str(const struct section_value *v)
{
	return v->s ? xstrdup(v->s) : NULL;
}

/* --- events --- */

static int load_events(struct load *l, struct err *e)
{
	const struct section_value *v = l->top.v, *syslog = &v[SCHEMA_EVENTS_SYSLOG];
	struct config_events *c = &l->c->events;
	c->enabled = v[SCHEMA_EVENTS_ENABLED].i != 0;
	c->dir = v[SCHEMA_EVENTS_DIR].set ? opt_path(&v[SCHEMA_EVENTS_DIR]) : xasprintf("%s/events", l->c->state_dir);
	c->rotate_octets = v[SCHEMA_EVENTS_ROTATE].i << 20;
	c->keep_ms = v[SCHEMA_EVENTS_KEEP].i;
	c->head_lines = v[SCHEMA_EVENTS_HEAD_LINES].i;
	c->head_ms = v[SCHEMA_EVENTS_HEAD_INTERVAL].i;
	c->sync_always = !strcmp(v[SCHEMA_EVENTS_SYNC].s, "always");
	c->journald = v[SCHEMA_EVENTS_JOURNALD].i != 0;
	c->format = opt_str(&v[SCHEMA_EVENTS_FORMAT]);
	if (!syslog->set)
		return 0;
	const char *why = strcmp(syslog->s, "local") != 0 ? form_check(SCHEMA_ADDRESS_PORT, 0, syslog->s) : NULL;
	if (why) {
		CONFIG_ERROR(e, &syslog->mark, "events.syslog: '%s' %s", syslog->s, why);
		err_hint(e, "local, or the address of a syslog server, ADDRESS or ADDRESS@PORT");
		return -1;
	}
	c->syslog = xstrdup(strcmp(syslog->s, "local") != 0 ? syslog->s : "/dev/log");
	return 0;
}

/* --- metrics --- */

static bool is_loopback(const char *address)
{
	return !strncmp(address, "127.", 4) || !strcmp(address, "::1");
}

/* "ADDRESS:PORT" or "[ADDRESS]:PORT"; the form has been checked. */
static int take_listen(struct load *l, struct config_metrics *c, const struct section_value *v, struct err *e)
{
	unsigned char to[sizeof(struct in6_addr)];
	const char *colon = strrchr(v->s, ':');
	bool brackets = *v->s == '[';
	c->port = (int)strtol(colon + 1, NULL, 10);
	c->listen = xstrndup(v->s + brackets, (size_t)(colon - v->s) - (brackets ? 2 : 0));
	if (inet_pton(brackets ? AF_INET6 : AF_INET, c->listen, to) != 1) {
		CONFIG_ERROR(e, &v->mark, "metrics.listen: '%s' is not an IP address", c->listen);
		err_hint(e, "127.0.0.1:9847, or [::1]:9847");
		return -1;
	}
	if (!is_loopback(c->listen) && c->token_file && !c->cert_file)
		load_warn(l, &v->mark,
			"metrics.listen: the token goes over the network in the clear; add cert_file and key_file");
	if (is_loopback(c->listen) || c->token_file)
		return 0;
	CONFIG_ERROR(e, &v->mark, "metrics.listen: %s can be reached from other machines, and no token is asked for",
		c->listen);
	err_hint(e, "add token_file: FILE below metrics, or listen at 127.0.0.1");
	return -1;
}

static int load_metrics(struct load *l, struct err *e)
{
	const struct section_value *v = l->top.v;
	struct config_metrics *c = &l->c->metrics;
	c->textfile = opt_path(&v[SCHEMA_METRICS_TEXTFILE]);
	c->certificates_max = v[SCHEMA_METRICS_MAX].i;
	c->token_file = opt_path(&v[SCHEMA_METRICS_TOKEN]);
	c->cert_file = opt_path(&v[SCHEMA_METRICS_CERT]);
	c->key_file = opt_path(&v[SCHEMA_METRICS_KEY]);
	if (!c->cert_file != !c->key_file) {
		CONFIG_ERROR(e, &v[c->cert_file ? SCHEMA_METRICS_CERT : SCHEMA_METRICS_KEY].mark,
			"metrics needs both cert_file and key_file");
		err_hint(e, "live/NAME/fullchain.pem and live/NAME/privkey.pem of the state directory, for example");
		return -1;
	}
	return v[SCHEMA_METRICS_LISTEN].set ? take_listen(l, c, &v[SCHEMA_METRICS_LISTEN], e) : 0;
}

/* --- notify --- */

static const char *after_mailto(const char *s)
{
	return strncmp(s, "mailto:", 7) != 0 ? s : s + 7;
}

/* http://127.0.0.1, http://localhost, http://[::1] */
static bool leaves_unprotected(const char *url)
{
	static const char *const here[] = {"127.0.0.1", "localhost", "[::1]"};
	if (strncmp(url, "http://", 7) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(here); i++) {
		size_t n = strlen(here[i]);
		if (!strncmp(url + 7, here[i], n) && strchr("/:?", url[7 + n]))
			return false;
	}
	return true;
}

const char *config_webhook_fault(const char *url)
{
	const char *why = form_check(SCHEMA_URL_HTTP, 0, url);
	return !why && leaves_unprotected(url) ? "is an http URL of another machine: an https URL is needed" : why;
}

static int missing(const struct section_item *item, const char *name, const char *key, struct err *e)
{
	return CONFIG_ERROR(e, &item->mark, "the channel '%s' of notify needs %s", name, key);
}

static int check_type(
	const struct config_notify *c, const struct section *s, const struct section_item *item, struct err *e)
{
	const struct section_value *smtp = &s->v[SCHEMA_NOTIFY_SMTP];
	const char *why;
	switch (c->type) {
	case CONFIG_NOTIFY_WEBHOOK:
		if (!c->url == !c->url_file)
			return missing(item, c->name, c->url ? "one of url and url_file" : "url, or url_file", e);
		if (c->url && (why = config_webhook_fault(c->url)))
			return CONFIG_ERROR(e, &s->v[SCHEMA_NOTIFY_URL].mark, "notify[].url: it %s", why);
		return 0;
	case CONFIG_NOTIFY_MAIL:
		if (!c->to.n)
			return missing(item, c->name, "to", e);
		if (c->smtp && strncmp(c->smtp, "smtp://", 7) && strncmp(c->smtp, "smtps://", 8))
			return CONFIG_ERROR(
				e, &smtp->mark, "notify[].smtp: neither smtp://HOST nor smtps://HOST: '%s'", c->smtp);
		if (c->smtp && strpbrk(c->smtp + 7, " @\"<>\\"))
			return CONFIG_ERROR(
				e, &smtp->mark, "notify[].smtp holds a character that it may not have: '%s'", c->smtp);
		return c->user && !c->password_file ? missing(item, c->name, "password_file", e) : 0;
	case CONFIG_NOTIFY_COMMAND:
		break;
	}
	if (!c->command.n || c->command.v[0][0] != '/')
		return missing(item, c->name, "command, with the whole path of the program", e);
	return 0;
}

static void copy_items(struct strv *to, const struct section_value *v)
{
	for (size_t i = 0; i < v->n; i++)
		strv_add(to, after_mailto(v->items[i].s));
}

static enum config_notify_type type_of(const char *word)
{
	return !strcmp(word, "webhook") ? CONFIG_NOTIFY_WEBHOOK
	       : !strcmp(word, "mail")  ? CONFIG_NOTIFY_MAIL
					: CONFIG_NOTIFY_COMMAND;
}

static struct config_notify fill(const struct section_value *v, const struct section_item *item)
{
	struct config_notify c = {
		.name = xstrdup(v[SCHEMA_NOTIFY_NAME].s),
		.type = type_of(v[SCHEMA_NOTIFY_TYPE].s),
		.level = opt_str(&v[SCHEMA_NOTIFY_LEVEL]),
		.repeat_ms = v[SCHEMA_NOTIFY_REPEAT].i,
		.failures = v[SCHEMA_NOTIFY_FAILURES].i,
		.expiry_ms = v[SCHEMA_NOTIFY_EXPIRY].i,
		.findings = opt_str(&v[SCHEMA_NOTIFY_FINDINGS]),
		.url = opt_str(&v[SCHEMA_NOTIFY_URL]),
		.url_file = opt_path(&v[SCHEMA_NOTIFY_URL_FILE]),
		.secret_file = opt_path(&v[SCHEMA_NOTIFY_SECRET]),
		.ca_bundle = opt_path(&v[SCHEMA_NOTIFY_BUNDLE]),
		.from = v[SCHEMA_NOTIFY_FROM].s ? xstrdup(after_mailto(v[SCHEMA_NOTIFY_FROM].s)) : NULL,
		.smtp = opt_str(&v[SCHEMA_NOTIFY_SMTP]),
		.user = opt_str(&v[SCHEMA_NOTIFY_USER]),
		.password_file = opt_path(&v[SCHEMA_NOTIFY_PASSWORD]),
		.sendmail = v[SCHEMA_NOTIFY_SENDMAIL].set ? opt_path(&v[SCHEMA_NOTIFY_SENDMAIL])
							  : opt_str(&v[SCHEMA_NOTIFY_SENDMAIL]),
		.timeout_ms = v[SCHEMA_NOTIFY_TIMEOUT].i,
		.mark = item->mark,
	};
	copy_items(&c.to, &v[SCHEMA_NOTIFY_TO]);
	copy_items(&c.command, &v[SCHEMA_NOTIFY_COMMAND]);
	return c;
}

static int add_notify(struct load *l, const struct section_item *item, struct err *e)
{
	AUTO(section_done) struct section s;
	struct config *c = l->c;
	section_init(&s);
	if (section_read(&s, item->doc, item->node, SCHEMA_NOTIFY, e))
		return -1;
	const char *name = s.v[SCHEMA_NOTIFY_NAME].s;
	if (!name || !s.v[SCHEMA_NOTIFY_TYPE].s)
		return missing(item, name ? name : "?", name ? "type" : "name", e);
	if (config_find_notify(c, name))
		return CONFIG_ERROR(e, &item->mark, "there is a channel '%s' in notify already", name);
	c->notify = xreallocarray(c->notify, c->n_notify + 1, sizeof(*c->notify));
	c->notify[c->n_notify] = fill(s.v, item);
	return check_type(&c->notify[c->n_notify++], &s, item, e);
}

int load_obs(struct load *l, struct err *e)
{
	const struct section_value *list = &l->top.v[SCHEMA_NOTIFY];
	if (load_events(l, e) || load_metrics(l, e))
		return -1;
	for (size_t i = 0; i < list->n; i++)
		if (add_notify(l, &list->items[i], e))
			return -1;
	return 0;
}

static void notify_done(struct config_notify *c)
{
	free(c->name);
	free(c->level);
	free(c->findings);
	free(c->url);
	free(c->url_file);
	free(c->secret_file);
	free(c->ca_bundle);
	strv_done(&c->to);
	free(c->from);
	free(c->smtp);
	free(c->user);
	free(c->password_file);
	free(c->sendmail);
	strv_done(&c->command);
}

void load_obs_done(struct config *c)
{
	free(c->events.dir);
	free(c->events.syslog);
	free(c->events.format);
	free(c->metrics.textfile);
	free(c->metrics.listen);
	free(c->metrics.token_file);
	free(c->metrics.cert_file);
	free(c->metrics.key_file);
	for (size_t i = 0; i < c->n_notify; i++)
		notify_done(&c->notify[i]);
	free(c->notify);
}
