// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prices: what it costs, in ucpu, to have a process's home on a node.
 *
 * Pure arithmetic, called by the other steps of a plan. A price has three
 * parts: accesses that stay remote, accesses that are remote while memory is
 * on its way, and copying; the queueing it causes is priced apart, because it
 * depends on who else is there.
 *
 * Remote accesses cost demand x share of pages x (distance - 10) / 10, as if
 * the process did nothing but access memory: an upper bound, the same for all.
 */
#include <linux/kernel.h>
#include "plan.h"

#define SHARE_SHIFT	16
#define PART_SHIFT	20
/* How much more room draws threads than mere CPUs do; not all, as room is noisy. */
#define ROOM_WEIGHT	8

/* CPU time lost to @weighted = sum of page shares x tenths of distance. */
static s64 stall(u32 demand, u64 weighted)
{
	return (s64)((weighted * demand * 100) >> SHARE_SHIFT);
}

s64 plan_copy_cost(const struct plan *pl, u64 pages)
{
	return (s64)(pages * pl->s->tunables.copy_ns_per_page /
		     pl->s->tunables.payback_ms);
}

/*
 * Part of the payback time, with PART_SHIFT bits, that @pages are under way:
 * halved, because they become fewer; at most three quarters.
 */
static s64 underway(const struct plan *pl, u64 pages)
{
	const struct policy_tunables *t = &pl->s->tunables;
	u64 ms = pages * t->move_ns_per_page / 1000000;

	return (s64)min((ms << (PART_SHIFT - 1)) / t->payback_ms, 3ULL << (PART_SHIFT - 2));
}

/* Pages that would have to move to make @nid the home. */
u64 plan_claim(const struct plan *pl, u32 i, u32 nid)
{
	const struct policy_proc *p = &pl->s->procs[i];

	if (!pl->s->tunables.may_move_memory ||
	    !(p->mem_nodes & pl->mem_mask & BIT_ULL(nid)))
		return 0;
	return pl->procs[i].movable - p->pages[nid];
}

/* Fill @stay and @follow with weighted page shares, first step of the prices. */
static void weigh_pages(struct plan *pl, u32 i, s64 *stay, s64 *follow)
{
	const struct policy_proc *p = &pl->s->procs[i];
	u64 total = pl->procs[i].total;
	u32 n = pl->nr_nodes, cpu, mem;

	for (cpu = 0; cpu < n; cpu++) {
		stay[cpu] = 0;
		follow[cpu] = 0;
	}
	for (mem = 0; mem < n; mem++) {
		u64 fixed = p->fixed_pages ? p->fixed_pages[mem] : 0;
		u64 all = p->pages[mem] + fixed;

		if (!all)
			continue;
		all = (all << SHARE_SHIFT) / total;
		fixed = fixed ? (fixed << SHARE_SHIFT) / total : 0;
		for (cpu = 0; cpu < n; cpu++) {
			u32 tenths = pl->penalty[cpu * n + mem];

			stay[cpu] += (s64)(all * tenths);
			follow[cpu] += (s64)(fixed * tenths);
		}
	}
}

/*
 * The second step for a process that may use part of its nodes' CPUs alone.  Where not all of its
 * threads have a CPU at home, the others are remote from what follows.
 */
static void weigh_in_part(struct plan *pl, u32 i, s64 *stay, s64 *follow)
{
	const struct plan_proc *pp = &pl->procs[i];
	u64 share = (pp->movable << SHARE_SHIFT) / pp->total, bits, others;
	s64 fixed[POLICY_MAX_NODES];
	u32 nid, cpu;

	plan_for_each_node(nid, pp->allowed, bits) {
		stay[nid] = stall(pp->demand, stay[nid]);
		follow[nid] = stall(pp->demand, follow[nid]);
		fixed[nid] = follow[nid];
	}
	plan_for_each_node(nid, pp->allowed, bits) {
		s64 sum = 0;

		if (!plan_spills(pl, i, nid))
			continue;
		plan_for_each_node(cpu, pp->allowed, others) {
			u32 tenths = pl->penalty[cpu * pl->nr_nodes + nid];

			sum += plan_part_at(pl, i, nid, cpu) *
			       (fixed[cpu] + stall(pp->demand, share * tenths));
		}
		follow[nid] = pp->demand ? sum / pp->demand : 0;
	}
}

