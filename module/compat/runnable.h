/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One concept: whether a task runs or wants to.
 *
 * A task that has gone to sleep may stay on its runqueue for a while since
 * "sched/fair: Implement delayed dequeue" (v6.12), so on_rq alone does not tell.
 * ->state became ->__state in "sched: Change task_struct::state" (v5.14).
 *
 * Any context; a snapshot.
 */
#ifndef KNUMAD_COMPAT_RUNNABLE_H
#define KNUMAD_COMPAT_RUNNABLE_H

#include <linux/sched.h>
#include <linux/version.h>

static inline bool kn_task_runnable(const struct task_struct *t)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 14, 0)
	return READ_ONCE(t->on_rq) && READ_ONCE(t->__state) == TASK_RUNNING;
#else
	return READ_ONCE(t->on_rq) && READ_ONCE(t->state) == TASK_RUNNING;
#endif
}

#endif /* KNUMAD_COMPAT_RUNNABLE_H */
