// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a walk finds: which mappings have memory that is looked at, and of each page whether it
 * may be moved, or why not.
 *
 * Context: under the mmap lock of a walk's slice, and for pages under a page-table lock.
 */
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/shmem_fs.h>
#include <linux/stat.h>

#include "../compat/folio.h"
#include "../compat/mempolicy.h"
#include "../compat/pinned.h"
#include "kind.h"
#include "pages.h"
#include "share.h"
#include "stats.h"

/**
 * kn_vma_is_shmem - whether a mapping shares memory of tmpfs
 * @vma: the mmap lock is held
 *
 * memfd, System V and POSIX shared memory, shared anonymous memory: all are regular files of
 * tmpfs.  Device files may be on one, too, as /dev is: those of DAX map memory that is none.
 */
bool kn_vma_is_shmem(const struct vm_area_struct *vma)
{
	const struct inode *inode;

	if (!(vma->vm_flags & VM_MAYSHARE) || !vma->vm_file)
		return false;
	inode = file_inode(vma->vm_file);
	return S_ISREG(inode->i_mode) && inode->i_sb->s_magic == TMPFS_MAGIC;
}

/* Whether somebody has set a memory policy on some of a file of tmpfs, or on all its mount. */
static bool kn_shmem_has_policy(const struct vm_area_struct *vma)
{
	return !RB_EMPTY_ROOT(&SHMEM_I(file_inode(vma->vm_file))->policy.root);
}

/**
 * kn_vma_kind - why all pages of a mapping stay, or KN_PAGE_MOVABLE
 * @vma: the mmap lock is held
 */
enum kn_page_kind kn_vma_kind(const struct vm_area_struct *vma)
{
	if (vma->vm_flags & VM_LOCKED)
		return KN_PAGE_MLOCKED;
	if (kn_policy_binds(vma->vm_policy) ||
	    (kn_vma_is_shmem(vma) && kn_shmem_has_policy(vma)))
		return KN_PAGE_POLICY;
	return KN_PAGE_MOVABLE;
}

/**
 * kn_vma_counts - whether a mapping's pages are looked at: not those of files on disk
 * @vma: the mmap lock is held
 */
bool kn_vma_counts(const struct vm_area_struct *vma)
{
	if (is_vm_hugetlb_page((struct vm_area_struct *)vma))
		return true;
	if (!vma->anon_vma && !kn_vma_is_shmem(vma))
		return false;
	return !(vma->vm_flags & (VM_PFNMAP | VM_IO | VM_MIXEDMAP));
}

/**
 * kn_page_kind - the kind of a page
 * @w: the walk, at its entry
 * @page: anonymous, or of tmpfs
 *
 * Page-table lock held.
 */
enum kn_page_kind kn_page_kind(const struct kn_walk *w, struct page *page)
{
	struct folio *folio = page_folio(page);

	if (w->vma_kind != KN_PAGE_MOVABLE)
		return w->vma_kind;
	if (folio_test_unevictable(folio))	/* by SHM_LOCK, or by another's mlock() */
		return KN_PAGE_MLOCKED;
	if (folio_test_ksm(folio))
		return KN_PAGE_KSM;
	if (kn_page_is_shared(page) && kn_page_mappers(page) > w->together)
		return KN_PAGE_SHARED;
	if (folio_maybe_dma_pinned(folio))
		return KN_PAGE_PINNED;
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
