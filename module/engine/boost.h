/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ordinary priority while a worker holds what application threads may wait for: pages under
 * migration, or an mmap lock where it may sleep.  Kept off the CPU by those threads' neighbours, a
 * thread of the lowest priority would make them wait without bound.
 *
 * Worker threads and copiers, or whoever ends a scan; not under a spinlock.  Nests.
 */
#ifndef KNUMAD_ENGINE_BOOST_H
#define KNUMAD_ENGINE_BOOST_H

#include <linux/sched.h>

/* Returns what kn_boost_end() wants back. */
static inline int kn_boost_begin(void)
{
	int nice = task_nice(current);

	set_user_nice(current, min(nice, 0));
	return nice;
}

static inline void kn_boost_end(int nice)
{
	set_user_nice(current, nice);
}

#endif /* KNUMAD_ENGINE_BOOST_H */
