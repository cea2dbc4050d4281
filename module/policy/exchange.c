// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exchange: memory that finds no free page at home changes places with other memory.
 *
 * Called by plan_memory() once free pages are allotted.  What is left over wants from
 * node to node; where that runs in a circle (two nodes or more) nobody needs a free
 * page.  Where it does not, somebody may give way, see give_way.c.  Those who save most by
 * each page come first.  What exchanges that have ended left free, pages that still wait may
 * fill.
 */
#include <linux/kernel.h>
#include "plan.h"

#define NOWHERE		POLICY_MAX_NODES

/* Pages of @i on @from that got no free page at home; none while it is to get another home. */
static u64 waiting_at(const struct plan *pl, u32 i, u32 from)
{
	const struct plan_proc *pp = &pl->procs[i];
	u64 pages;

	if (pp->held || pl->s->procs[i].pages[from] < PLAN_CRUMB_PAGES ||
	    (pp->home & BIT_ULL(from)))
		return 0;
	pages = plan_part(pl->s->procs[i].pages[from], pp->waiting, pp->away);
	return pages < PLAN_CRUMB_PAGES ? 0 : pages;
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
			struct plan_edge *e;

			if (!pages)
				continue;
			e = plan_edge_of(pl, from, nearest_home(pl, i, from));
			if (!e->want)
				*e = (struct plan_edge){ .left = pages, .proc = i, .at = k + 1 };
			e->want += pages;
		}
	}
}

/* Has the edge show the next process with pages left for it; false if there is none. */
bool plan_next_on(struct plan *pl, u32 from, u32 to)
{
	struct plan_edge *e = plan_edge_of(pl, from, to);

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
	struct plan_edge *e = plan_edge_of(pl, from, to);

	e->left -= pages;
	if (e->left < PLAN_CRUMB_PAGES) {
		pages += e->left;
		e->left = 0;
	}
	e->want -= min(e->want, pages);
	pl->out[e->proc].exchange_pages += pages;
}

/* What @pages of the process that an edge shows save by coming home. */
u64 plan_saved_by(const struct plan *pl, const struct plan_edge *e, u64 pages)
{
	return plan_part(pl->out[e->proc].gain_ucpu, pages, pl->procs[e->proc].away);
}

/* Where the next exchange goes; NULL if there are as many as the list takes. */
struct policy_exchange *plan_next_exchange(struct plan *pl)
{
	struct policy_exchanges *list = pl->exchanges;

	return list->nr < list->max ? &list->list[list->nr] : NULL;
}

/*
 * Up to @pages of the process that an edge shows come, as the first leg of an exchange that is
 * otherwise like @like; returns it.  There is a plan_next_exchange().
 */
const struct policy_exchange *plan_bring(struct plan *pl, u32 from, u32 to, u64 pages,
					 const struct policy_exchange *like)
{
	const struct plan_edge *e = plan_edge_of(pl, from, to);
	struct policy_exchange *x = plan_next_exchange(pl);

	*x = *like;
	x->pages = min(pages, e->left);
	x->gain_ucpu = plan_saved_by(pl, e, x->pages);
	x->legs[0] = (struct policy_leg){ .proc = e->proc, .from = from, .to = to };
	pl->exchanges->nr++;
	take_from(pl, from, to, x->pages);
	return x;
}

/* Exchanges pages of a process each along @nodes and back to the first; false if none are left. */
static bool exchange_along(struct plan *pl, const u8 *nodes, u32 nr)
{
	struct policy_exchange *x = plan_next_exchange(pl);
	u32 k;

	if (!x)
		return false;
	*x = (struct policy_exchange) {
		.kind = nr == 2 ? POLICY_PAIR : POLICY_CHAIN,
		.nr_legs = nr,
		.pages = U64_MAX,
	};
	for (k = 0; k < nr; k++) {
		u32 from = nodes[k], to = nodes[(k + 1) % nr];

		if (!plan_next_on(pl, from, to))
			return false;
		x->legs[k] = (struct policy_leg) {
			.proc = plan_edge_of(pl, from, to)->proc, .from = from, .to = to,
		};
		x->pages = min(x->pages, plan_edge_of(pl, from, to)->left);
	}
	for (k = 0; k < nr; k++) {
		const struct policy_leg *leg = &x->legs[k];
		const struct plan_edge *e = plan_edge_of(pl, leg->from, leg->to);

		x->gain_ucpu += plan_saved_by(pl, e, x->pages);
		take_from(pl, leg->from, leg->to, x->pages);
	}
	pl->exchanges->nr++;
	return true;
}

/**
 * plan_urgency() - what each page saves that wants from node to node and comes next
 * @pl: the plan
 * @from: the one node
 * @to: the other
 *
 * Return: ucpu, with ten bits of fraction, and not 0; or 0 if there is no page that wants so.
 */
u64 plan_urgency(struct plan *pl, u32 from, u32 to)
{
	const struct plan_edge *e = plan_edge_of(pl, from, to);

	if (!e->want || !plan_next_on(pl, from, to))
		return 0;
	return (pl->out[e->proc].gain_ucpu << 10) / pl->procs[e->proc].away + 1;
}

/* The two nodes between which pages save most by changing places. */
static bool find_pair(struct plan *pl, u8 nodes[2])
{
	u64 most = 0;
	u32 n, m;

	for (n = 0; n < pl->nr_nodes; n++) {
		for (m = n + 1; m < pl->nr_nodes; m++) {
			u64 there = plan_urgency(pl, n, m), back = plan_urgency(pl, m, n);

			if (!there || !back || there + back <= most)
				continue;
			most = there + back;
			nodes[0] = n;
			nodes[1] = m;
		}
	}
	return most;
}

/* Looks for the best two nodes again after each: the list is short, and has to be shared. */
static void exchange_pairs(struct plan *pl)
{
	u8 nodes[2];

	while (plan_next_exchange(pl) && find_pair(pl, nodes))
		exchange_along(pl, nodes, 2);
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
		if (at != start && plan_edge_of(pl, at, start)->want)
			break;
		for (to = 0; to < pl->nr_nodes; to++) {
			if ((seen & BIT_ULL(to)) || !plan_edge_of(pl, at, to)->want)
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
		while (plan_next_exchange(pl) && (nr = find_circle(pl, start, nodes)))
			while (exchange_along(pl, nodes, nr))
				;
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

		if (owed < PLAN_CRUMB_PAGES || has_leg_to(pl, to))
			continue;
		for (from = 0; from < pl->nr_nodes; from++)
			while (owed >= PLAN_CRUMB_PAGES && plan_next_exchange(pl) &&
			       plan_next_on(pl, from, to))
				owed -= plan_bring(pl, from, to, owed, &alone)->pages;
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
	plan_give_way(pl);
	bring_rests(pl);
}
