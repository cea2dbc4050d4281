// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which of a process's pages were lately accessed: what the scan has found, for those who
 * move them.
 *
 * Context: the scan writes under scan.lock; kn_hot_test() and kn_hot_word() are called by
 * any worker under a page-table lock; the rest may sleep.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/slab.h>

#include "hot.h"
#include "registry.h"

/* Blocks of a map, at least and at most, as powers of two: the most are 128 MiB. */
#define KN_MIN_ORDER		1
#define KN_MAX_ORDER		21

/* Fewer hot pages than this part of what could move, or fewer cold ones: no order to it. */
#define KN_HOT_PART		16

/* Cleared without a rest: 1 MiB. */
#define KN_CLEAR_BLOCKS		16384UL

static unsigned int kn_order_for(unsigned long pages)
{
	unsigned long blocks = 2 * pages / KN_BLOCK_PAGES + 1;

	return clamp_t(unsigned int, order_base_2(blocks), KN_MIN_ORDER, KN_MAX_ORDER);
}

/**
 * kn_page_bits_fit - whether a map is neither too small nor far too large
 * @map: may be NULL
 * @pages: that the process has
 */
bool kn_page_bits_fit(const struct kn_page_bits *map, unsigned long pages)
{
	unsigned int want = kn_order_for(pages);

	return map && map->order >= want && map->order <= want + 2;
}

/**
 * kn_page_bits_alloc - a map for a process of so many pages, all bits clear
 * @pages: that the process has
 *
 * Return: the map, for kvfree(); NULL without memory.
 */
struct kn_page_bits *kn_page_bits_alloc(unsigned long pages)
{
	unsigned int order = kn_order_for(pages);
	struct kn_page_bits *map;

	map = kvzalloc(struct_size(map, bits, BITS_TO_LONGS(KN_BLOCK_PAGES << order)),
		       GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
	if (map)
		map->order = order;
	return map;
}

/**
 * kn_page_bits_clear - clear all bits
 * @map: nobody else uses it
 *
 * May sleep.
 */
void kn_page_bits_clear(struct kn_page_bits *map)
{
	unsigned long block, blocks = 1UL << map->order;

	for (block = 0; block < blocks; block += KN_CLEAR_BLOCKS) {
		unsigned long nr = min(blocks - block, KN_CLEAR_BLOCKS);

		memset(map->bits + BITS_TO_LONGS(block * KN_BLOCK_PAGES), 0,
		       nr * KN_BLOCK_PAGES / BITS_PER_BYTE);
		cond_resched();
	}
}

/**
 * kn_hot_test - whether a page was accessed between the last two looks at it
 * @proc: its process
 * @addr: its address
 *
 * Any context.
 */
bool kn_hot_test(const struct kn_proc *proc, unsigned long addr)
{
	const struct kn_page_bits *map;
	bool hot;

	rcu_read_lock();
	map = rcu_dereference(proc->hot);
	hot = map && kn_page_bits_test(map, addr);
	rcu_read_unlock();
	return hot;
}

/**
 * kn_hot_word - the same for as many pages as a word has bits
 * @proc: their process
 * @addr: of the first, a multiple of their size
 *
 * Any context.
 */
unsigned long kn_hot_word(const struct kn_proc *proc, unsigned long addr)
{
	const struct kn_page_bits *map;
	unsigned long word;

	rcu_read_lock();
	map = rcu_dereference(proc->hot);
	word = map ? kn_page_bits_word(map, addr) : 0;
	rcu_read_unlock();
	return word;
}

/**
 * kn_hot_worth - whether it makes a difference which pages go first
 * @proc: the process
 * @sources: nodes that its pages are to leave
 *
 * If nearly all pages there are hot, or nearly none, looking for those that are would be
 * a walk over its memory for nothing.
 */
bool kn_hot_worth(const struct kn_proc *proc, u64 sources)
{
	u64 active = 0, all = 0;
	int nid;

	for (nid = 0; nid < nr_node_ids; nid++) {
		if (!(sources & BIT_ULL(nid)))
			continue;
		active += max(0L, atomic_long_read(&proc->pages[nid].active));
		all += max(0L, atomic_long_read(&proc->pages[nid].movable));
		all += max(0L, atomic_long_read(&proc->pages[nid].fixed));
		all += max(0L, atomic_long_read(&proc->pages[nid].shared));
	}
	return active * KN_HOT_PART >= all && active * KN_HOT_PART <= all * (KN_HOT_PART - 1);
}
