// SPDX-License-Identifier: GPL-2.0-only
/*
 * Carries exchanges out: a batch of A's pages goes to B's node, then as many of B's come
 * to A's, and so on, so that no node's free memory falls by more than one batch.
 *
 * Context: the planner makes and cancels exchanges, a worker runs them; both may sleep.
 * The list has a lock of its own, held for moments only; who works on an exchange has a
 * reference, and sees in time that it was cancelled.  How much a leg may bring to a node is a
 * matter of the node's account, see account.c.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/slab.h>

#include "../../include/knumad_trace.h"
#include "account.h"
#include "exchange.h"
#include "migrate.h"
#include "node.h"
#include "room.h"
#include "stats.h"

/* A leg with fewer pages left is done. */
#define KN_LEG_CRUMB		64

/* An exchange that could not move anything has a rest. */
#define KN_EXCHANGE_RETRY_MS	200

static DEFINE_MUTEX(kn_exchange_lock);	/* the list and the ring; a leaf */
static LIST_HEAD(kn_exchanges);
static struct kn_exchange_record kn_ended[KN_MAX_EXCHANGES];
static u64 kn_nr_ended;

static void kn_exchange_release(struct kref *ref)
{
	struct kn_exchange *x = container_of(ref, struct kn_exchange, ref);
	u32 k;

	for (k = 0; k < x->nr_legs; k++)
		kn_proc_put(x->legs[k].proc);
	kfree(x);
}

/**
 * kn_exchange_put - drop a reference
 * @x: may be NULL
 */
void kn_exchange_put(struct kn_exchange *x)
{
	if (x)
		kref_put(&x->ref, kn_exchange_release);
}

static bool kn_leg_done(const struct kn_exchange_leg *leg)
{
	return leg->left < KN_LEG_CRUMB;
}

static bool kn_exchange_done(const struct kn_exchange *x)
{
	u32 k;

	for (k = 0; k < x->nr_legs; k++)
		if (!kn_leg_done(&x->legs[k]))
			return false;
	return true;
}

static void kn_exchange_describe(const struct kn_exchange *x, struct kn_exchange_record *r)
{
	u32 k;

	*r = (struct kn_exchange_record) {
		.kind = x->kind,
		.done = kn_exchange_done(x),
		.begun_ms = x->begun_ms,
		.gain_ucpu = x->gain_ucpu,
		.nr_legs = x->nr_legs,
	};
	for (k = 0; k < x->nr_legs; k++) {
		const struct kn_exchange_leg *leg = &x->legs[k];

		r->legs[k].tgid = leg->proc->tgid;
		r->legs[k].from = leg->from;
		r->legs[k].to = leg->to;
		r->legs[k].moved = READ_ONCE(leg->moved);
		r->legs[k].bounced = READ_ONCE(leg->bounced);
		r->legs[k].free_before = leg->free_before;
		r->legs[k].free_now = kn_node_free_pages(leg->to);
	}
}

/* kn_exchange_lock held.  Takes it off the list, and remembers it if it did something. */
static void kn_exchange_end(struct kn_exchange *x)
{
	struct kn_exchange_record *r = &kn_ended[kn_nr_ended % KN_MAX_EXCHANGES];
	u64 moved = 0;
	u32 k;

	WRITE_ONCE(x->cancelled, true);
	list_del_init(&x->list);
	for (k = 0; k < x->nr_legs; k++)
		moved += READ_ONCE(x->legs[k].moved) + READ_ONCE(x->legs[k].bounced);
	if (moved) {
		kn_exchange_describe(x, r);
		r->ended_ms = ktime_to_ms(ktime_get_boottime());
		kn_nr_ended++;
	}
	if (kn_exchange_done(x))
		kn_stat_inc(exchanges_done);
	kn_exchange_put(x);
}

/* kn_exchange_lock held.  The exchange under way that a planned one goes on with. */
static struct kn_exchange *kn_exchange_find(const struct policy_exchange *p,
					    struct kn_proc *const *procs)
{
	struct kn_exchange *x;
	u32 k;

	list_for_each_entry(x, &kn_exchanges, list) {
		if (x->planned || x->kind != p->kind || x->nr_legs != p->nr_legs)
			continue;
		for (k = 0; k < p->nr_legs; k++)
			if (x->legs[k].proc != procs[p->legs[k].proc] ||
			    x->legs[k].from != p->legs[k].from || x->legs[k].to != p->legs[k].to)
				break;
		if (k == p->nr_legs)
			return x;
	}
	return NULL;
}

/* kn_exchange_lock held.  NULL without memory: the next plan will have it again. */
static struct kn_exchange *kn_exchange_create(const struct policy_exchange *p,
					      struct kn_proc *const *procs)
{
	struct kn_exchange *x = kzalloc(struct_size(x, legs, p->nr_legs), GFP_KERNEL);
	u32 k;

