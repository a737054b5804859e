/* schema_tell.h: the rows of the table of configuration keys about events, metrics and notifications. For schema.c
 * alone, which would be too long with them. */
#ifndef PERDURE_CONFIG_SCHEMA_TELL_H
#define PERDURE_CONFIG_SCHEMA_TELL_H

#include "config/schema.h"

/* Seconds as the table has them. */
#define DURATION(s) ((int64_t)(s)*1000)

/* clang-format off */
#define SCHEMA_TELL_ROWS \
	[SCHEMA_EVENTS] = {.name = "events", \
		.type = SCHEMA_MAP, \
		.help = "The event log: what was done, as lines that show when somebody has changed them."}, \
	[SCHEMA_EVENTS_ENABLED] = {SCHEMA_EVENTS, "enabled", SCHEMA_BOOL, SCHEMA_TEXT, 0, 0, NULL, "true", NULL, \
		"Keep the log.", NULL}, \
	[SCHEMA_EVENTS_DIR] = {SCHEMA_EVENTS, "dir", SCHEMA_STRING, SCHEMA_PATH, 0, 0, NULL, NULL, \
		"/var/log/perdure", "Where its files are; events below the state directory when not given.", NULL}, \
	[SCHEMA_EVENTS_ROTATE] = {SCHEMA_EVENTS, "rotate_mib", SCHEMA_INT, SCHEMA_TEXT, 1, 100000, NULL, "64", NULL, \
		"How large a file may become, in MiB, before the next is begun.", NULL}, \
	[SCHEMA_EVENTS_KEEP] = {SCHEMA_EVENTS, "keep", SCHEMA_DURATION, SCHEMA_TEXT, DURATION(86400), \
		DURATION(INT64_C(36500) * 86400), NULL, NULL, "730d", \
		"Files older than this are removed when a new one is begun; all are kept when not given.", NULL}, \
	[SCHEMA_EVENTS_HEAD_LINES] = {SCHEMA_EVENTS, "head_lines", SCHEMA_INT, SCHEMA_TEXT, 1, 1000000, NULL, "1000", \
		NULL, "A signed line is written after so many others, and at the end of each run.", NULL}, \
	[SCHEMA_EVENTS_HEAD_INTERVAL] = {SCHEMA_EVENTS, "head_interval", SCHEMA_DURATION, SCHEMA_TEXT, DURATION(1), \
		DURATION(30 * 86400), NULL, "1h", NULL, "The same, when a line has waited for it so long.", NULL}, \
	[SCHEMA_EVENTS_SYNC] = {SCHEMA_EVENTS, "sync", SCHEMA_WORD, SCHEMA_TEXT, 0, 0, "head always", "head", NULL, \
		"When lines are forced to the disk: with each signed line, or always.", \
		"With head, a power cut may cost the lines since the last signed one; the end of a program costs none."}, \
	[SCHEMA_EVENTS_JOURNALD] = {SCHEMA_EVENTS, "journald", SCHEMA_BOOL, SCHEMA_TEXT, 0, 0, NULL, "false", NULL, \
		"Send events to systemd's journal, too.", NULL}, \
	[SCHEMA_EVENTS_SYSLOG] = {SCHEMA_EVENTS, "syslog", SCHEMA_STRING, SCHEMA_TEXT, 0, 0, NULL, NULL, "local", \
		"Send events to syslog (RFC 5424), too: \"local\", or ADDRESS or ADDRESS@PORT for UDP.", NULL}, \
	[SCHEMA_EVENTS_FORMAT] = {SCHEMA_EVENTS, "format", SCHEMA_WORD, SCHEMA_TEXT, 0, 0, "json ecs cef", "json", NULL, \
		"Form of events for journal and syslog: as in the log, Elastic Common Schema, Common Event Format.", \
		NULL}, \
	[SCHEMA_METRICS] = {.name = "metrics", .type = SCHEMA_MAP, .help = "Numbers for Prometheus."}, \
	[SCHEMA_METRICS_TEXTFILE] = {SCHEMA_METRICS, "textfile", SCHEMA_STRING, SCHEMA_PATH, 0, 0, NULL, NULL, \
		"/var/lib/prometheus/node-exporter/perdure.prom", \
		"File that \"perdure renew\" writes at its end, for the textfile collector of node_exporter.", \
		"An audit of the configured names writes one beside it, with -audit before .prom."}, \
	[SCHEMA_METRICS_MAX] = {SCHEMA_METRICS, "certificates_max", SCHEMA_INT, SCHEMA_TEXT, 0, 1000000, NULL, "1000", \
		NULL, "How many certificates have series of their own, those that fail and those due first before others.", \
		"The others are in the counts only."}, \
	[SCHEMA_METRICS_LISTEN] = {SCHEMA_METRICS, "listen", SCHEMA_STRING, SCHEMA_HOST_PORT, 0, 0, NULL, NULL, \
		"127.0.0.1:9847", "Where the daemon answers Prometheus over HTTP: ADDRESS:PORT, [ADDRESS]:PORT.", NULL}, \
	[SCHEMA_METRICS_TOKEN] = {SCHEMA_METRICS, "token_file", SCHEMA_STRING, SCHEMA_PATH, 0, 0, NULL, NULL, \
		"/etc/perdure/metrics.token", "File with the bearer token that must be shown there.", \
		"Its mode must be 0600 or stricter. Required for an address that is not of this machine alone."}, \
	[SCHEMA_METRICS_CERT] = {SCHEMA_METRICS, "cert_file", SCHEMA_STRING, SCHEMA_PATH, 0, 0, NULL, NULL, \
		"/var/lib/perdure/live/example.com/fullchain.pem", \
		"With it and key_file the daemon answers with TLS: PEM file of its certificate and chain.", \
		"Both files are read again when they have changed."}, \
	[SCHEMA_METRICS_KEY] = {SCHEMA_METRICS, "key_file", SCHEMA_STRING, SCHEMA_PATH, 0, 0, NULL, NULL, \
		"/var/lib/perdure/live/example.com/privkey.pem", "PEM file with the key of that certificate.", \
		"Its mode must be 0600 or stricter."}, \
	[SCHEMA_NOTIFY] = {.name = "notify", \
		.type = SCHEMA_LIST, \
		.help = "Whom to tell when something is wrong: maps with the keys below.", \
		.text = "One message for all there is to tell, when something is new, worse, or gone."}, \
	[SCHEMA_NOTIFY_NAME] = {SCHEMA_NOTIFY, "name", SCHEMA_STRING, SCHEMA_LABEL, 0, 64, NULL, NULL, "oncall", \
		"Name of the channel. Required.", NULL}, \
	[SCHEMA_NOTIFY_TYPE] = {SCHEMA_NOTIFY, "type", SCHEMA_WORD, SCHEMA_TEXT, 0, 0, "webhook mail command", NULL, \
		"mail", "How it is told. Required.", NULL}, \
	[SCHEMA_NOTIFY_LEVEL] = {SCHEMA_NOTIFY, "level", SCHEMA_WORD, SCHEMA_TEXT, 0, 0, "info warning error", \
		"warning", NULL, "What is less grave is not told.", NULL}, \
	[SCHEMA_NOTIFY_REPEAT] = {SCHEMA_NOTIFY, "repeat", SCHEMA_DURATION, SCHEMA_TEXT, 0, DURATION(365 * 86400), NULL, \
		"1d", NULL, "What still stands is told again after this time; 0 for never.", NULL}, \
	[SCHEMA_NOTIFY_FAILURES] = {SCHEMA_NOTIFY, "failures", SCHEMA_INT, SCHEMA_TEXT, 1, 1000, NULL, "3", NULL, \
		"After how many failures in a row a certificate is told.", NULL}, \
	[SCHEMA_NOTIFY_EXPIRY] = {SCHEMA_NOTIFY, "expiry", SCHEMA_DURATION, SCHEMA_TEXT, DURATION(60), \
		DURATION(INT64_C(3650) * 86400), NULL, NULL, "7d", \
		"How long before its end a certificate is told; a sixth of its lifetime when not given.", NULL}, \
	[SCHEMA_NOTIFY_FINDINGS] = {SCHEMA_NOTIFY, "findings", SCHEMA_WORD, SCHEMA_TEXT, 0, 0, "none warning error", \
		"error", NULL, "Which findings of an audit of the configured names are told.", NULL}, \
	[SCHEMA_NOTIFY_URL] = {SCHEMA_NOTIFY, "url", SCHEMA_STRING, SCHEMA_URL_HTTP, 0, 0, NULL, NULL, \
		"https://hooks.example.com/perdure", \
		"For webhook, required without url_file: where messages are posted to.", \
		"Without TLS only where it is of this machine."}, \
	[SCHEMA_NOTIFY_URL_FILE] = {SCHEMA_NOTIFY, "url_file", SCHEMA_STRING, SCHEMA_PATH, 0, 0, NULL, NULL, \
		"/etc/perdure/hook.url", \
		"For webhook, instead of url: file with the URL, where it is all that it takes to write there.", \
		"Its mode must be 0600 or stricter. It is read for each message."}, \
	[SCHEMA_NOTIFY_SECRET] = {SCHEMA_NOTIFY, "secret_file", SCHEMA_STRING, SCHEMA_PATH, 0, 0, NULL, NULL, \
		"/etc/perdure/hook.secret", "For webhook: file with the secret that messages are signed with.", \
		"HMAC-SHA256, in the header X-Perdure-Signature. Its mode must be 0600 or stricter."}, \
	[SCHEMA_NOTIFY_BUNDLE] = {SCHEMA_NOTIFY, "ca_bundle", SCHEMA_STRING, SCHEMA_PATH, 0, 0, NULL, NULL, \
		"/etc/perdure/hook-ca.pem", "For webhook and smtp: PEM file of the roots to trust.", \
		"The default is the system's trust store."}, \
	[SCHEMA_NOTIFY_TO] = {SCHEMA_NOTIFY, "to", SCHEMA_STRINGS, SCHEMA_MAIL, 1, 100, NULL, NULL, \
		"hostmaster@example.com", "For mail, required: address, or a list of them.", NULL}, \
	[SCHEMA_NOTIFY_FROM] = {SCHEMA_NOTIFY, "from", SCHEMA_STRING, SCHEMA_MAIL, 0, 0, NULL, NULL, \
		"perdure@example.com", "For mail: address of the sender; perdure at this host when not given.", NULL}, \
	[SCHEMA_NOTIFY_SMTP] = {SCHEMA_NOTIFY, "smtp", SCHEMA_STRING, SCHEMA_TEXT, 0, 0, NULL, NULL, \
		"smtp://mail.example.com:587", "For mail: server to send it by, smtp://HOST[:PORT] or smtps://HOST[:PORT].", \
		"With smtp, TLS is used where the server offers it, and always when user is given."}, \
	[SCHEMA_NOTIFY_USER] = {SCHEMA_NOTIFY, "user", SCHEMA_STRING, SCHEMA_TEXT, 0, 0, NULL, NULL, "perdure", \
		"For mail with smtp: user name there.", NULL}, \
	[SCHEMA_NOTIFY_PASSWORD] = {SCHEMA_NOTIFY, "password_file", SCHEMA_STRING, SCHEMA_PATH, 0, 0, NULL, NULL, \
		"/etc/perdure/smtp.password", "For mail with user, required: file with the password.", \
		"Its mode must be 0600 or stricter."}, \
	[SCHEMA_NOTIFY_SENDMAIL] = {SCHEMA_NOTIFY, "sendmail", SCHEMA_STRING, SCHEMA_PATH, 0, 0, NULL, \
		"/usr/sbin/sendmail", NULL, "For mail without smtp: program that takes it (-i, addresses as arguments).", \
		NULL}, \
	[SCHEMA_NOTIFY_COMMAND] = {SCHEMA_NOTIFY, "command", SCHEMA_STRINGS, SCHEMA_TEXT, 1, 100, NULL, NULL, \
		"[/usr/local/bin/page, --team, dns]", "For command, required: program and its arguments.", \
		"It is run without a shell; the message is JSON on its standard input, as a webhook gets it."}, \
	[SCHEMA_NOTIFY_TIMEOUT] = {SCHEMA_NOTIFY, "timeout", SCHEMA_DURATION, SCHEMA_TEXT, DURATION(1), DURATION(600), \
		NULL, "30s", NULL, "How long one attempt to send may take.", NULL}
/* clang-format on */

#endif
