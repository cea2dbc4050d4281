// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moves a process's pages between nodes, in passes over its memory that take a batch at a time.
 *
 * Context: worker threads, may sleep; the worker of a node, with its copier, fills the room
 * above its high watermark, and exchanges keep their own account, see account.c.
 */
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/nodemask.h>

#include "../../include/knumad_trace.h"
#include "../compat/housekeeping.h"
#include "../kern/capability.h"
#include "account.h"
#include "batch.h"
#include "boost.h"
#include "cache.h"
#include "hot.h"
#include "leads.h"
#include "migrate.h"
#include "node.h"
#include "room.h"
#include "stats.h"
#include "stuck.h"
#include "uses.h"

/* After a pass that moved less than this part of the quota, the process has a rest. */
#define KN_FRUITLESS_PART	16
#define KN_MIGRATE_RETRY_MS	2000

/* Batches of page cache that may be in the way of one of a process's. */
#define KN_ROOM_TRIES		8

/* In an exchange the room comes and goes: look again soon. */
#define KN_LEG_RETRY_MS		200

/* At least so long between two flushes of the per-CPU LRU batches. */
#define KN_DRAIN_MS		1000

/* Looking at a page costs so much less than moving it. */
#define KN_LOOKS_PER_MOVE	32

/**
 * kn_migrate_is_due - whether a node's worker has pages of a process to fetch
 * @proc: the process
 * @nid: the node
 */
bool kn_migrate_is_due(const struct kn_proc *proc, int nid)
{
	const struct kn_migration *m = &proc->migrate[nid];

	return atomic_long_read(&m->quota) > 0 &&
	       (time_after_eq(jiffies, m->pass.retry_at) || READ_ONCE(m->gained));
}

/* A pass has met pages that it could not isolate. */
static bool kn_drain_wanted;

/* Whether there is a CPU that is not to be disturbed, or whose threads may never let others run. */
static bool kn_some_cpu_is_apart(void)
{
	int cpu;

	for_each_online_cpu(cpu)
		if (!kn_cpu_is_balanced(cpu) || kn_cpu_is_quiet(cpu))
			return true;
	return false;
}

/**
 * kn_migrate_drain - have pages that were just faulted in be such that they can be isolated
 *
 * Worker threads, holding nothing of ours that anybody waits for; the kernel's lock for it others
 * may want (long-term pins, fadvise()), so it is done at ordinary priority.  They sit in per-CPU
 * batches, which are flushed after a pass that met some.  All CPUs take part in it, and are waited
 * for, so it is done once in a while for all processes, and not at all where one may not be
 * disturbed: there they are left to be flushed as others come.
 */
void kn_migrate_drain(void)
{
	static unsigned long due = INITIAL_JIFFIES;
	int nice;

	if (!READ_ONCE(kn_drain_wanted) || time_before(jiffies, READ_ONCE(due)))
		return;
	WRITE_ONCE(due, jiffies + msecs_to_jiffies(KN_DRAIN_MS));
	WRITE_ONCE(kn_drain_wanted, false);
	if (kn_some_cpu_is_apart())
		return;
	nice = kn_boost_begin();
	KN_CALL(lru_add_drain_all)();
	kn_boost_end(nice);
}

/* The pass over the address space ended: rest if it brought little of @wanted pages. */
static void kn_pass_ended(struct kn_pass *pass, const struct kn_batch *batch, long wanted,
			  unsigned int retry_ms)
{
	bool fruitless = pass->moved <= wanted / KN_FRUITLESS_PART;

	if (fruitless)
		pass->retry_at = jiffies + msecs_to_jiffies(retry_ms);
	if (!batch->by_use)	/* which takes some pages of a node alone */
		kn_stuck_pass(batch->proc, pass, batch->sources,
			      fruitless && pass->left > wanted / 2);
	pass->moved = 0;
	if (pass->busy)
		WRITE_ONCE(kn_drain_wanted, true);
	pass->busy = false;
}

/*
 * Begins with the pages lately accessed whenever a scan has found which these are, and that
 * it makes a difference; all the others follow in the same pass.
 */
