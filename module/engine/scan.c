// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scans a process's memory incrementally and keeps its pages per node, and which of them
 * are in use.
 *
 * A page counts as accessed if its accessed bit has been set since a scan cleared it.  The
 * kernel's reclaim wants to know of the same bit.  Where the kernel has a flag for that, it
 * is set, and a scan looks and clears at once.  Where it has none, scans take turns: one
 * clears the bits and notes which were set, the next, one scan period later, looks and sets
 * those again; so reclaim misses a bit for no longer than that, and then only of a page that
 * was not accessed meanwhile.  No TLB is flushed for it.  As many scans only count then.
 *
 * Context: worker threads, may sleep.  One worker scans a process at a time
 * (scan.lock); a pass resumes where the last slice stopped, and its counts replace
 * the old ones only when it has reached the end.
 */
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/nodemask.h>
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "../../include/knumad_trace.h"
#include "../compat/young.h"
#include "boost.h"
#include "config.h"
#include "frames.h"
#include "hot.h"
#include "pages.h"
#include "scan.h"
#include "stats.h"
#include "uses.h"

/* While a process's placement does not change, its passes get rarer, up to this. */
#define KN_SCAN_MAX_BACKOFF	16

/* Fewer pages than this part of a process is no change. */
#define KN_SCAN_CHANGE_PART	64

/* What it takes to put accessed bits back: slices that find the mmap lock taken, each 1 ms. */
#define KN_SETTLE_TRIES		2000

/*
 * Looking takes one pass, or two where the bits have to be put back.  After the first looks
 * as many passes only count, which costs half as much.
 */
#define KN_REST_PASSES		(KN_KERNEL_HAS_YOUNG ? 1 : 2)

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
	if (READ_ONCE(proc->exempt) && !READ_ONCE(proc->scan.owes))
		return false;
	return READ_ONCE(proc->scan.cursor) || time_after_eq(jiffies, READ_ONCE(proc->scan.due));
}

/*
 * Page-table lock held.  Whether the page was accessed; clears the bit that says so, or puts
 * back the one that is owed, as this pass does.
 */
static bool kn_scan_young(struct kn_walk *walk, const struct kn_scan_walk *s, struct page *page)
{
	struct kn_page_bits *owed = s->scan->owed;
	bool cleared, young;

	if (!walk->entry || !(s->scan->takes || s->scan->looks))
		return false;
	cleared = s->scan->takes && kn_entry_clear_young(walk->entry);
	young = cleared || walk->used_elsewhere || kn_entry_young(walk->entry);
	if (KN_KERNEL_HAS_YOUNG) {
		if (young)
			kn_folio_was_accessed(page_folio(page));
	} else if (s->scan->takes) {
		if (young)
			kn_page_bits_add(owed, walk->addr);
	} else if (walk->used_elsewhere || kn_page_bits_test(owed, walk->addr)) {
		kn_entry_set_young(walk->entry);
	}
	if (s->scan->looks && s->hot)
		kn_page_bits_assign(s->hot, walk->addr, young);
	return young;
}

/*
 * Page-table lock held.  What kn_scan_young() does, for part of a run, all of them the process's
 * own pages; returns how many were accessed.
 */
