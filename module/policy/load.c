// SPDX-License-Identifier: GPL-2.0-only
/*
 * Load: what the processes placed so far make of each node.
 *
 * Called by the steps of a plan whenever a process gets or loses its place.
 * A process with one home is a rigid load. One with several, or with none, is
 * fluid: the scheduler will put its threads where there is room, so it is
 * spread after the rigid ones, and again when they change. So is what finds no CPU
 * at its one home that its affinity admits.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include "plan.h"

#define POUR_ROUNDS	3

/*
 * What there is to share out, and among which capacity: all but nodes that have more to do than
 * their capacity and their share already, by what cannot leave them.  Without these the others'
 * share is smaller, so that more of them may be such.
 */
static void find_shares(const struct plan *pl, u64 *demand, u64 *cap)
{
	u64 shares = pl->cpu_mask, bits;
	u32 i, nid, left;

	/* Of each node's load what has to run there, whatever the plan. */
	for (nid = 0; nid < pl->nr_nodes; nid++) {
		*demand += pl->s->nodes[nid].other_mcpu;
		*cap += pl->s->nodes[nid].cpu_mcpu;
		pl->nodes[nid].load = pl->s->nodes[nid].other_mcpu;
	}
	for (i = 0; i < pl->nr_procs; i++) {
		const struct plan_proc *pp = &pl->procs[i];

		*demand += pp->demand;
		if (plan_single(pp->allowed))
			pl->nodes[__ffs64(pp->allowed)].load += pp->demand;
	}
	do {
		left = hweight64(shares);
		plan_for_each_node(nid, shares, bits) {
			u64 own = pl->s->nodes[nid].cpu_mcpu, load = pl->nodes[nid].load;

			if (load <= own || load * *cap <= own * *demand)
				continue;
			shares &= ~BIT_ULL(nid);
			*cap -= own;
			*demand -= load;
		}
	} while (hweight64(shares) < left);
}

/**
 * plan_load_init() - set up the nodes' capacities and fair shares
 * @pl: the plan; each process's demand is known
 */
void plan_load_init(struct plan *pl)
{
	u64 demand = 0, cap = 0;
	u32 i;

	find_shares(pl, &demand, &cap);
	pl->overcommit = demand > cap;
	pl->flow_limit = (s64)(cap / 64);
	pl->spreads_left = PLAN_MAX_SPREADS;
	for (i = 0; i < pl->nr_nodes; i++) {
		struct plan_node *node = &pl->nodes[i];

		node->fair = node->cap;
		if (pl->overcommit && cap)
			node->fair = (s64)((u64)node->cap * demand / cap);
		plan_queue_init(pl, node);
		node->load = pl->s->nodes[i].other_mcpu;
		node->fluid = 0;
		node->flex = 0;
		node->stuck = 0;
		node->fluid_nodes = 0;
		node->free_pages = pl->s->nodes[i].free_pages + pl->s->nodes[i].cache_pages;
		node->idle_pages = 0;
	}
}

/**
 * plan_part_at() - how much of a process with one home runs on a node
 * @pl: the plan
 * @i: the process
 * @home: its only home
 * @nid: the node, @home or another one that its affinity admits
 *
 * At home, but for what finds no CPU there that its affinity admits: that spreads over the
 * others that do.
 *
 * Return: mcpu.
 */
s64 plan_part_at(const struct plan *pl, u32 i, u32 home, u32 nid)
{
	s64 own = plan_own_cap(pl, i, home), others = 0;
	u32 demand = pl->procs[i].demand, other;
	u64 bits;

	if (!plan_spills(pl, i, home))
		return nid == home ? demand : 0;
	if (nid == home)
		return own;
	plan_for_each_node(other, pl->procs[i].allowed & ~BIT_ULL(home), bits)
		others += plan_own_cap(pl, i, other);
	return others ? (demand - own) * plan_own_cap(pl, i, nid) / others : 0;
}

static s64 room_at(const struct plan_node *node)
{
	s64 room = node->fair - node->load - node->fluid;

	return room > 0 ? room : 0;
}

/* The same, as far as @i may use it. */
static s64 own_room_at(const struct plan *pl, u32 i, u32 nid)
{
	const struct plan_node *node = &pl->nodes[nid];

	if (!pl->procs[i].part || !node->cap)
		return room_at(node);
	return min(room_at(node), node->fair * plan_own_cap(pl, i, nid) / node->cap);
}

