/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a walk finds: which mappings have memory that is looked at, and of each page whether it
 * may be moved.
 */
#ifndef KNUMAD_ENGINE_KIND_H
#define KNUMAD_ENGINE_KIND_H

#include <linux/types.h>

struct folio;
struct kn_walk;
struct page;
struct vm_area_struct;

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

bool kn_vma_counts(const struct vm_area_struct *vma);
bool kn_vma_is_shmem(const struct vm_area_struct *vma);
enum kn_page_kind kn_vma_kind(const struct vm_area_struct *vma);

enum kn_page_kind kn_page_kind(const struct kn_walk *w, struct page *page);
enum kn_page_kind kn_folio_kind(const struct kn_walk *w, struct folio *folio, struct page *page);
void kn_count_skip(enum kn_page_kind kind, u64 pages);

#endif /* KNUMAD_ENGINE_KIND_H */
