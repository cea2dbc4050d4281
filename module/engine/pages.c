// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walks the memory of a process that is not page cache of files on disk, one short slice of
 * mmap lock at a time.
 *
 * Context: worker threads, or whoever ends a scan, holding nothing.  A slice takes a reference
 * on the address space and its mmap lock for reading, and keeps its CPU for as long: a thread of
 * the lowest priority that lost it there would have the application wait without bound.  The page
 * callbacks run under page-table locks.
 * The address space's last reference is never dropped here in earnest: mmput_async()
 * leaves tearing it down to a workqueue, so an exiting process is not made to wait for
 * a thread of the lowest priority.
 */
#include <linux/hugetlb.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/preempt.h>
#include <linux/rwsem.h>
#include <linux/sched/clock.h>
#include <linux/sched/mm.h>
#include <linux/sizes.h>

#include "../compat/pagewalk.h"
#include "../compat/pinned.h"
#include "../kern/calls.h"
#include "../kern/capability.h"
#include "boost.h"
#include "pages.h"
#include "share.h"
#include "stats.h"

/*
 * How long a slice aims to hold the mmap lock: less than the 100 us that it promises, by what it
 * takes to end.  It looks at the clock after each run in which pages were visited, and after as
 * much work as so many entries take that tell all by themselves.
 */
#define KN_SLICE_NS		(70 * NSEC_PER_USEC)
#define KN_CLOCK_ENTRIES	128
#define KN_RUN_BYTES		(KN_RUN_ENTRIES * PAGE_SIZE)

/* Page tables can be empty for long stretches without a callback: look in between. */
#define KN_STRETCH_BYTES	SZ_1G

/**
 * kn_walk_is_over - whether a slice has held the mmap lock for long enough
 * @w: the walk
 *
 * Page-table lock held, or none.  For callbacks that take long and may stop at any page.
 */
bool kn_walk_is_over(struct kn_walk *w)
{
	w->unclocked = 0;
	if (local_clock() >= w->deadline_ns)
		return true;
	if (!rwsem_is_contended(&w->mm->mmap_lock))
		return false;
	kn_stat_inc(scan_lock_contended);
	return true;
}

/*
 * Page-table lock held.  After some entries, of which pages were @visited, or not: nonzero ends
 * the slice at @next.
 */
static int kn_entries_done(struct kn_walk *w, unsigned int nr, unsigned long next, bool visited,
			   int stop)
{
	w->entries += nr;
	w->unclocked += nr;
	if (!stop && kn_walk_cost(w) < w->max_cost &&
	    !((visited || w->unclocked >= KN_CLOCK_ENTRIES) && kn_walk_is_over(w)))
		return 0;
	w->cursor = next;
	return 1;
}

/* Page-table lock held. */
static int kn_visit(struct kn_walk *w, struct page *page, unsigned long addr,
		    unsigned int nr_pages)
{
	if (!page || !(PageAnon(page) || w->shmem))
		return 0;
	w->pages += nr_pages;
	w->addr = addr;
	return w->fn(w, page, kn_page_kind(w, page), nr_pages);
}

/* Page-table lock held.  The pages of those entries that @run was asked about; nonzero: stop. */
static int kn_run_pages(struct kn_walk *w, const struct kn_run *run,
			unsigned long asked)
{
	int stop = 0;

	while (asked && !stop) {
		unsigned int i = __ffs(asked);
		unsigned long addr = run->addr + i * PAGE_SIZE;
		pte_t *pte = (pte_t *)run->entry + i;

		asked &= asked - 1;
		w->entry = (unsigned long *)pte;
		stop = kn_visit(w, KN_CALL(vm_normal_page)(w->vma, addr, ptep_get(pte)), addr, 1);
		if (stop)
			w->cursor = addr + PAGE_SIZE;
	}
	return stop;
}

