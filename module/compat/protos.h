/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Prototypes of private kernel functions that changed between kernels, as rows of the
 * table in kern/calls.h.  Which row is right is not decided here, nor by any version:
 * each is compared with the running kernel's BTF, and the one that fits is used.
 *
 * Only the types that a kernel's headers lack are made up for by version.  Types only:
 * included by kern/calls.h.
 */
#ifndef KNUMAD_COMPAT_PROTOS_H
#define KNUMAD_COMPAT_PROTOS_H

#include <linux/migrate.h>
#include <linux/version.h>

struct folio;

/*
 * Taking a page off its LRU list.  folio_isolate_lru() came in "mm: Turn
 * isolate_lru_page() into folio_isolate_lru()" (v5.18) and returns true for success
 * since "mm: change to return bool for folio_isolate_lru()" (v6.3); isolate_lru_page()
 * is what there was before.
 */
#define KN_ISOLATE(X, OR) \
	X(folio_isolate_lru, bool, (struct folio *), MIGRATE) \
	OR(folio_isolate_lru_int, folio_isolate_lru, int, (struct folio *), MIGRATE) \
	OR(isolate_lru_page, isolate_lru_page, int, (struct page *), MIGRATE)

/*
 * Migrating a list of pages.  "mm/migrate: enable returning precise migrate_pages()
 * success count" added the last parameter (v5.15); the callbacks took struct page until
 * "mm: convert migrate_pages() to work on folios" (v6.5); the reason's type became its
 * enum in v7.3.
 */
#define KN_MIGRATE_PAGES(X, OR) \
	X(migrate_pages, int, (struct list_head *, new_folio_t *, free_folio_t *, \
		unsigned long, enum migrate_mode, enum migrate_reason, unsigned int *), MIGRATE) \
	OR(migrate_pages_int, migrate_pages, int, (struct list_head *, new_folio_t *, \
		free_folio_t *, unsigned long, enum migrate_mode, int, unsigned int *), MIGRATE) \
	OR(migrate_pages_page, migrate_pages, int, (struct list_head *, new_page_t *, \
		free_page_t *, unsigned long, enum migrate_mode, int, unsigned int *), MIGRATE) \
	OR(migrate_pages_uncounted, migrate_pages, int, (struct list_head *, new_page_t *, \
		free_page_t *, unsigned long, enum migrate_mode, int), MIGRATE)

/*
 * Asking secondary MMUs for accesses, which they forget then.  It returned an int until
 * 7.x kernels, and a bool in v7.3.
 */
#define KN_CLEAR_YOUNG(X, OR) \
	X(__mmu_notifier_clear_young, int, \
		(struct mm_struct *, unsigned long, unsigned long), YOUNG) \
	OR(mmu_notifier_clear_young_bool, __mmu_notifier_clear_young, bool, \
		(struct mm_struct *, unsigned long, unsigned long), YOUNG)

/*
 * Finding the patched call in a function.  Kernels without IBT need no help, and their
 * BTF need not have it: see compat/ftrace.h.
 */
#ifdef CONFIG_X86_KERNEL_IBT
#define KN_LOCATE(X) \
	X(ftrace_location, unsigned long, (unsigned long), BIAS)
#else
#define KN_LOCATE(X)
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
typedef struct page *new_page_t(struct page *page, unsigned long private);
typedef void free_page_t(struct page *page, unsigned long private);
#else
typedef struct folio *new_folio_t(struct folio *folio, unsigned long private);
typedef void free_folio_t(struct folio *folio, unsigned long private);
#endif

#endif /* KNUMAD_COMPAT_PROTOS_H */
