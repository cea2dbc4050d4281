// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scans a process's memory incrementally and keeps its pages per node.
 *
 * What it does with accessed bits beside counting is in accessed.c.
 *
 * Context: worker threads, may sleep.  One worker scans a process at a time
 * (scan.lock); a pass resumes where the last slice stopped, and its counts replace
 * the old ones only when it has reached the end.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "../../include/knumad_trace.h"
#include "../compat/young.h"
#include "accessed.h"
#include "boost.h"
#include "config.h"
#include "frames.h"
#include "pages.h"
#include "scan.h"
#include "stats.h"
#include "uses.h"

/* While a process's placement does not change, its passes get rarer, up to this. */
#define KN_SCAN_MAX_BACKOFF	16

/* Fewer pages than this part of a process is no change. */
#define KN_SCAN_CHANGE_PART	64

/* What it takes to put accessed bits back: slices that find the mmap lock taken, 1 to 2 ms each. */
#define KN_SETTLE_TRIES		2000

/* Of a scan that nobody waits for, the entries of one visit: others have their turn then. */
#define KN_VISIT_ENTRIES	16384

/* A part of a run takes as much work as so many entries, however few it has. */
#define KN_PART_ENTRIES		16

struct kn_scan_walk {
	struct kn_proc *proc;
	const struct kn_scan *scan;
	struct kn_page_bits *hot;
	struct kn_frames frames;	/* of the process's own pages, where the last one was */
};

/**
 * kn_scan_is_due - whether a pass is under way or should begin
 * @proc: the process; if it is exempt, only to put back what is owed
 */
bool kn_scan_is_due(const struct kn_proc *proc)
{
	if (READ_ONCE(proc->exempt) && !READ_ONCE(proc->scan.accessed.owes))
		return false;
	return READ_ONCE(proc->scan.cursor) || time_after_eq(jiffies, READ_ONCE(proc->scan.due));
}

/**
 * kn_scan_hurry - have the next pass come soon, as somebody waits for what it finds
 * @proc: the process
 *
 * Planner thread.  It comes one period after the last one, not up to KN_SCAN_MAX_BACKOFF; where
 * bits are owed it does anyway.
 */
void kn_scan_hurry(struct kn_proc *proc)
{
	unsigned int period = READ_ONCE(kn_config.scan_period_ms);
	struct kn_scan *scan = &proc->scan;
	unsigned int interval = READ_ONCE(scan->interval_ms);

	WRITE_ONCE(scan->hurries, true);
	if (READ_ONCE(scan->accessed.owes) || interval <= period)
		return;
	WRITE_ONCE(scan->interval_ms, period);
	WRITE_ONCE(scan->due, READ_ONCE(scan->due) - msecs_to_jiffies(interval - period));
}

/**
 * kn_scan_now - have the next pass begin at once
 * @proc: the process
 *
 * Planner thread.  Where one is under way, another one follows.  It counts, and takes no accessed
 * bits: the last ones may have been taken just now.
 */
void kn_scan_now(struct kn_proc *proc)
{
	WRITE_ONCE(proc->scan.hurries, true);
	WRITE_ONCE(proc->scan.at_once, true);
	smp_mb();	/* Pairs with that of kn_scan_finish(). */
	WRITE_ONCE(proc->scan.due, jiffies);
}

/* Page-table lock held.  Counts pages that only the threads of another node use. */
static void kn_scan_use(const struct kn_scan_walk *s, unsigned long addr, int nid,
			unsigned int nr_pages)
{
	int wanted;

	if (!rcu_access_pointer(s->proc->use_map))
		return;
	wanted = kn_use_node(s->proc, addr);
	if (wanted != NUMA_NO_NODE && wanted != nid)
		s->scan->count[wanted].astray += nr_pages;
}

/* Page-table lock held.  Counts part of a run, the process's own pages, all on one node. */
static void kn_scan_part(struct kn_walk *walk, const struct kn_scan_walk *s,
			 const struct kn_run *part)
{
	struct kn_count *count = &s->scan->count[s->frames.now.nid];
	unsigned int nr = part->end - part->begin;

	walk->pages += nr;
	walk->unclocked += KN_PART_ENTRIES;
	if (walk->vma_kind == KN_PAGE_MOVABLE) {
		count->movable += nr;
		kn_scan_use(s, part->addr, s->frames.now.nid, nr);
	} else {
		count->fixed += nr;
	}
	if (kn_accessed_matters(&s->scan->accessed))
		count->active += kn_accessed_part(walk, &s->scan->accessed, s->hot, part);
}

/*
 * Page-table lock held.  Counts the pages that their entries alone tell about, and says which
 * ones have to be looked at.
 */
static unsigned long kn_scan_run(struct kn_walk *walk, const struct kn_run *run)
{
	struct kn_scan_walk *s = walk->arg;
	struct kn_run part = *run;
	unsigned long asked = 0;

	if (!walk->own)
		return kn_run_present(run);
	while (part.begin < run->end) {
		unsigned long entry;

		part.end = kn_frames_reach(&s->frames, run->entry, part.begin, run->end);
		if (part.end > part.begin) {
			kn_scan_part(walk, s, &part);
			part.begin = part.end;
			continue;
		}
		entry = READ_ONCE(run->entry[part.begin]);
		if (kn_entry_present(entry)) {
			if (kn_frames_find(&s->frames, entry))
				continue;
			asked |= BIT(part.begin);
		}
		part.begin++;
	}
	return asked;
}

