/* test_notify.c: which problems are news, and the forms of a message. */
#include <stdio.h>
#include <string.h>

#include "obs/notify.h"
#include "support/scratch.h"
#include "json/json.h"

/* Problems as words: "w:a" is a warning about a, "e:b" an error, "i:c" an information. */
static void problems(const char *words, struct notify_problems *ret)
{
	AUTO(xfreep) char *copy = xstrdup(words);
	char *rest = copy, *word;
	while ((word = strsep(&rest, " ")))
		if (*word)
			notify_problems_add(ret,
				*word == 'e'   ? NOTIFY_ERROR
				: *word == 'w' ? NOTIFY_WARNING
					       : NOTIFY_INFO,
				"kind", word + 2, "text", "");
}

/* Steps of time: what stands, and what is told then ("new:a still:b gone:c"). */
struct step {
	int64_t now;
	const char *stands;
	const char *told;
};

static void assert_steps(const struct notify_rules *rules, const struct step *steps, size_t n)
{
	struct notify_memory memory = {0};
	for (size_t i = 0; i < n; i++) {
		struct notify_problems p = {0};
		struct notify_message m;
		AUTO(buf_done) struct buf got = buf_make(4096);
		problems(steps[i].stands, &p);
		notify_decide(&p, &memory, rules, steps[i].now, &m);
		for (size_t k = 0; k < m.n; k++)
			buf_printf(&got, "%s%s:%s", k ? " " : "", notify_news_name(m.items[k].news),
				m.items[k].p->subject);
		if (strcmp(buf_str(&got), steps[i].told) != 0)
			fail_msg("step %zu: told \"%s\", not \"%s\"", i, buf_str(&got), steps[i].told);
		notify_memory_done(&memory);
		memory = m.after;
		m.after = (struct notify_memory){0};
		notify_message_done(&m);
		notify_problems_done(&p);
	}
	notify_memory_done(&memory);
}

static void test_decisions(void **state)
{
	static const struct step steps[] = {
		{0, "", ""},
		{10, "w:a", "new:a"},
		{20, "w:a", ""},
		{30, "w:a e:b i:c", "new:b"}, /* c is below the level */
		{40, "e:a e:b", "worse:a"},
		{50, "w:a e:b", ""}, /* better is no news */
		{60, "w:a", "gone:b"},
		{70, "w:a", ""},
		{139, "w:a", ""}, /* told at 40 */
		{140, "w:a", "still:a"},
		{150, "w:a w:d", "new:d"},
		{160, "", "gone:a gone:d"},
		{170, "", ""},
		{180, "w:a", "new:a"},
	};
	static const struct step never[] = {{0, "w:a", "new:a"}, {INT64_C(1) << 40, "w:a", ""}};
	(void)state;
	assert_steps(&(struct notify_rules){.level = NOTIFY_WARNING, .repeat_s = 100}, steps, ARRAY_LEN(steps));
	assert_steps(&(struct notify_rules){.level = NOTIFY_INFO}, never, ARRAY_LEN(never));
}

static void make(struct notify_problems *p, struct notify_memory *memory, struct notify_message *m)
{
	notify_problems_add(p, NOTIFY_WARNING, "record-held", "b.example",
		"a text that is so long that it has to be wrapped somewhere, because a line of mail ought to be short "
		"enough to be read",
		"do this");
	notify_problems_add(p, NOTIFY_ERROR, "expired", "a.example\x1b[2J", "over\r\n.\r\nRCPT TO:<x@y>", "");
	char key[] = "k/c", kind[] = "k", subject[] = "c.example", text[] = "was";
	struct notify_told gone = {
		.key = key, .kind = kind, .subject = subject, .text = text, .severity = NOTIFY_ERROR, .since = 5};
	notify_memory_add(memory, &gone);
	notify_decide(p, memory, &(struct notify_rules){.level = NOTIFY_WARNING}, 1800000000, m);
}

static const struct notify_frame frame = {.host = "h1", .id = "0123", .now_s = 1800000000};

