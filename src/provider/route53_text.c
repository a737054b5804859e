/* route53_text.c: texts around Route 53: its octal escapes, the file with the access key, its errors, the IAM policy.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "dns/name.h"
#include "provider/route53.h"
#include "provider/xmltext.h"

enum { KEY_FILE_MAX = 64 << 10, ERROR_BODY_MAX = 64 << 10 };

/* --- escapes --- */

static bool is_octal(const char *p)
{
	return p[0] >= '0' && p[0] <= '3' && p[1] >= '0' && p[1] <= '7' && p[2] >= '0' && p[2] <= '7';
}

static unsigned three_digits(const char *p, unsigned base)
{
	return ((unsigned)(p[0] - '0') * base + (unsigned)(p[1] - '0')) * base + (unsigned)(p[2] - '0');
}

void route53_from_octal(const char *text, struct buf *out)
{
	for (const char *p = text; *p; p++) {
		buf_putc(out, *p);
		if (*p != '\\' || !p[1])
			continue;
		if (is_octal(p + 1)) {
			buf_printf(out, "%03u", three_digits(p + 1, 8));
			p += 3;
		} else {
			buf_putc(out, *++p);
		}
	}
}

void route53_to_octal(const char *text, struct buf *out)
{
	for (const char *p = text; *p; p++) {
		buf_putc(out, *p);
		if (*p != '\\' || !p[1])
			continue;
		if (isdigit((unsigned char)p[1]) && isdigit((unsigned char)p[2]) && isdigit((unsigned char)p[3])) {
			buf_printf(out, "%03o", three_digits(p + 1, 10));
			p += 3;
		} else {
			buf_putc(out, *++p);
		}
	}
}

void route53_name(const char *text, struct buf *out)
{
	size_t n = strlen(text);
	size_t end = n && text[n - 1] == '.' ? n - 1 : n;
	for (size_t i = 0; i < end; i++) {
		if (text[i] != '\\' || end - i < 4 || !is_octal(text + i + 1)) {
			buf_putc(out, (char)tolower((unsigned char)text[i]));
			continue;
		}
		unsigned c = three_digits(text + i + 1, 8);
		if (isgraph((int)c) && !strchr(".\\\"();@$", (int)c))
			buf_putc(out, (char)c);
		else
			buf_printf(out, "\\%03u", c);
		i += 3;
	}
}

/* --- the access key --- */

static const char *trim(char *s)
{
	size_t n = strlen(s);
	while (n && isspace((unsigned char)s[n - 1]))
		s[--n] = '\0';
	return s + strspn(s, " \t");
}

/* "name = value" into *ret_value, or false. */
static bool setting(const char *line, const char *name, const char **ret_value)
{
	size_t n = strlen(name);
	if (strncmp(line, name, n) != 0)
		return false;
	line += n + strspn(line + n, " \t");
	if (*line != '=')
		return false;
	*ret_value = line + 1 + strspn(line + 1, " \t");
	return true;
}

static void set_secret(struct secret *to, const char *value)
{
	secret_done(to);
	*to = secret_dup(value, strlen(value));
}

static void set_id(struct route53_key *k, const char *value)
{
	free(k->id);
	k->id = xstrdup(value);
}

/* One line that is neither empty nor a comment. Bare words: the id first, then the secret. False: makes no sense. */
static bool take_line(struct route53_key *k, const char *line)
{
	const char *value;
	if (setting(line, "aws_access_key_id", &value))
		set_id(k, value);
	else if (setting(line, "aws_secret_access_key", &value))
		set_secret(&k->secret, value);
	else if (setting(line, "aws_session_token", &value))
		set_secret(&k->token, value);
	else if (strpbrk(line, " \t"))
		return false;
	else if (!k->id)
		set_id(k, line);
	else if (!k->secret.p)
		set_secret(&k->secret, line);
	else
		return strncmp(line, "region=", 7) == 0 || strncmp(line, "output=", 7) == 0;
	return true;
}

static bool is_word(const char *s)
{
	const char *p = s;
	while (*p > ' ' && *p < 0x7f)
		p++;
	return p > s && !*p;
}

static int take_file(char *text, struct route53_key *k)
{
	unsigned sections = 0;
	for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
		const char *s = trim(line);
		if (!*s || *s == '#' || *s == ';')
			continue;
		if (*s == '[' ? ++sections > 1 : !take_line(k, s))
			return -1;
	}
	return k->id && k->secret.p && is_word(k->id) && is_word((const char *)k->secret.p) &&
			       (!k->token.p || is_word((const char *)k->token.p))
		       ? 0
		       : -1;
}

int route53_read_key(const char *path, struct route53_key *ret, struct err *e)
{
	struct secret file;
	struct route53_key k = {0};
	if (fs_read_secret(path, &file, e))
		return err_ctx(e, "access_key_file");
	int r = take_file((char *)file.p, &k);
	secret_done(&file);
	if (r) {
		route53_key_done(&k);
		err_set(e, ERR_CONFIG, "access_key_file: the file %s does not hold one access key", path);
		err_hint(e, "two lines, the key's id and the secret; or one profile of an AWS credentials file, "
			    "alone");
		return -1;
	}
	*ret = k;
	return 0;
}

void route53_key_done(struct route53_key *k)
{
	free(k->id);
	secret_done(&k->secret);
	secret_done(&k->token);
	*k = (struct route53_key){0};
}

/* --- errors --- */

