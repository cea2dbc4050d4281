// SPDX-License-Identifier: GPL-2.0-only
/*
 * Swaps: two processes change places where neither could move alone.
 *
 * Called by plan_homes() at the start of each round. For each pair of nodes the
 * process with most to gain is taken that wants to go there but finds no room,
 * and the partner that makes the exchange cheapest. They swap only if both
 * gain, or one gains far more than the other loses.
 */
#include <linux/kernel.h>
#include "plan.h"

/* "Far more": the gainer saves this many times what its partner loses. */
#define SWAP_FACTOR	2

#define NO_ONE		U32_MAX

static struct plan_swap *swap_slot(const struct plan *pl, u32 from, u32 to)
{
	return &pl->swaps[from * pl->nr_nodes + to];
}

/* What a process saves by being at home on @to, whoever else is there. */
static s64 saves(const struct plan *pl, u32 i, u32 from, u32 to)
{
	return plan_cost_at(pl, i, from) - plan_cost_at(pl, i, to);
}

/* Not all of its threads would be where it is at home: it takes no whole place, and leaves none. */
static bool spills(const struct plan *pl, u32 i, u32 to)
{
	return plan_spills(pl, i, __ffs64(pl->procs[i].home)) || plan_spills(pl, i, to);
}

static bool may_swap(const struct plan *pl, u32 i, u32 to)
{
	const struct plan_proc *pp = &pl->procs[i];

	return plan_single(pp->home) && (pp->candidates & BIT_ULL(to)) &&
	       !spills(pl, i, to) && !plan_locked(pl, i, BIT_ULL(to));
}

static bool find_gainers(struct plan *pl)
{
	u32 i, k, pairs = pl->nr_nodes * pl->nr_nodes;
	bool any = false;

	for (k = 0; k < pairs; k++)
		pl->swaps[k] = (struct plan_swap){ .gainer = NO_ONE, .partner = NO_ONE };
	for (i = 0; i < pl->nr_procs; i++) {
		const struct plan_proc *pp = &pl->procs[i];
		struct plan_swap *swap;
		u32 from, to = pp->best_nid;
		s64 wish;

		if (pp->fixed || !plan_single(pp->home) || pp->home == BIT_ULL(to) ||
		    spills(pl, i, to))
			continue;
		from = __ffs64(pp->home);
		wish = saves(pl, i, from, to);
		if (wish <= plan_threshold(pl, i) ||
		    wish - plan_queue_cost(pl, to, pp->demand, false) > plan_threshold(pl, i))
			continue;	/* wants nothing, or needs nobody's place */
		if (!may_swap(pl, i, to)) {
			pl->procs[i].held = true;
			continue;
		}
		swap = swap_slot(pl, from, to);
		if (swap->gainer != NO_ONE && wish <= swap->wish)
			continue;
		swap->gainer = i;
		swap->wish = wish;
		any = true;
	}
	return any;
}

/* Change of all costs if @a on @n and @b on @m change places. */
static s64 delta_of(const struct plan *pl, u32 a, u32 n, u32 b, u32 m)
{
	s64 shift = (s64)pl->procs[a].demand - pl->procs[b].demand;

	return plan_queue_cost(pl, n, -shift, shift > 0) +
	       plan_queue_cost(pl, m, shift, shift < 0) -
	       saves(pl, a, n, m) - saves(pl, b, m, n);
}

static bool fair_swap(s64 gain_a, s64 gain_b)
{
	if (gain_a < 0)
		return gain_b >= -gain_a * SWAP_FACTOR;
	if (gain_b < 0)
		return gain_a >= -gain_b * SWAP_FACTOR;
	return true;
}

static void find_partners(struct plan *pl)
{
	u32 b, n;

	for (b = 0; b < pl->nr_procs; b++) {
		u32 m;

		if (!plan_single(pl->procs[b].home) || plan_locked(pl, b, 0))
			continue;
		m = __ffs64(pl->procs[b].home);
		for (n = 0; n < pl->nr_nodes; n++) {
			struct plan_swap *swap = swap_slot(pl, n, m);
			s64 delta;

			if (swap->gainer == NO_ONE || n == m || !may_swap(pl, b, n) ||
			    !fair_swap(swap->wish, saves(pl, b, m, n)))
				continue;
			delta = delta_of(pl, swap->gainer, n, b, m);
			if (swap->partner == NO_ONE || delta < swap->delta) {
				swap->partner = b;
				swap->delta = delta;
			}
		}
	}
}

static void settle(struct plan *pl, u32 i, u32 from, u32 to, s64 saved)
{
	struct plan_proc *pp = &pl->procs[i];
	u64 copy = min(plan_claim(pl, i, to), pl->nodes[to].free_pages);

	pp->changed = pl->s->procs[i].home == BIT_ULL(from);
	saved += pp->gain - pp->cost;
	pp->cost = plan_copy_cost(pl, copy);
	pp->gain = max_t(s64, saved + pp->cost, 0);
	pp->reason = POLICY_SWAP;
	plan_put(pl, i, BIT_ULL(to));
}

/**
 * plan_swap_blocked() - let pairs of processes change places
 * @pl: the plan
 *
 * Both verdicts show the gain of the pair as a whole.
 *
 * Return: number of processes that changed their home.
 */
u32 plan_swap_blocked(struct plan *pl)
{
	u32 n, m, changes = 0;

	if (pl->nr_nodes < 2 || !find_gainers(pl))
		return 0;
	find_partners(pl);
	for (n = 0; n < pl->nr_nodes; n++) {
		for (m = 0; m < pl->nr_nodes; m++) {
			struct plan_swap *swap = swap_slot(pl, n, m);
			u32 a = swap->gainer, b = swap->partner;
			s64 delta;

			if (a == NO_ONE || b == NO_ONE || a == b ||
			    pl->procs[a].home != BIT_ULL(n) || pl->procs[b].home != BIT_ULL(m))
				continue;
			/* An earlier swap of this round may have changed the loads. */
			delta = delta_of(pl, a, n, b, m);
			if (delta > -(plan_threshold(pl, a) + plan_threshold(pl, b)))
				continue;
			plan_take(pl, a);
			plan_take(pl, b);
			settle(pl, a, n, m, -delta);
			settle(pl, b, m, n, -delta);
			changes += 2;
		}
	}
	return changes;
}
