// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scans a process's memory incrementally and keeps its pages per node.
 *
 * Context: worker threads, may sleep.  One worker scans a process at a time
 * (scan.lock); a pass resumes where the last slice stopped, and its counts replace
 * the old ones only when it has reached the end.
 */
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/nodemask.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "../../include/knumad_trace.h"
#include "config.h"
#include "pages.h"
#include "scan.h"
#include "stats.h"

/* While a process's placement does not change, its passes get rarer, up to this. */
#define KN_SCAN_MAX_BACKOFF	16

/* Fewer pages than this part of a process is no change. */
#define KN_SCAN_CHANGE_PART	64

/**
 * kn_scan_is_due - whether a pass is under way or should begin
 * @proc: the process; never if it is exempt
 */
bool kn_scan_is_due(const struct kn_proc *proc)
{
	if (READ_ONCE(proc->exempt))
		return false;
	return READ_ONCE(proc->scan.cursor) || time_after_eq(jiffies, READ_ONCE(proc->scan.due));
}

/* Page-table lock held. */
static int kn_scan_page(struct kn_walk *walk, struct page *page, enum kn_page_kind kind,
			unsigned int nr_pages)
{
	struct kn_count *count = walk->arg;
	int nid = page_to_nid(page);

	if (kind == KN_PAGE_MOVABLE)
		count[nid].movable += nr_pages;
	else
		count[nid].fixed += nr_pages;
	return 0;
}

/* Puts the new counts in place; says whether they differ from the old ones. */
static bool kn_scan_publish(struct kn_proc *proc, u64 *movable, u64 *fixed)
{
	u64 changed = 0;
	int nid;

	*movable = 0;
	*fixed = 0;
	for (nid = 0; nid < nr_node_ids; nid++) {
		const struct kn_count *c = &proc->scan.count[nid];
		long was = atomic_long_xchg(&proc->pages[nid].movable, c->movable);

		changed += abs((long)c->movable - was);
		was = atomic_long_xchg(&proc->pages[nid].fixed, c->fixed);
		changed += abs((long)c->fixed - was);
		*movable += c->movable;
		*fixed += c->fixed;
	}
	return changed > (*movable + *fixed) / KN_SCAN_CHANGE_PART;
}

/* scan.lock held.  The end of the address space was reached. */
static void kn_scan_finish(struct kn_proc *proc)
{
	struct kn_scan *scan = &proc->scan;
	unsigned int period = READ_ONCE(kn_config.scan_period_ms);
	u64 movable, fixed;

	if (kn_scan_publish(proc, &movable, &fixed) || !scan->complete)
		scan->interval_ms = period;
	else
		scan->interval_ms = clamp(2 * scan->interval_ms, period,
					  period * KN_SCAN_MAX_BACKOFF);
	memset(scan->count, 0, nr_node_ids * sizeof(*scan->count));
	WRITE_ONCE(scan->due, jiffies + msecs_to_jiffies(scan->interval_ms));
	WRITE_ONCE(scan->cursor, 0);
	WRITE_ONCE(scan->complete, true);
	kn_stat_inc(scan_passes);
	trace_knumad_scan(proc->tgid, movable, fixed, scan->interval_ms);
}

/**
 * kn_scan - go on with a process's pass, or begin one
 * @proc: due, see kn_scan_is_due()
 * @max_cost: the budget, see kn_walk_cost()
 *
 * Stops at the end of the pass, when the budget is used, when the mmap lock is not
 * free, or when knumad is told to stop.  Return: what it cost.
 */
u64 kn_scan(struct kn_proc *proc, u64 max_cost)
{
	enum kn_walk_result result = KN_WALK_MORE;
	struct kn_walk walk = {
		.mm = proc->mm,
		.fn = kn_scan_page,
		.arg = proc->scan.count,
	};
	u64 start = ktime_get_ns(), pages = 0, cost = 0;

	if (!mutex_trylock(&proc->scan.lock))
		return 0;
	while (result == KN_WALK_MORE && cost < max_cost && !kthread_should_stop()) {
		walk.cursor = proc->scan.cursor;
		walk.max_cost = max_cost - cost;
		result = kn_walk_slice(&walk);
		pages += walk.pages;
		cost += kn_walk_cost(&walk);
		WRITE_ONCE(proc->scan.cursor, walk.cursor);
		if (result == KN_WALK_END)
			kn_scan_finish(proc);
		cond_resched_tasks_rcu_qs();
	}
	mutex_unlock(&proc->scan.lock);
	kn_stat_add(scan_pages, pages);
	kn_stat_add(scan_time_ns, ktime_get_ns() - start);
	return cost;
}
