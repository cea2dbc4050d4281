// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exchange: memory that finds no free page at home changes places with other memory.
 *
 * Called by plan_memory() once free pages are allotted.  What is left over wants from
 * node to node; where that runs in a circle (two nodes or more) nobody needs a free
 * page.  Where it does not, a process that loses little by it gives way: one without a
 * home, or one that hardly runs.  Those who save most by each page come first.  What
 * exchanges that have ended left free, pages that still wait may fill.
 */
#include <linux/kernel.h>
#include "plan.h"

/* Fewer pages than this are not worth an exchange. */
#define CRUMB_PAGES	64

/* What is saved must be this many times what the one that gives way loses. */
#define GIVE_WAY_FACTOR	2

#define NOWHERE		POLICY_MAX_NODES

static struct plan_edge *edge_of(const struct plan *pl, u32 from, u32 to)
{
	return &pl->edges[from * pl->nr_nodes + to];
}

/* Pages of @i on @from that got no free page at home; none while it is to get another home. */
static u64 waiting_at(const struct plan *pl, u32 i, u32 from)
{
	const struct plan_proc *pp = &pl->procs[i];
	u64 pages;

	if (pp->held || pl->s->procs[i].pages[from] < CRUMB_PAGES || (pp->home & BIT_ULL(from)))
		return 0;
	pages = plan_part(pl->s->procs[i].pages[from], pp->waiting, pp->away);
	return pages < CRUMB_PAGES ? 0 : pages;
}

/* The node of its home that is nearest to @from; of several a different one for each process. */
static u32 nearest_home(const struct plan *pl, u32 i, u32 from)
{
	u64 dest = plan_destinations(pl, i), bits;
	u32 nid, best = NOWHERE, n = pl->nr_nodes;

	plan_for_each_node(nid, dest, bits) {
		u32 far = pl->penalty[nid * n + from], least;

		if (best != NOWHERE) {
			least = pl->penalty[best * n + from];
			if (far > least || (far == least && (nid + n - i % n) % n >
					    (best + n - i % n) % n))
				continue;
		}
		best = nid;
	}
	return best;
}

/*
 * Keep only the keys of processes that wait, and of these no more than a plan needs to fill
 * its list of exchanges: those behind them, who save less, are for a later plan.
 */
static void keep_waiting(struct plan *pl)
{
	u32 k, n = 0;

	for (k = 0; k < pl->nr_waiting && n < PLAN_MAX_WAITING; k++)
		if (pl->procs[pl->keys[k].idx].waiting)
			pl->keys[n++] = pl->keys[k];
	pl->nr_waiting = n;
}

static void fill_edges(struct plan *pl)
{
	u32 k, from, pairs = pl->nr_nodes * pl->nr_nodes;

	for (k = 0; k < pairs; k++)
		pl->edges[k] = (struct plan_edge){ 0 };
	for (k = 0; k < pl->nr_waiting; k++) {
		u32 i = pl->keys[k].idx;

		for (from = 0; from < pl->nr_nodes; from++) {
			u64 pages = waiting_at(pl, i, from);

			if (pages)
				edge_of(pl, from, nearest_home(pl, i, from))->want += pages;
		}
	}
}

/* Has the edge show the next process with pages left for it; false if there is none. */
static bool next_on(struct plan *pl, u32 from, u32 to)
{
	struct plan_edge *e = edge_of(pl, from, to);

	while (!e->left && e->at < pl->nr_waiting) {
		e->proc = pl->keys[e->at++].idx;
		e->left = waiting_at(pl, e->proc, from);
		if (e->left && nearest_home(pl, e->proc, from) != to)
			e->left = 0;
	}
	if (!e->left)
		e->want = 0;
	return e->left;
}

static void take_from(struct plan *pl, u32 from, u32 to, u64 pages)
{
	struct plan_edge *e = edge_of(pl, from, to);

	e->left -= pages;
	if (e->left < CRUMB_PAGES) {
		pages += e->left;
		e->left = 0;
	}
	e->want -= min(e->want, pages);
	pl->out[e->proc].exchange_pages += pages;
}

/* What @pages of the process that an edge shows save by coming home. */
static u64 saved_by(const struct plan *pl, const struct plan_edge *e, u64 pages)
{
	return plan_part(pl->out[e->proc].gain_ucpu, pages, pl->procs[e->proc].away);
}

static struct policy_exchange *next_exchange(struct plan *pl)
{
	struct policy_exchanges *list = pl->exchanges;

	return list->nr < list->max ? &list->list[list->nr] : NULL;
}

