// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory and verdicts: who may fill the free pages, and what each process is told.
 *
 * Called by policy_plan() as its last step, when all homes are known. Free
 * pages go to those who save most by each page; more than a node has free above
 * its high watermark is never given away. For what cannot be exchanged either,
 * page cache has to give way.
 */
#include <linux/kernel.h>
#include "plan.h"

/* Permille of a process's memory away from home that starts moving, or ends it. */
#define START_PERMILLE	30
#define STOP_PERMILLE	10
/* Permille of a process's threads that have to be at home. */
#define CPU_PERMILLE	900
/* Less room than this part of what is wanted is not worth starting for. */
#define LEAST_ROOM	64

static u64 away_from_home(const struct plan *pl, u32 i)
{
	u64 home = pl->procs[i].home, pages = 0;
	u32 nid;

	for (nid = 0; nid < pl->nr_nodes; nid++)
		if (!(home & BIT_ULL(nid)))
			pages += pl->s->procs[i].pages[nid];
	return pages;
}

/* Nodes of its home that its memory may be put on. */
u64 plan_destinations(const struct plan *pl, u32 i)
{
	return pl->procs[i].home & pl->s->procs[i].mem_nodes & pl->mem_mask;
}

/* Remote accesses saved, in ucpu, once all movable memory and all threads are home. */
static s64 gain_of_moving(const struct plan *pl, u32 i)
{
	const s64 *stay = pl->stay + (u64)i * pl->nr_nodes;
	u64 home = pl->procs[i].home, bits, pages;
	s64 now = 0, cap = 0, then, own;
	u32 nid;

	plan_for_each_node(nid, home, bits) {
		own = plan_own_cap(pl, i, nid);
		now += stay[nid] * own;
		cap += own;
	}
	now = cap ? now / cap : 0;
	if (plan_single(home))
		now = plan_stay(pl, i, __ffs64(home));
	then = plan_cost_wide(pl, i, home, true, &pages);
	return now - (then - plan_copy_cost(pl, pages));
}

static bool worth_moving(const struct plan *pl, u32 i, u64 away, s64 gain)
{
	const struct plan_proc *pp = &pl->procs[i];
	const struct policy_proc *p = &pl->s->procs[i];
	bool underway = p->past.moving && p->home == pp->home;
	s64 cost = plan_copy_cost(pl, away);

	if (away * 1000 <= pp->total * (underway ? STOP_PERMILLE : START_PERMILLE))
		return false;
	if (underway)
		return gain > cost;
	/* It has kept its home for as long as its changes make it wait: now it is like others. */
	if (p->home == pp->home && p->past.age >= plan_wait(pl, i))
		return gain >= cost + plan_least_gain(pl, i) / 2;
	return gain >= cost + plan_threshold(pl, i) / 2;
}

/* Give @i what is free at its destinations, in proportion. */
static u64 allot(struct plan *pl, u32 i, u64 want)
{
	struct policy_verdict *v = &pl->out[i];
	u64 dest = plan_destinations(pl, i), room = 0, got = 0, bits;
	u32 nid;

	plan_for_each_node(nid, dest, bits)
		room += pl->nodes[nid].free_pages;
	if (!room || (room < want && room <= want / LEAST_ROOM))
		return 0;
	want = min(want, room);
	plan_for_each_node(nid, dest, bits) {
		struct plan_node *node = &pl->nodes[nid];
		u64 free = node->free_pages;
		/* Of what is still wanted, the part that is this node's of the room still left. */
		u64 part = plan_part(want - got, free, room);

		room -= free;
		part = min(part, free);
		node->free_pages -= part;
		got += part;
		if (v->into)
			v->into[nid] += part;
	}
	return got;
}

static void permilles(const struct plan *pl, u32 i)
{
	const struct policy_proc *p = &pl->s->procs[i];
	struct policy_verdict *v = &pl->out[i];
	u64 home = pl->procs[i].home, pages = 0, run = 0, run_home = 0;
	u32 nid;

	for (nid = 0; nid < pl->nr_nodes; nid++) {
		bool here = home & BIT_ULL(nid);

		run += p->run_mcpu[nid];
		run_home += here ? p->run_mcpu[nid] : 0;
		pages += here ? plan_pages_at(p, nid) : 0;
	}
	v->mem_home_permille = pl->procs[i].total ? pages * 1000 / pl->procs[i].total : 0;
	v->cpu_home_permille = run ? run_home * 1000 / run : 0;
}

/*
 * Counts how often memory that came home gives way again: it had better stay for a while.  That
 * begins to hold sooner than with homes, so from the second on a turn counts as a late change.
 */
static void count_turns(const struct plan *pl, u32 i, struct policy_past *past)
{
	bool gave = pl->procs[i].gave_way, came = past->moving && !gave;

	if (gave && past->came && past->turns < PLAN_CHANGES_MAX)
		past->turns++;
	if (gave ? past->came : came && !past->came) {
		past->came = came;
		past->turned = 0;
	} else if (++past->turned > plan_memory_of(pl, past->turns + PLAN_QUICK_CHANGES - 1)) {
		past->turns -= !!past->turns;
		past->came = came;
		past->turned = 0;
	}
}

static struct policy_past next_past(const struct plan *pl, u32 i)
{
	const struct policy_proc *p = &pl->s->procs[i];
	struct policy_past past = p->past;
	u64 home = pl->procs[i].home;

