// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queueing: what more load on a node costs, in ucpu.
 *
 * Pure arithmetic, called by the steps of a plan that compare homes. As long
 * as there are CPUs for all, load above a node's capacity is time queued beside
 * an idle CPU. When there are not, queueing is no fault of the plan, but an
 * idle CPU is, and an uneven share is a little one.
 *
 * Demand is noisy. A node is entered only with half the slack left, and is left
 * only when all of it is used up; a home may leave CPUs idle up to the slack, a
 * new one only to half of it. In between nothing changes.
 */
#include <linux/kernel.h>
#include "plan.h"

/**
 * plan_queue_init() - set the loads at which a node is full, and idle
 * @pl: the plan
 * @node: one of its nodes, its capacity and fair share are known
 *
 * One value for newcomers, and one for who is at home there already.
 */
void plan_queue_init(const struct plan *pl, struct plan_node *node)
{
	s64 slack = pl->s->tunables.slack_percent;
	u32 at_home;

	for (at_home = 0; at_home < 2; at_home++) {
		node->most[at_home] = node->fair * (200 + slack * (1 + at_home)) / 200;
		node->least[at_home] = node->cap * (200 - slack * (1 + at_home)) / 200;
	}
}

/* Load that is bound to be there, once fluid loads have made way. */
static s64 load_at(const struct plan_node *node)
{
	return node->load + node->fluid - node->flex;
}

static s64 idle_at(const struct plan_node *node, bool at_home)
{
	s64 idle = node->least[at_home] - node->load - node->fluid;

	return idle > 0 ? idle : 0;
}

/* Idle CPUs that get work if more comes to @set: its own, and those that fluid loads flow to. */
static s64 put_to_work(const struct plan *pl, u64 set, bool at_home)
{
	s64 here = 0, fluid = 0, elsewhere = 0;
	u64 reach = 0, bits;
	u32 nid;

	plan_for_each_node(nid, set, bits) {
		here += idle_at(&pl->nodes[nid], at_home);
		fluid += pl->nodes[nid].fluid;
		reach |= pl->nodes[nid].fluid_nodes;
	}
	plan_for_each_node(nid, reach & ~set, bits)
		elsewhere += idle_at(&pl->nodes[nid], at_home);
	return here + min(fluid, elsewhere);
}

static s64 weight(const struct plan *pl)
{
	return pl->overcommit ? PLAN_WEIGHT_UNEVEN : PLAN_WEIGHT_QUEUE;
}

static bool idle_counts(const struct plan *pl)
{
	return pl->overcommit && pl->count_idle;
}

/**
 * plan_room() - CPU time a node has left for one more process
 * @pl: the plan
 * @nid: the node
 * @at_home: the process is at home there already
 *
 * Return: mcpu, not negative.
 */
s64 plan_room(const struct plan *pl, u32 nid, bool at_home)
{
	s64 room = pl->nodes[nid].most[at_home] - load_at(&pl->nodes[nid]);

	return room > 0 ? room : 0;
}

/**
 * plan_room_in_part() - CPU time a node has left that a process may use, of a part of its CPUs
 * @pl: the plan
 * @i: the process
 * @nid: the node
 * @at_home: it is at home there already
 *
 * Return: mcpu, not negative.
 */
s64 plan_room_in_part(const struct plan *pl, u32 i, u32 nid, bool at_home)
{
	const struct plan_node *node = &pl->nodes[nid];
	s64 room = plan_room(pl, nid, at_home);

	if (!node->cap)
		return room;
	return min(room, node->most[at_home] * plan_own_cap(pl, i, nid) / node->cap);
}

/**
 * plan_idle_cost() - price of all idle CPUs beside queued threads
 * @pl: the plan
 * @at_home: idle CPUs are judged as for a process that stays at home
 *
 * Return: ucpu; 0 while it is not yet known or no matter.
 */
s64 plan_idle_cost(const struct plan *pl, bool at_home)
{
	s64 idle = 0;
	u64 bits;
	u32 nid;

	if (!idle_counts(pl))
		return 0;
	plan_for_each_node(nid, pl->cpu_mask, bits)
		idle += idle_at(&pl->nodes[nid], at_home);
	return idle * PLAN_WEIGHT_QUEUE;
}

/**
 * plan_queue_cost() - price of the queueing that more load on a node causes
 * @pl: the plan
 * @nid: the node
 * @add: mcpu that would come; negative if they would go
 * @at_home: they are at home there already
 *
 * Return: ucpu; negative if idle CPUs would get work.
 */
s64 plan_queue_cost(const struct plan *pl, u32 nid, s64 add, bool at_home)
{
	const struct plan_node *node = &pl->nodes[nid];
	s64 over = load_at(node) - node->most[at_home];
	s64 cost = (max_t(s64, over + add, 0) - max_t(s64, over, 0)) * weight(pl);

	if (!idle_counts(pl))
		return cost;
	if (add > 0)
		return cost - min(add, put_to_work(pl, BIT_ULL(nid), at_home)) * PLAN_WEIGHT_QUEUE;
	over = node->least[!at_home] - node->load - node->fluid;
	return cost + (max_t(s64, over - add, 0) - max_t(s64, over, 0)) * PLAN_WEIGHT_QUEUE;
}

/* The price of queueing that @demand of @i's causes that may spread over @set. */
static s64 fluid_cost(const struct plan *pl, u32 i, u64 set, s64 demand, bool at_home)
{
	s64 room = 0, cost = 0;
	u64 bits;
	u32 nid;

	plan_for_each_node(nid, set, bits)
		room += plan_room_for(pl, i, nid, at_home);
	if (demand > room)
		cost = (demand - room) * weight(pl);
	if (idle_counts(pl))
		cost -= min(demand, put_to_work(pl, set, at_home)) * PLAN_WEIGHT_QUEUE;
	return cost;
}

/**
 * plan_home_queue_cost() - price of the queueing that a process with one home causes
 * @pl: the plan
 * @i: the process, not placed
 * @nid: its home
 * @at_home: it is at home there already
 *
 * Threads for which its affinity admits no CPU there spread over the other nodes: none has to
 * wait for that, but each is away from home for good.
 *
 * Return: ucpu; negative if idle CPUs would get work.
 */
s64 plan_home_queue_cost(const struct plan *pl, u32 i, u32 nid, bool at_home)
{
	const struct plan_proc *pp = &pl->procs[i];
	s64 here, rest;

	if (!plan_spills(pl, i, nid))
		return plan_queue_cost(pl, nid, pp->demand, at_home);
	here = plan_own_cap(pl, i, nid);
	rest = pp->demand - here;
	return plan_queue_cost(pl, nid, here, at_home) + rest * PLAN_WEIGHT_UNEVEN +
	       fluid_cost(pl, i, pp->allowed & ~BIT_ULL(nid), rest, at_home);
}

/**
 * plan_fluid_cost() - the same for one that may spread over several nodes
 * @pl: the plan
 * @i: the process, not placed
 * @set: the nodes
 * @at_home: it is at home there already
 *
 * Return: ucpu; negative if idle CPUs would get work.
 */
s64 plan_fluid_cost(const struct plan *pl, u32 i, u64 set, bool at_home)
{
	return fluid_cost(pl, i, set, pl->procs[i].demand, at_home);
}
