/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The account of a node: what exchanges have put on it and taken off it, and how much more
 * they may bring there.  In pages of 4 KiB.
 */
#ifndef KNUMAD_ENGINE_ACCOUNT_H
#define KNUMAD_ENGINE_ACCOUNT_H

#include <linux/types.h>

long kn_account_pages(int nid);
u64 kn_account_owed_pages(int nid);

long kn_account_room_pages(int nid, bool alone);
bool kn_account_has_room(int nid, bool alone);

long kn_account_take_room(int nid, long held, bool alone);
void kn_account_drop_room(int nid, long room);
void kn_account_came(int nid, u64 moved, long room);
void kn_account_left(int nid, u64 moved, long held);
void kn_account_owe(int nid, u64 moved);

void kn_accounts_close(u64 concerned);

#endif /* KNUMAD_ENGINE_ACCOUNT_H */
