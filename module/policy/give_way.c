// SPDX-License-Identifier: GPL-2.0-only
/*
 * Giving way: what wants to a full node comes there in exchange for the memory of a process
 * that loses little by it: one without a home, or one that hardly runs, or one at home that
 * loses far less than is saved.
 *
 * Called by plan_exchange() for what no pair or chain takes up.
 */
#include <linux/kernel.h>
#include "plan.h"

/*
 * What is saved must be so many times what the one that gives way loses: more where that one is
 * at home and has not begun to, so that noise neither stops it half-way nor turns it round.
 */
#define GIVE_WAY_FACTOR		2
#define LEAVE_HOME_FACTOR	4

/* Whether @i runs at home, or will, enough to lose by what it gives. */
static bool runs_at_home(const struct plan *pl, u32 i)
{
	return pl->procs[i].home && pl->procs[i].reason != POLICY_IDLE;
}

static s64 factor_of(const struct plan *pl, u32 i)
{
	return runs_at_home(pl, i) && !pl->s->procs[i].past.gives ? LEAVE_HOME_FACTOR :
								    GIVE_WAY_FACTOR;
}

/*
 * What is worth beginning for; the last pages alone would not be.  Doubles, with what is @least
 * for those to whom @i gives way, each time that @i lately had its memory back and gave way again.
 */
static s64 threshold_of(const struct plan *pl, u32 i, s64 least)
{
	const struct policy_past *past = &pl->s->procs[i].past;

	if (past->gives)
		return 0;
	return past->turns ? (plan_threshold(pl, i) + least) << past->turns : plan_threshold(pl, i);
}

/* Whether its memory came home, or gave way, too lately for it to give way again. */
static bool turned_lately(const struct plan *pl, u32 i)
{
	const struct policy_past *past = &pl->s->procs[i].past;

	return !past->gives && past->turns && past->turned < plan_wait_after(pl, past->turns);
}

/* How much of its time @i spends on @cpu, in any unit. */
static u32 time_on(const struct plan *pl, u32 i, u32 cpu)
{
	if (runs_at_home(pl, i))
		return !!(pl->procs[i].home & BIT_ULL(cpu));
	return pl->s->procs[i].run_mcpu[cpu];
}

/* What @i loses by having @pages on @to instead of @from; may be less than nothing. */
static s64 loss_of(const struct plan *pl, u32 i, u64 pages, u32 from, u32 to)
{
	s64 run = 0, farther = 0;
	u32 cpu;

	for (cpu = 0; cpu < pl->nr_nodes; cpu++) {
		u32 time = time_on(pl, i, cpu);

		run += time;
		farther += (s64)time * (pl->penalty[cpu * pl->nr_nodes + to] -
					pl->penalty[cpu * pl->nr_nodes + from]);
	}
	if (!run)
		return 0;
	return (s64)plan_part((u64)pl->procs[i].demand * 100, pages, pl->procs[i].total) *
	       farther / run;
}

/* Whether @i may have memory where it did not want it, if that pays. */
static bool may_give_way(const struct plan *pl, u32 i)
{
	const struct plan_proc *pp = &pl->procs[i];

	if (!pp->allowed || (pp->home && pl->s->procs[i].past.age < plan_wait(pl, i)) ||
	    turned_lately(pl, i))
		return false;
	switch (pp->reason) {
	case POLICY_IDLE:
		return true;
	case POLICY_NO_GAIN:
	case POLICY_CPU_FULL:
	case POLICY_SPREAD:
		return !pp->home;
	case POLICY_SETTLED:
	case POLICY_ONLY_NODE:
		return plan_single(pp->home) && !pp->held;
	default:
		return false;
	}
}

/* Whether it pays that @pages of the process that an edge shows come in exchange for @i's. */
static bool way_pays(const struct plan *pl, u32 i, u32 from, u32 to, u64 pages)
{
	const struct plan_edge *e = plan_edge_of(pl, from, to);
	s64 loss = max_t(s64, loss_of(pl, i, pages, to, from), 0);
	s64 least = plan_copy_cost(pl, 2 * pages) + factor_of(pl, i) * loss +
		    threshold_of(pl, i, plan_least_gain(pl, e->proc));

	return e->proc != i && (s64)plan_saved_by(pl, e, pages) >= least;
}

/* An idle one's home is where its memory was. */
static void lose_home(struct plan *pl, u32 i, const struct policy_exchange *way)
{
	struct plan_proc *pp = &pl->procs[i];

	if (!pp->home || runs_at_home(pl, i))
		return;
	pp->home = 0;
	pp->gain = way->gain_ucpu;
	pp->cost = plan_copy_cost(pl, 2 * way->pages);
}

/*
 * Pages that want to @to come in exchange for those of @i there, process after process, as far
 * as that pays.
 */
