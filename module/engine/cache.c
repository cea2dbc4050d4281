// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page cache that gives way.  Where a node is full and no process wants to leave it, clean
 * pages of files that nobody maps, and that were not read again and again, make room for a
 * process's memory: they go to a node with room; where there is none, the kernel's own
 * reclaim drops them.  Nothing is written for it, nor swapped out.
 *
 * The pages are found by their frames, from a cursor on that goes round: neither kind of LRU
 * list can be read from outside.  As for the kernel's own such walks (/proc/kpageflags,
 * page_idle), pfn_to_online_page() is all that stands between this and hot-removed memory.
 *
 * Context: kn_cache_pages() and kn_cache_allow() are called by the planner, take no lock; the
 * rest by the node's worker, holding nothing, and may sleep.  A page is on a batch's list,
 * isolated, within kn_cache_give_way(), and nowhere else.
 */
#include <linux/bits.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/vmstat.h>

#include "../../include/knumad.h"
#include "../compat/folio.h"
#include "../compat/migrate.h"
#include "../kern/capability.h"
#include "cache.h"
#include "copy.h"
#include "migrate.h"
#include "node.h"
#include "room.h"
#include "stats.h"

/* Page frames looked at for one batch, at most. */
#define KN_CACHE_LOOKS		(1024 * KN_BATCH_PAGES)

/* Of a zone this part is left to the page cache in any case. */
#define KN_CACHE_LEFT_PART	64

/* A node that has been looked through without finding enough has nothing for so long. */
#define KN_CACHE_REST_MS	30000

/* Written by the node's worker alone. */
static struct kn_cache {
	unsigned long cursor;		/* the frame that comes next */
	unsigned long found;		/* pages since the zone's first frame was looked at */
	unsigned long rest_until;	/* jiffies; looks at nothing before, if @rests */
	bool rests;
} kn_caches[KNUMAD_MAX_NODES];

/**
 * kn_cache_pages - about how much page cache of a node would give way
 * @nid: online or not
 *
 * In the zone whose free pages are the node's headroom.  An estimate: of these, pages that
 * are mapped stay.
 */
u64 kn_cache_pages(int nid)
{
	const struct kn_cache *c = &kn_caches[nid];
	struct zone *zone = kn_node_zone(nid);
	u64 pages, stay;

	if (!zone || (READ_ONCE(c->rests) && time_before(jiffies, READ_ONCE(c->rest_until))))
		return 0;
	pages = zone_page_state(zone, NR_ZONE_INACTIVE_FILE);
	stay = zone_page_state(zone, NR_ZONE_WRITE_PENDING) +
	       zone_managed_pages(zone) / KN_CACHE_LEFT_PART;
	return pages > stay ? pages - stay : 0;
}

/*
 * Whether a folio is clean page cache without much use.  May be wrong without a reference; whether
 * it is mapped is not to be asked without one, as that counts the pages it has.
 */
static bool kn_cache_is_idle(struct folio *folio)
{
	return folio_test_lru(folio) && !kn_folio_is_anon(folio) && READ_ONCE(folio->mapping) &&
	       !folio_test_swapbacked(folio) && !folio_test_unevictable(folio) &&
	       !folio_test_active(folio) && !folio_test_workingset(folio) &&
	       !folio_test_dirty(folio) && !folio_test_writeback(folio) &&
	       !folio_test_locked(folio);
}

static void kn_cache_take(struct kn_copy *batch, struct page *page)
{
	struct folio *folio = page_folio(page);

	if (folio_page(folio, 0) != page || !kn_cache_is_idle(folio) || !folio_try_get(folio))
		return;
	if (page_folio(page) == folio && kn_cache_is_idle(folio) && !kn_folio_is_mapped(folio) &&
	    kn_isolate_folio(folio)) {
		list_add_tail(&folio->lru, &batch->folios);
		batch->pages += folio_nr_pages(folio);
	}
	folio_put(folio);
}

/* From the last frame to the first; true if that was a round for nothing. */
static bool kn_cache_wraps(struct kn_cache *c, const struct zone *zone)
{
	bool nothing = c->cursor && c->found < KN_BATCH_PAGES;

	WRITE_ONCE(c->rest_until, jiffies + msecs_to_jiffies(KN_CACHE_REST_MS));
	WRITE_ONCE(c->rests, nothing);
	c->cursor = zone->zone_start_pfn;
	c->found = 0;
	return nothing;
}

