// SPDX-License-Identifier: GPL-2.0-only
/*
 * Homes: place every process, then better the plan in bounded steps.
 *
 * Called by policy_plan() once all processes are priced. Processes that have a
 * home keep it to begin with, so a plan that was good is the next plan. Then
 * overloaded nodes are relieved by whoever is cheapest to move, newcomers are
 * placed, those with most to lose first, and a few rounds look for what is
 * still better elsewhere. Each step costs one sort and one look at each
 * process: near-linear.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include "plan.h"

/* The best home found for a process, before it is taken. */
struct choice {
	u64 home;
	s64 cost;
	s64 queue;	/* part of @cost that is queueing */
	s64 effort;	/* what it has to be better by than one that moves no memory */
	u64 copy_pages;
};

/* Of the demand, for moving all of a process's memory. */
#define EFFORT_PERCENT	3

/*
 * Moving threads disturbs less than moving memory, more so than copying costs: a home
 * to which memory has to come must be better than one to which it need not, and a few
 * fixed pages there are not enough.
 */
static s64 effort(const struct plan_proc *pp, u64 pages)
{
	return pages && pp->total ? (s64)(pages * pp->demand * 10 * EFFORT_PERCENT / pp->total) : 0;
}

static bool beats(const struct choice *a, const struct choice *b)
{
	return b->cost == PLAN_NO_COST || a->cost + a->effort < b->cost + b->effort;
}

static bool came_home(const struct plan *pl, u32 i)
{
	return pl->s->procs[i].home && pl->s->procs[i].home == pl->procs[i].home;
}

/**
 * plan_locked() - is it too early for a process to have another home?
 * @pl: the plan
 * @i: the process
 * @home: the other home, or 0 for any
 *
 * A first home was found by a first impression, often of a process that was still growing:
 * it may be put right soon.
 *
 * Return: true if it has to stay for now.
 */
bool plan_locked(const struct plan *pl, u32 i, u64 home)
{
	const struct policy_past *past = &pl->s->procs[i].past;
	u64 wait = plan_wait(pl, i);
	u64 stay = past->left ? wait : min_t(u64, wait, PLAN_FIRST_WAIT);

	if (pl->procs[i].fixed || pl->procs[i].changed)
		return true;
	if (came_home(pl, i) && past->age < stay)
		return true;
	return home && home == past->left && past->age < wait * PLAN_RETURN_FACTOR;
}

/* Of two homes that cost the same: the present one, most memory, most threads, lowest. */
static bool preferred(const struct plan *pl, u32 i, u32 a, u32 b)
{
	const struct policy_proc *p = &pl->s->procs[i];
	u64 home = pl->procs[i].home;

	if (home == BIT_ULL(a) || home == BIT_ULL(b))
		return home == BIT_ULL(a);
	if (plan_pages_at(p, a) != plan_pages_at(p, b))
		return plan_pages_at(p, a) > plan_pages_at(p, b);
	if (p->run_mcpu[a] != p->run_mcpu[b])
		return p->run_mcpu[a] > p->run_mcpu[b];
	return a < b;
}

static struct choice cost_of_set(const struct plan *pl, u32 i, u64 set, bool at_home)
{
	const struct plan_proc *pp = &pl->procs[i];
	struct choice c = { .home = set };

	if (plan_single(set)) {
		u32 nid = __ffs64(set);

		c.queue = pl->idle_cost[at_home] + plan_home_queue_cost(pl, i, nid, at_home);
		c.cost = plan_cost_at(pl, i, nid) + c.queue;
		c.copy_pages = min(plan_claim(pl, i, nid), pl->nodes[nid].free_pages);
		c.effort = effort(pp, c.copy_pages);
		return c;
	}
	c.queue = pl->idle_cost[at_home] +
		  plan_fluid_cost(pl, i, set ? set : pp->allowed, at_home);
	if (set)
		c.cost = plan_cost_wide(pl, i, set, false, &c.copy_pages);
	else
		c.cost = plan_cost_adrift(pl, i);
	c.cost += c.queue;
	c.effort = effort(pp, c.copy_pages);
	return c;
}

static struct choice best_choice(const struct plan *pl, u32 i)
{
	const struct plan_proc *pp = &pl->procs[i];
	struct choice best = { .cost = PLAN_NO_COST }, c;
	u64 bits, wide;
	u32 nid;

	plan_for_each_node(nid, pp->candidates, bits) {
		bool at_home = came_home(pl, i) && pp->home == BIT_ULL(nid);

		c = cost_of_set(pl, i, BIT_ULL(nid), at_home);
		if (beats(&c, &best) ||
		    (!beats(&best, &c) && preferred(pl, i, nid, __ffs64(best.home))))
			best = c;
	}
	if (best.home && best.queue <= 0 && !(best.home & pp->cramped))
		return best;
	wide = plan_wide_set(pl, i);
	if (wide) {
		c = cost_of_set(pl, i, wide, wide == pp->home);
		if (beats(&c, &best))
			best = c;
	}
	return best;
}

