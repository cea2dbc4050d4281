/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the engine needs to know of a node: its memory above the watermarks, its CPUs.
 * Any context; figures are snapshots.
 */
#ifndef KNUMAD_ENGINE_NODE_H
#define KNUMAD_ENGINE_NODE_H

#include <linux/types.h>

struct zone *kn_node_zone(int nid);
u64 kn_node_present_pages(int nid);
u64 kn_node_free_pages(int nid);
u64 kn_node_high_wmark_pages(int nid);
u64 kn_node_headroom_pages(int nid);
u64 kn_node_headroom_here_pages(int nid);
u64 kn_node_exchange_pages(int nid);
u32 kn_node_nr_cpus(int nid);

/* True for a node that has CPUs; cpumask_of_node() of another is empty. */
static inline bool kn_node_has_cpus(int nid)
{
	return kn_node_nr_cpus(nid) > 0;
}

#endif /* KNUMAD_ENGINE_NODE_H */
