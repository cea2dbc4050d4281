/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Room on a node: a folio there, without reclaim.  May sleep.
 */
#ifndef KNUMAD_ENGINE_ROOM_H
#define KNUMAD_ENGINE_ROOM_H

#include <linux/types.h>

struct folio;

struct folio *kn_room_alloc(int nid, unsigned int order, bool exchange);
struct folio *kn_room_keep(int nid);
void kn_room_settle(int nid);
void kn_room_settle_here(void);
bool kn_room_settle_freed(void);
void kn_room_release(struct folio *room, int nid);

#endif /* KNUMAD_ENGINE_ROOM_H */
