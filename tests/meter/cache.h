/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The modelled cache: one per vCPU, 512 lines of 64 bytes, direct mapped, tagged by
 * physical line, no coherence. The index is hashed: with the plain one, two halves of a
 * buffer that lies in huge pages evict each other line by line. And it is small: with
 * 8192 lines, of two threads that share a CPU and read the same buffer the second finds
 * in it what the first has read in its last time slice (18 % fewer misses). Pure arithmetic, called
 * by meter.c from the vCPU's own thread; unit.c tests it.
 */
#ifndef METER_CACHE_H
#define METER_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#define CACHE_LINE_SHIFT	6
#define CACHE_INDEX_BITS	9
#define CACHE_LINES		(1u << CACHE_INDEX_BITS)

struct cache {
	uint32_t tag[CACHE_LINES];	/* physical line + 1; 0: empty */
};

/* 32 KiB in one piece fill it exactly; another piece is permuted another way. */
static inline uint32_t cache_index(uint32_t line)
{
	uint32_t piece = line >> CACHE_INDEX_BITS;

	return (line ^ (piece * 2654435769u) >> (32 - CACHE_INDEX_BITS)) & (CACHE_LINES - 1);
}

/* Whether the line was there; afterwards it is. @phys: below nodemap's limit. */
static inline bool cache_access(struct cache *cache, uint64_t phys)
{
	uint32_t line = phys >> CACHE_LINE_SHIFT;
	uint32_t *tag = &cache->tag[cache_index(line)];

	if (*tag == line + 1)
		return true;
	*tag = line + 1;
	return false;
}

#endif
