/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which node a guest-physical address belongs to, by mebibyte. Filled from the guest's
 * own SRAT (see guest/meter-mark.c) before anything is counted, only read afterwards;
 * pure arithmetic, unit.c tests it.
 */
#ifndef METER_NODEMAP_H
#define METER_NODEMAP_H

#include <stdint.h>

#define MAX_NODES		8
#define NODEMAP_NONE		0xff
/* One short of 256 GiB, so that a cache tag fits in 32 bits. */
#define NODEMAP_MIB		((1u << 18) - 1)

struct nodemap {
	uint8_t node[NODEMAP_MIB];
};

static inline void nodemap_clear(struct nodemap *map)
{
	for (uint32_t mib = 0; mib < NODEMAP_MIB; mib++)
		map->node[mib] = NODEMAP_NONE;
}

/* Returns NULL, or what is wrong with the range. A node may have many. */
static inline const char *nodemap_add(struct nodemap *map, unsigned long node,
				      uint64_t base, uint64_t length)
{
	const uint64_t limit = (uint64_t)NODEMAP_MIB << 20;
	uint64_t first = base >> 20, end;

	if (node >= MAX_NODES)
		return "there are at most 8 nodes";
	if (!length)
		return "the range is empty";
	if (base >= limit || length > limit - base)
		return "it ends above 256 GiB";
	end = (base + length + (1 << 20) - 1) >> 20;
	for (uint64_t mib = first; mib < end; mib++)
		if (map->node[mib] != NODEMAP_NONE && map->node[mib] != node)
			return "another node has a part of it";
	for (uint64_t mib = first; mib < end; mib++)
		map->node[mib] = node;
	return NULL;
}

static inline unsigned int nodemap_node(const struct nodemap *map, uint64_t phys)
{
	uint64_t mib = phys >> 20;

	return mib < NODEMAP_MIB ? map->node[mib] : NODEMAP_NONE;
}

#endif
