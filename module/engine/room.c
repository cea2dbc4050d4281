// SPDX-License-Identifier: GPL-2.0-only
/*
 * Room on a node: destination folios for pages that are migrated.
 *
 * Reclaim is never entered for one, nor woken, so nothing is pushed out for what is only an
 * optimisation.
 *
 * Context: worker threads and copiers, holding nothing; may sleep.
 */
#include <linux/cpu.h>
#include <linux/gfp.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/sched/mm.h>
#include <linux/workqueue.h>

#include "../compat/folio.h"
#include "../kern/calls.h"
#include "node.h"
#include "room.h"
#include "stats.h"

/* From one node or not at all, and not from what is kept for emergencies. */
#define KN_GFP_NODE	(__GFP_THISNODE | __GFP_NOWARN | __GFP_NOMEMALLOC)

/*
 * A large folio.  Room for it may be made by compaction, but PF_MEMALLOC keeps reclaim
 * out, and __GFP_NOMEMALLOC keeps PF_MEMALLOC from opening the reserves.
 */
static struct folio *kn_alloc_large(gfp_t gfp, unsigned int order, int nid)
{
	unsigned int flags = memalloc_noreclaim_save();
	struct folio *new;

	new = __folio_alloc(gfp | GFP_TRANSHUGE_LIGHT, order, nid, NULL) ?:
	      __folio_alloc(gfp | GFP_TRANSHUGE | __GFP_NORETRY, order, nid, NULL);
	memalloc_noreclaim_restore(flags);
	return new;
}

/**
 * kn_room_alloc - a folio on a node
 * @nid: the node
 * @order: of the folio
 * @exchange: the caller has made sure of the room: the node may fall below its high
 *	watermark, which it keeps otherwise
 *
 * Return: NULL if there is no room; in an exchange, for an allocation that wakes no reclaim.
 */
struct folio *kn_room_alloc(int nid, unsigned int order, bool exchange)
{
	struct folio *new;

	if (!exchange && kn_node_headroom_pages(nid) < 1UL << order) {
		kn_stat_inc(migrate_no_room);
		return NULL;
	}
	if (order)
		new = kn_alloc_large(KN_GFP_NODE, order, nid);
	else
		new = __folio_alloc(KN_GFP_NODE | (GFP_HIGHUSER_MOVABLE & ~__GFP_RECLAIM), 0, nid,
				    NULL);
	if (!new) {
		kn_stat_inc(migrate_no_memory);
		return NULL;
	}
	if (folio_nid(new) != nid) {
		kn_stat_inc(migrate_wrong_node);
		folio_put(new);
		return NULL;
	}
	return new;
}

/**
 * kn_room_settle - have pages that were just freed count as free
 * @nid: the node that they are on
 *
 * They may be on this CPU's list of free pages, which no watermark check looks into: empties
 * the list.
 */
void kn_room_settle(int nid)
{
	struct zone *zone = kn_node_zone(nid);

	if (!zone)
		return;
	preempt_disable();
	KN_CALL(drain_local_pages)(zone);
	preempt_enable();
}

static long kn_settle_here(void *unused)
{
	preempt_disable();
	KN_CALL(drain_local_pages)(NULL);
	preempt_enable();
	return 0;
}

/**
 * kn_room_settle_on - have pages that were just freed count as free
 * @cpus: where they were freed
 *
 * On whatever node they are: a CPU's list of one takes in as many as its part of the low
 * watermark.  Worker thread; waits for each of these CPUs.
 */
void kn_room_settle_on(const struct cpumask *cpus)
{
	int cpu;

	for_each_cpu(cpu, cpus) {
		if (kthread_should_stop())
			return;
		cpus_read_lock();
		if (cpu_online(cpu))
			work_on_cpu(cpu, kn_settle_here, NULL);
		cpus_read_unlock();
	}
}

/**
 * kn_room_keep - take the room of a huge page that has just left a node
 * @nid: the node
 *
 * Return: it, for kn_room_release(); or NULL.
 */
struct folio *kn_room_keep(int nid)
{
	kn_room_settle(nid);
	return __folio_alloc(KN_GFP_NODE | GFP_TRANSHUGE_LIGHT, HPAGE_PMD_ORDER, nid, NULL);
}

/**
 * kn_room_release - let others have what was kept
 * @room: from kn_room_keep()
 * @nid: the node it is on
 */
void kn_room_release(struct folio *room, int nid)
{
	folio_put(room);
	kn_room_settle(nid);
}
