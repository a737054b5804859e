/* fuzz_events.c: any octets as a line of the event log: an event that is read from it is told in every form, as JSON
 * that can be read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "obs/eventread.h"
#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

/* No control character stands in what people or log collectors get as one line. */
static void one_line(const struct buf *b)
{
	for (size_t i = 0; i < b->n; i++)
		must((unsigned char)b->p[i] >= 0x20 && b->p[i] != 0x7f);
}

static void forms(const struct eventread *r, bool brief)
{
	for (enum events_form f = 0; f < EVENTS_FORM_N_; f++) {
		AUTO(buf_done) struct buf b = buf_make(1 << 20);
		AUTO(json_freep) struct json *j = NULL;
		struct err e = {0};
		eventline_form(f, &r->event, &r->stamp, brief, &b);
		must(b.bad || b.n);
		if (!b.bad)
			one_line(&b);
		if (!b.bad && *b.p == '{')
			must(!json_parse(b.p, b.n, "form", &j, &e));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(json_freep) struct json *j = NULL;
	AUTO(buf_done) struct buf words = buf_make(1 << 20);
	struct err e = {0};
	struct eventread r;
	if (json_parse((const char *)data, size, "line", &j, &e)) {
		err_done(&e);
		return 0;
	}
	if (!eventread(j, &r)) {
		eventline_words(&r.event, &words);
		must(words.bad || words.n);
		forms(&r, false);
		forms(&r, true);
	}
	eventread_done(&r);
	return 0;
}
