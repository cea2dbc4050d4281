// SPDX-License-Identifier: GPL-2.0-only
/*
 * The published verdicts: an open-addressed hash table from mm, and from mm and thread where
 * a process's threads have parts of its memory, to home nodes.
 *
 * Context: alloc, add and publish are called by the planner thread only and may
 * sleep.  kn_verdict_home() runs under RCU in any context, runqueue lock included.
 * The mm is compared, never followed; engine/ holds a reference on each mm it
 * publishes for as long as it is published, so no other mm can have its address.  A thread's
 * number may be another's by then, of the same process: that one is kept on a node of its home.
 */
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "verdict.h"

struct kn_verdict {
	const struct mm_struct *mm;
	u64 home;		/* node mask */
	pid_t tid;		/* 0: of those threads that have none of their own */
	bool parted;		/* some have */
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

/* Threads of a process lie side by side, and hash_64() spreads neighbours. */
static __always_inline u32 kn_verdict_slot(const struct kn_verdicts *table,
					   const struct mm_struct *mm, pid_t tid)
{
	return hash_64((unsigned long)mm + tid, table->bits);
}

static void kn_verdicts_put(struct kn_verdicts *table, const struct kn_verdict *v)
{
	u32 mask = (1U << table->bits) - 1;
	u32 i = kn_verdict_slot(table, v->mm, v->tid);

	while (table->slot[i].mm)
		i = (i + 1) & mask;
	table->slot[i] = *v;
}

/**
 * kn_verdicts_add - put one verdict into a table not yet published
 * @table: has room for it, see kn_verdicts_alloc()
 * @mm: whose threads
 * @home: nodes they belong on, not empty
 * @parted: some of them have a verdict of their own
 */
void kn_verdicts_add(struct kn_verdicts *table, const struct mm_struct *mm, u64 home, bool parted)
{
	kn_verdicts_put(table, &(struct kn_verdict) { .mm = mm, .home = home, .parted = parted });
}

/**
 * kn_verdicts_add_thread - put the verdict of one thread into a table not yet published
 * @table: has room for it
 * @mm: its process's, which has one too, and is parted
 * @tid: its number, not 0
 * @home: nodes it belongs on, not empty
 */
void kn_verdicts_add_thread(struct kn_verdicts *table, const struct mm_struct *mm, pid_t tid,
			    u64 home)
{
	kn_verdicts_put(table, &(struct kn_verdict) { .mm = mm, .home = home, .tid = tid });
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

/* RCU.  The verdict of just this, or NULL. */
static notrace const struct kn_verdict *kn_verdict_find(const struct kn_verdicts *table,
							const struct mm_struct *mm, pid_t tid)
{
	u32 mask = (1U << table->bits) - 1;
	u32 i;

	for (i = kn_verdict_slot(table, mm, tid); table->slot[i].mm; i = (i + 1) & mask)
		if (table->slot[i].mm == mm && table->slot[i].tid == tid)
			return &table->slot[i];
	return NULL;
}

/**
 * kn_verdict_home - the nodes a thread belongs on
 * @p: the thread; of the kernel's own those that work in a process's memory (vhost, up to 6.3)
 *	have its verdict
 *
 * Caller is in an RCU read-side section (interrupts off will do).
 * Return: a node mask, 0 for no verdict.
 */
u64 notrace kn_verdict_home(const struct task_struct *p)
{
	const struct kn_verdicts *table = rcu_dereference_sched(kn_published);
	const struct mm_struct *mm = p->mm;
	const struct kn_verdict *v, *own;

	if (!table || !mm)
		return 0;
	v = kn_verdict_find(table, mm, 0);
	own = v && v->parted ? kn_verdict_find(table, mm, p->pid) : NULL;
	return own ? own->home : v ? v->home : 0;
}
