/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one thing the scheduler hooks read: which nodes are home to a process, or a thread.
 *
 * engine/ builds a table and publishes it; the hooks look it up under RCU with
 * interrupts off.  A published table is never written again.
 */
#ifndef KNUMAD_SCHED_VERDICT_H
#define KNUMAD_SCHED_VERDICT_H

#include <linux/types.h>

struct mm_struct;
struct task_struct;
struct kn_verdicts;

struct kn_verdicts *kn_verdicts_alloc(u32 nr);
void kn_verdicts_add(struct kn_verdicts *table, const struct mm_struct *mm, u64 home, bool parted);
void kn_verdicts_add_thread(struct kn_verdicts *table, const struct mm_struct *mm, pid_t tid,
			    u64 home);
void kn_verdicts_publish(struct kn_verdicts *table);
u64 kn_verdict_home(const struct task_struct *p);

#endif /* KNUMAD_SCHED_VERDICT_H */