/**
 * plan_stay_in_part() - plan_stay() of a node that has too few CPUs for a process
 * @pl: the plan
 * @i: the process
 * @nid: the node
 *
 * Return: ucpu.
 */
s64 plan_stay_in_part(const struct plan *pl, u32 i, u32 nid)
{
	const s64 *stay = pl->stay + (u64)i * pl->nr_nodes;
	u32 demand = pl->procs[i].demand, cpu;
	s64 sum = 0;
	u64 bits;

	plan_for_each_node(cpu, pl->procs[i].allowed, bits)
		sum += plan_part_at(pl, i, nid, cpu) * stay[cpu];
	return sum / demand;
}

/**
 * plan_price() - price every node as home of a process, if all were empty
 * @pl: the plan
 * @i: the process; its total, movable, demand, allowed are known
 */
void plan_price(struct plan *pl, u32 i)
{
	struct plan_proc *pp = &pl->procs[i];
	s64 *stay = pl->stay + (u64)i * pl->nr_nodes;
	s64 *follow = pl->follow + (u64)i * pl->nr_nodes;
	s64 second = PLAN_NO_COST, cap = 0, sum = 0;
	bool part = pp->part;
	u64 bits;
	u32 nid;

	weigh_pages(pl, i, stay, follow);
	pp->best = PLAN_NO_COST;
	if (part)
		weigh_in_part(pl, i, stay, follow);
	plan_for_each_node(nid, pp->allowed, bits) {
		u64 claim = plan_claim(pl, i, nid);
		s64 own = part ? plan_own_cap(pl, i, nid) : pl->nodes[nid].cap;
		s64 here, least, away;

		if (!part) {
			stay[nid] = stall(pp->demand, stay[nid]);
			follow[nid] = stall(pp->demand, follow[nid]);
		}
		here = part ? plan_stay(pl, i, nid) : stay[nid];
		away = (here - follow[nid]) * underway(pl, claim) >> PART_SHIFT;
		if (claim)
			follow[nid] += away + plan_copy_cost(pl, claim);
		else
			follow[nid] = here;
		least = min(here, follow[nid]);
		if (least < pp->best) {
			second = pp->best;
			pp->best = least;
			pp->best_nid = nid;
		} else if (least < second) {
			second = least;
		}
		sum += stay[nid] * own;
		cap += own;
	}
	pp->adrift = cap ? sum / cap : 0;
	pp->regret = second == PLAN_NO_COST ? PLAN_NO_COST / 2 : second - pp->best;
}

/* What it costs that page cache goes before @pages come where @room is left: it is copied, too. */
static s64 cache_cost(const struct plan *pl, u64 pages, u64 room, u64 cache)
{
	u64 free = room > cache ? room - cache : 0;

	return pages > free ? plan_copy_cost(pl, pages - free) : 0;
}

/**
 * plan_cost_at() - price of a node as the only home, with the free pages left
 * @pl: the plan
 * @i: the process; what it claimed at its present home is given back to it
 * @nid: the node
 *
 * Return: ucpu. Where only part of the memory can follow, in proportion.
 */
s64 plan_cost_at(const struct plan *pl, u32 i, u32 nid)
{
	const struct plan_proc *pp = &pl->procs[i];
	s64 stay = plan_stay(pl, i, nid);
	s64 follow = pl->follow[(u64)i * pl->nr_nodes + nid];
	u64 claim, room;
	s64 cost;

	if (follow >= stay)
		return stay;
	claim = plan_claim(pl, i, nid);
	room = pl->nodes[nid].free_pages;
	if (pp->home == BIT_ULL(nid))
		room += pp->claimed;
	cost = follow;
	if (claim > room)
		cost = stay - (((stay - follow) >> 10) * (s64)((room << 10) / claim));
	cost += cache_cost(pl, min(claim, room), room, pl->s->nodes[nid].cache_pages);
	return min(stay, cost);
}

/**
 * plan_cost_adrift() - price of having no home
 * @pl: the plan
 * @i: the process, not placed
 *
 * Its threads will run where there is room, and where there is none, anywhere.
 *
 * Return: ucpu.
 */