static void accept(struct plan *pl, u32 i, const struct choice *c, s64 saved)
{
	struct plan_proc *pp = &pl->procs[i];
	u64 most = 0;
	u32 nid, most_nid = 0;

	for (nid = 0; nid < pl->nr_nodes; nid++) {
		if (plan_pages_at(&pl->s->procs[i], nid) > most) {
			most = plan_pages_at(&pl->s->procs[i], nid);
			most_nid = nid;
		}
	}
	saved += pp->gain - pp->cost;
	pp->cost = plan_copy_cost(pl, c->copy_pages);
	pp->gain = max_t(s64, saved + pp->cost, 0);
	pp->changed = came_home(pl, i);
	if (!c->home)
		pp->reason = c->queue > 0 ? POLICY_CPU_FULL : POLICY_NO_GAIN;
	else if (!plan_single(c->home))
		pp->reason = POLICY_WIDE;
	else
		pp->reason = c->home == BIT_ULL(most_nid) ? POLICY_MEMORY_HERE : POLICY_CPU_ROOM;
	plan_put(pl, i, c->home);
}

/*
 * What processes that hardly run have somewhere changes places with what comes, see exchange.c:
 * who would have no home otherwise may count it as free.  Returns whether there is any.
 */
static bool count_idle_memory(struct plan *pl, s64 sign)
{
	u64 all = 0;
	u32 nid;

	for (nid = 0; nid < pl->nr_nodes; nid++) {
		pl->nodes[nid].free_pages += sign * pl->nodes[nid].idle_pages;
		all += pl->nodes[nid].idle_pages;
	}
	return all;
}

/**
 * plan_try() - give a process a better home, if one is clearly better
 * @pl: the plan
 * @i: the process; placed, or a newcomer that is not
 *
 * Return: true if its home changed. It is placed in either case.
 */
bool plan_try(struct plan *pl, u32 i)
{
	struct plan_proc *pp = &pl->procs[i];
	struct choice here, best, none;
	s64 threshold = plan_threshold(pl, i);
	bool enough;

	if (pp->placed)
		plan_take(pl, i);
	pl->idle_cost[false] = plan_idle_cost(pl, false);
	pl->idle_cost[true] = plan_idle_cost(pl, true);
	none = cost_of_set(pl, i, 0, false);
	here = cost_of_set(pl, i, pp->home, came_home(pl, i) || !pp->home);
	best = best_choice(pl, i);
	if (best.cost > none.cost + threshold && count_idle_memory(pl, 1)) {
		best = best_choice(pl, i);
		count_idle_memory(pl, -1);
	}
	if (best.cost > none.cost + threshold)
		best = none;

	enough = best.cost <= here.cost - threshold;
	/* A process that needs several nodes is told which, though it could float as well. */
	if (!pp->home && best.home && !plan_single(best.home) &&
	    (!pl->s->procs[i].past.age || best.cost <= here.cost) &&
	    pl->s->procs[i].past.changes < 2)
		enough = true;
	if (best.home == pp->home || !enough || plan_locked(pl, i, best.home)) {
		pp->held = enough && best.home != pp->home;
		if (!pp->home)
			pp->reason = best.queue > 0 ? POLICY_CPU_FULL : POLICY_NO_GAIN;
		plan_put(pl, i, pp->home);
		return false;
	}
	accept(pl, i, &best, here.cost - best.cost);
	return true;
}

/*
 * Attempts in a row that changed nothing, by the node that was wanted, or was to be left: who
 * cannot have it must not use up the attempts of those who want another one, nor of those who
 * want half as much of it.
 */
struct failures {
	u32 most;
	u32 nr[POLICY_MAX_NODES];
	u32 least[POLICY_MAX_NODES];	/* mcpu: the smallest demand of those that failed */
};

static void no_failures(const struct plan *pl, struct failures *fails, u32 nr_attempts)
{
	*fails = (struct failures) { .most = PLAN_MAX_FAILS + nr_attempts / 32 / pl->nr_nodes };
}

/* One more attempt, if it is not in vain by all that is known; whether it changed something. */
static bool attempt(struct plan *pl, u32 i, u32 nid, struct failures *fails)
{
	u32 demand = pl->procs[i].demand;

	if (fails->nr[nid] >= fails->most) {
		if (demand > fails->least[nid] / 2)
			return false;
		fails->nr[nid] = fails->most - PLAN_MORE_FAILS;
	}
	if (plan_try(pl, i)) {
		memset(fails->nr, 0, sizeof(fails->nr));
		return true;
	}
	fails->least[nid] = fails->nr[nid]++ ? min(fails->least[nid], demand) : demand;
	return false;
}

