/* test_webparse.c: HTTP/1.1 requests read out of a buffer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "testca/webparse.h"

static int parse(const char *text, size_t n, struct buf *b, struct webparse *p)
{
	*b = buf_make(4 << 20);
	buf_put(b, text, n);
	return webparse(b, p);
}

static void test_a_post(void **state)
{
	static const char text[] =
		"POST /acme/new-order?x=1 HTTP/1.1\r\nHost: a\r\nContent-Type:  application/jose+json \r\n"
		"content-length: 3\r\n\r\nabcGET /";
	struct webparse p;
	AUTO(buf_done) struct buf b;
	(void)state;
	assert_int_equal(parse(text, sizeof(text) - 1, &b, &p), 0);
	assert_string_equal(p.method, "POST");
	assert_string_equal(p.path, "/acme/new-order");
	assert_string_equal(p.query, "x=1");
	assert_string_equal(p.content_type, "application/jose+json");
	assert_int_equal(p.body_n, 3);
	assert_memory_equal(p.body, "abc", 3);
	assert_int_equal(p.total, sizeof(text) - 1 - 5);
	assert_false(p.close);
}

/* However the request is cut into pieces, it is read the same: its head is not touched before it is whole. */
static void test_piece_by_piece(void **state)
{
	static const char text[] = "POST /p HTTP/1.1\r\nContent-Length: 4\r\nConnection: Close\r\n\r\nbody";
	struct webparse p;
	(void)state;
	AUTO(buf_done) struct buf b = buf_make(1000);
	for (size_t i = 0; i < sizeof(text) - 2; i++) {
		buf_putc(&b, text[i]);
		assert_int_equal(webparse(&b, &p), -1);
	}
	buf_putc(&b, 'y');
	assert_int_equal(webparse(&b, &p), 0);
	assert_string_equal(p.path, "/p");
	assert_memory_equal(p.body, "body", 4);
	assert_true(p.close);
}

static void test_what_is_refused(void **state)
{
	static const struct {
		const char *text;
		int status;
	} rows[] = {
		{"GET / HTTP/1.1\r\n\r\n", 0},
		{"GET / HTTP/1.0\r\n\r\n", 0},
		{"GET /\r\n\r\n", 400},
		{"GET / HTTP/2.0\r\n\r\n", 400},
		{"GET x HTTP/1.1\r\n\r\n", 400},
		{"\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n", 413},
		{"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nno colon\r\n\r\n", 0},
		{"GET / HTTP/1.1\r\nA: b\r\n", -1},
		{"G", -1},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct webparse p;
		AUTO(buf_done) struct buf b;
		assert_int_equal(parse(rows[i].text, strlen(rows[i].text), &b, &p), rows[i].status);
	}
	struct webparse p;
	AUTO(buf_done) struct buf b;
	assert_int_equal(parse("GET /\0x HTTP/1.1\r\n\r\n", 20, &b, &p), 400);
}

static void test_a_head_without_end(void **state)
{
	struct webparse p;
	AUTO(buf_done) struct buf b = buf_make(4 << 20);
	(void)state;
	for (size_t i = 0; i <= WEBPARSE_HEAD_MAX; i++)
		buf_putc(&b, 'x');
	assert_int_equal(webparse(&b, &p), 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_post),
		cmocka_unit_test(test_piece_by_piece),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_a_head_without_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
