/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One concept: handing pages to migrate_pages() with allocation callbacks of ours, and
 * taking pages off their LRU list before.  What changed, and when, is in protos.h; which
 * form this kernel has, its BTF said at load.
 *
 * Process context, may sleep; kn_isolate_folio() under a page-table lock.
 */
#ifndef KNUMAD_COMPAT_MIGRATE_H
#define KNUMAD_COMPAT_MIGRATE_H

#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/version.h>

#include "../kern/calls.h"
#include "folio.h"

/* Both forms of the two callbacks that migrate_pages() wants. */
struct kn_migrate_callbacks {
	new_folio_t *alloc_folio;
	free_folio_t *unalloc_folio;
	new_page_t *alloc_page;
	free_page_t *unalloc_page;
};

/*
 * Defines @name, a struct kn_migrate_callbacks over functions on folios:
 * @alloc(old, private) returns a folio or NULL, @unalloc(new, private) drops it.
 */
#define KN_DEFINE_MIGRATE_CALLBACKS(name, alloc, unalloc)			\
static struct page *name##_alloc_page(struct page *page, unsigned long private)	\
{										\
	struct folio *new = alloc(page_folio(page), private);			\
										\
	return new ? folio_page(new, 0) : NULL;					\
}										\
										\
static void name##_unalloc_page(struct page *page, unsigned long private)	\
{										\
	unalloc(page_folio(page), private);					\
}										\
										\
static const struct kn_migrate_callbacks name = {				\
	.alloc_folio = alloc,							\
	.unalloc_folio = unalloc,						\
	.alloc_page = name##_alloc_page,					\
	.unalloc_page = name##_unalloc_page,					\
}

/*
 * MIGRATE_SYNC_LIGHT does not wait for writeback: such a page's turn comes again.
 *
 * MR_NUMA_MISPLACED is the one reason for which a huge page that finds no room is left
 * whole instead of being split.
 */
static inline void kn_migrate_pages(struct list_head *pages, const struct kn_migrate_callbacks *c,
				    unsigned long private)
{
	if (KN_HAS(migrate_pages))
		KN_CALL(migrate_pages)(pages, c->alloc_folio, c->unalloc_folio, private,
				       MIGRATE_SYNC_LIGHT, MR_NUMA_MISPLACED, NULL);
	else if (KN_HAS(migrate_pages_int))
		KN_CALL(migrate_pages_int)(pages, c->alloc_folio, c->unalloc_folio, private,
					   MIGRATE_SYNC_LIGHT, MR_NUMA_MISPLACED, NULL);
	else if (KN_HAS(migrate_pages_page))
		KN_CALL(migrate_pages_page)(pages, c->alloc_page, c->unalloc_page, private,
					    MIGRATE_SYNC_LIGHT, MR_NUMA_MISPLACED, NULL);
	else
		KN_CALL(migrate_pages_uncounted)(pages, c->alloc_page, c->unalloc_page, private,
						 MIGRATE_SYNC_LIGHT, MR_NUMA_MISPLACED);
}

/*
 * Whether all that was not migrated is still on the list.  Pages that failed for good
 * were put back at once until "mm: migrate: simplify the logic for handling permanent
 * failure" (v5.11).
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 11, 0)
#define KN_MIGRATE_KEEPS_FAILED	true
#else
#define KN_MIGRATE_KEEPS_FAILED	false
#endif

static inline bool kn_isolate_folio(struct folio *folio)
{
	if (KN_HAS(folio_isolate_lru))
		return KN_CALL(folio_isolate_lru)(folio);
	if (KN_HAS(folio_isolate_lru_int))
		return !KN_CALL(folio_isolate_lru_int)(folio);
	return !KN_CALL(isolate_lru_page)(folio_page(folio, 0));
}

#endif /* KNUMAD_COMPAT_MIGRATE_H */
