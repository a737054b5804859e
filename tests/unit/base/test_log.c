/* test_log.c: one line for one message, whatever a server put into it. */
#include <string.h>

#include "base/log.h"
#include "support/capture.h"

static void test_escaping(void **state)
{
	static const struct {
		const char *text, *line;
	} cases[] = {
		{"", "perdure: \n"},
		{"plain", "perdure: plain\n"},
		{"100%s %n", "perdure: 100%s %n\n"},
		{"a\nb", "perdure: a\\nb\n"},
		{"a\nperdure: all is well", "perdure: a\\nperdure: all is well\n"},
		{"a\n", "perdure: a\n"},
		{"a\n\n", "perdure: a\\n\n"},
		{"a\r\tb", "perdure: a\\x0d\\x09b\n"},
		{"\x1b[31mred\x1b[0m", "perdure: \\x1b[31mred\\x1b[0m\n"},
		{"\x1b]0;title\x07", "perdure: \\x1b]0;title\\x07\n"},
		{"\x01\x08\x7f", "perdure: \\x01\\x08\\x7f\n"},
		{"M\xc3\xbcller \xe2\x80\xa6 \xf0\x9f\x94\x92",
			"perdure: M\xc3\xbcller \xe2\x80\xa6 \xf0\x9f\x94\x92\n"},
		/* 8-bit controls: terminals read U+009B as the start of an escape sequence */
		{"\xc2\x9b"
		 "31m",
			"perdure: \\xc2\\x9b31m\n"},
		{"\xc2\x80\xc2\x9f\xc2\xa0", "perdure: \\xc2\\x80\\xc2\\x9f\xc2\xa0\n"},
		/* octets that are no UTF-8 */
		{"\x9b"
		 "2J",
			"perdure: \\x9b2J\n"},
		{"\xff\xfe", "perdure: \\xff\\xfe\n"},
		{"cut \xc3", "perdure: cut \\xc3\n"},
		{"cut \xe2\x80", "perdure: cut \\xe2\\x80\n"},
		{"\xc0\x9b", "perdure: \\xc0\\x9b\n"},
		{"\xe0\x82\x9b", "perdure: \\xe0\\x82\\x9b\n"},
		{"\xed\xa0\x80", "perdure: \\xed\\xa0\\x80\n"},
		{"\xf4\x90\x80\x80", "perdure: \\xf4\\x90\\x80\\x80\n"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct capture c = capture_begin(*state);
		log_info("%s", cases[i].text);
		AUTO(xfreep) char *got = capture_end(&c);
		assert_string_equal(got, cases[i].line);
	}
}

static void test_levels(void **state)
{
	static const struct {
		enum log_level level;
		const char *text;
	} cases[] = {
		{LOG_LEVEL_ERROR, "perdure: e\n"},
		{LOG_LEVEL_WARN, "perdure: e\nperdure: warning: w\n"},
		{LOG_LEVEL_INFO, "perdure: e\nperdure: warning: w\nperdure: i\n"},
		{LOG_LEVEL_DEBUG, "perdure: e\nperdure: warning: w\nperdure: i\nperdure: debug: d\n"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct capture c = capture_begin(*state);
		log_set_level(cases[i].level);
		log_error("e");
		log_warn("w");
		log_info("i");
		log_debug("d");
		AUTO(xfreep) char *got = capture_end(&c);
		assert_string_equal(got, cases[i].text);
		assert_true(log_enabled(cases[i].level));
		assert_int_equal(log_enabled(LOG_LEVEL_DEBUG), cases[i].level == LOG_LEVEL_DEBUG);
	}
	log_set_level(LOG_LEVEL_INFO);
}

/* However long, it ends in one line feed and nothing runs over. */
static void test_long(void **state)
{
	static const char fills[] = {'x', '\x1b', '\xff'};
	for (size_t i = 0; i < sizeof(fills); i++) {
		AUTO(xfreep) char *lots = xmalloc(100001);
		memset(lots, fills[i], 100000);
		lots[100000] = '\0';
		struct capture c = capture_begin(*state);
		log_info("%s", lots);
		AUTO(xfreep) char *got = capture_end(&c);
		size_t n = strlen(got);
		assert_true(n > 8000 && n < 100000);
		assert_ptr_equal(strchr(got, '\n'), got + n - 1);
	}
}

static int called;

static void before(void)
{
	called++;
	assert_int_equal(write(STDERR_FILENO, "<clear>", 7), 7);
}

static void test_before(void **state)
{
	struct capture c = capture_begin(*state);
	log_set_before(before);
	log_info("a");
	log_debug("not shown");
	log_set_before(NULL);
	log_info("b");
	AUTO(xfreep) char *got = capture_end(&c);
	assert_string_equal(got, "<clear>perdure: a\nperdure: b\n");
	assert_int_equal(called, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_escaping, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_levels, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_long, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_before, scratch_make, scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
