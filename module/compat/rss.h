/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One concept: a process's resident size, right to within a few MiB.
 *
 * Since "mm: convert mm's rss stats into percpu_counter" (v6.2) the cheap figure may be
 * short by a batch for each CPU: hundreds of MiB on a large machine.
 *
 * The mm must not go away (task lock, or a reference); spins, does not sleep.
 */
#ifndef KNUMAD_COMPAT_RSS_H
#define KNUMAD_COMPAT_RSS_H

#include <linux/mm.h>
#include <linux/version.h>

/* Resident pages of @mm; exact only where it matters whether they are @min. */
static inline unsigned long kn_mm_rss(struct mm_struct *mm, unsigned long min)
{
	unsigned long rss = get_mm_rss(mm);
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	unsigned long slack = 3UL * percpu_counter_batch * num_online_cpus();
	int i;

	if (rss >= min || rss + slack < min)
		return rss;
	rss = 0;
	for (i = 0; i < NR_MM_COUNTERS; i++)
		if (i != MM_SWAPENTS)
			rss += percpu_counter_sum_positive(&mm->rss_stat[i]);
#endif
	return rss;
}

#endif /* KNUMAD_COMPAT_RSS_H */
