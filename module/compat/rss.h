/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One concept: a process's resident size, cheaply to within some pages, or exactly.
 *
 * Since "mm: convert mm's rss stats into percpu_counter" (v6.2) the cheap figure may be wrong
 * by a batch for each CPU, hundreds of MiB on a large machine, and the exact one looks at what
 * each CPU has.
 *
 * The mm must not go away (task lock, or a reference); spins, does not sleep.
 */
#ifndef KNUMAD_COMPAT_RSS_H
#define KNUMAD_COMPAT_RSS_H

#include <linux/mm.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)

/* Pages by which get_mm_rss() may be wrong. */
static inline unsigned long kn_mm_rss_slack(void)
{
	return 3UL * percpu_counter_batch * num_online_cpus();
}

/* Resident pages of @mm. */
static inline unsigned long kn_mm_rss_exact(struct mm_struct *mm)
{
	unsigned long rss = 0;
	int i;

	for (i = 0; i < NR_MM_COUNTERS; i++)
		if (i != MM_SWAPENTS)
			rss += percpu_counter_sum_positive(&mm->rss_stat[i]);
	return rss;
}

#else

static inline unsigned long kn_mm_rss_slack(void)
{
	return 0;
}

static inline unsigned long kn_mm_rss_exact(struct mm_struct *mm)
{
	return get_mm_rss(mm);
}

#endif

#endif /* KNUMAD_COMPAT_RSS_H */