/* Goes on round the zone until the batch is full, or enough was looked at; returns how much. */
static unsigned long kn_cache_collect(struct kn_copy *batch, int nid, struct zone *zone)
{
	struct kn_cache *c = &kn_caches[nid];
	unsigned long looks;

	for (looks = 0; looks < KN_CACHE_LOOKS && batch->pages < KN_BATCH_PAGES; looks++) {
		struct page *page;

		if (!zone_spans_pfn(zone, c->cursor) && kn_cache_wraps(c, zone))
			break;
		page = pfn_to_online_page(c->cursor++);
		if (page && page_to_nid(page) == nid)
			kn_cache_take(batch, page);
		if (!(looks % KN_BATCH_PAGES))
			cond_resched();
	}
	return looks;
}

/* Nodes that page cache may be put on; written by the planner. */
static u64 kn_cache_nodes;

/**
 * kn_cache_allow - say where page cache may be put
 * @nodes: those that the memory of all processes looked after may be on: whose cache it is cannot
 *	be told
 *
 * Planner thread.
 */
void kn_cache_allow(u64 nodes)
{
	WRITE_ONCE(kn_cache_nodes, nodes);
}

/*
 * Whether what is in a zone may go to that which a node's movable pages are from.  Some page cache
 * cannot be moved any more when it is in use (a file system's own blocks): it would keep a movable
 * zone from being put offline.
 */
static bool kn_cache_may_enter(const struct zone *from, int to)
{
	const struct zone *zone = kn_node_zone(to);

	return zone && (zone_idx(zone) != ZONE_MOVABLE || zone_idx(from) == ZONE_MOVABLE);
}

/*
 * Of a node other than @nid, whose page cache is in @zone, the one with CPUs and most room for a
 * batch where it may be put; or NUMA_NO_NODE.
 */
static int kn_cache_target(int nid, const struct zone *zone)
{
	u64 most = 2 * KN_BATCH_PAGES;
	int to, best = NUMA_NO_NODE;

	for_each_node_state(to, N_MEMORY) {
		u64 room = kn_node_headroom_pages(to);

		if (to != nid && room > most && node_state(to, N_CPU) &&
		    (READ_ONCE(kn_cache_nodes) & BIT_ULL(to)) && kn_cache_may_enter(zone, to)) {
			most = room;
			best = to;
		}
	}
	return best;
}

/* Pages isolated to be migrated are counted as such until they are where they belong. */
static u64 kn_cache_move(struct kn_copy *batch)
{
	struct folio *folio;

	list_for_each_entry(folio, &batch->folios, lru)
		node_stat_mod_folio(folio, NR_ISOLATED_ANON + folio_is_file_lru(folio),
				    folio_nr_pages(folio));
	kn_copy(batch);
	if (!list_empty(&batch->folios))
		KN_CALL(putback_movable_pages)(&batch->folios);
	kn_stat_add(cache_pages_moved, batch->placed);
	return batch->placed;
}

/* What cannot be dropped goes back to its list in there. */
static u64 kn_cache_drop(struct kn_copy *batch)
{
	u64 dropped = KN_CALL(reclaim_pages)(&batch->folios);

	kn_stat_add(cache_pages_dropped, dropped);
	return dropped;
}

/**
 * kn_cache_give_way - have about a batch of page cache leave a node
 * @nid: the caller's node
 * @looks: page frames that were looked at for it are added
 *
 * Return: pages that have left it; 0 if there are none that should.
 */
u64 kn_cache_give_way(int nid, u64 *looks)
{
	/* What it leaves is wanted at once: not on another CPU's list of free pages. */
	struct kn_copy batch = { .purpose = KN_FOR_CACHE };
	struct zone *zone = kn_node_zone(nid);
	u64 left = 0;

	INIT_LIST_HEAD(&batch.folios);
	if (!zone || !kn_cache_pages(nid))
		return 0;
	batch.nid = kn_cache_target(nid, zone);
	if (batch.nid == NUMA_NO_NODE && !kn_capable(KN_CAP_CACHE))
		return 0;
	*looks += kn_cache_collect(&batch, nid, zone);
	if (batch.pages)
		left = batch.nid == NUMA_NO_NODE ? kn_cache_drop(&batch) : kn_cache_move(&batch);
	kn_caches[nid].found += left;
	if (left)
		kn_room_settle(nid);
	return left;
}