	past.moving = pl->out[i].move_pages || pl->out[i].exchange_pages;
	past.gives = home && home == p->home && (pl->procs[i].gave_way ||
		     (past.gives && !past.moving &&
		      pl->out[i].mem_home_permille < 1000 - STOP_PERMILLE));
	count_turns(pl, i, &past);
	if (home == p->home) {
		if (past.age < U32_MAX)
			past.age++;
		if (past.changes && ++past.calm > plan_memory_of(pl, past.changes)) {
			past.changes--;
			past.calm = 0;
		}
		return past;
	}
	if (p->home) {
		past.left = p->home;
		if (past.changes < PLAN_CHANGES_MAX)
			past.changes++;
	}
	past.age = 0;
	past.calm = 0;
	return past;
}

/* Whether threads that could be at home are not. */
static bool threads_are_away(const struct plan *pl, u32 i)
{
	const struct plan_proc *pp = &pl->procs[i];
	u32 home = __ffs64(pp->home);
	u64 could = pp->demand;

	if (plan_single(pp->home) && plan_spills(pl, i, home))
		could = plan_part_at(pl, i, home, home);
	return (u64)pl->out[i].cpu_home_permille * pp->demand < CPU_PERMILLE * could;
}

static void tell(struct plan *pl, u32 i)
{
	const struct policy_proc *p = &pl->s->procs[i];
	const struct plan_proc *pp = &pl->procs[i];
	struct policy_verdict *v = &pl->out[i];
	bool moves = v->move_pages || v->exchange_pages, cpu;

	v->cost_ucpu = plan_copy_cost(pl, v->move_pages + v->exchange_pages);
	if (!moves)
		v->gain_ucpu = 0;
	v->home = pp->home;
	v->reason = pp->reason;
	v->changed = pp->home != p->home;
	v->action = POLICY_NONE;
	if (v->changed) {
		v->gain_ucpu = max_t(u64, pp->gain, v->gain_ucpu);
		v->cost_ucpu = max_t(u64, pp->cost, v->cost_ucpu);
	}
	if (pp->home) {
		cpu = plan_moves_threads(pl, i) && pp->reason != POLICY_IDLE &&
		      threads_are_away(pl, i);
		if (moves)
			v->action = cpu ? POLICY_MOVE_BOTH : POLICY_MOVE_MEMORY;
		else
			v->action = cpu ? POLICY_MOVE_CPU : POLICY_STAY;
		if (!v->changed && pp->reason != POLICY_IDLE) {
			v->reason = pp->waiting ? POLICY_NO_ROOM : POLICY_SETTLED;
			if (moves)
				v->reason = v->move_pages ? POLICY_CONVERGING : POLICY_EXCHANGE;
			else if (pp->held)
				v->reason = POLICY_HELD;
		}
	}
	v->past = next_past(pl, i);
}

/* What found no free page, nor anything to exchange, comes where page cache is. */
static void replace_cache(struct plan *pl)
{
	u32 k, nid;

	for (nid = 0; nid < pl->nr_nodes; nid++)
		pl->nodes[nid].free_pages += pl->s->nodes[nid].cache_pages;
	for (k = 0; k < pl->nr_waiting; k++) {
		u32 i = pl->keys[k].idx;
		struct plan_proc *pp = &pl->procs[i];
		u64 left = pp->waiting - min(pp->waiting, pl->out[i].exchange_pages), got;

		got = left && pp->home ? allot(pl, i, left) : 0;
		pl->out[i].move_pages += got;
		pp->waiting -= got;
	}
}

/**
 * plan_memory() - allot free pages, find exchanges, then allot those of page cache, and write
 *	all verdicts
 * @pl: the plan; all homes are final
 */
void plan_memory(struct plan *pl)
{
	u32 i, k, n = 0, nid;

	for (nid = 0; nid < pl->nr_nodes; nid++)
		pl->nodes[nid].free_pages = pl->s->nodes[nid].free_pages;
	for (i = 0; i < pl->nr_procs; i++) {
		struct policy_verdict *v = &pl->out[i];
		u64 away;
		s64 gain;

		v->gain_ucpu = 0;
		v->move_pages = 0;
		v->exchange_pages = 0;
		if (v->into)
			for (nid = 0; nid < pl->nr_nodes; nid++)
				v->into[nid] = 0;
		permilles(pl, i);
		if (!pl->procs[i].home || pl->procs[i].reason == POLICY_IDLE ||
		    !pl->s->tunables.may_move_memory || !plan_destinations(pl, i))
			continue;
		away = away_from_home(pl, i);
		gain = away ? gain_of_moving(pl, i) : 0;
		if (!away || !worth_moving(pl, i, away, gain))
			continue;
		pl->procs[i].away = away;
		v->gain_ucpu = gain;
		pl->keys[n].key = ~(((u64)gain << 10) / away);
		pl->keys[n++].idx = i;
	}
	plan_sort(pl, n);
	for (k = 0; k < n; k++) {
		struct plan_proc *pp = &pl->procs[pl->keys[k].idx];
		struct policy_verdict *v = &pl->out[pl->keys[k].idx];

		v->move_pages = allot(pl, pl->keys[k].idx, pp->away);
		pp->waiting = pp->away - v->move_pages;
	}
	pl->nr_waiting = n;
	plan_exchange(pl);
	replace_cache(pl);
	for (i = 0; i < pl->nr_procs; i++)
		tell(pl, i);
}
