/* metrics_internal.h: what the files about metrics share. */
#ifndef PERDURE_OBS_METRICS_INTERNAL_H
#define PERDURE_OBS_METRICS_INTERNAL_H

#include "obs/metrics.h"

struct series {
	char *labels[METRIC_LABELS_MAX]; /* as many as the family has */
	double value; /* of a histogram the sum */
	uint64_t *buckets; /* of a histogram, not cumulative; the last is +Inf */
	uint64_t count;
};

struct family {
	struct series *v; /* sorted by labels */
	size_t n, cap;
};

struct metrics {
	struct family families[METRIC_N_];
	size_t limit;
};

/* How many labels the family has. */
size_t metrics_n_labels_(const struct metric_family *f);
/* The series, made when it is not there; the one of "other" where there are too many. */
struct series *metrics_series_(struct metrics *m, enum metric id, const char *const labels[METRIC_LABELS_MAX]);

#endif