static void kn_pass_order(struct kn_pass *pass, const struct kn_proc *proc, u64 sources)
{
	u32 looks = READ_ONCE(proc->hot_looks);

	if (looks == pass->looks)
		return;
	pass->looks = looks;
	if (pass->hot || !kn_hot_worth(proc, sources))
		return;
	pass->hot = true;
	pass->cursor = 0;
}

/* What a batch counts for in the budget: pages moved, and a little for all that were seen. */
static u64 kn_batch_cost(const struct kn_batch *batch)
{
	return batch->copy.pages + DIV_ROUND_UP_ULL(batch->cost, KN_LOOKS_PER_MOVE);
}

/* Whether a lead is in memory that another node's threads use: it is left to that one's worker. */
static bool kn_lead_is_anothers(const struct kn_batch *batch, unsigned long addr)
{
	int wanted = batch->by_use ? kn_use_node(batch->proc, addr) : NUMA_NO_NODE;

	return wanted != NUMA_NO_NODE && wanted != batch->copy.nid;
}

/*
 * Collects a batch where a thread was going, the next one whose memory gives any: who runs an
 * exchange takes an empty one for a leg that cannot move.  False if there is none.
 */
static bool kn_leads_collect(struct kn_pass *pass, struct kn_batch *batch)
{
	struct kn_lead *lead;
	int tries;

	for (tries = 0; tries < KN_MAX_LEADS && !batch->copy.pages; tries++) {
		unsigned long from, cursor;

		if (kthread_should_stop())
			break;
		lead = kn_leads_next(batch->proc, &pass->turn);
		if (!lead)
			break;
		from = READ_ONCE(lead->at);
		if (kn_lead_is_anothers(batch, from))
			continue;
		cursor = from;
		kn_batch_collect(batch, &cursor, READ_ONCE(lead->end));
		kn_lead_advance(lead, from, cursor);
	}
	return batch->copy.pages;
}

/*
 * Collects a batch where the pass is, and migrates it; returns the pages moved.  What brings
 * little of @wanted pages has a rest of @retry_ms.
 */
static u64 kn_pass_batch(struct kn_pass *pass, struct kn_batch *batch, long wanted,
			 unsigned int retry_ms)
{
	struct kn_copy *copy = &batch->copy;
	u64 start = ktime_get_ns(), headroom = kn_node_headroom_pages(copy->nid), moved = 0;
	bool ended = false, in_use;

	if (!copy->spare && time_before(jiffies, pass->large_retry_at))
		batch->no_order = pass->no_order;
	in_use = kn_leads_collect(pass, batch);
	if (!in_use) {
		kn_pass_order(pass, batch->proc, batch->sources);
		batch->hot = pass->hot;
		ended = kn_batch_collect(batch, &pass->cursor, ULONG_MAX);
	}
	if (copy->pages) {
		moved = kn_batch_finish(batch);
		if (copy->no_order) {
			pass->no_order = copy->no_order;
			pass->large_retry_at = jiffies + msecs_to_jiffies(retry_ms);
		}
		trace_knumad_migrate(batch->proc->tgid, copy->nid, copy->pages, moved, headroom,
				     kn_node_headroom_pages(copy->nid), ktime_get_ns() - start);
	}
	pass->moved += moved;
	pass->busy |= batch->busy;
	pass->no_room |= copy->no_room;
	pass->left += batch->left;
	if (ended && pass->hot)
		pass->hot = false;
	else if (ended)
		kn_pass_ended(pass, batch, wanted, retry_ms);
	if (in_use)
		kn_stat_add(migrate_pages_in_use, moved);
	if (batch->hot)
		kn_stat_add(migrate_pages_hot, moved);
	kn_stat_add(migrate_time_ns, ktime_get_ns() - start);
	return moved;
}

/*
 * Whether @pages fit on a node: page cache that nobody uses gives way to it.  What that
 * takes is added to @cost, in pages: moving page cache, and looking for it, counts for the rate
 * as well.
 */
