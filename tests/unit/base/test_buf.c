/* test_buf.c: the capped buffer: growth, the latch, wiping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/xalloc.h"

/* The linker sends the program's free() here, so that a test sees what a block holds when it is given back. */
void __real_free(void *p);
void __wrap_free(void *p);

static const char needle[] = "correct horse battery staple";
static struct {
	const char *block; /* the block in question */
	size_t n; /* so many octets of it are looked at */
	bool freed;
	bool held; /* it held the needle */
} watch;

void __wrap_free(void *p)
{
	if (p && p == watch.block) {
		watch.freed = true;
		watch.held = memmem(p, watch.n, needle, strlen(needle)) != NULL;
		watch.block = NULL;
	}
	__real_free(p);
}

static void watch_block(const void *p, size_t n)
{
	watch.block = p;
	watch.n = n;
	watch.freed = watch.held = false;
}

static void test_empty(void **state)
{
	(void)state;
	struct buf b = buf_make(10);
	struct err e = {0};
	assert_null(b.p);
	assert_string_equal(buf_str(&b), "");
	assert_int_equal(buf_check(&b, "it", &e), 0);
	char *s = buf_take(&b);
	assert_string_equal(s, "");
	free(s);
	buf_clear(&b);
	buf_wipe(&b);
	buf_done(&b);
}

static void test_writes(void **state)
{
	(void)state;
	struct buf b = buf_make(100);
	buf_put(&b, "a\0b", 3);
	buf_put(&b, NULL, 0);
	buf_putc(&b, 'c');
	buf_puts(&b, "de");
	buf_printf(&b, "%d%s", 12, "f");
	assert_int_equal(b.n, 9);
	assert_memory_equal(b.p, "a\0bcde12f", 10); /* with the NUL after it */
	buf_clear(&b);
	assert_int_equal(b.n, 0);
	assert_string_equal(buf_str(&b), "");
	buf_puts(&b, "again");
	AUTO(xfreep) char *s = buf_take(&b);
	assert_string_equal(s, "again");
	assert_null(b.p);
	assert_int_equal(b.max, 100);
}

/* Every way of writing, with exactly as much as fits and with one octet more. */
static void test_cap(void **state)
{
	(void)state;
	for (size_t max = 0; max < 600; max += max < 4 ? 1 : 149) {
		for (int way = 0; way < 4; way++) {
			for (size_t over = 0; over < 2; over++) {
				struct buf b = buf_make(max);
				struct err e = {0};
				size_t n = max + over;
				char *text = xmalloc(n + 1);
				memset(text, 'x', n);
				text[n] = '\0';
				if (way == 0)
					buf_put(&b, text, n);
				else if (way == 1)
					buf_puts(&b, text);
				else if (way == 2)
					buf_printf(&b, "%s", text);
				for (size_t i = 0; way == 3 && i < n; i++)
					buf_putc(&b, 'x');
				assert_int_equal(b.bad, over);
				assert_true(b.n <= max);
				assert_int_equal(buf_check(&b, "the thing", &e), over ? -1 : 0);
				if (over) {
					assert_int_equal(e.kind, ERR_LIMIT);
					assert_non_null(strstr(e.msg, "the thing"));
				} else {
					assert_string_equal(buf_str(&b), text);
				}
				free(text);
				buf_done(&b);
			}
		}
	}
}

static void test_latch(void **state)
{
	(void)state;
	struct buf b = buf_make(4);
	struct err e = {0};
	buf_puts(&b, "abc");
	buf_puts(&b, "de");
	assert_string_equal(buf_str(&b), "abc");
	buf_putc(&b, 'd'); /* would fit, but the latch holds */
	buf_printf(&b, "%s", "d");
	buf_put(&b, "", 0);
	assert_string_equal(buf_str(&b), "abc");
	assert_int_equal(buf_check(&b, "it", &e), -1);
	buf_clear(&b);
	assert_int_equal(buf_check(&b, "it", &e), 0);
	buf_puts(&b, "abcd");
	assert_string_equal(buf_str(&b), "abcd");
	/* A size that no sum can hold is refused, not wrapped around. */
	buf_put(&b, "", SIZE_MAX);
	assert_int_equal(buf_check(&b, "it", &e), -1);
	assert_int_equal(b.n, 4);
	buf_done(&b);
	assert_int_equal(b.max, 4);
	assert_false(b.bad);
}

static void test_wipe(void **state)
{
	(void)state;
	struct buf b = buf_make(10000);
	buf_puts(&b, needle);
	watch_block(b.p, b.cap);
	buf_done(&b);
	assert_true(watch.freed && watch.held); /* the test sees what it should */

	buf_puts(&b, needle);
	watch_block(b.p, b.cap);
	buf_wipe(&b);
	assert_true(watch.freed);
	assert_false(watch.held);

	/* Also what was cut off before the wipe. */
	buf_puts(&b, needle);
	buf_clear(&b);
	buf_putc(&b, 'x');
	watch_block(b.p, b.cap);
	buf_wipe(&b);
	assert_true(watch.freed);
	assert_false(watch.held);

	/* And the smaller block that growth leaves behind. */
	buf_puts(&b, needle);
	watch_block(b.p, b.cap);
	while (!watch.freed)
		buf_puts(&b, "more");
	assert_false(watch.held);
	assert_memory_equal(b.p, needle, strlen(needle));
	buf_wipe(&b);
}

static void test_secret(void **state)
{
	(void)state;
	struct secret s = secret_dup(needle, strlen(needle));
	assert_int_equal(s.n, strlen(needle));
	assert_string_equal((char *)s.p, needle);
	watch_block(s.p, s.n);
	secret_done(&s);
	assert_true(watch.freed);
	assert_false(watch.held);
	assert_null(s.p);
	secret_done(&s);
	s = secret_dup(NULL, 0);
	assert_string_equal((char *)s.p, "");
	secret_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_writes),
		cmocka_unit_test(test_cap),
		cmocka_unit_test(test_latch),
		cmocka_unit_test(test_wipe),
		cmocka_unit_test(test_secret),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
