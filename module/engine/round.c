// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs an exchange: a batch of A's pages goes to B's node, then as many of B's come to A's, and
 * so on, so that no node's free memory falls by more than one batch.  How much a leg may bring
 * to a node is a matter of the node's account, see account.c.
 *
 * Context: the worker of the first leg's destination, with a reference on the exchange; may
 * sleep.  The planner may cancel it at any time, and change what is left.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/nodemask.h>

#include "../../include/knumad_trace.h"
#include "account.h"
#include "exchange.h"
#include "migrate.h"
#include "node.h"
#include "room.h"
#include "stats.h"

/* An exchange that could not move anything has a rest. */
#define KN_EXCHANGE_RETRY_MS	200

static bool kn_leg_is_due(const struct kn_exchange_leg *leg)
{
	return kn_leg_goes_on(leg) && time_after_eq(jiffies, leg->pass.retry_at);
}

/**
 * kn_exchange_is_due - whether there is something to do in an exchange now
 * @x: the exchange
 */
bool kn_exchange_is_due(const struct kn_exchange *x)
{
	u32 k;

	for (k = 0; k < x->nr_legs && !READ_ONCE(x->cancelled); k++)
		if (kn_leg_is_due(&x->legs[k]))
			return true;
	return false;
}

/* Nothing leaves for what comes: it may bring no more than its node is owed. */
static bool kn_exchange_is_alone(const struct kn_exchange *x)
{
	return x->kind == POLICY_REST;
}

/* The leg that comes to where leg @k leaves from; NULL where that one is alone. */
static struct kn_exchange_leg *kn_leg_before(struct kn_exchange *x, u32 k)
{
	return x->nr_legs == 1 ? NULL : &x->legs[(k ?: x->nr_legs) - 1];
}

/* Pages that are kept free for a leg on its destination; none for nobody. */
static long kn_leg_held(const struct kn_exchange_leg *leg)
{
	return leg && leg->spare ? HPAGE_PMD_NR : 0;
}

/*
 * Accounts for @moved pages of a leg that have left their node, and for the room that may
 * have been kept there for @back, if somebody comes, who has had none before.
 */
static void kn_leg_left(struct kn_exchange_leg *leg, const struct kn_exchange_leg *back,
			u64 moved)
{
	kn_account_left(leg->from, moved, kn_leg_held(back));
	WRITE_ONCE(leg->left, leg->left - (s64)moved);
}

/* The end of a round: what is kept free goes to others. */
static void kn_spares_drop(struct kn_exchange *x)
{
	u32 k;

	for (k = 0; k < x->nr_legs; k++) {
		struct kn_exchange_leg *leg = &x->legs[k];

		if (!leg->spare)
			continue;
		kn_room_release(leg->spare, leg->to);
		leg->spare = NULL;
		kn_account_drop_room(leg->to, HPAGE_PMD_NR);
	}
}

/* @moved pages of leg @k have gone to @nid, where @before pages were free. */
static void kn_leg_trace(const struct kn_exchange *x, u32 k, int nid, u64 moved, u64 before)
{
	const struct kn_exchange_leg *leg = &x->legs[k];

	trace_knumad_exchange(policy_exchange_name(x->kind), leg->proc->tgid,
			      x->legs[(k + 1) % x->nr_legs].proc->tgid, leg->from, nid, moved,
			      before, kn_node_free_pages(nid), kn_account_pages(nid), x->gain_ucpu);
}

/*
 * Moves a batch of a leg; returns the pages moved.  The leg before it comes to where the
 * pages have left.
 */
static u64 kn_leg_run(struct kn_exchange *x, u32 k, u64 *cost)
{
	struct kn_exchange_leg *leg = &x->legs[k], *back = kn_leg_before(x, k);
	u64 before = kn_node_free_pages(leg->to), moved, max;
	long room;

	if (!kn_leg_is_due(leg) || READ_ONCE(x->cancelled))
		return 0;
	room = kn_account_take_room(leg->to, kn_leg_held(leg), kn_exchange_is_alone(x));
	if (!room)
		return 0;
	max = min_t(u64, room, max_t(s64, leg->left, KN_EXCHANGE_PAGES));
	moved = kn_migrate_leg(leg->proc, &leg->pass, leg->from, leg->to, max, &leg->spare,
			       back ? &back->spare : NULL, cost);
	kn_account_came(leg->to, moved, room - kn_leg_held(leg));
	kn_leg_left(leg, back, moved);
	WRITE_ONCE(leg->moved, leg->moved + moved);
	kn_stat_add(exchange_pages, moved);
	if (moved)
		kn_leg_trace(x, k, leg->to, moved, before);
	return moved;
}

