/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What remote_ram's processes tell the parent, and how it is printed: as a
 * table, as CSV or as key=value lines. The processes fill struct proc_result in
 * memory shared with the parent; the parent prints when all have ended.
 */
#ifndef REMOTE_RAM_REPORT_H
#define REMOTE_RAM_REPORT_H

#include <inttypes.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "remote_ram_options.h"

#define MAX_NODES	64

struct proc_result {
	pid_t pid;
	atomic_int stop;		/* set by signal handlers, read by workers */
	double median_seconds;		/* over the threads */
	double max_seconds;
	double passes;			/* mean over the threads */
	double compared_mb;		/* by all threads; one pass is the whole buffer */
	double late_mb;			/* of these, in the last third of --seconds */
	uint64_t bad_words;		/* memory found different from what was written */
	double cpu_seconds[MAX_NODES];	/* of all threads, by the node they ran on */
	uint64_t pages[MAX_NODES];	/* 4K pages of the buffer, by node */
	uint64_t pages_other;		/* not resident, or on a node that was not usable */
};

static inline double share_percent(const struct proc_result *r, const int *nodes,
				   int nr_nodes, int node)
{
	double all = 0;

	for (int i = 0; i < nr_nodes; i++)
		all += r->cpu_seconds[nodes[i]];
	return all > 0 ? 100 * r->cpu_seconds[node] / all : 0;
}

static inline void print_table(const struct options *opt, const struct proc_result *results,
			       const int *nodes, int nr_nodes)
{
	printf("%d process%s, %s %s%s\n", opt->procs, opt->procs == 1 ? "" : "es",
	       opt->placement->is_start ? "start" : "placement", opt->placement->name,
	       opt->verify ? ", written and verified" : "");
	printf("%-15s %7s %6s %9s %9s %8s   node %9s %8s\n", "process", "threads", "MB",
	       "median s", "max s", "passes", "MB", "time %");
	for (int i = 0; i < opt->procs; i++) {
		const struct proc_result *r = &results[i];
		char name[MAX_NAME + 4];

		snprintf(name, sizeof(name), "%s-%d", opt->name, i);
		printf("%-15s %7d %6zu %9.3f %9.3f %8.1f", name, opt->threads[i],
		       opt->size_bytes[i] >> 20, r->median_seconds, r->max_seconds, r->passes);
		for (int n = 0; n < nr_nodes; n++)
			printf("%*s %4d %9.1f %8.1f\n", n ? 61 : 2, "", nodes[n],
			       r->pages[nodes[n]] / 256.0,
			       share_percent(r, nodes, nr_nodes, nodes[n]));
		if (r->pages_other)
			printf("%s: %" PRIu64 " more pages are not resident or on other nodes\n",
			       name, r->pages_other);
		if (r->bad_words)
			printf("%s: %" PRIu64 " wrong words found in its memory\n",
			       name, r->bad_words);
	}
}

/* One set of fields for both machine-readable forms, so that they cannot differ. */
static inline void print_fields(const struct options *opt, const struct proc_result *r,
				int index, const int *nodes, int nr_nodes, bool header)
{
	bool kv = opt->format == REPORT_KEY_VALUE;
	const char *separator = "";

#define FIELD(value_format, value, key_format, ...) do {		\
	fputs(separator, stdout);					\
	if (kv || header)						\
		printf(key_format, ##__VA_ARGS__);			\
	if (kv)								\
		putchar('=');						\
	if (!header)							\
		printf(value_format, value);				\
	separator = kv ? " " : ",";					\
} while (0)

	FIELD("%d", r->pid, "pid");
	FIELD("%s", opt->name, "name");
	FIELD("%d", index, "process");
	FIELD("%s", opt->placement->name, "placement");
	FIELD("%d", opt->threads[index], "threads");
	FIELD("%zu", opt->size_bytes[index] >> 20, "size_mb");
	FIELD("%.6f", r->median_seconds, "seconds_median");
	FIELD("%.6f", r->max_seconds, "seconds_max");
	FIELD("%.3f", r->passes, "passes");
	FIELD("%.1f", r->compared_mb, "compared_mb");
	FIELD("%.1f", r->late_mb, "late_mb");
	FIELD("%" PRIu64, r->bad_words, "bad_words");
	FIELD("%" PRIu64, r->pages_other, "pages_other");
	for (int n = 0; n < nr_nodes; n++)
		FIELD("%" PRIu64, r->pages[nodes[n]], "pages_n%d", nodes[n]);
	for (int n = 0; n < nr_nodes; n++)
		FIELD("%.2f", share_percent(r, nodes, nr_nodes, nodes[n]),
		      "time_pct_n%d", nodes[n]);
#undef FIELD
	putchar('\n');
}

static inline void print_report(const struct options *opt, const struct proc_result *results,
				const int *nodes, int nr_nodes)
{
	if (opt->format == REPORT_TABLE) {
		print_table(opt, results, nodes, nr_nodes);
		return;
	}
	if (opt->format == REPORT_CSV)
		print_fields(opt, &results[0], 0, nodes, nr_nodes, true);
	for (int i = 0; i < opt->procs; i++)
		print_fields(opt, &results[i], i, nodes, nr_nodes, false);
}

#endif
