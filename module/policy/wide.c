// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wide homes: the smallest set of near nodes that fits a process.
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
		pages += pl->s->nodes[nid].total_pages / 16 * 15;
	}
	if (room < pp->demand)
		return false;
	return !pl->s->tunables.may_move_memory || !pp->movable || pages >= pp->total;
}

static u64 grow(const struct plan *pl, u32 i, u32 seed)
{
	u64 set = BIT_ULL(seed);
	u32 next = seed;

	while (!fits(pl, i, set, false) && nearest_with_room(pl, i, set, &next))
		set |= BIT_ULL(next);
	return set;
}

/**
 * plan_wide_set() - find a home of several nodes
 * @pl: the plan
 * @i: the process, not placed
 *
 * Its present home is kept if it still fits and no smaller set does.
 *
 * Return: the set, or 0 if there is none of more than one node.
 */
u64 plan_wide_set(const struct plan *pl, u32 i)
{
	const struct plan_proc *pp = &pl->procs[i];
	u64 seeds = pp->allowed, best = 0, bits, copy;
	u32 seed, best_size = 0;
	s64 best_cost = 0;

	if (!pl->s->tunables.may_move_memory || hweight64(seeds) > MAX_SEEDS)
		seeds = BIT_ULL(pp->best_nid);
	if (pp->home && !plan_single(pp->home) && fits(pl, i, pp->home, true)) {
		best = pp->home;
		best_size = hweight64(best);
		best_cost = plan_cost_wide(pl, i, best, false, &copy) - plan_threshold(pl, i);
	}
	plan_for_each_node(seed, seeds, bits) {
		u64 set = grow(pl, i, seed);
		u32 size = hweight64(set);
		bool good = fits(pl, i, set, false);
		s64 cost;

		if (size < 2 || set == best)
			continue;
		cost = plan_cost_wide(pl, i, set, false, &copy);
		if (!good)	/* what cannot fit is the last choice, not the smallest */
			size += POLICY_MAX_NODES;
		if (!best || size < best_size || (size == best_size && cost < best_cost)) {
			best = set;
			best_size = size;
			best_cost = cost;
		}
	}
	return best;
}
