/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A bit for each page of a process, by its address.
 */
#ifndef KNUMAD_ENGINE_HOT_H
#define KNUMAD_ENGINE_HOT_H

#include <linux/bitops.h>
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>

/* Pages of a block have bits side by side: a huge page's worth, one cache line. */
#define KN_BLOCK_PAGES_SHIFT	9
#define KN_BLOCK_PAGES		BIT(KN_BLOCK_PAGES_SHIFT)

/*
 * Some blocks share their bits, few as long as the process's memory is in one piece or
 * some: there are at least twice as many bits as it has resident pages.  A wrong bit changes
 * the order in which pages move; where bits are only added until all are cleared, a page can
 * but count as accessed once more than it was.
 */
struct kn_page_bits {
	struct rcu_head rcu;
	unsigned int order;	/* of the number of blocks */
	unsigned long bits[];
};

static inline unsigned long kn_page_bit(const struct kn_page_bits *map, unsigned long addr)
{
	unsigned long page = addr >> PAGE_SHIFT;
	unsigned long block = hash_long(page >> KN_BLOCK_PAGES_SHIFT, map->order);

	return (block << KN_BLOCK_PAGES_SHIFT) + page % KN_BLOCK_PAGES;
}

static inline bool kn_page_bits_test(const struct kn_page_bits *map, unsigned long addr)
{
	return test_bit(kn_page_bit(map, addr), map->bits);
}

/* Only one thread at a time writes a map. */
static inline void kn_page_bits_assign(struct kn_page_bits *map, unsigned long addr, bool value)
{
	__assign_bit(kn_page_bit(map, addr), map->bits, value);
}

static inline void kn_page_bits_add(struct kn_page_bits *map, unsigned long addr)
{
	__set_bit(kn_page_bit(map, addr), map->bits);
}

/* The bits of as many pages as a word has, from @addr on, which is a multiple of their size. */
static inline unsigned long kn_page_bits_word(const struct kn_page_bits *map, unsigned long addr)
{
	return READ_ONCE(map->bits[BIT_WORD(kn_page_bit(map, addr))]);
}

/* Those of @which get the value they have in @value. */
static inline void kn_page_bits_assign_word(struct kn_page_bits *map, unsigned long addr,
					    unsigned long which, unsigned long value)
{
	unsigned long *word = &map->bits[BIT_WORD(kn_page_bit(map, addr))];

	WRITE_ONCE(*word, (*word & ~which) | (value & which));
}

/* Those that are set in @value are set. */
static inline void kn_page_bits_add_word(struct kn_page_bits *map, unsigned long addr,
					 unsigned long value)
{
	unsigned long *word = &map->bits[BIT_WORD(kn_page_bit(map, addr))];

	WRITE_ONCE(*word, *word | value);
}

struct kn_proc;

struct kn_page_bits *kn_page_bits_alloc(unsigned long pages);
void kn_page_bits_clear(struct kn_page_bits *map);
bool kn_page_bits_fit(const struct kn_page_bits *map, unsigned long pages);

bool kn_hot_test(const struct kn_proc *proc, unsigned long addr);
unsigned long kn_hot_word(const struct kn_proc *proc, unsigned long addr);
bool kn_hot_worth(const struct kn_proc *proc, u64 sources);

#endif /* KNUMAD_ENGINE_HOT_H */