static unsigned int kn_scan_part_young(const struct kn_walk *walk, const struct kn_scan_walk *s,
				       const struct kn_run *part)
{
	const struct kn_scan *scan = s->scan;
	unsigned long all = GENMASK(part->end - 1, part->begin), set, young, owed;
	unsigned int i;

	if (scan->takes)
		set = kn_entries_young(part->entry, part->begin, part->end, true);
	else
		set = kn_entries_young(part->entry, part->begin, part->end, false);
	young = walk->used_elsewhere ? all : set;
	if (KN_KERNEL_HAS_YOUNG) {
		for_each_set_bit(i, &young, KN_RUN_ENTRIES)
			kn_folio_was_accessed(page_folio(kn_entry_page(part->entry[i])));
	} else if (scan->takes) {
		kn_page_bits_add_word(scan->owed, part->addr, young);
	} else {
		owed = (young | (all & kn_page_bits_word(scan->owed, part->addr))) & ~set;
		kn_entries_set_young(part->entry, owed);
	}
	if (scan->looks && s->hot)
		kn_page_bits_assign_word(s->hot, part->addr, all, young);
	return hweight_long(young);
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
	if (s->scan->takes || s->scan->looks)
		count->active += kn_scan_part_young(walk, s, part);
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

	if (kn_scan_young(walk, s, page))
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

/* Puts the new counts in place; says whether they differ from the old ones. */
static bool kn_scan_publish(struct kn_proc *proc, u64 *movable, u64 *fixed)
{
	u64 changed = 0, all = 0;
	int nid;

	*movable = 0;
	*fixed = 0;
	for (nid = 0; nid < nr_node_ids; nid++) {
		const struct kn_count *c = &proc->scan.count[nid];
		long was = atomic_long_xchg(&proc->pages[nid].movable, c->movable);

		changed += abs((long)c->movable - was);
		was = atomic_long_xchg(&proc->pages[nid].fixed, c->fixed);
		changed += abs((long)c->fixed - was);
		was = atomic_long_xchg(&proc->pages[nid].shared, c->shared);
		changed += abs((long)c->shared - was);
		atomic_long_set(&proc->pages[nid].astray, c->astray);
		all += c->movable + c->fixed + c->shared;
		*movable += c->movable;
		*fixed += c->fixed + c->shared;
	}
	kn_shares_publish(proc);
	return changed > all / KN_SCAN_CHANGE_PART;
}

/* A map of the right size, the old one if it is.  NULL without memory. */
static struct kn_page_bits *kn_scan_map(struct kn_page_bits *old, unsigned long pages)
{
	return kn_page_bits_fit(old, pages) ? old : kn_page_bits_alloc(pages);
}

/* scan.lock held.  Makes room for what a pass will find; true if there is. */
static bool kn_scan_prepare(struct kn_proc *proc)
{
	struct kn_scan *scan = &proc->scan;
	struct kn_page_bits *old = rcu_dereference_protected(proc->hot, true), *new;
	unsigned long pages = get_mm_rss(proc->mm);

	new = kn_scan_map(old, pages);
	if (new && new != old) {
		rcu_assign_pointer(proc->hot, new);
		if (old)
			kvfree_rcu(old, rcu);
	}
	if (KN_KERNEL_HAS_YOUNG || !new)
		return new;
	old = scan->owed;
	new = kn_scan_map(old, pages);
	if (new && new != old) {
		scan->owed = new;
		kvfree(old);
	} else if (new) {
		kn_page_bits_clear(new);
	}
	return new;
}

/*
 * scan.lock held.  A pass begins: what it does beside counting.  Bits that are owed come
 * first, whatever the mode is now.
 */
static void kn_scan_begin(struct kn_proc *proc)
{
	struct kn_scan *scan = &proc->scan;

	scan->begun = true;
	scan->takes = false;
	scan->looks = scan->owes;
	scan->elsewhere_end = 0;
	scan->hurried = READ_ONCE(scan->hurries);
	if (scan->hurried) {
		WRITE_ONCE(scan->hurries, false);
		scan->rests = 0;
	}
	if (scan->rests) {
		scan->rests--;
		return;
	}
	if (scan->owes || READ_ONCE(scan->ended) || !kn_mode_acts(kn_mode()) ||
	    !kn_scan_prepare(proc))
		return;
	scan->takes = true;
	scan->looks = KN_KERNEL_HAS_YOUNG;
	scan->cleared |= !KN_KERNEL_HAS_YOUNG;
	WRITE_ONCE(scan->owes, !KN_KERNEL_HAS_YOUNG);
}

/*
 * scan.lock held.  A pass has ended that looked: the next ones may go by it.  What the first
 * one finds where the kernel has the young flag is anything that was ever accessed.
 */
static void kn_scan_looked(struct kn_proc *proc)
{
	int nid;

	kn_stat_inc(scan_looks);
	for (nid = 0; nid < nr_node_ids; nid++)
		atomic_long_set(&proc->pages[nid].active, proc->scan.count[nid].active);
	WRITE_ONCE(proc->scan.owes, false);
	if (proc->scan.cleared)
		WRITE_ONCE(proc->hot_looks, proc->hot_looks + 1 ?: 1);
	if (proc->hot_looks > 1)
		proc->scan.rests = KN_REST_PASSES;
	proc->scan.cleared = proc->scan.takes;
}

/* scan.lock held.  The end of the address space was reached. */
static void kn_scan_finish(struct kn_proc *proc)
{
	struct kn_scan *scan = &proc->scan;
	unsigned int period = READ_ONCE(kn_config.scan_period_ms), next_ms;
	u64 movable, fixed;

	if (kn_scan_publish(proc, &movable, &fixed) || !scan->complete)
		scan->interval_ms = period;
	else
		scan->interval_ms = clamp(2 * scan->interval_ms, period,
					  period * KN_SCAN_MAX_BACKOFF);
	if (scan->looks)
		kn_scan_looked(proc);
	next_ms = scan->owes ? period : scan->interval_ms;
	memset(scan->count, 0, nr_node_ids * sizeof(*scan->count));
	WRITE_ONCE(scan->due, jiffies + msecs_to_jiffies(next_ms));
	WRITE_ONCE(scan->cursor, 0);
	scan->begun = false;
	scan->hurried = false;
	WRITE_ONCE(scan->complete, true);
	kn_stat_inc(scan_passes);
	trace_knumad_scan(proc->tgid, movable, fixed, next_ms);
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
		.max_cost = max_cost,
		.run = kn_scan_run,
		.fn = kn_scan_page,
		.arg = &arg,
		.asks_others = scan->takes || scan->looks,
		.used_elsewhere = scan->elsewhere,
		.elsewhere_end = scan->elsewhere_end,
	};
	kn_frames_init(&arg.frames, KN_ENTRIES_WRITABLE);
	result = kn_walk_slice(walk);
	WRITE_ONCE(scan->cursor, walk->cursor);
	scan->elsewhere = walk->used_elsewhere;
	scan->elsewhere_end = walk->elsewhere_end;
	if (result == KN_WALK_END)
		kn_scan_finish(proc);
	return result;
}