/* Is the node so full that someone should leave it, or @almost so? */
static bool hot(const struct plan *pl, u32 nid, bool idle_elsewhere, bool almost)
{
	const struct plan_node *node = &pl->nodes[nid];

	if (!plan_room(pl, nid, !almost))
		return true;
	return idle_elsewhere && node->load + node->fluid > node->cap;
}

static bool idle_somewhere(const struct plan *pl)
{
	u64 bits;
	u32 nid;

	if (!pl->overcommit || !pl->count_idle)
		return false;
	plan_for_each_node(nid, pl->cpu_mask, bits) {
		const struct plan_node *node = &pl->nodes[nid];

		if ((node->load + node->fluid) * 100 <
		    node->cap * (100 - (s64)pl->s->tunables.slack_percent))
			return true;
	}
	return false;
}

/* Move the cheapest away from nodes that have too much to do. */
static u32 relieve(struct plan *pl)
{
	bool idle = idle_somewhere(pl);
	u32 nid, i, n = 0, k, changes = 0;
	struct failures fails;
	u64 hot_mask = 0, bits;

	plan_for_each_node(nid, pl->cpu_mask, bits)
		if (hot(pl, nid, idle, false))
			hot_mask |= BIT_ULL(nid);
	if (!hot_mask)
		return 0;
	for (i = 0; i < pl->nr_procs; i++) {
		const struct plan_proc *pp = &pl->procs[i];

		if (!pp->placed || !plan_single(pp->home) || !(pp->home & hot_mask) ||
		    plan_single(pp->allowed) || plan_locked(pl, i, 0))
			continue;
		pl->keys[n].key = ((u64)pp->regret << 4) / pp->demand;
		pl->keys[n++].idx = i;
	}
	plan_sort(pl, n);
	no_failures(pl, &fails, n);
	for (k = 0; k < n; k++) {
		i = pl->keys[k].idx;
		nid = __ffs64(pl->procs[i].home);
		if (!hot(pl, nid, idle, true) || !attempt(pl, i, nid, &fails))
			continue;
		changes++;
		idle = idle_somewhere(pl);
	}
	return changes;
}

static void place_newcomers(struct plan *pl)
{
	u32 i, k, n = 0;

	for (i = 0; i < pl->nr_procs; i++) {
		if (pl->procs[i].placed)
			continue;
		pl->keys[n].key = ~((u64)pl->procs[i].regret + pl->procs[i].demand);
		pl->keys[n++].idx = i;
	}
	plan_sort(pl, n);
	for (k = 0; k < n; k++)
		plan_try(pl, pl->keys[k].idx);
}

/* Those that would do better elsewhere, and all with several homes or none. */
static u32 better(struct plan *pl)
{
	u32 i, k, n = 0, changes = 0;
	struct failures fails;

	for (i = 0; i < pl->nr_procs; i++) {
		const struct plan_proc *pp = &pl->procs[i];
		s64 wish;

		if (pp->fixed || pp->changed)
			continue;
		if (plan_single(pp->home)) {
			wish = plan_cost_at(pl, i, __ffs64(pp->home)) - pp->best;
			if (wish <= plan_threshold(pl, i))
				continue;
		} else {
			wish = pp->adrift - pp->best + pp->demand;
			if (!pp->home && wish <= plan_threshold(pl, i))
				continue;
		}
		pl->keys[n].key = ~(u64)wish;
		pl->keys[n++].idx = i;
	}
	plan_sort(pl, n);
	no_failures(pl, &fails, n);
	for (k = 0; k < n; k++) {
		i = pl->keys[k].idx;
		changes += attempt(pl, i, pl->procs[i].best_nid, &fails);
	}
	return changes;
}

/* Sets each node's @idle_pages: of those that hardly run, have no home, and may be elsewhere. */
static void find_idle_memory(struct plan *pl)
{
	u32 i, nid;

	if (!pl->exchanges || !pl->s->tunables.may_move_memory)
		return;
	for (i = 0; i < pl->nr_procs; i++) {
		const struct policy_proc *p = &pl->s->procs[i];
		const struct plan_proc *pp = &pl->procs[i];

		if (pp->reason != POLICY_IDLE || pp->home || !pp->allowed)
			continue;
		for (nid = 0; nid < pl->nr_nodes; nid++)
			if (p->mem_nodes & pl->mem_mask & ~BIT_ULL(nid))
				pl->nodes[nid].idle_pages += p->pages[nid];
	}
}

/**
 * plan_homes() - choose all homes
 * @pl: the plan; processes whose home is known or fixed are placed
 */
void plan_homes(struct plan *pl)
{
	u32 round;

	find_idle_memory(pl);
	plan_spread_fluid(pl);
	relieve(pl);
	place_newcomers(pl);
	pl->count_idle = true;
	for (round = 0; round < PLAN_MAX_ROUNDS; round++) {
		u32 changes;

		plan_spread_fluid(pl);
		changes = plan_swap_blocked(pl);
		changes += relieve(pl);
		changes += better(pl);
		if (!changes)
			break;
	}
}