/* The leg that begins: the one whose destination has most room. */
static u32 kn_exchange_first(const struct kn_exchange *x)
{
	u32 k, first = 0;
	long most = LONG_MIN;

	for (k = 0; k < x->nr_legs; k++) {
		long room = kn_account_room_pages(x->legs[k].to, kn_exchange_is_alone(x));

		if (room > most && kn_leg_is_due(&x->legs[k])) {
			most = room;
			first = k;
		}
	}
	return first;
}

/*
 * A node that has no part in an exchange, but room, for pages of @proc; or NUMA_NO_NODE.  Pages in
 * use go first, so it is none without CPUs: such memory is slow.
 */
static int kn_bounce_node(const struct kn_exchange *x, const struct kn_proc *proc)
{
	int nid, best = NUMA_NO_NODE;
	u64 most = KN_BATCH_PAGES, part = 0;
	u32 k;

	for (k = 0; k < x->nr_legs; k++)
		part |= BIT_ULL(x->legs[k].to);
	for_each_node_state(nid, N_MEMORY) {
		u64 room = kn_node_headroom_pages(nid);

		if (!(part & BIT_ULL(nid)) && (READ_ONCE(proc->mem_nodes) & BIT_ULL(nid)) &&
		    node_state(nid, N_CPU) && room > most) {
			most = room;
			best = nid;
		}
	}
	return best;
}

/*
 * Nothing is free on any node of the exchange: a batch of a leg's pages goes to a node
 * with room, which lets the next leg begin.  From there the plan brings them home.
 */
static u64 kn_exchange_bounce(struct kn_exchange *x, u64 *cost)
{
	u32 k = kn_exchange_first(x);
	struct kn_exchange_leg *leg = &x->legs[k], *back = kn_leg_before(x, k);
	struct folio *none = NULL;
	int nid = kn_bounce_node(x, leg->proc);
	u64 moved, before;

	if (nid == NUMA_NO_NODE) {
		kn_stat_inc(exchange_no_room);
		return 0;
	}
	before = kn_node_free_pages(nid);
	moved = kn_migrate_leg(leg->proc, &leg->pass, leg->from, nid, KN_BATCH_PAGES, &none,
			       &back->spare, cost);
	kn_leg_left(leg, back, moved);
	WRITE_ONCE(leg->bounced, leg->bounced + moved);
	kn_stat_add(exchange_bounced, moved);
	if (moved)
		kn_leg_trace(x, k, nid, moved, before);
	return moved;
}

/* Whether some node of the exchange has room for a batch to begin with. */
static bool kn_exchange_has_room(const struct kn_exchange *x)
{
	u32 k;

	for (k = 0; k < x->nr_legs; k++)
		if (kn_account_has_room(x->legs[k].to, kn_exchange_is_alone(x)))
			return true;
	return false;
}

/*
 * No leg could move anything.  If there is no room for any, some of it may be hidden, and the
 * next round will tell; or else it is made elsewhere.  Returns the pages moved for that.
 */
static u64 kn_exchange_make_room(struct kn_exchange *x, u64 *cost)
{
	if (kn_exchange_has_room(x) || kn_room_settle_freed() || x->nr_legs == 1)
		return 0;
	return kn_exchange_bounce(x, cost);
}

static void kn_exchange_stuck(struct kn_exchange *x)
{
	u32 k;

	kn_stat_inc(exchange_stuck);
	for (k = 0; k < x->nr_legs; k++)
		x->legs[k].pass.retry_at = jiffies + msecs_to_jiffies(KN_EXCHANGE_RETRY_MS);
}

/**
 * kn_exchange_round - move a batch of each leg, one after the other
 * @x: due; the caller's node is the first leg's destination
 *
 * Each leg leaves the node that the one before has filled; until it has, that node is short
 * of a batch.  Return: what it cost, in pages; 0 if nothing could be done.
 */
u64 kn_exchange_round(struct kn_exchange *x)
{
	u64 cost = 0, moved = 0;
	u32 first = kn_exchange_first(x), k;

	for (k = 0; k < x->nr_legs; k++)
		moved += kn_leg_run(x, (first + k) % x->nr_legs, &cost);
	if (!moved && !READ_ONCE(x->cancelled))
		moved = kn_exchange_make_room(x, &cost);
	kn_spares_drop(x);
	if (!moved && !READ_ONCE(x->cancelled))
		kn_exchange_stuck(x);
	return cost;
}