s64 plan_cost_adrift(const struct plan *pl, u32 i)
{
	const s64 *stay = pl->stay + (u64)i * pl->nr_nodes;
	s64 sum = 0, weights = 0;
	u64 bits;
	u32 nid;

	plan_for_each_node(nid, pl->procs[i].allowed, bits) {
		s64 weight = plan_room_for(pl, i, nid, false) * ROOM_WEIGHT +
			     plan_own_cap(pl, i, nid);

		sum += stay[nid] * weight;
		weights += weight;
	}
	return weights ? sum / weights : 0;
}

/* Pages that come into a set of nodes, and what they are a part of. */
struct inflow {
	u64 set;
	u64 into;		/* nodes of @set that may have them */
	u64 outside;		/* pages that could come */
	u64 room;
	u64 cache;		/* of @room */
	u64 moves;
	bool room_for_all;
};

static u64 room_for(const struct plan *pl, const struct inflow *in, u32 nid)
{
	return in->room_for_all ? pl->s->nodes[nid].total_pages : pl->nodes[nid].free_pages;
}

/* CPU time that threads on @cpu lose once all have come. */
static s64 stall_after(const struct plan *pl, u32 i, u32 cpu, const struct inflow *in)
{
	const struct policy_proc *p = &pl->s->procs[i];
	u64 weighted = 0;
	u32 mem;

	for (mem = 0; mem < pl->nr_nodes; mem++) {
		u64 pages = plan_pages_at(p, mem);

		if (!(in->set & BIT_ULL(mem)))
			pages -= plan_part(p->pages[mem], in->moves, in->outside);
		else if (in->into & BIT_ULL(mem))
			pages += plan_part(in->moves, room_for(pl, in, mem), in->room);
		if (pages)
			weighted += ((pages << SHARE_SHIFT) / pl->procs[i].total) *
				    pl->penalty[cpu * pl->nr_nodes + mem];
	}
	return stall(pl->procs[i].demand, weighted);
}

/**
 * plan_cost_wide() - price of several nodes as home
 * @pl: the plan
 * @i: the process
 * @set: the nodes
 * @room_for_all: as if there were free pages enough, and all had come
 * @copy_pages: set to the pages that would move into the set
 *
 * Threads are taken to be spread by the capacity that they may use, and to reach all of its
 * memory.
 *
 * Return: ucpu.
 */
s64 plan_cost_wide(const struct plan *pl, u32 i, u64 set, bool room_for_all, u64 *copy_pages)
{
	const struct policy_proc *p = &pl->s->procs[i];
	const s64 *stay = pl->stay + (u64)i * pl->nr_nodes;
	struct inflow in = {
		.set = set,
		.into = set & p->mem_nodes & pl->mem_mask,
		.room_for_all = room_for_all,
	};
	bool short_of_cpus = plan_single(set) && plan_spills(pl, i, __ffs64(set));
	s64 cap = 0, sum = 0, part = 0;
	u64 bits;
	u32 nid;

	for (nid = 0; nid < pl->nr_nodes; nid++)
		if (!(set & BIT_ULL(nid)))
			in.outside += p->pages[nid];
	plan_for_each_node(nid, in.into, bits) {
		in.room += room_for(pl, &in, nid);
		in.cache += room_for_all ? 0 : pl->s->nodes[nid].cache_pages;
	}
	if (pl->s->tunables.may_move_memory)
		in.moves = min(in.outside, in.room);
	if (!room_for_all)
		part = underway(pl, in.moves);

	plan_for_each_node(nid, short_of_cpus ? pl->procs[i].allowed : set, bits) {
		s64 threads = short_of_cpus ? plan_part_at(pl, i, __ffs64(set), nid) :
					      plan_own_cap(pl, i, nid);
		s64 after = stall_after(pl, i, nid, &in);

		sum += (after + ((stay[nid] - after) * part >> PART_SHIFT)) * threads;
		cap += threads;
	}
	*copy_pages = in.moves;
	return (cap ? sum / cap : 0) + plan_copy_cost(pl, in.moves) +
	       cache_cost(pl, in.moves, in.room, in.cache);
}