/* Page-table lock held.  @table is the entry of @addr; @end is in the same page table. */
static int kn_table_visit(struct kn_walk *w, pte_t *table, unsigned long addr, unsigned long end)
{
	struct kn_run run = {
		.addr = ALIGN_DOWN(addr, KN_RUN_BYTES),
		.begin = (addr >> PAGE_SHIFT) % KN_RUN_ENTRIES,
	};

	run.entry = (unsigned long *)table - run.begin;
	for (; run.addr < end; run.addr += KN_RUN_BYTES) {
		unsigned long next = min(end, run.addr + KN_RUN_BYTES), asked;
		int stop;

		run.end = (next - run.addr) >> PAGE_SHIFT;
		asked = w->run(w, &run);
		stop = kn_run_pages(w, &run, asked);
		if (stop)
			next = w->cursor;
		if (kn_entries_done(w, ((next - run.addr) >> PAGE_SHIFT) - run.begin, next, asked,
				    stop))
			return 1;
		run.begin = 0;
		run.entry += KN_RUN_ENTRIES;
	}
	return 0;
}

/*
 * Locks the page table that @pmd points to, as the kernel does it where it cannot count on
 * the mmap lock: under RCU the table stays, and once locked it is looked at whether it is
 * still that one (a CPU may have set its accessed bit).  Nothing is walked if it is none (any
 * more).
 */
static int kn_table_walk(struct kn_walk *w, pmd_t *pmd, unsigned long addr, unsigned long end)
{
	int stop = 0;
	pmd_t table;

	rcu_read_lock();
	table = READ_ONCE(*pmd);
	if (pmd_present(table) && !pmd_leaf(table) && !pmd_bad(table)) {
		spinlock_t *lock = pte_lockptr(w->mm, &table);

		spin_lock(lock);
		if (!((pmd_val(table) ^ pmd_val(READ_ONCE(*pmd))) & ~_PAGE_ACCESSED))
			stop = kn_table_visit(w, pte_offset_kernel(&table, addr), addr, end);
		spin_unlock(lock);
	}
	rcu_read_unlock();
	return stop;
}

/*
 * Whether another MMU has used a huge page, which it then forgets.  May take a spinlock of KVM's,
 * and does not sleep.
 */
static bool kn_used_elsewhere(struct kn_walk *w, unsigned long start, unsigned long end)
{
	struct mm_struct *mm = w->mm;

	if (!mm_has_notifiers(mm) || !kn_capable(KN_CAP_YOUNG))
		return false;
	w->asked += KN_ASK_ENTRIES;
	if (KN_HAS(__mmu_notifier_clear_young))
		return KN_CALL(__mmu_notifier_clear_young)(mm, start, end);
	return KN_CALL(mmu_notifier_clear_young_bool)(mm, start, end);
}

/* No page-table lock held.  A huge page is one entry. */
static int kn_huge_visit(struct kn_walk *w, pmd_t *pmd, unsigned long addr, unsigned long next)
{
	spinlock_t *lock = pmd_lock(w->mm, pmd);
	int stop = 0;

	w->entry = (unsigned long *)pmd;
	if (pmd_present(*pmd) && pmd_trans_huge(*pmd))
		stop = kn_visit(w, KN_CALL(vm_normal_page_pmd)(w->vma, addr, *pmd), addr,
				HPAGE_PMD_NR);
	spin_unlock(lock);
	return kn_entries_done(w, 1, next, true, stop);
}

/*
 * No page-table lock held.  walk_page_range() does not go on to the entries of a page table,
 * for which there is no callback: so it splits no huge page either.
 */
static int kn_pmd_entry(pmd_t *pmd, unsigned long addr, unsigned long next, struct mm_walk *walk)
{
	struct kn_walk *w = walk->private;
	pmd_t entry = READ_ONCE(*pmd);

	w->used_elsewhere = false;
	if (pmd_present(entry) && !pmd_leaf(entry))
		return kn_table_walk(w, pmd, addr, next);
	if (w->asks_others && pmd_present(entry))
		w->used_elsewhere = kn_used_elsewhere(w, addr, next);
	return kn_huge_visit(w, pmd, addr, next);
}

/*
 * hugetlb: counted, never moved.  Nothing keeps the entry from changing under us, so it
 * may be garbage: only a page that exists is counted.
 */
