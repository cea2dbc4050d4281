/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Brings running threads to their home node: the active half of "CPU follows memory".
 */
#ifndef KNUMAD_ENGINE_THREADS_H
#define KNUMAD_ENGINE_THREADS_H

#include <linux/sched.h>

#include "../kern/capability.h"

/*
 * Any context; KN_CAP_MOVE.  Whether @t is ours to move: real-time and deadline threads, and those
 * of a scheduler in BPF, are placed by their own rules.
 */
static inline bool kn_thread_is_fair(const struct task_struct *t)
{
	return (unsigned long)READ_ONCE(t->sched_class) == kn_row_value[KN_ROW_fair_sched_class];
}

unsigned int kn_threads_go_home(u32 min_demand_mcpu, unsigned int *moved);

#endif /* KNUMAD_ENGINE_THREADS_H */