/* Its one home, if not all of it has CPUs there; or 0. */
static u64 short_home(const struct plan *pl, u32 i)
{
	u64 home = pl->procs[i].home;

	return plan_single(home) && plan_spills(pl, i, __ffs64(home)) ? home : 0;
}

/* Nodes over which a process without a single home spreads, or what is too much for that. */
static u64 fluid_set(const struct plan *pl, u32 i)
{
	u64 home = pl->procs[i].home, too_small = short_home(pl, i);

	return home && !too_small ? home : pl->procs[i].allowed & ~too_small;
}

/* Spread one of them over its nodes by the room that all others leave. */
static void pour(struct plan *pl, u32 slot)
{
	u32 i = pl->fluid[slot], nid;
	s64 *parts = pl->fluid_parts + slot * pl->nr_nodes;
	s64 demand = pl->procs[i].demand;
	u64 set = fluid_set(pl, i), bits;
	s64 rooms = 0, caps = 0, over;

	plan_for_each_node(nid, short_home(pl, i), bits) {
		pl->nodes[nid].fluid += plan_own_cap(pl, i, nid) - parts[nid];
		parts[nid] = plan_own_cap(pl, i, nid);
		demand -= parts[nid];
	}
	plan_for_each_node(nid, set, bits) {
		pl->nodes[nid].fluid -= parts[nid];
		rooms += own_room_at(pl, i, nid);
		caps += plan_own_cap(pl, i, nid);
	}
	over = demand > rooms ? demand - rooms : 0;
	plan_for_each_node(nid, set, bits) {
		struct plan_node *node = &pl->nodes[nid];

		parts[nid] = caps ? over * plan_own_cap(pl, i, nid) / caps : 0;
		if (rooms)
			parts[nid] += (demand - over) * own_room_at(pl, i, nid) / rooms;
		node->fluid += parts[nid];
		node->fluid_nodes |= set;
	}
}

/* What of one of them cannot make way, as its process's CPUs elsewhere are busy with it. */
static void find_stuck(struct plan *pl, u32 slot)
{
	const s64 *parts = pl->fluid_parts + slot * pl->nr_nodes;
	u32 i = pl->fluid[slot], nid;
	u64 set = fluid_set(pl, i), bits;
	s64 spare = 0;

	if (!pl->procs[i].part)
		return;
	plan_for_each_node(nid, short_home(pl, i), bits)
		pl->nodes[nid].stuck += parts[nid];
	plan_for_each_node(nid, set, bits)
		spare += max_t(s64, plan_own_cap(pl, i, nid) - parts[nid], 0);
	plan_for_each_node(nid, set, bits) {
		s64 here = max_t(s64, plan_own_cap(pl, i, nid) - parts[nid], 0);

		pl->nodes[nid].stuck += max_t(s64, parts[nid] - (spare - here), 0);
	}
}

/**
 * plan_spread_fluid() - spread the processes with several homes or none again
 * @pl: the plan
 *
 * Each in turn is spread by the room the others leave; a few rounds of that
 * come close to where they would flow, whatever their order.
 */
void plan_spread_fluid(struct plan *pl)
{
	u32 nid, other, k, round;
	u64 bits;

	for (nid = 0; nid < pl->nr_nodes; nid++) {
		pl->nodes[nid].fluid = 0;
		pl->nodes[nid].flex = 0;
		pl->nodes[nid].stuck = 0;
		pl->nodes[nid].fluid_nodes = 0;
	}
	pl->flowed = 0;
	if (!pl->nr_fluid)
		return;
	memset(pl->fluid_parts, 0, pl->nr_fluid * pl->nr_nodes * sizeof(s64));
	for (round = 0; round < POUR_ROUNDS; round++)
		for (k = 0; k < pl->nr_fluid; k++)
			pour(pl, k);
	for (k = 0; k < pl->nr_fluid; k++)
		find_stuck(pl, k);
	for (nid = 0; nid < pl->nr_nodes; nid++) {
		struct plan_node *node = &pl->nodes[nid];
		s64 room = 0;

		if (!node->fluid)
			continue;
		plan_for_each_node(other, node->fluid_nodes & ~BIT_ULL(nid), bits)
			room += room_at(&pl->nodes[other]);
		node->flex = min(node->fluid - node->stuck, room);
	}
}

