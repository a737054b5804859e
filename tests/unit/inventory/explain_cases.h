/* explain_cases.h: made observations, each with one thing changed, and what is to be said of them. */
#ifndef PERDURE_TESTS_EXPLAIN_CASES_H
#define PERDURE_TESTS_EXPLAIN_CASES_H

#include <stddef.h>

#include "made.h"

enum { CODES = 6 }; /* remarks of one case */

struct explain_case {
	const char *name;
	void (*change)(struct world *w); /* of a world in which all is well */
	enum recordcheck_result verdict;
	const char *problem;
	enum remark_code codes[CODES + 1]; /* exactly these, up to REMARK_CODE_N_ */
};
extern const struct explain_case explain_cases[];
extern const size_t explain_n_cases;
/* By its name; aborts when there is none. */
const struct explain_case *explain_case(const char *name);

#endif
