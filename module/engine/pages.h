/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Walking a process's memory in short slices: page tables in runs of entries, and of the
 * entries that somebody wants to know more about, page by page.
 */
#ifndef KNUMAD_ENGINE_PAGES_H
#define KNUMAD_ENGINE_PAGES_H

#include <linux/mm.h>

#include "kind.h"

struct kn_proc;
struct kn_walk;

/*
 * Called for each present page that is anonymous or of tmpfs (a huge page once, with its
 * head page), under the page-table lock: must not sleep.  Nonzero ends the slice after this entry.
 */
typedef int kn_page_fn(struct kn_walk *walk, struct page *page, enum kn_page_kind kind,
		       unsigned int nr_pages);

/* A run of entries of one page table. */
#define KN_RUN_ENTRIES		BITS_PER_LONG

struct kn_run {
	unsigned long *entry;	/* that of @addr, see compat/young.h */
	unsigned long addr;	/* a multiple of a run's size */
	unsigned int begin;	/* first entry that is meant */
	unsigned int end;	/* and the one after the last */
};

/*
 * Called for each run before its pages, under the page-table lock: must not sleep.  Return:
 * a bit for each entry, of those that are present, whose page is to be looked at.
 */
typedef unsigned long kn_run_fn(struct kn_walk *walk, const struct kn_run *run);

struct kn_walk {
	struct mm_struct *mm;
	unsigned long cursor;	/* in: where to start; out: where to go on */
	unsigned long end;	/* in: where to end; ULONG_MAX for where the address space does */
	u64 max_cost;		/* the slice ends after about this much, see kn_walk_cost() */
	kn_run_fn *run;
	kn_page_fn *fn;
	void *arg;
	struct kn_proc *proc;	/* in: pages shared with others of its home are movable; or NULL */
	bool asks_others;	/* in: @used_elsewhere is wanted */

	/* the slice under way */
	struct vm_area_struct *vma;
	unsigned long addr;	/* of the entry that @fn is called for */
	unsigned long *entry;	/* it, see compat/young.h; NULL for hugetlb */
	/*
	 * Another MMU, as KVM's, has let somebody access the huge page at @addr since it was
	 * asked before.  About others it is not asked: each time takes its lock, and an answer
	 * for many at once would tell the kernel's reclaim that all of them are in use.
	 */
	bool used_elsewhere;
	enum kn_page_kind vma_kind;
	bool shmem;		/* a shared mapping of tmpfs or memfd */
	/*
	 * What this mapping's writable entries map is anonymous, not shared and not pinned: the
	 * kernel lets only the one who has a page of a private mapping alone write to it.
	 */
	bool own;
	unsigned long key;	/* see kn_share_key() */
	u32 together;		/* so many page tables may map a page of it */
	u64 pages;
	u32 entries;
	u32 asked;		/* what asking another MMU counts for */
	u32 unclocked;		/* work since it looked at the clock, in entries; @run may add */
	u64 deadline_ns;
};

enum kn_walk_result {
	KN_WALK_MORE,		/* go on from the cursor */
	KN_WALK_END,		/* the end was reached */
	KN_WALK_BUSY,		/* the mmap lock was not free: nothing done */
	KN_WALK_GONE,		/* the process has exited */
};

/*
 * What a slice counts for in a budget: entries, empty ones as well.  A huge page is one; but where
 * another MMU is asked about it that takes longer than looking at it.
 */
#define KN_ASK_ENTRIES		64

static inline u64 kn_walk_cost(const struct kn_walk *walk)
{
	return walk->entries + walk->asked;
}

/* Present to the kernel: what is protected against any access, or awaits a hint fault, too. */
static inline bool kn_entry_present(unsigned long entry)
{
	return entry & (_PAGE_PRESENT | _PAGE_PROTNONE);
}

/* For kn_run_fn: all of them. */
static inline unsigned long kn_run_present(const struct kn_run *run)
{
	unsigned long present = 0;
	unsigned int i;

	for (i = run->begin; i < run->end; i++)
		if (kn_entry_present(READ_ONCE(run->entry[i])))
			present |= BIT(i);
	return present;
}

bool kn_walk_is_over(struct kn_walk *w);
enum kn_walk_result kn_walk_slice(struct kn_walk *walk);

#endif /* KNUMAD_ENGINE_PAGES_H */
