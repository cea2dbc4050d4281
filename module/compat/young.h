/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One concept: the accessed bit of a page-table entry, and telling the kernel that it was
 * set.
 *
 * A kernel with the young flag (CONFIG_PAGE_IDLE_FLAG, which DAMON selects) sees in it what
 * somebody else has read out of the bit: reclaim takes either for a reference.  The option
 * was a part of CONFIG_IDLE_PAGE_TRACKING until "mm: idle_page_tracking: make PG_idle
 * reusable" (v5.15), and the flag's accessors took struct page until "mm/idle_page: Convert
 * to use folios" and its kin (v5.16).
 *
 * Under the page-table lock.
 */
#ifndef KNUMAD_COMPAT_YOUNG_H
#define KNUMAD_COMPAT_YOUNG_H

#include <linux/bitops.h>
#include <linux/page_idle.h>
#include <linux/pgtable.h>
#include <linux/version.h>

#include "folio.h"

#if IS_ENABLED(CONFIG_PAGE_IDLE_FLAG) || IS_ENABLED(CONFIG_IDLE_PAGE_TRACKING)
#define KN_KERNEL_HAS_YOUNG	true
#else
#define KN_KERNEL_HAS_YOUNG	false
#endif

static_assert(sizeof(pte_t) == sizeof(unsigned long));
static_assert(sizeof(pmd_t) == sizeof(unsigned long));

/*
 * Clears the bit of a present entry, small or huge.  No TLB is flushed, as the kernel does
 * not for the same: an entry that a CPU still has in its TLB shows its next access late.
 */
static inline bool kn_entry_clear_young(unsigned long *entry)
{
	return READ_ONCE(*entry) & _PAGE_ACCESSED && test_and_clear_bit(_PAGE_BIT_ACCESSED, entry);
}

static inline bool kn_entry_young(const unsigned long *entry)
{
	return READ_ONCE(*entry) & _PAGE_ACCESSED;
}

/* Always allowed: at worst the page counts as accessed once more than it was. */
static inline void kn_entry_set_young(unsigned long *entry)
{
	set_bit(_PAGE_BIT_ACCESSED, entry);
}

/*
 * Puts an entry's bit into @set, at the right end, and clears it in the entry if @clear.  As
 * this is done for every page of a process, it takes two instructions where it only reads:
 * the processor's own bit test, and an addition that doubles and carries.
 */
static __always_inline void kn_entry_push_young(unsigned long *set, unsigned long *entry,
						bool clear)
{
	if (clear)
		asm volatile("btq %2, %1\n\t"
			     "jnc 1f\n\t"
			     LOCK_PREFIX "btrq %2, %1\n"
			     "1:\tadcq %0, %0"
			     : "+r" (*set), "+m" (*entry)
			     : "i" (_PAGE_BIT_ACCESSED) : "cc");
	else
		asm volatile("btq %2, %1\n\t"
			     "adcq %0, %0"
			     : "+r" (*set)
			     : "m" (*entry), "i" (_PAGE_BIT_ACCESSED) : "cc");
}

/* Which of the entries from @entry[@begin] to before @entry[@end] have the bit. */
static __always_inline unsigned long kn_entries_young(unsigned long *entry, unsigned int begin,
						      unsigned int end, bool clear)
{
	unsigned long set = 0;
	unsigned int i;

	for (; begin + 8 <= end; end -= 8) {
		unsigned long *step = entry + end - 8;

#pragma GCC unroll 8
		for (i = 8; i > 0; i--)
			kn_entry_push_young(&set, step + i - 1, clear);
	}
	while (end > begin)
		kn_entry_push_young(&set, entry + --end, clear);
	return set << begin;
}

/* Sets the bit of those from @entry[0] on that are in @which: as often most of them are. */
static inline void kn_entries_set_young(unsigned long *entry, unsigned long which)
{
	unsigned int i;

	for (; which; which >>= 8, entry += 8) {
#pragma GCC unroll 8
		for (i = 0; i < 8; i++)
			if (which & BIT(i))
				kn_entry_set_young(entry + i);
	}
}

/* The page of a present entry of a page table. */
static inline struct page *kn_entry_page(unsigned long entry)
{
	return pte_page(__pte(entry));
}

/* Tells the kernel of an access that its page-table entry does not show any more. */
static inline void kn_folio_was_accessed(struct folio *folio)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 16, 0)
	if (folio_test_idle(folio))
		folio_clear_idle(folio);
	if (!folio_test_young(folio))
		folio_set_young(folio);
#else
	if (page_is_idle(&folio->page))
		clear_page_idle(&folio->page);
	if (!page_is_young(&folio->page))
		set_page_young(&folio->page);
#endif
}

#endif /* KNUMAD_COMPAT_YOUNG_H */