/* Exchanges pages along @nodes and back to the first, process after process. */
static void exchange_along(struct plan *pl, const u8 *nodes, u32 nr)
{
	struct policy_exchange *x;
	u32 k;

	while ((x = next_exchange(pl))) {
		*x = (struct policy_exchange) {
			.kind = nr == 2 ? POLICY_PAIR : POLICY_CHAIN,
			.nr_legs = nr,
			.pages = U64_MAX,
		};
		for (k = 0; k < nr; k++) {
			u32 from = nodes[k], to = nodes[(k + 1) % nr];

			if (!next_on(pl, from, to))
				return;
			x->legs[k] = (struct policy_leg) {
				.proc = edge_of(pl, from, to)->proc, .from = from, .to = to,
			};
			x->pages = min(x->pages, edge_of(pl, from, to)->left);
		}
		for (k = 0; k < nr; k++) {
			const struct policy_leg *leg = &x->legs[k];

			x->gain_ucpu += saved_by(pl, edge_of(pl, leg->from, leg->to), x->pages);
			take_from(pl, leg->from, leg->to, x->pages);
		}
		pl->exchanges->nr++;
	}
}

static void exchange_pairs(struct plan *pl)
{
	u32 n, m;

	for (n = 0; n < pl->nr_nodes; n++) {
		for (m = n + 1; m < pl->nr_nodes; m++) {
			const u8 nodes[] = { n, m };

			if (edge_of(pl, n, m)->want && edge_of(pl, m, n)->want)
				exchange_along(pl, nodes, 2);
		}
	}
}

/*
 * The shortest way along edges from @start back to it, breadth first.  Returns the number
 * of nodes on it, or 0 if there is none, or only a longer one than an exchange may be.
 */
static u32 find_circle(const struct plan *pl, u32 start, u8 nodes[POLICY_EXCHANGE_LEGS])
{
	u8 came_from[POLICY_MAX_NODES], queue[POLICY_MAX_NODES];
	u32 head = 0, tail = 0, to, at, nr;
	u64 seen = BIT_ULL(start);

	queue[tail++] = start;
	while (head < tail) {
		at = queue[head++];
		if (at != start && edge_of(pl, at, start)->want)
			break;
		for (to = 0; to < pl->nr_nodes; to++) {
			if ((seen & BIT_ULL(to)) || !edge_of(pl, at, to)->want)
				continue;
			seen |= BIT_ULL(to);
			came_from[to] = at;
			queue[tail++] = to;
		}
		at = start;
	}
	if (at == start)
		return 0;
	nr = 1;
	for (to = at; to != start; to = came_from[to])
		nr++;
	if (nr > POLICY_EXCHANGE_LEGS)
		return 0;
	for (to = nr; to-- > 1; at = came_from[at])
		nodes[to] = at;
	nodes[0] = start;
	return nr;
}

/* After the pairs what still runs in a circle does so over three nodes and more. */
static void exchange_chains(struct plan *pl)
{
	u8 nodes[POLICY_EXCHANGE_LEGS];
	u32 start, nr;

	for (start = 0; start < pl->nr_nodes; start++)
		while (next_exchange(pl) && (nr = find_circle(pl, start, nodes)))
			exchange_along(pl, nodes, nr);
}

/* What @i loses by having @pages on @to instead of @from; may be less than nothing. */
static s64 loss_of(const struct plan *pl, u32 i, u64 pages, u32 from, u32 to)
{
	const struct policy_proc *p = &pl->s->procs[i];
	s64 run = 0, farther = 0;
	u32 cpu;

	for (cpu = 0; cpu < pl->nr_nodes; cpu++) {
		run += p->run_mcpu[cpu];
		farther += (s64)p->run_mcpu[cpu] * (pl->penalty[cpu * pl->nr_nodes + to] -
						    pl->penalty[cpu * pl->nr_nodes + from]);
	}
	if (!run)
		return 0;
	return (s64)plan_part((u64)pl->procs[i].demand * 100, pages, pl->procs[i].total) *
	       farther / run;
}

/* Whether @i has no claim to be where its memory is. */
static bool may_give_way(const struct plan *pl, u32 i)
{
	const struct policy_proc *p = &pl->s->procs[i];
	const struct plan_proc *pp = &pl->procs[i];

	if (!pp->allowed)
		return false;
	if (pp->reason == POLICY_IDLE)
		return !pp->home || p->past.age >= plan_wait(pl, i);
	return !pp->home && (pp->reason == POLICY_NO_GAIN || pp->reason == POLICY_CPU_FULL ||
			     pp->reason == POLICY_SPREAD);
}

/*
 * Up to @pages that want from @from to @to come, process after process, each as the first leg
 * of an exchange that is otherwise like @like; returns how many more might have.
 */
