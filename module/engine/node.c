// SPDX-License-Identifier: GPL-2.0-only
/*
 * Free memory and CPUs of a node, from the kernel's public structures.
 *
 * Context: any; nothing is locked, so every figure is a snapshot.  An offline node has
 * nothing.
 */
#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/topology.h>
#include <linux/vmstat.h>

#include "../compat/housekeeping.h"
#include "../compat/pcp.h"
#include "node.h"

/*
 * Per-CPU counters may hide up to this many pages per CPU from zone_page_state(); see
 * calculate_normal_threshold() in mm/vmstat.c.
 */
#define KN_VMSTAT_DRIFT_PAGES	125

/**
 * kn_node_present_pages - memory of a node
 * @nid: online or not
 */
u64 kn_node_present_pages(int nid)
{
	return node_online(nid) ? node_present_pages(nid) : 0;
}

/**
 * kn_node_free_pages - free pages of all zones of a node
 * @nid: online or not
 */
u64 kn_node_free_pages(int nid)
{
	u64 pages = 0;
	int i;

	if (!node_online(nid))
		return 0;
	for (i = 0; i < MAX_NR_ZONES; i++)
		pages += zone_page_state(&NODE_DATA(nid)->node_zones[i], NR_FREE_PAGES);
	return pages;
}

/**
 * kn_node_high_wmark_pages - sum of a node's high watermarks
 * @nid: online or not
 */
u64 kn_node_high_wmark_pages(int nid)
{
	u64 pages = 0;
	int i;

	if (!node_online(nid))
		return 0;
	for (i = 0; i < MAX_NR_ZONES; i++) {
		struct zone *zone = &NODE_DATA(nid)->node_zones[i];

		if (populated_zone(zone))
			pages += high_wmark_pages(zone);
	}
	return pages;
}

/**
 * kn_node_zone - the zone that the allocator takes movable pages of a node from first
 * @nid: online or not
 *
 * Return: NULL for a node without memory.
 */
struct zone *kn_node_zone(int nid)
{
	int i;

	for (i = ZONE_MOVABLE; i >= 0 && node_online(nid); i--)
		if (managed_zone(&NODE_DATA(nid)->node_zones[i]))
			return &NODE_DATA(nid)->node_zones[i];
	return NULL;
}

/* Free pages of @zone that may be used, if @hidden ones are not among those that it counts. */
static u64 kn_headroom(struct zone *zone, u64 hidden)
{
	u64 free = zone_page_state(zone, NR_FREE_PAGES) + hidden;
	u64 keep = high_wmark_pages(zone) + READ_ONCE(zone->nr_reserved_highatomic) +
		   num_online_cpus() * KN_VMSTAT_DRIFT_PAGES;

	return free > keep ? free - keep : 0;
}

/**
 * kn_node_headroom_pages - how much may be put on a node
 * @nid: online or not
 *
 * What is free above the high watermark in the node's highest zone, less what is reserved
 * for atomic allocations, which counts as free, and what the counters may not show yet.
 * That zone is where the allocator takes movable pages from first, down to its low watermark;
 * lower zones (DMA32) are not counted as room.
 */
u64 kn_node_headroom_pages(int nid)
{
	struct zone *zone = kn_node_zone(nid);

	return zone ? kn_headroom(zone, 0) : 0;
}

/**
 * kn_node_headroom_here_pages - the same, for small pages that this CPU allocates
 * @nid: online or not
 *
 * The first of them may take up to 2016 onto the list of the CPU (from 6.7 on), where they are
 * free, but no counter shows them.
 */
u64 kn_node_headroom_here_pages(int nid)
{
	struct zone *zone = kn_node_zone(nid);

	return zone ? kn_headroom(zone, kn_zone_listed_pages(zone)) : 0;
}

/**
 * kn_node_exchange_pages - how much may be put on a node for a moment
 * @nid: online or not
 *
 * In an exchange as much leaves the node again at once, so the high watermark, below which
 * the kernel would not begin to reclaim anyway, does not count.  What is left at the least
 * is half way from the low watermark to the minimum, below which others would be held up.
 * Exact: the per-CPU counters are read as well.
 */
u64 kn_node_exchange_pages(int nid)
{
	struct zone *zone = kn_node_zone(nid);
	u64 free, keep;

	if (!zone)
		return 0;
	free = zone_page_state_snapshot(zone, NR_FREE_PAGES);
	keep = (min_wmark_pages(zone) + low_wmark_pages(zone)) / 2 +
	       READ_ONCE(zone->nr_reserved_highatomic);
	return free > keep ? free - keep : 0;
}

/**
 * kn_node_nr_cpus - online CPUs of a node that are not isolated
 * @nid: online or not
 */
u32 kn_node_nr_cpus(int nid)
{
	unsigned int cpu;
	u32 nr = 0;

	if (!node_online(nid))
		return 0;
	for_each_cpu_and(cpu, cpumask_of_node(nid), cpu_online_mask)
		nr += kn_cpu_is_balanced(cpu);
	return nr;
}