static void give_way(struct plan *pl, u32 i, u32 from, u32 to)
{
	const struct plan_edge *e = plan_edge_of(pl, from, to);
	const struct policy_exchange way = {
		.kind = POLICY_GIVE_WAY,
		.nr_legs = 2,
		.legs[1] = { .proc = i, .from = to, .to = from },
	};
	u64 left = pl->s->procs[i].pages[to];

	if (pl->procs[i].gave_way || !(pl->s->procs[i].mem_nodes & pl->mem_mask & BIT_ULL(from)))
		return;
	while (left >= PLAN_CRUMB_PAGES && plan_next_exchange(pl) && plan_next_on(pl, from, to) &&
	       way_pays(pl, i, from, to, min(left, e->left))) {
		const struct policy_exchange *x = plan_bring(pl, from, to, left, &way);

		left -= x->pages;
		if (!pl->procs[i].gave_way)
			lose_home(pl, i, x);
		pl->procs[i].gave_way = true;
	}
}

/*
 * Whether giving way with @pages could be worth it for whoever saves most by each page: what they
 * lose is at least what they lose @nearest, the tenths of distance to the nearest other node.
 */
static bool may_pay(const struct plan *pl, u32 i, u64 pages, u32 nearest)
{
	u32 best = pl->keys[0].idx;
	u64 away = pl->procs[best].away, part = min(pages, away);
	s64 saved = plan_part(pl->out[best].gain_ucpu, part, away), loss = 0;

	if (runs_at_home(pl, i))
		loss = (s64)plan_part((u64)pl->procs[i].demand * 100, part, pl->procs[i].total) *
		       nearest * factor_of(pl, i);
	return saved >= loss + threshold_of(pl, i, 0);
}

/* Tenths of distance from @nid to the nearest other node. */
static u32 nearest_other(const struct plan *pl, u32 nid)
{
	u32 to, nearest = U32_MAX;

	for (to = 0; to < pl->nr_nodes; to++)
		if (to != nid)
			nearest = min_t(u32, nearest, pl->penalty[nid * pl->nr_nodes + to]);
	return nearest;
}

/* The nodes on which @i has pages to give; of one with a home only those of its home. */
static u64 nodes_to_give(const struct plan *pl, u32 i, const u8 *nearest)
{
	const u64 *pages = pl->s->procs[i].pages;
	u64 where = runs_at_home(pl, i) ? pl->procs[i].home : ~0ULL, nodes = 0;
	u32 nid;

	for (nid = 0; nid < pl->nr_nodes; nid++)
		if ((where & BIT_ULL(nid)) && pages[nid] >= PLAN_CRUMB_PAGES &&
		    may_pay(pl, i, pages[nid], nearest[nid]))
			nodes |= BIT_ULL(nid);
	return nodes;
}

/*
 * Fill the spare keys with the processes that may give way, each with the nodes from which
 * it has pages to give: every pair of nodes looks at all of them.
 */
static u32 find_givers(struct plan *pl, bool at_home)
{
	u8 nearest[POLICY_MAX_NODES];
	u32 i, n = 0, nid;

	for (nid = 0; nid < pl->nr_nodes; nid++)
		nearest[nid] = nearest_other(pl, nid);
	for (i = 0; i < pl->nr_procs; i++) {
		u64 nodes;

		if (runs_at_home(pl, i) != at_home || !may_give_way(pl, i))
			continue;
		nodes = nodes_to_give(pl, i, nearest);
		if (!nodes)
			continue;
		pl->spare[n].key = nodes;
		pl->spare[n++].idx = i;
	}
	return n;
}

/* The nodes of which each page saves most that wants from one to the other; none twice. */
static bool find_edge(struct plan *pl, u32 *best_from, u32 *best_to)
{
	u64 most = 0, urgency;
	u32 from, to;

	for (from = 0; from < pl->nr_nodes; from++) {
		for (to = 0; to < pl->nr_nodes; to++) {
			const struct plan_edge *e = plan_edge_of(pl, from, to);

			if (e->asked || e->want < PLAN_CRUMB_PAGES)
				continue;
			urgency = plan_urgency(pl, from, to);
			if (urgency <= most)
				continue;
			most = urgency;
			*best_from = from;
			*best_to = to;
		}
	}
	return most;
}

static void ask_givers(struct plan *pl, u32 nr)
{
	u32 from = 0, to = 0, k, pairs = pl->nr_nodes * pl->nr_nodes;

	for (k = 0; k < pairs; k++)
		pl->edges[k].asked = false;
	while (nr && plan_next_exchange(pl) && find_edge(pl, &from, &to)) {
		plan_edge_of(pl, from, to)->asked = true;
		for (k = 0; k < nr && plan_next_exchange(pl) &&
		     plan_edge_of(pl, from, to)->want >= PLAN_CRUMB_PAGES; k++)
			if (pl->spare[k].key & BIT_ULL(to))
				give_way(pl, pl->spare[k].idx, from, to);
	}
}

/**
 * plan_give_way() - find who gives way to what still wants from node to node
 * @pl: the plan; pairs and chains have been found
 *
 * Those at home are asked last.
 */
void plan_give_way(struct plan *pl)
{
	u32 at_home;

	for (at_home = 0; at_home < 2 && plan_next_exchange(pl); at_home++)
		ask_givers(pl, find_givers(pl, at_home));
}