static bool kn_make_room(int nid, u64 pages, u64 *cost)
{
	int tries;

	for (tries = 0; tries < KN_ROOM_TRIES; tries++) {
		u64 looks = 0, left;

		if (kn_node_headroom_pages(nid) >= pages)
			return true;
		left = kn_cache_give_way(nid, &looks);
		*cost += left + looks / KN_LOOKS_PER_MOVE;
		if (!left)
			return false;
	}
	return false;
}

/**
 * kn_migrate_batch - bring the next pages of a process into a node
 * @proc: its home has the node, and the plan wants pages moved there
 * @nid: the caller's node
 *
 * Return: what it cost, in pages, page cache that gave way among them; 0 if it could not
 * begin: the node is full, or the mmap lock not free.
 */
u64 kn_migrate_batch(struct kn_proc *proc, int nid)
{
	struct kn_migration *m = &proc->migrate[nid];
	u64 home = READ_ONCE(proc->home), cost = 0;
	long quota = atomic_long_read(&m->quota);
	struct kn_batch batch = {
		.proc = proc,
		.copy.nid = nid,
		.sources = ~home,
		.limit = KN_BATCH_PAGES,
		.max = U64_MAX,
	};
	u64 moved;
	int source;

	if (!(home & BIT_ULL(nid)))
		return 0;
	if (READ_ONCE(m->gained)) {
		WRITE_ONCE(m->gained, false);
		m->pass.cursor = 0;
		m->pass.retry_at = jiffies;
	}
	if (!kn_make_room(nid, clamp_t(long, quota, 1, KN_BATCH_PAGES), &cost)) {
		kn_stat_inc(migrate_no_room);
		m->pass.retry_at = jiffies + msecs_to_jiffies(KN_MIGRATE_RETRY_MS);
		return cost;
	}
	if (READ_ONCE(proc->by_use)) {
		batch.by_use = true;
		batch.sources = ~BIT_ULL(nid);
	}
	moved = kn_pass_batch(&m->pass, &batch, quota, KN_MIGRATE_RETRY_MS);
	for_each_node_mask(source, node_states[N_MEMORY])
		if (batch.from[source] > 0)
			kn_account_owe(source, batch.from[source]);
	atomic_long_sub(moved, &m->quota);
	if (batch.by_use) {
		atomic_long_sub(moved, &proc->pages[nid].astray);
		if (batch.scanned)
			atomic_long_sub(moved, &proc->pages[nid].astray_since);
		kn_stat_add(migrate_pages_by_use, moved);
	}
	return cost + kn_batch_cost(&batch);
}

/**
 * kn_migrate_leg - move some pages of a process from one node to another
 * @proc: the process
 * @pass: where the last call left off; starts again when it gets to the end
 * @from: node they leave
 * @to: node they go to; the caller has found room for @max pages there
 * @max: pages, at most; about KN_EXCHANGE_PAGES are moved
 * @spare_to: a free huge page on @to or NULL; NULL once it is used
 * @spare_from: receives the room of a huge page that has left @from, if there is none in it;
 *	NULL if nobody is to come there
 * @cost: what it cost is added, in pages
 *
 * For exchanges: the high watermark does not count, and the room that a huge page leaves is
 * kept for the one that comes back, or others would soon have broken it up; the caller gives
 * what is left of it to kn_room_release().  Return: pages moved.
 */
u64 kn_migrate_leg(struct kn_proc *proc, struct kn_pass *pass, int from, int to, u64 max,
		   struct folio **spare_to, struct folio **spare_from, u64 *cost)
{
	struct kn_batch batch = {
		.proc = proc,
		.copy = { .nid = to, .purpose = KN_FOR_EXCHANGE, .spare = *spare_to },
		.sources = BIT_ULL(from),
		.limit = min_t(u64, max, KN_EXCHANGE_PAGES),
		.max = max,
	};
	u64 moved;

	moved = kn_pass_batch(pass, &batch, batch.limit, KN_LEG_RETRY_MS);
	*spare_to = batch.copy.spare;
	if (spare_from && moved >= HPAGE_PMD_NR && batch.huge && !*spare_from)
		*spare_from = kn_room_keep(from);
	*cost += kn_batch_cost(&batch);
	return moved;
}
