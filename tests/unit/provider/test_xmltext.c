/* test_xmltext.c: documents that are read, and those that are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "provider/xmltext.h"

static void elements_and_text(void **state)
{
	static const char doc[] =
		"<?xml version=\"1.0\"?>\n<List xmlns=\"urn:x\" a='b'>\n <Item><Name>a&amp;b &lt;&#65;&#x20ac;&gt;"
		"</Name><Empty/></Item>\n <Other/><Item ><Name>second</Name ></Item></List>\n";
	AUTO(xml_freep) struct xml *x = NULL;
	struct err e = {0};
	(void)state;
	assert_int_equal(xml_parse(doc, strlen(doc), "doc", &x, &e), 0);
	assert_string_equal(xml_name(x), "List");
	const struct xml *item = xml_get(x, "Item");
	assert_string_equal(xml_text(xml_get(item, "Name")), "a&b <A\xe2\x82\xac>");
	assert_string_equal(xml_text(xml_get(item, "Empty")), "");
	item = xml_next(item);
	assert_string_equal(xml_text(xml_get(item, "Name")), "second");
	assert_null(xml_next(item));
	assert_null(xml_get(x, "Name"));
	assert_string_equal(xml_text(xml_get(NULL, "Name")), "");
}

static void refused(void **state)
{
	static const char *const table[] = {
		"",
		" ",
		"text",
		"<a>",
		"<a></b>",
		"<a><b></a></b>",
		"<a/><b/>",
		"<a/>text",
		"</a>",
		"<a",
		"<a b>",
		"<a b=c/>",
		"<a b=\"c/>",
		"<a b=\"<\"/>",
		"<a b=\"\"c=\"\"/>",
		"<a/",
		"<1/>",
		"<a>&nbsp;</a>",
		"<a>&amp</a>",
		"<a>&#0;</a>",
		"<a>&#xd800;</a>",
		"<a>&#x110000;</a>",
		"<a>&#x;</a>",
		"<a>&#1",
		"<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
		"<a><!-- c --></a>",
		"<a><![CDATA[b]]></a>",
		"<a><?b?></a>",
		"<?xml version",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct xml *x = NULL;
		struct err e = {0};
		if (!xml_parse(table[i], strlen(table[i]), "doc", &x, &e))
			fail_msg("%s is read", table[i]);
		assert_int_equal(e.kind, ERR_PARSE);
		assert_null(x);
		err_done(&e);
	}
	struct xml *x = NULL;
	struct err e = {0};
	assert_int_equal(xml_parse("<a>\0</a>", 8, "doc", &x, &e), -1);
	err_done(&e);
}

static int nested(size_t depth)
{
	AUTO(buf_done) struct buf b = buf_make(1 << 20);
	AUTO(xml_freep) struct xml *x = NULL;
	struct err e = {0};
	for (size_t i = 0; i < depth; i++)
		buf_puts(&b, "<a>");
	for (size_t i = 0; i < depth; i++)
		buf_puts(&b, "</a>");
	int r = xml_parse(b.p, b.n, "doc", &x, &e);
	err_done(&e);
	return r;
}

static void limits(void **state)
{
	AUTO(buf_done) struct buf b = buf_make(1 << 20);
	AUTO(xml_freep) struct xml *x = NULL;
	struct err e = {0};
	(void)state;
	assert_int_equal(nested(XML_DEPTH_MAX), 0);
	assert_int_equal(nested(XML_DEPTH_MAX + 1), -1);
	buf_puts(&b, "<r>");
	for (size_t i = 0; i < XML_ELEMENTS_MAX; i++)
		buf_puts(&b, "<a/>");
	buf_puts(&b, "</r>");
	assert_int_equal(xml_parse(b.p, b.n, "doc", &x, &e), -1);
	err_done(&e);
}

static void what_is_escaped_is_read_back(void **state)
{
	static const char text[] = "\"a\" <b> & 'c' \\303 \xc3\xa9";
	AUTO(buf_done) struct buf b = buf_make(1000);
	AUTO(xml_freep) struct xml *x = NULL;
	struct err e = {0};
	(void)state;
	buf_puts(&b, "<a>");
	xml_escape(&b, text);
	buf_puts(&b, "</a>");
	assert_int_equal(xml_parse(b.p, b.n, "doc", &x, &e), 0);
	assert_string_equal(xml_text(x), text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_and_text),
		cmocka_unit_test(refused),
		cmocka_unit_test(limits),
		cmocka_unit_test(what_is_escaped_is_read_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
