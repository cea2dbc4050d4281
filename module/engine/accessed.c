// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which pages of a process are in use.
 *
 * A page counts as accessed if its accessed bit has been set since a scan cleared it.  The
 * kernel's reclaim wants to know of the same bit.  Where the kernel has a flag for that, it
 * is set, and a pass looks and clears at once.  Where it has none, passes take turns: one
 * clears the bits and notes which were set, the next, one scan period later, looks and sets
 * those again; so reclaim misses a bit for no longer than that and a pass together, and then only
 * of a page that was not accessed meanwhile.  No TLB is flushed for it.  As many passes only
 * count then; and so does one that comes before its time, as what was accessed in so short a
 * time says little.
 *
 * Context: under scan.lock, called by scan.c; for pages under their page-table lock as well.
 */
#include <linux/bitops.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "../compat/young.h"
#include "accessed.h"
#include "config.h"
#include "hot.h"
#include "stats.h"

/*
 * Looking takes one pass, or two where the bits have to be put back.  After the first looks
 * as many passes only count, which costs half as much.
 */
#define KN_REST_PASSES		(KN_KERNEL_HAS_YOUNG ? 1 : 2)

/* A map of the right size, the old one if it is.  NULL without memory. */
static struct kn_page_bits *kn_accessed_map(struct kn_page_bits *old, unsigned long pages)
{
	return kn_page_bits_fit(old, pages) ? old : kn_page_bits_alloc(pages);
}

/* Makes room for what a pass will find; true if there is. */
static bool kn_accessed_prepare(struct kn_proc *proc)
{
	struct kn_accessed *a = &proc->scan.accessed;
	struct kn_page_bits *old = rcu_dereference_protected(proc->hot, true), *new;
	unsigned long pages = get_mm_rss(proc->mm);

	new = kn_accessed_map(old, pages);
	if (new && new != old) {
		rcu_assign_pointer(proc->hot, new);
		if (old)
			kvfree_rcu(old, rcu);
	}
	if (KN_KERNEL_HAS_YOUNG || !new)
		return new;
	old = a->owed;
	new = kn_accessed_map(old, pages);
	if (new && new != old) {
		a->owed = new;
		kvfree(old);
	} else if (new) {
		kn_page_bits_clear(new);
	}
	return new;
}

/**
 * kn_accessed_begin - a pass begins: decide what it does beside counting
 * @proc: the process
 * @hurries: somebody waits for what is in use
 *
 * Bits that are owed come first, whatever the mode is now.
 */
void kn_accessed_begin(struct kn_proc *proc, bool hurries)
{
	struct kn_accessed *a = &proc->scan.accessed;

	a->takes = false;
	a->looks = a->owes;
	if (hurries)
		a->rests = 0;
	if (a->rests) {
		a->rests--;
		return;
	}
	if (a->owes || READ_ONCE(a->ended) || !kn_mode_acts(kn_mode()) ||
	    !kn_accessed_prepare(proc))
		return;
	a->takes = true;
	a->looks = KN_KERNEL_HAS_YOUNG;
	a->cleared |= !KN_KERNEL_HAS_YOUNG;
	WRITE_ONCE(a->owes, !KN_KERNEL_HAS_YOUNG);
}

/**
 * kn_accessed_skip - a pass begins that only counts
 * @proc: the process
 *
 * What is owed stays owed.
 */
void kn_accessed_skip(struct kn_proc *proc)
{
	struct kn_accessed *a = &proc->scan.accessed;

	a->takes = false;
	a->looks = false;
}

/**
 * kn_accessed_end - a pass has reached the end: if it looked, the next ones may go by it
 * @proc: the process, its counts complete
 *
 * What the first look finds where the kernel has the young flag is anything that was ever
 * accessed.
 */
void kn_accessed_end(struct kn_proc *proc)
{
	struct kn_accessed *a = &proc->scan.accessed;
	int nid;

	if (!a->looks)
		return;
	kn_stat_inc(scan_looks);
	for (nid = 0; nid < nr_node_ids; nid++)
		atomic_long_set(&proc->pages[nid].active, proc->scan.count[nid].active);
	WRITE_ONCE(a->owes, false);
	if (a->cleared)
		WRITE_ONCE(proc->hot_looks, proc->hot_looks + 1 ?: 1);
	if (proc->hot_looks > 1)
		a->rests = KN_REST_PASSES;
	a->cleared = a->takes;
}

/**
 * kn_accessed_page - clear or look at a page's accessed bit, or put it back, as the pass does
 * @walk: at the page
 * @a: the process's
 * @hot: the map of what was accessed; may be NULL
 * @page: the page
 *
 * Page-table lock held.  Return: whether it was accessed.
 */
bool kn_accessed_page(const struct kn_walk *walk, const struct kn_accessed *a,
		      struct kn_page_bits *hot, struct page *page)
{
	bool cleared, young;

	if (!walk->entry || !kn_accessed_matters(a))
		return false;
	cleared = a->takes && kn_entry_clear_young(walk->entry);
	young = cleared || walk->used_elsewhere || kn_entry_young(walk->entry);
	if (KN_KERNEL_HAS_YOUNG) {
		if (young)
			kn_folio_was_accessed(page_folio(page));
	} else if (a->takes) {
		if (young)
			kn_page_bits_add(a->owed, walk->addr);
	} else if (walk->used_elsewhere || kn_page_bits_test(a->owed, walk->addr)) {
		kn_entry_set_young(walk->entry);
	}
	if (a->looks && hot)
		kn_page_bits_assign(hot, walk->addr, young);
	return young;
}

/**
 * kn_accessed_part - what kn_accessed_page() does, for part of a run
 * @walk: at the run
 * @a: the process's; kn_accessed_matters()
 * @hot: the map of what was accessed; may be NULL
 * @part: entries, all of them of the process's own pages
 *
 * Page-table lock held.  Return: how many were accessed.
 */
unsigned int kn_accessed_part(const struct kn_walk *walk, const struct kn_accessed *a,
			      struct kn_page_bits *hot, const struct kn_run *part)
{
	unsigned long all = GENMASK(part->end - 1, part->begin), set, owed;
	unsigned int i;

	if (a->takes)
		set = kn_entries_young(part->entry, part->begin, part->end, true);
	else
		set = kn_entries_young(part->entry, part->begin, part->end, false);
	if (KN_KERNEL_HAS_YOUNG) {
		for_each_set_bit(i, &set, KN_RUN_ENTRIES)
			kn_folio_was_accessed(page_folio(kn_entry_page(part->entry[i])));
	} else if (a->takes) {
		kn_page_bits_add_word(a->owed, part->addr, set);
	} else {
		owed = all & kn_page_bits_word(a->owed, part->addr) & ~set;
		kn_entries_set_young(part->entry, owed);
	}
	if (a->looks && hot)
		kn_page_bits_assign_word(hot, part->addr, all, set);
	return hweight_long(set);
}