/* The code and the words of an error; both "" when it is none. */
static void read_error(const struct rest_reply *r, char *code, size_t code_n, char *words, size_t words_n)
{
	AUTO(xml_freep) struct xml *x = NULL;
	struct err ignored = {0};
	const struct buf *body = &r->http->body;
	*code = *words = '\0';
	if (body->n > ERROR_BODY_MAX || xml_parse(body->p, body->n, "error", &x, &ignored)) {
		err_done(&ignored);
		return;
	}
	const struct xml *error = xml_get(x, "Error");
	const struct xml *text = error ? xml_get(error, "Message") : xml_get(xml_get(x, "Messages"), "Message");
	snprintf(code, code_n, "%s", error ? xml_text(xml_get(error, "Code")) : xml_name(x));
	snprintf(words, words_n, "%s", xml_text(text ? text : xml_get(x, "Message")));
}

bool route53_is_lost(const struct rest_reply *r)
{
	char code[80], words[1000];
	read_error(r, code, sizeof(code), words, sizeof(words));
	return !strcmp(code, "InvalidChangeBatch") &&
	       (strstr(words, "but it already exists") || strstr(words, "but it was not found") ||
		       strstr(words, "do not match the current values"));
}

static enum provider_cause batch_cause(const char *words)
{
	if (strstr(words, "conflicting RRSet"))
		return PROVIDER_CNAME_THERE;
	return strstr(words, "is not permitted in zone") ? PROVIDER_NO_ZONE : PROVIDER_OTHER;
}

void route53_blame(const struct rest_reply *r, struct rest_blame *ret)
{
	static const struct rest_known known[] = {
		{"Throttling", PROVIDER_RATE, true},
		{"ThrottlingException", PROVIDER_RATE, true},
		{"PriorRequestNotComplete", PROVIDER_BUSY, true},
		{"NoSuchHostedZone", PROVIDER_NO_ZONE, false},
		{"AccessDenied", PROVIDER_POLICY, false},
		{"AccessDeniedException", PROVIDER_POLICY, false},
		{"NotAuthorizedException", PROVIDER_POLICY, false},
		{"InvalidClientTokenId", PROVIDER_KEY, false},
		{"UnrecognizedClientException", PROVIDER_KEY, false},
		{"MissingAuthenticationToken", PROVIDER_KEY, false},
		{"IncompleteSignature", PROVIDER_KEY, false},
		{"ExpiredToken", PROVIDER_KEY, false},
		{"RequestExpired", PROVIDER_CLOCK, false},
		{"LimitsExceeded", PROVIDER_SIZE, false},
		{NULL, 0, false},
	};
	char code[80], words[1000];
	read_error(r, code, sizeof(code), words, sizeof(words));
	if (!*code)
		return;
	rest_blame_by(known, code, ret);
	if (!strcmp(code, "SignatureDoesNotMatch"))
		ret->cause =
			strncmp(words, "Signature expired", 17) == 0 || strncmp(words, "Signature not yet", 17) == 0
				? PROVIDER_CLOCK
				: PROVIDER_KEY;
	else if (!strcmp(code, "InvalidChangeBatch"))
		ret->cause = batch_cause(words);
	snprintf(ret->words, sizeof(ret->words), "%.60s: %.300s", code, words);
}

/* --- the policy --- */

/* A name as IAM compares it: lower case, no dot at the end, octal escapes; inside a JSON string. */
static void put_normal_name(struct buf *out, const char *name)
{
	for (const char *p = name; *p; p++) {
		if (isalnum((unsigned char)*p) || strchr("-_.", *p))
			buf_putc(out, (char)tolower((unsigned char)*p));
		else
			buf_printf(out, "\\\\%03o", (unsigned)(unsigned char)*p);
	}
}

static void put_zones(const struct config_provider *conf, struct buf *out)
{
	const struct strv *ids = config_provider_list(conf, "zone_ids");
	for (size_t i = 0; ids && i < ids->n; i++)
		buf_printf(out, "%s\"arn:aws:route53:::hostedzone/%s\"", i ? ", " : "", ids->v[i]);
	if (!ids || !ids->n)
		buf_puts(out, "\"arn:aws:route53:::hostedzone/*\"");
}

void route53_policy(const struct config_provider *conf, const struct strv *owners, struct buf *out)
{
	buf_puts(out, "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n"
		      "    {\n      \"Effect\": \"Allow\",\n"
		      "      \"Action\": [\"route53:ListHostedZones\", \"route53:GetChange\"],\n"
		      "      \"Resource\": \"*\"\n    },\n"
		      "    {\n      \"Effect\": \"Allow\",\n"
		      "      \"Action\": \"route53:ListResourceRecordSets\",\n      \"Resource\": [");
	put_zones(conf, out);
	buf_puts(out, "]\n    },\n"
		      "    {\n      \"Effect\": \"Allow\",\n"
		      "      \"Action\": \"route53:ChangeResourceRecordSets\",\n      \"Resource\": [");
	put_zones(conf, out);
	buf_puts(out, "],\n      \"Condition\": {\n"
		      "        \"ForAllValues:StringEquals\": {\n"
		      "          \"route53:ChangeResourceRecordSetsRecordTypes\": [\"TXT\"],\n"
		      "          \"route53:ChangeResourceRecordSetsActions\": [\"CREATE\", \"DELETE\"]");
	if (owners->n)
		buf_puts(out, ",\n          \"route53:ChangeResourceRecordSetsNormalizedRecordNames\": [");
	for (size_t i = 0; i < owners->n; i++) {
		buf_puts(out, i ? ",\n            \"" : "\n            \"");
		put_normal_name(out, owners->v[i]);
		buf_putc(out, '"');
	}
	buf_puts(out, owners->n ? "\n          ]\n        }" : "\n        }");
	if (!owners->n)
		buf_puts(out, ",\n        \"ForAllValues:StringLike\": {\n"
			      "          \"route53:ChangeResourceRecordSetsNormalizedRecordNames\": "
			      "[\"_validation-persist.*\"]\n        }");
	buf_puts(out, "\n      }\n    }\n  ]\n}\n");
}
