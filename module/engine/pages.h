/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Walking a process's memory in short slices, entry by entry.
 */
#ifndef KNUMAD_ENGINE_PAGES_H
#define KNUMAD_ENGINE_PAGES_H

#include <linux/mm.h>

/* Why a page is left where it is; KN_PAGE_MOVABLE is not. */
enum kn_page_kind {
	KN_PAGE_MOVABLE,
	KN_PAGE_PINNED,
	KN_PAGE_MLOCKED,
	KN_PAGE_SHARED,
	KN_PAGE_KSM,
	KN_PAGE_HUGETLB,
	KN_PAGE_POLICY,
	KN_NR_PAGE_KINDS
};

struct kn_proc;
struct kn_walk;

/*
 * Called for each present page that is anonymous or of tmpfs (a huge page once, with its
 * head page), under the page-table lock: must not sleep.  Nonzero ends the slice after this entry.
 */
typedef int kn_page_fn(struct kn_walk *walk, struct page *page, enum kn_page_kind kind,
		       unsigned int nr_pages);

struct kn_walk {
	struct mm_struct *mm;
	unsigned long cursor;	/* in: where to start; out: where to go on */
	u64 max_cost;		/* the slice ends after about this much, see kn_walk_cost() */
	kn_page_fn *fn;
	void *arg;
	struct kn_proc *proc;	/* in: pages shared with others of its home are movable; or NULL */
	bool asks_others;	/* in: @used_elsewhere is wanted */

	/* the slice under way */
	struct vm_area_struct *vma;
	unsigned long addr;	/* of the entry that @fn is called for */
	unsigned long *entry;	/* it, see compat/young.h; NULL for hugetlb */
	/*
	 * Another MMU, as KVM's, has let somebody access the 2 MiB around @addr since it was
	 * asked before.  It is not asked page by page: each time takes its lock.
	 */
	bool used_elsewhere;
	enum kn_page_kind vma_kind;
	bool shmem;		/* a shared mapping of tmpfs or memfd */
	unsigned long key;	/* see kn_share_key() */
	u32 together;		/* so many page tables may map a page of it */
	u64 pages;
	u32 entries;
	u64 deadline_ns;
};

enum kn_walk_result {
	KN_WALK_MORE,		/* go on from the cursor */
	KN_WALK_END,		/* the end of the address space was reached */
	KN_WALK_BUSY,		/* the mmap lock was not free: nothing done */
	KN_WALK_GONE,		/* the process has exited */
};

/* What a slice counts for in a budget: pages, or empty entries where those are more. */
static inline u64 kn_walk_cost(const struct kn_walk *walk)
{
	return max_t(u64, walk->pages, walk->entries);
}

struct folio;

enum kn_page_kind kn_folio_kind(const struct kn_walk *w, struct folio *folio, struct page *page);
enum kn_walk_result kn_walk_slice(struct kn_walk *walk);
void kn_count_skip(enum kn_page_kind kind, u64 pages);

#endif /* KNUMAD_ENGINE_PAGES_H */