/**
 * kn_scan_settle - put back now what a process's page tables are owed
 * @proc: it is not looked after any more
 *
 * Planner thread, or the last one.  May take as long as a pass over its memory, where the kernel
 * has no young flag; a worker that is at it leaves when it next gets a CPU.
 */
void kn_scan_settle(struct kn_proc *proc)
{
	struct kn_scan *scan = &proc->scan;
	struct kn_walk walk;
	int tries = 0;

	WRITE_ONCE(scan->ended, true);
	if (KN_KERNEL_HAS_YOUNG)
		return;
	mutex_lock(&scan->lock);
	if (scan->owes && scan->takes) {	/* not even done with taking */
		memset(scan->count, 0, nr_node_ids * sizeof(*scan->count));
		kn_shares_publish(proc);
		WRITE_ONCE(scan->cursor, 0);
		scan->begun = false;
	}
	while (scan->owes && tries < KN_SETTLE_TRIES) {
		switch (kn_scan_slice(proc, &walk, U64_MAX)) {
		case KN_WALK_GONE:
			WRITE_ONCE(scan->owes, false);
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
 * node a worker of the lowest priority takes ten times as long; by itself it takes some
 * milliseconds for a GiB.
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
 * Stops at the end of the pass, when the budget is used, when the mmap lock is not
 * free, when the process is not looked after any more, or when knumad is told to stop.
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
	while (result == KN_WALK_MORE && cost < max_cost && !kthread_should_stop() &&
	       !READ_ONCE(proc->scan.ended)) {
		result = kn_scan_slice(proc, &walk, max_cost - cost);
		pages += walk.pages;
		cost += kn_walk_cost(&walk);
		cond_resched_tasks_rcu_qs();
	}
	if (awaited)
		kn_boost_end(nice);
	mutex_unlock(&proc->scan.lock);
	kn_stat_add(scan_pages, pages);
	kn_stat_add(scan_time_ns, ktime_get_ns() - start);
	return cost;
}
