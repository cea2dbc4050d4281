// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which of a process's pages were lately accessed: what the scan has found, for those who
 * move them.
 *
 * Context: the scan writes under scan.lock; kn_hot_test() is called by any worker under a
 * page-table lock; the rest may sleep.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/slab.h>

#include "hot.h"
#include "registry.h"

/* Bits of a map, at least and at most. */
#define KN_HOT_MIN_BITS		BITS_PER_LONG
#define KN_HOT_MAX_BITS		BIT_ULL(30)

/* Fewer hot pages than this part of what could move, or fewer cold ones: no order to it. */
#define KN_HOT_PART		16

static u64 kn_bits_for(unsigned long pages)
{
	return clamp_t(u64, roundup_pow_of_two(pages + 1), KN_HOT_MIN_BITS, KN_HOT_MAX_BITS);
}

/**
 * kn_page_bits_fit - whether a map is neither too small nor far too large
 * @map: may be NULL
 * @pages: that the process has
 */
bool kn_page_bits_fit(const struct kn_page_bits *map, unsigned long pages)
{
	u64 want = kn_bits_for(pages);

	return map && map->mask + 1 >= want && map->mask + 1 <= 4 * want;
}

/**
 * kn_page_bits_alloc - a map for a process of so many pages, all bits clear
 * @pages: that the process has
 *
 * Return: the map, for kvfree(); NULL without memory.
 */
struct kn_page_bits *kn_page_bits_alloc(unsigned long pages)
{
	u64 bits = kn_bits_for(pages);
	struct kn_page_bits *map;

	map = kvzalloc(struct_size(map, bits, bits / BITS_PER_LONG),
		       GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
	if (map)
		map->mask = bits - 1;
	return map;
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
	}
	return active * KN_HOT_PART >= all && active * KN_HOT_PART <= all * (KN_HOT_PART - 1);
}
