/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One concept: a folio, and whether more than one process maps it.
 *
 * struct folio came in "mm: Introduce struct folio" (v5.16); before it a folio is here
 * what it was there at first: the head page under another type.  __alloc_pages() took over from
 * __alloc_pages_nodemask() in "mm/page_alloc: combine __alloc_pages and __alloc_pages_nodemask"
 * (v5.13); folio_maybe_dma_pinned() came with v5.18.  page_mapcount() left the
 * headers in "fs/proc: move page_mapcount() to fs/proc/internal.h" (v6.11), and mappings
 * of a large folio's single pages need not be counted any more since "mm:
 * CONFIG_NO_PAGE_MAPCOUNT to prepare for not maintain per-page mapcounts in large
 * folios" (v6.15); folio_maybe_mapped_shared() came with "mm/rmap: basic MM owner
 * tracking for large folios (!hugetlb)" (v6.15).
 *
 * Any context in which the page cannot go away.
 */
#ifndef KNUMAD_COMPAT_FOLIO_H
#define KNUMAD_COMPAT_FOLIO_H

#include <linux/gfp.h>
#include <linux/huge_mm.h>
#include <linux/ksm.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/version.h>
#include <linux/vmstat.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 16, 0)

struct folio {
	union {
		struct {
			unsigned long flags;
			struct list_head lru;
			struct address_space *mapping;
		};
		struct page page;
	};
};

static_assert(offsetof(struct folio, lru) == offsetof(struct page, lru));
static_assert(offsetof(struct folio, mapping) == offsetof(struct page, mapping));

static inline struct folio *page_folio(struct page *page)
{
	return (struct folio *)compound_head(page);
}

static inline struct page *folio_page(struct folio *folio, unsigned long n)
{
	return &folio->page + n;
}

static inline unsigned int folio_order(struct folio *folio)
{
	return compound_order(&folio->page);
}

static inline long folio_nr_pages(struct folio *folio)
{
	return compound_nr(&folio->page);
}

static inline unsigned long folio_pfn(struct folio *folio)
{
	return page_to_pfn(&folio->page);
}

static inline int folio_nid(struct folio *folio)
{
	return page_to_nid(&folio->page);
}

static inline bool folio_test_lru(struct folio *folio)
{
	return PageLRU(&folio->page);
}

static inline bool folio_test_ksm(struct folio *folio)
{
	return PageKsm(&folio->page);
}

#define KN_FOLIO_TEST(name, test)				\
static inline bool folio_test_##name(struct folio *folio)	\
{								\
	return test(&folio->page);				\
}

KN_FOLIO_TEST(active, PageActive)
KN_FOLIO_TEST(dirty, PageDirty)
KN_FOLIO_TEST(locked, PageLocked)
KN_FOLIO_TEST(swapbacked, PageSwapBacked)
KN_FOLIO_TEST(unevictable, PageUnevictable)
KN_FOLIO_TEST(workingset, PageWorkingset)
KN_FOLIO_TEST(writeback, PageWriteback)

static inline int folio_is_file_lru(struct folio *folio)
{
	return page_is_file_lru(&folio->page);
}

static inline void folio_get(struct folio *folio)
{
	get_page(&folio->page);
}

static inline bool folio_try_get(struct folio *folio)
{
	return get_page_unless_zero(&folio->page);
}

static inline void folio_put(struct folio *folio)
{
	put_page(&folio->page);
}

static inline void node_stat_mod_folio(struct folio *folio, enum node_stat_item item, long nr)
{
	mod_node_page_state(page_pgdat(&folio->page), item, nr);
}

static inline struct folio *__folio_alloc(gfp_t gfp, unsigned int order, int nid,
					  nodemask_t *allowed)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 13, 0)
	struct page *page = __alloc_pages(gfp | __GFP_COMP, order, nid, allowed);
#else
	struct page *page = __alloc_pages_nodemask(gfp | __GFP_COMP, order, nid, allowed);
#endif

	/* What prep_transhuge_page() does, which no module can call. */
	if (page && order > 1) {
		INIT_LIST_HEAD(page_deferred_list(page));
		set_compound_page_dtor(page, TRANSHUGE_PAGE_DTOR);
	}
	return (struct folio *)page;
}

#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 18, 0)

static inline bool folio_maybe_dma_pinned(struct folio *folio)
{
	return page_maybe_dma_pinned(&folio->page);
}

#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)

static inline bool kn_page_is_shared(struct page *page)
{
	return folio_maybe_mapped_shared(page_folio(page));
}

static inline bool kn_folio_is_shared(struct folio *folio)
{
	return folio_maybe_mapped_shared(folio);
}

/* How many page-table entries map @page; UINT_MAX where this kernel does not count it. */
static inline unsigned int kn_page_mappers(struct page *page)
{
	struct folio *folio = page_folio(page);

	if (!folio_test_large(folio))
		return folio_mapcount(folio);
	return IS_ENABLED(CONFIG_PAGE_MAPCOUNT) ?
	       folio_entire_mapcount(folio) + atomic_read(&page->_mapcount) + 1 : UINT_MAX;
}

#else

/* How many page-table entries map @page, alone or as part of a huge page. */
static inline unsigned int kn_page_mappers(struct page *page)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
	struct folio *folio = page_folio(page);
	int mappings = atomic_read(&page->_mapcount) + 1;

	return mappings + (folio_test_large(folio) ? folio_entire_mapcount(folio) : 0);
#else
	return page_mapcount(page);
#endif
}

/* Whether more than one process maps @page. */
static inline bool kn_page_is_shared(struct page *page)
{
	return kn_page_mappers(page) > 1;
}

/* The same for any part of a folio that is mapped entry by entry. */
static inline bool kn_folio_is_shared(struct folio *folio)
{
	long i;

	for (i = 0; i < folio_nr_pages(folio); i++)
		if (kn_page_is_shared(folio_page(folio, i)))
			return true;
	return false;
}

#endif

/* The most entries that map one page of @folio. */
static inline unsigned int kn_folio_mappers(struct folio *folio)
{
	unsigned int most = 0;
	long i;

	for (i = 0; i < folio_nr_pages(folio); i++)
		most = max(most, kn_page_mappers(folio_page(folio, i)));
	return most;
}

static inline bool kn_folio_is_anon(struct folio *folio)
{
	return PageAnon(folio_page(folio, 0));
}

/* Whether any page table maps part of it. */
static inline bool kn_folio_is_mapped(struct folio *folio)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
	return folio_mapped(folio);
#else
	return kn_folio_mappers(folio) > 0;
#endif
}

#endif /* KNUMAD_COMPAT_FOLIO_H */
