// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds the processes worth looking after: not kernel threads, resident size at least
 * min_rss_mb.
 *
 * Context: planner thread, may sleep between processes; RCU sections end where somebody else
 * wants the CPU, so that a large process table delays nobody.
 */
#include <linux/idr.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "../compat/rss.h"
#include "config.h"
#include "discover.h"
#include "exempt.h"
#include "scan.h"

/* A known process is kept down to this part of min_rss_mb, so that it does not flap. */
#define KN_KEEP_NUMERATOR	3
#define KN_KEEP_DENOMINATOR	4

/*
 * On a large machine the cheap figure leaves most processes in doubt, and the exact one looks at
 * every CPU's part: each process has its turn once in so many discoveries.
 */
#define KN_EXACT_TURNS		16

/* Planner thread only. */
static unsigned int kn_discoveries;

/*
 * RCU; task lock of one of @mm's threads.  Its resident pages.  Where it is in doubt whether they
 * are @min they are said to be, but if it is the turn of process @nr.
 */
static unsigned long kn_resident(struct mm_struct *mm, unsigned long min, int nr)
{
	unsigned long rss = get_mm_rss(mm);

	if (rss >= min || rss + kn_mm_rss_slack() < min || READ_ONCE(mm->total_vm) < min)
		return rss;
	return (nr + kn_discoveries) % KN_EXACT_TURNS ? min : kn_mm_rss_exact(mm);
}

/*
 * RCU.  A reference on the mm (its structure) of a thread group, number @nr, with at least @min
 * pages resident, or NULL.  The leader may be a zombie while its threads live.
 */
static struct mm_struct *kn_mm_of(struct task_struct *leader, int nr, unsigned long min,
				  unsigned long *rss)
{
	struct mm_struct *mm = NULL;
	struct task_struct *t;

	for_each_thread(leader, t) {
		if (!READ_ONCE(t->mm))
			continue;
		task_lock(t);
		mm = t->mm;
		*rss = mm ? kn_resident(mm, min, nr) : 0;
		if (*rss < min)
			mm = NULL;
		if (mm)
			mmgrab(mm);
		task_unlock(t);
		break;
	}
	return mm;
}

/*
 * The next thread group at or after @nr in the initial namespace that has at least @min
 * pages resident, or may have, with references on all that is returned; NULL behind the last.
 */
static struct pid *kn_next_group(int *nr, unsigned long min, struct task_struct **leader,
				 struct mm_struct **mm, unsigned long *rss)
{
	struct pid *pid;

	rcu_read_lock();
	while ((pid = idr_get_next(&init_pid_ns.idr, nr))) {
		*leader = pid_task(pid, PIDTYPE_TGID);
		*mm = NULL;
		if (*leader && !((*leader)->flags & (PF_KTHREAD | PF_IDLE)))
			*mm = kn_mm_of(*leader, *nr, min, rss);
		if (*mm) {
			get_pid(pid);
			get_task_struct(*leader);
			break;
		}
		(*nr)++;
		if (need_resched()) {
			rcu_read_unlock();
			cond_resched();
			rcu_read_lock();
		}
	}
	rcu_read_unlock();
	return pid;
}

/**
 * kn_discover - bring the registry up to date with the process table
 *
 * Adds new candidates and marks those still worth it, or in doubt, as seen.  Removing the
 * others is kn_forget_unseen()'s, once their verdicts are withdrawn.
 *
 * Return: whether there were new ones.
 */
bool kn_discover(void)
{
	unsigned long min_pages = (unsigned long)READ_ONCE(kn_config.min_rss_mb) <<
				  (20 - PAGE_SHIFT);
	unsigned long keep_pages = min_pages * KN_KEEP_NUMERATOR / KN_KEEP_DENOMINATOR;
	struct task_struct *leader;
	struct mm_struct *mm;
	struct kn_proc *proc;
	unsigned long rss;
	bool found_new = false;
	struct pid *pid;
	int nr;

	kn_discoveries++;
	for (proc = kn_registry_next(NULL); proc; proc = kn_registry_next(proc))
		proc->seen = false;

	for (nr = 1; (pid = kn_next_group(&nr, keep_pages, &leader, &mm, &rss)); nr++) {
		proc = kn_registry_find(mm);
		if (proc) {
			proc->seen |= proc->pid == pid;
			kn_proc_put(proc);
		} else if (rss >= min_pages) {
			if (kn_proc_create(pid, leader, mm))
				found_new = true;
		}
		put_task_struct(leader);
		mmdrop(mm);
		put_pid(pid);
		cond_resched();
	}
	kn_exempt_prune();
	return found_new;
}

/**
 * kn_forget_unseen - drop the processes the last discovery did not see
 *
 * Their verdicts must not be published any more.
 */
void kn_forget_unseen(void)
{
	struct kn_proc *proc = kn_registry_next(NULL);

	while (proc) {
		struct kn_proc *gone = proc->seen ? NULL : proc;

		if (gone)
			kref_get(&gone->ref);
		proc = kn_registry_next(proc);
		if (gone) {
			kn_proc_remove(gone);
			kn_scan_settle(gone);
			kn_proc_put(gone);
		}
	}
}
