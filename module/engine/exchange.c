// SPDX-License-Identifier: GPL-2.0-only
/*
 * The list of exchanges: those of the plan, and records of the latest that have ended.  What a
 * worker does with one of them is in round.c.
 *
 * Context: the planner makes and cancels exchanges, a worker runs them; both may sleep.
 * The list has a lock of its own, held for moments only; who works on an exchange has a
 * reference, and sees in time that it was cancelled.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "account.h"
#include "boost.h"
#include "exchange.h"
#include "node.h"
#include "stats.h"

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

static bool kn_exchange_done(const struct kn_exchange *x)
{
	u32 k;

	for (k = 0; k < x->nr_legs; k++)
		if (kn_leg_goes_on(&x->legs[k]))
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
	int nice;

	if (!prev && list_empty(&kn_exchanges))	/* mostly so */
		return NULL;
	nice = kn_boost_begin();	/* or the planner might wait for the lowest priority */
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
	kn_boost_end(nice);
	kn_exchange_put(prev);
	return next;
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