static int kn_hugetlb_entry(pte_t *pte, unsigned long hmask, unsigned long addr,
			    unsigned long next, struct mm_walk *walk)
{
	struct kn_walk *w = walk->private;
	unsigned int nr_pages = (~hmask + 1) >> PAGE_SHIFT;
	pte_t entry = ptep_get(pte);
	struct page *page;
	int stop = 0;

	page = pte_present(entry) ? pfn_to_online_page(pte_pfn(entry)) : NULL;
	if (page) {
		w->pages += nr_pages;
		w->entry = NULL;
		stop = w->fn(w, page, KN_PAGE_HUGETLB, nr_pages);
	}
	return kn_entries_done(w, 1, next, true, stop);
}

static const struct mm_walk_ops kn_walk_ops = {
	.pmd_entry = kn_pmd_entry,
	.hugetlb_entry = kn_hugetlb_entry,
	KN_WALK_LOCK
};

/*
 * mmap lock held, preemption off.  The walk over hugetlb memory takes a lock of the mapping's, and
 * may sleep for it: there the priority has to do.
 */
static int kn_walk_vma(struct kn_walk *w, unsigned long start, unsigned long end)
{
	int nice, stop;

	if (!is_vm_hugetlb_page(w->vma))
		return KN_CALL(walk_page_range)(w->mm, start, end, &kn_walk_ops, w);
	preempt_enable();
	nice = kn_boost_begin();
	stop = KN_CALL(walk_page_range)(w->mm, start, end, &kn_walk_ops, w);
	kn_boost_end(nice);
	preempt_disable();
	return stop;
}

/* mmap lock held, preemption off.  Walks until the slice is over or the end is reached. */
static enum kn_walk_result kn_walk_locked(struct kn_walk *w)
{
	struct vm_area_struct *vma;

	while ((vma = find_vma(w->mm, w->cursor))) {
		unsigned long start = max(w->cursor, vma->vm_start);
		unsigned long end = min(w->end, vma->vm_end);

		if (start >= end)
			break;
		if (kn_vma_counts(vma)) {
			end = min(end, ALIGN_DOWN(start, KN_STRETCH_BYTES) + KN_STRETCH_BYTES);
			w->vma = vma;
			w->vma_kind = kn_vma_kind(vma);
			w->shmem = kn_vma_is_shmem(vma);
			w->own = !(vma->vm_flags & VM_MAYSHARE) && !kn_mm_has_pinned(w->mm);
			w->key = kn_share_key(vma);
			w->together = w->proc ? kn_share_together(w->proc, w->key) : 0;
			if (kn_walk_vma(w, start, end))
				return KN_WALK_MORE;
		}
		w->cursor = end;
		if (kn_walk_is_over(w))
			return KN_WALK_MORE;
	}
	return KN_WALK_END;
}

/**
 * kn_walk_slice - walk a piece of an address space
 * @walk: where, how much, and whom to call
 *
 * Holds the mmap lock for less than 100 us, less when somebody waits for it, and not at all when
 * it is not free at once.  An exiting process's memory waits for it, too: the address space is let
 * go of before the CPU can be lost.
 */
enum kn_walk_result kn_walk_slice(struct kn_walk *walk)
{
	enum kn_walk_result result;
	u64 start, held;

	walk->pages = 0;
	walk->entries = 0;
	walk->asked = 0;
	walk->unclocked = 0;
	preempt_disable();
	if (!mmget_not_zero(walk->mm)) {
		preempt_enable();
		return KN_WALK_GONE;
	}
	if (!mmap_read_trylock(walk->mm)) {
		KN_CALL(mmput_async)(walk->mm);
		preempt_enable();
		kn_stat_inc(scan_lock_busy);
		return KN_WALK_BUSY;
	}
	start = local_clock();
	walk->deadline_ns = start + KN_SLICE_NS;
	result = kn_walk_locked(walk);
	mmap_read_unlock(walk->mm);
	held = local_clock() - start;
	KN_CALL(mmput_async)(walk->mm);
	preempt_enable();

	kn_stat_inc(scan_slices);
	kn_stat_add(scan_entries, walk->entries);
	kn_stat_max(KN_STAT_mmap_lock_hold_ns_max, held);
	return result;
}
