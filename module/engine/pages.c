// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walks the memory of a process that is not page cache of files on disk, one short slice of
 * mmap lock at a time, and says of each page whether it may be moved.
 *
 * Context: worker threads, holding nothing.  A slice takes a reference on the address
 * space and its mmap lock for reading; the page callbacks run under page-table locks.
 * The address space's last reference is never dropped here in earnest: mmput_async()
 * leaves tearing it down to a workqueue, so an exiting process is not made to wait for
 * a thread of the lowest priority.
 */
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/magic.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/rwsem.h>
#include <linux/sched/clock.h>
#include <linux/sched/mm.h>
#include <linux/sizes.h>

#include "../compat/folio.h"
#include "../compat/mempolicy.h"
#include "../compat/pagewalk.h"
#include "../kern/calls.h"
#include "../kern/capability.h"
#include "boost.h"
#include "pages.h"
#include "share.h"
#include "stats.h"

/* How long a slice aims to hold the mmap lock, and how often it looks at the clock. */
#define KN_SLICE_NS		(100 * NSEC_PER_USEC)
#define KN_ENTRIES_PER_LOOK	32

/* Page tables can be empty for long stretches without a callback: look in between. */
#define KN_STRETCH_BYTES	SZ_1G

static bool kn_slice_over(struct kn_walk *w)
{
	if (local_clock() >= w->deadline_ns)
		return true;
	if (!rwsem_is_contended(&w->mm->mmap_lock))
		return false;
	kn_stat_inc(scan_lock_contended);
	return true;
}

/* Page-table lock held.  After each entry: nonzero ends the slice at @next. */
static int kn_entry_done(struct kn_walk *w, unsigned long next, int stop)
{
	w->entries++;
	if (!stop && kn_walk_cost(w) < w->max_cost &&
	    (w->entries % KN_ENTRIES_PER_LOOK || !kn_slice_over(w)))
		return 0;
	w->cursor = next;
	return 1;
}

static enum kn_page_kind kn_page_kind(const struct kn_walk *w, struct page *page)
{
	struct folio *folio = page_folio(page);

	if (w->vma_kind != KN_PAGE_MOVABLE)
		return w->vma_kind;
	if (folio_test_ksm(folio))
		return KN_PAGE_KSM;
	if (kn_page_is_shared(page) && kn_page_mappers(page) > w->together)
		return KN_PAGE_SHARED;
	if (folio_maybe_dma_pinned(folio))
		return KN_PAGE_PINNED;
	return KN_PAGE_MOVABLE;
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

/* PTE lock held by walk_page_range(). */
static int kn_pte_entry(pte_t *pte, unsigned long addr, unsigned long next, struct mm_walk *walk)
{
	struct kn_walk *w = walk->private;
	pte_t entry = ptep_get(pte);
	int stop = 0;

	w->entry = (unsigned long *)pte;
	if (pte_present(entry))
		stop = kn_visit(w, KN_CALL(vm_normal_page)(w->vma, addr, entry), addr, 1);
	return kn_entry_done(w, next, stop);
}

/*
 * Whether another MMU has used part of a page table's range, which it then forgets.  May
 * take a spinlock of KVM's, and does not sleep.
 */
static bool kn_used_elsewhere(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	if (!mm_has_notifiers(mm) || !kn_capable(KN_CAP_YOUNG))
		return false;
	if (KN_HAS(__mmu_notifier_clear_young))
		return KN_CALL(__mmu_notifier_clear_young)(mm, start, end);
	return KN_CALL(mmu_notifier_clear_young_bool)(mm, start, end);
}

/*
 * No page-table lock held on entry.  A huge page is one entry.  Whatever is not a page
 * table (a DAX mapping too) must be answered with ACTION_CONTINUE, or the walk would
 * split it; a page table stays one while the mmap lock is held.
 */
static int kn_pmd_visit(pmd_t *pmd, unsigned long addr, unsigned long next, struct mm_walk *walk)
{
	struct kn_walk *w = walk->private;
	spinlock_t *lock = pmd_lock(walk->mm, pmd);
	int stop = 0;

	w->entry = (unsigned long *)pmd;
	if (pmd_present(*pmd) && !pmd_leaf(*pmd)) {
		spin_unlock(lock);
		return 0;
	}
	walk->action = ACTION_CONTINUE;
	if (pmd_present(*pmd) && pmd_trans_huge(*pmd))
		stop = kn_visit(w, KN_CALL(vm_normal_page_pmd)(w->vma, addr, *pmd), addr,
				HPAGE_PMD_NR);
	spin_unlock(lock);
	return kn_entry_done(w, next, stop);
}

/* No page-table lock held. */
static int kn_pmd_entry(pmd_t *pmd, unsigned long addr, unsigned long next, struct mm_walk *walk)
{
	struct kn_walk *w = walk->private;

	if (w->asks_others)
		w->used_elsewhere = kn_used_elsewhere(walk->mm, addr, next);
	return kn_pmd_visit(pmd, addr, next, walk);
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
	return kn_entry_done(w, next, stop);
}

static const struct mm_walk_ops kn_walk_ops = {
	.pmd_entry = kn_pmd_entry,
	.pte_entry = kn_pte_entry,
	.hugetlb_entry = kn_hugetlb_entry,
	KN_WALK_LOCK
};

/* mmap lock held. */
static enum kn_page_kind kn_vma_kind(const struct vm_area_struct *vma)
{
	if (vma->vm_flags & VM_LOCKED)
		return KN_PAGE_MLOCKED;
	if (kn_policy_binds(vma->vm_policy))
		return KN_PAGE_POLICY;
	return KN_PAGE_MOVABLE;
}

/**
 * kn_folio_kind - the kind of a large folio that a page-table entry belongs to
 * @w: the walk; its callback has been called for the entry
 * @folio: maps @page, at walk->addr
 * @page: the entry's page
 *
 * Page-table lock held.  Return: KN_PAGE_MOVABLE, or the reason for which some part of
 * it stays: another process has it, or it reaches into a mapping whose pages stay.
 */
enum kn_page_kind kn_folio_kind(const struct kn_walk *w, struct folio *folio, struct page *page)
{
	unsigned long start = w->addr - (page_to_pfn(page) - folio_pfn(folio)) * PAGE_SIZE;
	unsigned long end = start + folio_nr_pages(folio) * PAGE_SIZE;
	struct vm_area_struct *vma = w->vma;