static void test_json(void **state)
{
	struct notify_problems p = {0};
	struct notify_memory memory = {0};
	struct notify_message m;
	AUTO(buf_done) struct buf b = buf_make(1 << 16);
	AUTO(json_freep) struct json *j = NULL;
	struct err e = {0};
	(void)state;
	make(&p, &memory, &m);
	notify_json(&m, &frame, &b);
	must(json_parse(buf_str(&b), b.n, "message", &j, &e), &e);
	assert_string_equal(json_str(json_get(j, "id")), "0123");
	assert_string_equal(json_str(json_get(j, "severity")), "error");
	const struct json *list = json_get(j, "problems");
	assert_int_equal(json_len(list), 3);
	assert_string_equal(json_str(json_get(json_at(list, 0), "kind")), "expired");
	assert_string_equal(json_str(json_get(json_at(list, 1), "news")), "new");
	assert_string_equal(json_str(json_get(json_at(list, 2), "news")), "gone");
	assert_string_equal(json_str(json_get(json_at(list, 2), "since")), "1970-01-01T00:00:05Z");
	notify_message_done(&m);
	notify_memory_done(&memory);
	notify_problems_done(&p);
}

static void test_mail(void **state)
{
	struct notify_problems p = {0};
	struct notify_memory memory = {0};
	struct notify_message m;
	AUTO(buf_done) struct buf b = buf_make(1 << 16);
	(void)state;
	make(&p, &memory, &m);
	notify_mail(&m, &frame, "p@h1", "x@example.com, y@example.com", &b);
	const char *text = buf_str(&b);
	const char *head = "Date: Fri, 15 Jan 2027 08:00:00 +0000\r\nFrom: p@h1\r\nTo: x@example.com, y@example.com\r\n"
			   "Subject: [perdure h1] 2 errors, 1 gone: a.example\\x1b[2J and 2 more\r\n"
			   "Message-ID: <0123@h1>\r\n";
	assert_memory_equal(text, head, strlen(head));
	/* What servers said cannot become a line of the protocol, nor move a cursor. */
	assert_null(strstr(text, "\r\n.\r\n"));
	assert_null(strchr(text, '\x1b'));
	for (const char *line = text, *end; (end = strstr(line, "\r\n")); line = end + 2)
		assert_true(end - line <= 110 && !memchr(line, '\n', (size_t)(end - line)));
	assert_non_null(strstr(text, "\r\n    -> do this\r\n"));
	assert_non_null(strstr(text, "gone: c.example: k (since 1970-01-01T00:00:05Z)\r\n"));
	notify_message_done(&m);
	notify_memory_done(&memory);
	notify_problems_done(&p);
}

static void test_many(void **state)
{
	struct notify_problems p = {0};
	struct notify_memory memory = {0};
	struct notify_message m;
	AUTO(buf_done) struct buf text = buf_make(1 << 20), json = buf_make(1 << 20);
	(void)state;
	for (int i = 0; i < 10000; i++) {
		char name[32];
		snprintf(name, sizeof(name), "n%d.example", i);
		notify_problems_add(&p, NOTIFY_ERROR, "expired", name, "over", "");
	}
	notify_decide(&p, &memory, &(struct notify_rules){.level = NOTIFY_WARNING}, 1, &m);
	assert_int_equal(m.n, 10000);
	assert_int_equal(m.after.n, 10000);
	notify_text(&m, &frame, &text);
	notify_json(&m, &frame, &json);
	assert_false(text.bad || json.bad);
	assert_non_null(strstr(buf_str(&text), "and 9900 more:"));
	assert_non_null(strstr(buf_str(&json), "\"omitted\":9900"));
	assert_true(text.n < 20000);
	notify_message_done(&m);
	notify_problems_done(&p);
}

/* A vector made with Python's hmac. */
static void test_signature(void **state)
{
	AUTO(buf_done) struct buf body = buf_make(100), sig = buf_make(200);
	struct err e = {0};
	(void)state;
	buf_puts(&body, "{\"a\":1}");
	must(notify_signature("secret", 6, 1800000000, &body, &sig, &e), &e);
	assert_string_equal(
		buf_str(&sig), "t=1800000000,v1=440dfbb83aabca24d9e5027629cfd81cb45254690f8d410bb28f1cc17c990dbc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decisions),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_mail),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_signature),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