/* Page-table lock held. */
static int kn_scan_page(struct kn_walk *walk, struct page *page, enum kn_page_kind kind,
			unsigned int nr_pages)
{
	const struct kn_scan_walk *s = walk->arg;
	struct kn_count *count = s->scan->count;
	int nid = page_to_nid(page);

	if (kn_accessed_page(walk, &s->scan->accessed, s->hot, page))
		count[nid].active += nr_pages;

	if (kind == KN_PAGE_SHARED || kind == KN_PAGE_KSM) {
		count[nid].shared += nr_pages;
		kn_share_count(s->proc, kind == KN_PAGE_SHARED ? walk->key : 0, nid, nr_pages);
	} else if (kind == KN_PAGE_MOVABLE) {
		count[nid].movable += nr_pages;
		kn_scan_use(s, walk->addr, nid, nr_pages);
	} else {
		count[nid].fixed += nr_pages;
	}
	return 0;
}

/*
 * Puts the new counts in place; says whether they differ from the old ones.  What workers have
 * moved since the pass came by is counted where it was then: a pass over much memory takes minutes.
 */
static bool kn_scan_publish(struct kn_proc *proc, u64 *movable, u64 *fixed)
{
	u64 changed = 0, all = 0;
	int nid;

	*movable = 0;
	*fixed = 0;
	for (nid = 0; nid < nr_node_ids; nid++) {
		const struct kn_count *c = &proc->scan.count[nid];
		struct kn_node_pages *pages = &proc->pages[nid];
		long now = c->movable + atomic_long_read(&pages->movable_since);
		long was = atomic_long_xchg(&pages->movable, now);

		changed += abs(now - was);
		was = atomic_long_xchg(&pages->fixed, c->fixed);
		changed += abs((long)c->fixed - was);
		was = atomic_long_xchg(&pages->shared, c->shared);
		changed += abs((long)c->shared - was);
		atomic_long_set(&pages->astray,
				c->astray + atomic_long_read(&pages->astray_since));
		all += now + c->fixed + c->shared;
		*movable += now;
		*fixed += c->fixed + c->shared;
	}
	kn_shares_publish(proc);
	return changed > all / KN_SCAN_CHANGE_PART;
}

/* scan.lock held. */
static void kn_scan_begin(struct kn_proc *proc)
{
	struct kn_scan *scan = &proc->scan;
	bool at_once = READ_ONCE(scan->at_once);
	int nid;

	scan->begun = true;
	for (nid = 0; nid < nr_node_ids; nid++) {
		atomic_long_set(&proc->pages[nid].movable_since, 0);
		atomic_long_set(&proc->pages[nid].astray_since, 0);
	}
	scan->hurried = READ_ONCE(scan->hurries);
	if (scan->hurried)
		WRITE_ONCE(scan->hurries, false);
	WRITE_ONCE(scan->at_once, false);
	if (at_once && !READ_ONCE(scan->accessed.ended) &&
	    !(scan->accessed.owes && time_after_eq(jiffies, scan->look_due)))
		kn_accessed_skip(proc);
	else
		kn_accessed_begin(proc, scan->hurried);
}

/* scan.lock held.  A pass has ended: how long until the next one. */
static unsigned long kn_scan_pause(struct kn_scan *scan, unsigned int period_ms)
{
	unsigned long now = jiffies;

	if (scan->accessed.takes)
		scan->look_due = now + msecs_to_jiffies(period_ms);
	if (READ_ONCE(scan->at_once))
		return 0;
	if (scan->accessed.owes)
		return time_before(now, scan->look_due) ? scan->look_due - now : 0;
	return msecs_to_jiffies(READ_ONCE(scan->hurries) ? min(scan->interval_ms, period_ms) :
							   scan->interval_ms);
}

/* scan.lock held.  The end of the address space was reached. */
static void kn_scan_finish(struct kn_proc *proc)
{
	struct kn_scan *scan = &proc->scan;
	unsigned int period = READ_ONCE(kn_config.scan_period_ms);
	unsigned long pause;
	u64 movable, fixed;

	if (kn_scan_publish(proc, &movable, &fixed) || !scan->complete)
		scan->interval_ms = period;
	else
		scan->interval_ms = clamp(2 * scan->interval_ms, period,
					  period * KN_SCAN_MAX_BACKOFF);
	kn_accessed_end(proc);
	pause = kn_scan_pause(scan, period);
	memset(scan->count, 0, nr_node_ids * sizeof(*scan->count));
	WRITE_ONCE(scan->due, jiffies + pause);
	/* Pairs with kn_scan_now(), whose store of due this one may have undone. */
	smp_mb();
	if (READ_ONCE(scan->at_once))
		WRITE_ONCE(scan->due, jiffies);
	WRITE_ONCE(scan->cursor, 0);
	scan->begun = false;
	scan->hurried = false;
	WRITE_ONCE(scan->complete, true);
	kn_stat_inc(scan_passes);
	trace_knumad_scan(proc->tgid, movable, fixed, jiffies_to_msecs(pause));
}