	if (!x)
		return NULL;
	kref_init(&x->ref);
	x->kind = p->kind;
	x->begun_ms = ktime_to_ms(ktime_get_boottime());
	x->nr_legs = p->nr_legs;
	for (k = 0; k < p->nr_legs; k++) {
		struct kn_exchange_leg *leg = &x->legs[k];

		leg->proc = procs[p->legs[k].proc];
		kref_get(&leg->proc->ref);
		leg->from = p->legs[k].from;
		leg->to = p->legs[k].to;
		leg->pass.retry_at = jiffies;
		leg->pass.large_retry_at = jiffies;
		leg->free_before = kn_node_free_pages(leg->to);
	}
	list_add_tail(&x->list, &kn_exchanges);
	kn_stat_inc(exchanges_begun);
	return x;
}

/* The nodes that a plan's exchanges enter or leave. */
static u64 kn_exchanges_nodes(const struct policy_exchanges *plan)
{
	u64 nodes = 0;
	u32 i, k;

	for (i = 0; i < plan->nr; i++)
		for (k = 0; k < plan->list[i].nr_legs; k++)
			nodes |= BIT_ULL(plan->list[i].legs[k].from) |
				 BIT_ULL(plan->list[i].legs[k].to);
	return nodes;
}

/**
 * kn_exchanges_plan - have these exchanges run, and no others
 * @plan: the policy's list
 * @procs: the records that its legs' indices mean
 *
 * Planner thread.  One that the plan before had as well goes on where it is.
 */
void kn_exchanges_plan(const struct policy_exchanges *plan, struct kn_proc *const *procs)
{
	struct kn_exchange *x, *next;
	u32 i, k;

	kn_accounts_close(kn_exchanges_nodes(plan));
	mutex_lock(&kn_exchange_lock);
	list_for_each_entry(x, &kn_exchanges, list)
		x->planned = false;
	for (i = 0; i < plan->nr; i++) {
		const struct policy_exchange *p = &plan->list[i];

		x = kn_exchange_find(p, procs) ?: kn_exchange_create(p, procs);
		if (!x)
			continue;
		x->planned = true;
		x->gain_ucpu = p->gain_ucpu;
		for (k = 0; k < x->nr_legs; k++)
			WRITE_ONCE(x->legs[k].left, p->pages);
	}
	list_for_each_entry_safe(x, next, &kn_exchanges, list)
		if (!x->planned)
			kn_exchange_end(x);
	mutex_unlock(&kn_exchange_lock);
}

/**
 * kn_exchanges_forget - cancel all
 *
 * Planner thread, or module exit when no thread is left.
 */
void kn_exchanges_forget(void)
{
	const struct policy_exchanges none = { 0 };

	kn_exchanges_plan(&none, NULL);
}

/**
 * kn_exchange_next - iterate over the exchanges that a node's worker runs
 * @prev: the one before, whose reference is dropped, or NULL for the first
 * @nid: the node
 *
 * Return: the next with a reference, or NULL at the end, and behind one that was cancelled.
 */
struct kn_exchange *kn_exchange_next(struct kn_exchange *prev, int nid)
{
	struct kn_exchange *x = prev, *next = NULL;

	mutex_lock(&kn_exchange_lock);
	if (!prev)
		x = list_entry(&kn_exchanges, struct kn_exchange, list);
	if (!prev || !list_empty(&prev->list)) {
		list_for_each_entry_continue(x, &kn_exchanges, list) {
			if (x->legs[0].to == nid) {
				kref_get(&x->ref);
				next = x;
				break;
			}
		}
	}
	mutex_unlock(&kn_exchange_lock);
	kn_exchange_put(prev);
	return next;
}

static bool kn_leg_is_due(const struct kn_exchange_leg *leg)
{
	return READ_ONCE(leg->left) >= KN_LEG_CRUMB && time_after_eq(jiffies, leg->pass.retry_at);
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

/* A node that has no part in an exchange, but room, for pages of @proc; or NUMA_NO_NODE. */
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
		    room > most) {
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

/**
 * kn_exchanges_copy - the latest that have ended, oldest first, then those under way
 * @to: room for twice KN_MAX_EXCHANGES
 *
 * Return: how many there are.
 */
u32 kn_exchanges_copy(struct kn_exchange_record *to)
{
	struct kn_exchange *x;
	u32 nr, i;

	mutex_lock(&kn_exchange_lock);
	nr = min_t(u64, kn_nr_ended, KN_MAX_EXCHANGES);
	for (i = 0; i < nr; i++)
		to[i] = kn_ended[(kn_nr_ended - nr + i) % KN_MAX_EXCHANGES];
	list_for_each_entry(x, &kn_exchanges, list)
		if (nr < 2 * KN_MAX_EXCHANGES)
			kn_exchange_describe(x, &to[nr++]);
	mutex_unlock(&kn_exchange_lock);
	return nr;
}
