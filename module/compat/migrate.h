/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One concept: handing pages to migrate_pages() with an allocation callback of ours.
 *
 * The callback took struct page until "mm/migrate: convert migrate_pages() to use
 * folios" (v6.3 changed it to struct folio).
 */
#ifndef KNUMAD_COMPAT_MIGRATE_H
#define KNUMAD_COMPAT_MIGRATE_H

#include <linux/migrate.h>
#include <linux/mm.h>

/*
 * Defines @name_alloc_cb and @name_unalloc_cb as the kernel wants them, over functions
 * on folios: @alloc(old, private) returns a folio or NULL, @unalloc(new, private) drops it.
 */
#define KN_DEFINE_MIGRATE_CALLBACKS(name, alloc, unalloc)			\
static struct page *name##_alloc_cb(struct page *page, unsigned long private)	\
{										\
	struct folio *new = alloc(page_folio(page), private);			\
										\
	return new ? &new->page : NULL;						\
}										\
										\
static void name##_unalloc_cb(struct page *page, unsigned long private)		\
{										\
	unalloc(page_folio(page), private);					\
}

/*
 * MIGRATE_SYNC_LIGHT does not wait for writeback: such a page's turn comes again.
 *
 * MR_NUMA_MISPLACED is the one reason for which a huge page that finds no room is left
 * whole instead of being split.
 */
static inline int kn_migrate_pages(struct list_head *pages, new_page_t *alloc,
				   free_page_t *unalloc, unsigned long private)
{
	return KN_CALL(migrate_pages)(pages, alloc, unalloc, private, MIGRATE_SYNC_LIGHT,
				      MR_NUMA_MISPLACED, NULL);
}

static inline bool kn_isolate_folio(struct folio *folio)
{
	return !KN_CALL(folio_isolate_lru)(folio);
}

#endif /* KNUMAD_COMPAT_MIGRATE_H */