/* Load of a fluid process that there is no slot for: where its threads are. */
static void add_where_it_runs(struct plan *pl, u32 i, s64 sign)
{
	const struct policy_proc *p = &pl->s->procs[i];
	u64 sum = 0;
	u32 nid;

	for (nid = 0; nid < pl->nr_nodes; nid++)
		sum += p->run_mcpu[nid];
	for (nid = 0; sum && nid < pl->nr_nodes; nid++)
		pl->nodes[nid].load += sign *
			(s64)((u64)p->run_mcpu[nid] * pl->procs[i].demand / sum);
}

/* In the order of the snapshot, so that history leaves no trace in the plan. */
static void add_fluid(struct plan *pl, u32 i)
{
	u32 k = pl->nr_fluid++;

	for (; k && pl->fluid[k - 1] > i; k--)
		pl->fluid[k] = pl->fluid[k - 1];
	pl->fluid[k] = i;
}

static bool remove_fluid(struct plan *pl, u32 i)
{
	u32 k, to = 0;

	for (k = 0; k < pl->nr_fluid; k++)
		if (pl->fluid[k] != i)
			pl->fluid[to++] = pl->fluid[k];
	if (to == pl->nr_fluid)
		return false;
	pl->nr_fluid = to;
	return true;
}

/* Rigid loads change by the thousand; spreading for each would make a plan quadratic. */
static void spread_if_affordable(struct plan *pl)
{
	if (!pl->nr_fluid || !pl->spreads_left)
		return;
	pl->spreads_left--;
	plan_spread_fluid(pl);
}

/*
 * A rigid load pushes fluid ones aside. They are spread again only when enough
 * has flowed to matter, else every change would cost a look at all of them.
 */
static void displace(struct plan *pl, struct plan_node *node, s64 demand)
{
	s64 flows = min(node->flex, demand);

	node->fluid -= flows;
	node->flex -= flows;
	pl->flowed += flows;
	if (pl->flowed > pl->flow_limit)
		spread_if_affordable(pl);
}

/* A process with one home comes, or goes if @sign is -1; that is no fluid load. */
static void add_rigid(struct plan *pl, u32 i, u32 home, s64 sign)
{
	u64 bits;
	u32 nid;

	if (!plan_spills(pl, i, home)) {
		pl->nodes[home].load += sign * pl->procs[i].demand;
		return;
	}
	plan_for_each_node(nid, pl->procs[i].allowed, bits)
		pl->nodes[nid].load += sign * plan_part_at(pl, i, home, nid);
}

/**
 * plan_put() - give a process its place
 * @pl: the plan
 * @i: the process, not placed
 * @home: one node, several, or 0: wherever its affinity admits
 */
void plan_put(struct plan *pl, u32 i, u64 home)
{
	struct plan_proc *pp = &pl->procs[i];

	pp->home = home;
	pp->placed = true;
	if (plan_single(home)) {
		u32 nid = __ffs64(home);
		struct plan_node *node = &pl->nodes[nid];
		u64 index = (u64)i * pl->nr_nodes + nid;

		if (pl->follow[index] < plan_stay(pl, i, nid))
			pp->claimed = min(plan_claim(pl, i, nid), node->free_pages);
		node->free_pages -= pp->claimed;
		if (!pp->fixed && plan_spills(pl, i, nid) && pl->nr_fluid < PLAN_MAX_FLUID) {
			add_fluid(pl, i);
			plan_spread_fluid(pl);
			return;
		}
		add_rigid(pl, i, nid, 1);
		displace(pl, node, plan_part_at(pl, i, nid, nid));
	} else if (!pp->fixed && fluid_set(pl, i) && pl->nr_fluid < PLAN_MAX_FLUID) {
		add_fluid(pl, i);
		plan_spread_fluid(pl);
	} else {
		add_where_it_runs(pl, i, 1);
	}
}

/**
 * plan_take() - take a process's place away
 * @pl: the plan
 * @i: the process, placed; it keeps @home, as the place to compare with
 */
void plan_take(struct plan *pl, u32 i)
{
	struct plan_proc *pp = &pl->procs[i];

	if (plan_single(pp->home)) {
		u32 nid = __ffs64(pp->home);

		pl->nodes[nid].free_pages += pp->claimed;
		if (plan_spills(pl, i, nid) && remove_fluid(pl, i))
			plan_spread_fluid(pl);
		else
			add_rigid(pl, i, nid, -1);
		/* What fluid loads would fill is not idle. */
		if (pl->count_idle && pl->overcommit)
			spread_if_affordable(pl);
	} else if (remove_fluid(pl, i)) {
		plan_spread_fluid(pl);
	} else {
		add_where_it_runs(pl, i, -1);
	}
	pp->claimed = 0;
	pp->placed = false;
}