/* scan.lock held.  Goes on with the pass under way, or begins one. */
static enum kn_walk_result kn_scan_slice(struct kn_proc *proc, struct kn_walk *walk, u64 max_cost)
{
	struct kn_scan *scan = &proc->scan;
	struct kn_scan_walk arg = { .proc = proc, .scan = scan };
	enum kn_walk_result result;

	if (!scan->begun)
		kn_scan_begin(proc);
	arg.hot = rcu_dereference_protected(proc->hot, lockdep_is_held(&scan->lock));
	*walk = (struct kn_walk) {
		.mm = proc->mm,
		.cursor = scan->cursor,
		.end = ULONG_MAX,
		.max_cost = max_cost,
		.run = kn_scan_run,
		.fn = kn_scan_page,
		.arg = &arg,
		.asks_others = kn_accessed_matters(&scan->accessed),
	};
	kn_frames_init(&arg.frames, KN_ENTRIES_WRITABLE);
	result = kn_walk_slice(walk);
	WRITE_ONCE(scan->cursor, walk->cursor);
	if (result == KN_WALK_END)
		kn_scan_finish(proc);
	if (result == KN_WALK_GONE) {	/* until it is forgotten nothing is due */
		WRITE_ONCE(scan->cursor, 0);
		WRITE_ONCE(scan->due, jiffies + MAX_JIFFY_OFFSET);
	}
	return result;
}

/**
 * kn_scan_settle - put back now what a process's page tables are owed
 * @proc: it is not looked after any more
 *
 * Planner thread, or the last one.  May take as long as a pass over its memory, where the kernel
 * has no young flag and it is still there; a worker that is at it leaves when it next gets a CPU.
 */
void kn_scan_settle(struct kn_proc *proc)
{
	struct kn_scan *scan = &proc->scan;
	struct kn_walk walk;
	int tries = 0;

	WRITE_ONCE(scan->accessed.ended, true);
	if (KN_KERNEL_HAS_YOUNG || !atomic_read(&proc->mm->mm_users))
		return;
	mutex_lock(&scan->lock);
	if (scan->accessed.owes && !scan->accessed.looks) {	/* a pass that puts nothing back */
		memset(scan->count, 0, nr_node_ids * sizeof(*scan->count));
		kn_shares_publish(proc);
		WRITE_ONCE(scan->cursor, 0);
		scan->begun = false;
	}
	while (scan->accessed.owes && tries < KN_SETTLE_TRIES) {
		switch (kn_scan_slice(proc, &walk, U64_MAX)) {
		case KN_WALK_GONE:
			WRITE_ONCE(scan->accessed.owes, false);
			break;
		case KN_WALK_BUSY:
			tries++;
			usleep_range(1000, 2000);
			break;
		default:
			cond_resched();
		}
	}
	mutex_unlock(&scan->lock);
}

/*
 * scan.lock held.  Whether a decision waits for what the scan finds.  Beside busy threads of its
 * node a worker of the lowest priority mostly waits for a CPU: 0.8 s were seen for 320 MiB, whose
 * scan is some milliseconds of work.
 */
static bool kn_scan_is_awaited(const struct kn_scan *scan)
{
	return !scan->complete || scan->hurried || READ_ONCE(scan->hurries);
}

/**
 * kn_scan - go on with a process's pass, or begin one
 * @proc: due, see kn_scan_is_due()
 * @max_cost: the budget, see kn_walk_cost()
 *
 * Stops at the end of the pass, when the budget is used, or as much as one visit takes if
 * nobody waits for what it finds, when the mmap lock is not free, when the process is not looked
 * after any more, or when knumad is told to stop.
 * Return: what it cost.
 */
u64 kn_scan(struct kn_proc *proc, u64 max_cost)
{
	enum kn_walk_result result = KN_WALK_MORE;
	struct kn_walk walk;
	u64 start = ktime_get_ns(), pages = 0, cost = 0;
	bool awaited;
	int nice;

	if (!mutex_trylock(&proc->scan.lock))
		return 0;
	awaited = kn_scan_is_awaited(&proc->scan);
	nice = awaited ? kn_boost_begin() : 0;
	if (!awaited)
		max_cost = min_t(u64, max_cost, KN_VISIT_ENTRIES);
	while (result == KN_WALK_MORE && cost < max_cost && !kthread_should_stop() &&
	       !READ_ONCE(proc->scan.accessed.ended)) {
		result = kn_scan_slice(proc, &walk, max_cost - cost);
		pages += walk.pages;
		cost += kn_walk_cost(&walk);
		cond_resched_tasks_rcu_qs();
	}
	mutex_unlock(&proc->scan.lock);
	if (awaited)
		kn_boost_end(nice);
	kn_stat_add(scan_pages, pages);
	kn_stat_add(scan_time_ns, ktime_get_ns() - start);
	return cost;
}