	if (kn_folio_is_shared(folio) && kn_folio_mappers(folio) > w->together)
		return KN_PAGE_SHARED;
	if (start >= vma->vm_start && end <= vma->vm_end)
		return KN_PAGE_MOVABLE;
	for (vma = find_vma(w->mm, start); vma && vma->vm_start < end;
	     vma = find_vma(w->mm, vma->vm_end)) {
		enum kn_page_kind kind = kn_vma_kind(vma);

		if (kind != KN_PAGE_MOVABLE)
			return kind;
	}
	return KN_PAGE_MOVABLE;
}

/* memfd, System V and POSIX shared memory, shared anonymous memory: all are files of tmpfs. */
static bool kn_vma_is_shmem(const struct vm_area_struct *vma)
{
	return vma->vm_flags & VM_MAYSHARE && vma->vm_file &&
	       file_inode(vma->vm_file)->i_sb->s_magic == TMPFS_MAGIC;
}

static bool kn_vma_counts(const struct vm_area_struct *vma)
{
	if (is_vm_hugetlb_page((struct vm_area_struct *)vma))
		return true;
	if (!vma->anon_vma && !kn_vma_is_shmem(vma))
		return false;
	return !(vma->vm_flags & (VM_PFNMAP | VM_IO | VM_MIXEDMAP));
}

/* mmap lock held.  Walks until the slice is over or the address space ends. */
static enum kn_walk_result kn_walk_locked(struct kn_walk *w)
{
	struct vm_area_struct *vma;

	while ((vma = find_vma(w->mm, w->cursor))) {
		unsigned long start = max(w->cursor, vma->vm_start);
		unsigned long end = vma->vm_end;

		if (kn_vma_counts(vma)) {
			end = min(end, ALIGN_DOWN(start, KN_STRETCH_BYTES) + KN_STRETCH_BYTES);
			w->vma = vma;
			w->vma_kind = kn_vma_kind(vma);
			w->shmem = kn_vma_is_shmem(vma);
			w->key = kn_share_key(vma);
			w->together = w->proc ? kn_share_together(w->proc, w->key) : 0;
			if (KN_CALL(walk_page_range)(w->mm, start, end, &kn_walk_ops, w))
				return KN_WALK_MORE;
		}
		w->cursor = end;
		if (kn_slice_over(w))
			return KN_WALK_MORE;
	}
	return KN_WALK_END;
}

/**
 * kn_walk_slice - walk a piece of an address space
 * @walk: where, how much, and whom to call
 *
 * Holds the mmap lock for about 100 us at most, less when somebody waits for it, and
 * not at all when it is not free at once.
 */
enum kn_walk_result kn_walk_slice(struct kn_walk *walk)
{
	enum kn_walk_result result;
	u64 start, held;
	int nice;

	walk->pages = 0;
	walk->entries = 0;
	if (!mmget_not_zero(walk->mm))
		return KN_WALK_GONE;
	nice = kn_boost_begin();
	if (!mmap_read_trylock(walk->mm)) {
		kn_boost_end(nice);
		mmput_async(walk->mm);
		kn_stat_inc(scan_lock_busy);
		return KN_WALK_BUSY;
	}
	start = local_clock();
	walk->deadline_ns = start + KN_SLICE_NS;
	result = kn_walk_locked(walk);
	mmap_read_unlock(walk->mm);
	held = local_clock() - start;
	kn_boost_end(nice);
	mmput_async(walk->mm);

	kn_stat_inc(scan_slices);
	kn_stat_add(scan_entries, walk->entries);
	kn_stat_max(KN_STAT_mmap_lock_hold_ns_max, held);
	return result;
}

/**
 * kn_count_skip - count pages that were left where they are
 * @kind: why
 * @pages: how many
 */
void kn_count_skip(enum kn_page_kind kind, u64 pages)
{
	static const enum kn_stat stat[KN_NR_PAGE_KINDS] = {
		[KN_PAGE_PINNED] = KN_STAT_skip_pinned,
		[KN_PAGE_MLOCKED] = KN_STAT_skip_mlocked,
		[KN_PAGE_SHARED] = KN_STAT_skip_shared,
		[KN_PAGE_KSM] = KN_STAT_skip_ksm,
		[KN_PAGE_HUGETLB] = KN_STAT_skip_hugetlb,
		[KN_PAGE_POLICY] = KN_STAT_skip_policy,
	};

	if (kind != KN_PAGE_MOVABLE)
		atomic64_add(pages, &kn_stats[stat[kind]]);
}
