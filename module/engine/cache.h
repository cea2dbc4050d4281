/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page cache that gives way to processes' memory.
 */
#ifndef KNUMAD_ENGINE_CACHE_H
#define KNUMAD_ENGINE_CACHE_H

#include <linux/types.h>

u64 kn_cache_pages(int nid);
void kn_cache_allow(u64 nodes);
u64 kn_cache_give_way(int nid, u64 *looks);

#endif /* KNUMAD_ENGINE_CACHE_H */
