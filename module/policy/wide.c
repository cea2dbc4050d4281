// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wide homes: the set of near nodes that fits a process, and is smallest unless that costs more.
 *
 * Called by a plan's placing step for a process that no single node can take,
 * for its CPU demand or for its memory.
 */
#include <linux/kernel.h>
#include "plan.h"

/* With more nodes than this only the best one is tried as the set's first. */
#define MAX_SEEDS	16

static u32 distance_to_set(const struct plan *pl, u32 nid, u64 set)
{
	u32 sum = 0, other;
	u64 bits;

	plan_for_each_node(other, set, bits)
		sum += pl->penalty[nid * pl->nr_nodes + other];
	return sum;
}

/* Of two nodes as near: the one with more of its memory, or else with more CPUs. */
static bool preferred(const struct plan *pl, u32 i, u32 a, u32 b)
{
	const struct policy_proc *p = &pl->s->procs[i];

	if (plan_pages_at(p, a) != plan_pages_at(p, b))
		return plan_pages_at(p, a) > plan_pages_at(p, b);
	return plan_own_cap(pl, i, a) > plan_own_cap(pl, i, b);
}

/* The nearest node with room that is not yet in @set. */
static bool nearest_with_room(const struct plan *pl, u32 i, u64 set, u32 *found)
{
	u32 nid, best_distance = 0;
	bool any = false;
	u64 bits;

	plan_for_each_node(nid, pl->procs[i].allowed & ~set, bits) {
		u32 d = distance_to_set(pl, nid, set);

		if (!plan_room_for(pl, i, nid, false))
			continue;
		if (!any || d < best_distance ||
		    (d == best_distance && preferred(pl, i, nid, *found))) {
			any = true;
			best_distance = d;
			*found = nid;
		}
	}
	return any;
}

static bool fits(const struct plan *pl, u32 i, u64 set, bool at_home)
{
	const struct plan_proc *pp = &pl->procs[i];
	s64 room = 0;
	u64 pages = 0, bits;
	u32 nid;

	plan_for_each_node(nid, set, bits) {
		room += plan_room_for(pl, i, nid, at_home);
		pages += pl->nodes[nid].own_pages;
	}
	if (room < pp->demand)
		return false;
	return !pl->s->tunables.may_move_memory || !pp->movable ||
	       pages >= plan_pages_on(pl, i, set);
}

static u64 grow(const struct plan *pl, u32 i, u32 seed)
{
	u64 set = BIT_ULL(seed);
	u32 next = seed;

	while (!fits(pl, i, set, false) && nearest_with_room(pl, i, set, &next))
		set |= BIT_ULL(next);
	return set;
}

/* What a set costs, every further node as much as a change has to save: it must be worth that. */
static s64 score(const struct plan *pl, u32 i, u64 set)
{
	u64 copy;

	return plan_cost_wide(pl, i, set, false, &copy) + hweight64(set) * plan_least_gain(pl, i);
}

/**
 * plan_wide_set() - find a home of several nodes
 * @pl: the plan
 * @i: the process, not placed
 *
 * Its present home is kept if it still fits and none is clearly better.
 *
 * Return: the set, or 0 if there is none of more than one node.
 */
u64 plan_wide_set(const struct plan *pl, u32 i)
{
	const struct plan_proc *pp = &pl->procs[i];
	u64 seeds = pp->allowed, best = 0, bits;
	bool best_fits = false;
	s64 best_score = 0;
	u32 seed;

	if (!pl->s->tunables.may_move_memory || hweight64(seeds) > MAX_SEEDS)
		seeds = BIT_ULL(pp->best_nid);
	if (pp->home && !plan_single(pp->home) && fits(pl, i, pp->home, true)) {
		best = pp->home;
		best_fits = true;
		best_score = score(pl, i, best) - plan_threshold(pl, i);
	}
	plan_for_each_node(seed, seeds, bits) {
		u64 set = grow(pl, i, seed);
		bool good;
		s64 value;

		if (plan_single(set) || set == best)
			continue;
		good = fits(pl, i, set, false);
		value = score(pl, i, set);
		/* What cannot fit is the last choice, not the cheapest. */
		if (!best || good > best_fits || (good == best_fits && value < best_score)) {
			best = set;
			best_fits = good;
			best_score = value;
		}
	}
	return best;
}
