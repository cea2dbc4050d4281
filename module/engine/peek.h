/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A look at an address space that takes moments: its mmap lock is taken if it is free, and the CPU
 * kept for as long, so that no application waits for a thread that has none.
 *
 * Planner thread, with a reference on the address space.
 */
#ifndef KNUMAD_ENGINE_PEEK_H
#define KNUMAD_ENGINE_PEEK_H

#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/sched/clock.h>

#include "stats.h"

/* True: kn_peek_end() is to follow, with what is in @since, and no sleep in between. */
static inline bool kn_peek_begin(struct mm_struct *mm, u64 *since)
{
	preempt_disable();
	if (mmap_read_trylock(mm)) {
		*since = local_clock();
		return true;
	}
	preempt_enable();
	return false;
}

static inline void kn_peek_end(struct mm_struct *mm, u64 since)
{
	mmap_read_unlock(mm);
	kn_stat_max(KN_STAT_mmap_lock_hold_ns_max, local_clock() - since);
	preempt_enable();
}

#endif /* KNUMAD_ENGINE_PEEK_H */
