// SPDX-License-Identifier: GPL-2.0-only
/*
 * The published verdicts: an open-addressed hash table from mm to home nodes.
 *
 * Context: alloc, add and publish are called by the planner thread only and may
 * sleep.  kn_verdict_home() runs under RCU in any context, runqueue lock included.
 * The mm is compared, never followed; engine/ holds a reference on each mm it
 * publishes for as long as it is published, so no other mm can have its address.
 */
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>

#include "verdict.h"

struct kn_verdict {
	const struct mm_struct *mm;
	u64 home;		/* node mask */
};

struct kn_verdicts {
	u32 bits;		/* log2 of the number of slots; at most half are used */
	struct kn_verdict slot[];
};

static struct kn_verdicts __rcu *kn_published;

/**
 * kn_verdicts_alloc - an empty table
 * @nr: how many verdicts it has to take
 *
 * Return: the table, or NULL without memory.
 */
struct kn_verdicts *kn_verdicts_alloc(u32 nr)
{
	u32 bits = order_base_2(2 * nr + 2);
	struct kn_verdicts *table;

	table = kvzalloc(struct_size(table, slot, 1UL << bits), GFP_KERNEL);
	if (table)
		table->bits = bits;
	return table;
}

/**
 * kn_verdicts_add - put one verdict into a table not yet published
 * @table: has room for it, see kn_verdicts_alloc()
 * @mm: whose threads
 * @home: nodes they belong on, not empty
 */
void kn_verdicts_add(struct kn_verdicts *table, const struct mm_struct *mm, u64 home)
{
	u32 mask = (1U << table->bits) - 1;
	u32 i = hash_ptr(mm, table->bits);

	while (table->slot[i].mm)
		i = (i + 1) & mask;
	table->slot[i] = (struct kn_verdict) { mm, home };
}

/**
 * kn_verdicts_publish - make a table the one the hooks read
 * @table: from kn_verdicts_alloc(), or NULL for none; owned by this file from now on
 *
 * Returns when no hook reads the previous table any more.
 */
void kn_verdicts_publish(struct kn_verdicts *table)
{
	struct kn_verdicts *old = rcu_replace_pointer(kn_published, table, true);

	if (!old)
		return;
	synchronize_rcu();
	kvfree(old);
}

/**
 * kn_verdict_home - the nodes an mm's threads belong on
 * @mm: may be NULL (kernel threads)
 *
 * Caller is in an RCU read-side section (interrupts off will do).
 * Return: a node mask, 0 for no verdict.
 */
u64 notrace kn_verdict_home(const struct mm_struct *mm)
{
	const struct kn_verdicts *table = rcu_dereference_sched(kn_published);
	u32 mask, i;

	if (!table || !mm)
		return 0;
	mask = (1U << table->bits) - 1;
	for (i = hash_ptr(mm, table->bits); table->slot[i].mm; i = (i + 1) & mask)
		if (table->slot[i].mm == mm)
			return table->slot[i].home;
	return 0;
}
