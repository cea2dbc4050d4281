// SPDX-License-Identifier: GPL-2.0-only
/*
 * The accounts of nodes: what keeps exchanges from draining one.
 *
 * What exchanges have put on a node, less what they took from it, and some of what left it
 * meanwhile, is its account, kn_put_on[];
 * what they have taken room for, or keep free for a huge page, is in kn_coming[].  No leg may
 * bring the sum above KN_MOST_PUT_ON: that is what keeps a node from being drained where one
 * half of an exchange fails, whoever fails, and in whatever order the batches come.  Where the
 * account is below 0 when they have ended, the node is owed pages, and one leg alone may bring
 * them.
 *
 * Context: any, and no lock: what several workers change at a time is atomic.  The planner
 * closes accounts.  All is in pages of 4 KiB.
 */
#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/nodemask.h>

#include "../../include/knumad.h"
#include "account.h"
#include "migrate.h"
#include "node.h"

/*
 * What a node may be short of, so that with what per-CPU lists take for those who come there
 * (they are emptied after each leg) it is no more than KN_BATCH_PAGES; and room for a huge page.
 */
#define KN_MOST_PUT_ON		(KN_BATCH_PAGES - 128)

/* What a node may be owed for pages that no exchange took. */
#define KN_MOST_OWED		(4 * KN_BATCH_PAGES)

/* Less room than this many pages on a node is none. */
#define KN_LEAST_ROOM		64

/* What is on the account of a node that no exchange has entered or left for so long is past. */
#define KN_ACCOUNT_MS		10000

static atomic_long_t kn_put_on[KNUMAD_MAX_NODES];
static atomic_long_t kn_coming[KNUMAD_MAX_NODES];
static unsigned long kn_concerned_at[KNUMAD_MAX_NODES];	/* planner thread only; jiffies */
static u64 kn_concerned;	/* nodes that the plan's exchanges enter or leave */

/**
 * kn_account_pages - what exchanges put on a node beyond what left it
 * @nid: the node
 *
 * Any context.  Return: pages; less than 0 if more has left.
 */
long kn_account_pages(int nid)
{
	return atomic_long_read(&kn_put_on[nid]);
}

/**
 * kn_account_owed_pages - what has left a node beyond what exchanges put there
 * @nid: the node
 *
 * Any context.
 */
u64 kn_account_owed_pages(int nid)
{
	return max_t(long, -kn_account_pages(nid), 0);
}

/* What a leg may bring an account to: to what it was, if nothing leaves for it. */
static long kn_account_most(bool alone)
{
	return alone ? 0 : KN_MOST_PUT_ON;
}

/*
 * Pages that a leg may put on a node: what its account has left, down to the floor; and
 * always what is free above the high watermark, which any migration may fill.  Without that
 * an exchange would stand still where somebody else has taken the other node's room.  What is
 * held for the leg is not free, and room all the same; @coming is what is for others.
 */
static long kn_account_room_beside(int nid, bool alone, long coming, long held)
{
	long put = kn_account_pages(nid);
	long room = min_t(long, kn_account_most(alone) - put, kn_node_exchange_pages(nid) + held);

	return max_t(long, room, kn_node_headroom_pages(nid) + held) - coming;
}

/**
 * kn_account_room_pages - how much room there is for a leg on its destination
 * @nid: the destination
 * @alone: nothing leaves for it, so it may bring no more than the node is owed
 *
 * Any context; a snapshot.  Return: pages; less than 0 if more are on their way than may be.
 */
long kn_account_room_pages(int nid, bool alone)
{
	return kn_account_room_beside(nid, alone, atomic_long_read(&kn_coming[nid]), 0);
}

/**
 * kn_account_has_room - whether a leg would get room on its destination
 * @nid: the destination
 * @alone: nothing leaves for it
 *
 * Any context; a snapshot.
 */
bool kn_account_has_room(int nid, bool alone)
{
	return kn_account_room_pages(nid, alone) >= KN_LEAST_ROOM;
}

/**
 * kn_account_take_room - take room for a leg on its destination
 * @nid: the destination
 * @held: pages that are kept there for it already
 * @alone: nothing leaves for it
 *
 * Worker threads.  Return: pages, @held among them, which kn_account_came() is to be told of;
 * 0, and nothing has changed, if there is no room.
 */
long kn_account_take_room(int nid, long held, bool alone)
{
	long coming = atomic_long_read(&kn_coming[nid]), room;

	do {
		room = min_t(long, kn_account_room_beside(nid, alone, coming - held, held),
			     KN_BATCH_PAGES);
		if (room < KN_LEAST_ROOM)
			return 0;
	} while (!atomic_long_try_cmpxchg(&kn_coming[nid], &coming, coming - held + room));
	return room;
}

/**
 * kn_account_drop_room - let others have room that nothing came to
 * @nid: the node
 * @room: pages that were taken, or held
 *
 * Worker threads.
 */
void kn_account_drop_room(int nid, long room)
{
	atomic_long_sub(room, &kn_coming[nid]);
}

/**
 * kn_account_came - account for pages of a leg that have come to their destination
 * @nid: the destination
 * @moved: pages
 * @room: pages that were taken for them and are not held any more
 *
 * Worker threads.
 */
void kn_account_came(int nid, u64 moved, long room)
{
	atomic_long_add(moved, &kn_put_on[nid]);
	kn_account_drop_room(nid, room);
}

/**
 * kn_account_left - account for pages of a leg that have left their node
 * @nid: the node
 * @moved: pages
 * @held: of their room so many pages are held for the leg that comes back
 *
 * Worker threads.
 */
void kn_account_left(int nid, u64 moved, long held)
{
	atomic_long_add(held, &kn_coming[nid]);
	atomic_long_sub(moved, &kn_put_on[nid]);
}

/**
 * kn_account_owe - account for pages that have left a node by themselves, not for others
 * @nid: the node
 * @moved: pages
 *
 * Worker threads.  Where an exchange goes on and there is no room otherwise, those who wait for
 * some get what these leave: one process of a circle that has found room ahead of the others would
 * leave them with nobody to exchange the rest with.  No more than some batches at a time: who else
 * uses memory may have taken it meanwhile.
 */
void kn_account_owe(int nid, u64 moved)
{
	if ((READ_ONCE(kn_concerned) & BIT_ULL(nid)) &&
	    kn_node_headroom_pages(nid) < KN_BATCH_PAGES &&
	    kn_account_owed_pages(nid) + moved <= KN_MOST_OWED)
		atomic_long_sub(moved, &kn_put_on[nid]);
}

/**
 * kn_accounts_close - forget what does not matter any more
 * @concerned: nodes that the plan's exchanges enter or leave
 *
 * Planner thread.  Where a node has room again its account does not matter any more; nor where
 * no exchange has had to do with it for a while.
 */
void kn_accounts_close(u64 concerned)
{
	int nid;

	WRITE_ONCE(kn_concerned, concerned);
	for (nid = 0; nid < nr_node_ids; nid++) {
		if (concerned & BIT_ULL(nid))
			kn_concerned_at[nid] = jiffies;
		if (kn_node_headroom_pages(nid) > KN_BATCH_PAGES ||
		    time_after(jiffies, kn_concerned_at[nid] + msecs_to_jiffies(KN_ACCOUNT_MS)))
			atomic_long_set(&kn_put_on[nid], 0);
	}
}
