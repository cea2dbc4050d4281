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
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/sched/mm.h>
#include <linux/workqueue.h>

#include "../compat/folio.h"
#include "../kern/calls.h"
#include "node.h"
#include "room.h"
#include "stats.h"

/* CPUs where exchanges have run, whose lists may hide room that they have made; a snapshot. */
static cpumask_t kn_freed_on;

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

/*
 * Whether a node keeps its high watermark without a folio of this order; a single page may be one
 * of this CPU's list.
 */
static bool kn_room_is_free(int nid, unsigned int order)
{
	return order ? kn_node_headroom_pages(nid) >= 1UL << order :
		       kn_node_headroom_here_pages(nid) > 0;
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

	if (!exchange && !kn_room_is_free(nid, order)) {
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
 * kn_room_settle_here - have pages that an exchange has just freed count as free
 *
 * On whatever node they are: a CPU's list of one takes in as many as its part of the low
 * watermark.  The caller may have come from another CPU since: kn_room_settle_freed() empties
 * those.
 */
void kn_room_settle_here(void)
{
	cpumask_set_cpu(raw_smp_processor_id(), &kn_freed_on);
	kn_settle_here(NULL);
}

/**
 * kn_room_settle_freed - have all pages that exchanges have freed count as free
 *
 * Worker thread; waits for each of the CPUs where they ran.  Return: false if they have run on none
 * since the last time.
 */
bool kn_room_settle_freed(void)
{
	static DEFINE_MUTEX(lock);
	bool some = false;
	int cpu;

	mutex_lock(&lock);
	for_each_cpu(cpu, &kn_freed_on) {
		if (kthread_should_stop())
			break;
		cpumask_clear_cpu(cpu, &kn_freed_on);
		cpus_read_lock();
		if (cpu_online(cpu))
			work_on_cpu(cpu, kn_settle_here, NULL);
		cpus_read_unlock();
		some = true;
	}
	mutex_unlock(&lock);
	return some;
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