static u64 bring(struct plan *pl, u32 from, u32 to, u64 pages, const struct policy_exchange *like)
{
	const struct plan_edge *e = edge_of(pl, from, to);
	struct policy_exchange *x;

	while (pages >= CRUMB_PAGES && next_on(pl, from, to) && (x = next_exchange(pl))) {
		*x = *like;
		x->pages = min(pages, e->left);
		x->gain_ucpu = saved_by(pl, e, x->pages);
		x->legs[0] = (struct policy_leg){ .proc = e->proc, .from = from, .to = to };
		pl->exchanges->nr++;
		take_from(pl, from, to, x->pages);
		pages -= x->pages;
	}
	return pages;
}

/* Pages that want to @to come in exchange for those of @i there, as far as that pays. */
static void give_way(struct plan *pl, u32 i, u32 from, u32 to)
{
	struct plan_edge *e = edge_of(pl, from, to);
	u64 left = min(pl->s->procs[i].pages[to], e->want), saved, cost;
	const struct policy_exchange way = {
		.kind = POLICY_GIVE_WAY,
		.nr_legs = 2,
		.legs[1] = { .proc = i, .from = to, .to = from },
	};
	s64 loss;

	if (pl->procs[i].gave_way ||
	    !(pl->s->procs[i].mem_nodes & pl->mem_mask & BIT_ULL(from)) || !next_on(pl, from, to))
		return;
	saved = saved_by(pl, e, min(left, pl->procs[e->proc].away));
	cost = plan_copy_cost(pl, 2 * left);
	loss = max_t(s64, loss_of(pl, i, left, to, from), 0);
	if (saved < cost + GIVE_WAY_FACTOR * loss + plan_threshold(pl, i))
		return;
	pl->procs[i].gave_way = true;
	if (pl->procs[i].home) {
		pl->procs[i].home = 0;
		pl->procs[i].gain = saved;
		pl->procs[i].cost = cost;
	}
	bring(pl, from, to, left, &way);
}

/* Whether giving way with @pages could be worth it for whoever saves most by each page. */
static bool may_pay(const struct plan *pl, u32 i, u64 pages)
{
	u32 best = pl->keys[0].idx;
	u64 away = pl->procs[best].away;
	s64 saved = plan_part(pl->out[best].gain_ucpu, min(pages, away), away);

	return saved >= plan_threshold(pl, i);
}

/*
 * Fill the spare keys with the processes that may give way, each with the nodes from which
 * it has pages to give: every pair of nodes looks at all of them.
 */
static u32 find_idle(struct plan *pl)
{
	u32 i, n = 0, nid;

	for (i = 0; i < pl->nr_procs; i++) {
		u64 nodes = 0;

		if (!may_give_way(pl, i))
			continue;
		for (nid = 0; nid < pl->nr_nodes; nid++)
			if (pl->s->procs[i].pages[nid] >= CRUMB_PAGES &&
			    may_pay(pl, i, pl->s->procs[i].pages[nid]))
				nodes |= BIT_ULL(nid);
		if (!nodes)
			continue;
		pl->spare[n].key = nodes;
		pl->spare[n++].idx = i;
	}
	return n;
}

static void exchange_with_idle(struct plan *pl)
{
	u32 from, to, k, nr_idle = next_exchange(pl) ? find_idle(pl) : 0;

	for (from = 0; from < pl->nr_nodes; from++)
		for (to = 0; to < pl->nr_nodes; to++)
			for (k = 0; k < nr_idle && next_exchange(pl) &&
			     edge_of(pl, from, to)->want >= CRUMB_PAGES; k++)
				if (pl->spare[k].key & BIT_ULL(to))
					give_way(pl, pl->spare[k].idx, from, to);
}

static bool has_leg_to(const struct plan *pl, u32 nid)
{
	const struct policy_exchanges *list = pl->exchanges;
	u32 i, k;

	for (i = 0; i < list->nr; i++)
		for (k = 0; k < list->list[i].nr_legs; k++)
			if (list->list[i].legs[k].to == nid)
				return true;
	return false;
}

/* While an exchange goes on, what its nodes are owed is what comes next. */
static void bring_rests(struct plan *pl)
{
	const struct policy_exchange alone = { .kind = POLICY_REST, .nr_legs = 1 };
	u32 from, to;

	for (to = 0; to < pl->nr_nodes; to++) {
		u64 owed = pl->s->nodes[to].owed_pages;

		if (owed < CRUMB_PAGES || has_leg_to(pl, to))
			continue;
		for (from = 0; from < pl->nr_nodes; from++)
			owed = bring(pl, from, to, owed, &alone);
	}
}

/**
 * plan_exchange() - find who changes places with whom
 * @pl: the plan; the first nr_waiting keys are the processes with pages that wait, those
 *	who save most by each page first
 */
void plan_exchange(struct plan *pl)
{
	if (!pl->exchanges || pl->nr_nodes < 2)
		return;
	keep_waiting(pl);
	if (!pl->nr_waiting)
		return;
	fill_edges(pl);
	exchange_pairs(pl);
	exchange_chains(pl);
	exchange_with_idle(pl);
	bring_rests(pl);
}
