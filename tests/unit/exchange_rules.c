// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules that hold for the exchanges of every plan, whatever the host.
 *
 * User space, called by rules_hold().
 */
#include <stdlib.h>
#include <string.h>
#include "sim.h"

static bool leg_rules(const struct sim *sim, const struct policy_snapshot *s,
		      const struct policy_exchange *x, u32 k, char *message)
{
	const struct policy_leg *leg = &x->legs[k], *before = &x->legs[(k ? k : x->nr_legs) - 1];
	const struct policy_proc *p;
	const struct policy_verdict *v;
	const char *name;
	bool comes_home;

	if (leg->proc >= s->nr_procs || leg->from >= s->nr_nodes || leg->to >= s->nr_nodes)
		return rule_broken(message, "exchange: leg %u is of process %u, node %u to %u", k,
				   leg->proc, leg->from, leg->to);
	p = &s->procs[leg->proc];
	v = &sim->verdicts[leg->proc];
	name = sim->procs[sim->index[leg->proc]].name;
	if (leg->from == leg->to || (x->kind != POLICY_REST && leg->from != before->to))
		return rule_broken(message, "%s: exchange: a leg from node %u to %u after one to %u",
				   name, leg->from, leg->to, before->to);
	if (!(p->mem_nodes & BIT_ULL(leg->to)) || !s->nodes[leg->to].total_pages)
		return rule_broken(message, "%s: exchange: %llu pages to node %u, where it may not have any",
				   name, (unsigned long long)x->pages, leg->to);
	comes_home = (v->home & BIT_ULL(leg->to)) && !(v->home & BIT_ULL(leg->from));
	if (!comes_home && !(x->kind == POLICY_GIVE_WAY && k == 1))
		return rule_broken(message, "%s: exchange: node %u to %u is not the way to its home %llx",
				   name, leg->from, leg->to, (unsigned long long)v->home);
	return true;
}

/* Whether the one that gives way has a home, and runs there. */
static bool leaves_home(const struct sim *sim, const struct policy_exchange *x)
{
	const struct policy_verdict *v = &sim->verdicts[x->legs[1].proc];

	return v->home && v->reason != POLICY_IDLE;
}

/*
 * What the one that gives way loses while it runs at home, or where it does now, in ucpu: its
 * demand times the share of its pages times how much farther (in tenths) they will be.
 */
static double lost_by_giving_way(const struct sim *sim, const struct policy_snapshot *s,
				 const struct policy_exchange *x)
{
	const struct policy_leg *leg = &x->legs[1];
	const struct policy_proc *p = &s->procs[leg->proc];
	double farther = 0, run = 0, all = 0, demand = rule_usable(s, p);
	u32 nid;

	for (nid = 0; nid < s->nr_nodes; nid++) {
		const u8 *row = &s->distance[nid * s->nr_nodes];
		double time = p->run_mcpu[nid];

		if (leaves_home(sim, x))
			time = (p->home & BIT_ULL(nid)) != 0;
		farther += time * ((double)row[leg->to] - row[leg->from]);
		run += time;
		all += p->pages[nid] + p->fixed_pages[nid];
	}
	return run && farther > 0 ? demand * 100 * farther / run * x->pages / all : 0;
}

/*
 * Who gives way loses half of what is saved at most; a quarter when it begins to at home, where it
 * stays.
 */
static bool gain_rules(const struct sim *sim, const struct policy_snapshot *s,
		       const struct policy_exchange *x, char *message)
{
	const struct policy_leg *leg = &x->legs[1];
	const char *name;
	double lost, least;

	if (x->kind != POLICY_GIVE_WAY)
		return true;
	name = sim->procs[sim->index[leg->proc]].name;
	if (leaves_home(sim, x) &&
	    (sim->verdicts[leg->proc].changed || s->procs[leg->proc].home != BIT_ULL(leg->from)))
		return rule_broken(message, "%s: gives way from node %u, but its home is %llx", name,
				   leg->from, (unsigned long long)s->procs[leg->proc].home);
	lost = lost_by_giving_way(sim, s, x);
	least = leaves_home(sim, x) && !s->procs[leg->proc].past.gives ? 4 : 2;
	if (x->gain_ucpu >= least * lost - 1)
		return true;
	return rule_broken(message, "%s: gives way with %llu pages and loses %.0f ucpu for a gain of %llu",
			   name, (unsigned long long)x->pages, lost,
			   (unsigned long long)x->gain_ucpu);
}

/* Pages that all exchanges take off @nid of the process at index @k. */
static u64 taken_off(const struct policy_exchanges *list, u32 k, u32 nid)
{
	u64 pages = 0;
	u32 i, l;

	for (i = 0; i < list->nr; i++)
		for (l = 0; l < list->list[i].nr_legs; l++)
			if (list->list[i].legs[l].proc == k && list->list[i].legs[l].from == nid)
				pages += list->list[i].pages;
	return pages;
}

/* Pages that come to @nid alone, into what exchanges that have ended left free. */
static u64 come_alone(const struct policy_exchanges *list, u32 nid)
{
	u64 pages = 0;
	u32 i;

	for (i = 0; i < list->nr; i++)
		if (list->list[i].kind == POLICY_REST && list->list[i].legs[0].to == nid)
			pages += list->list[i].pages;
	return pages;
}

static bool same_again(const struct sim *sim)
{
	const struct policy_exchanges *a = &sim->exchanges, *b = &sim->exchanges_again;
	u32 i;

	if (a->nr != b->nr)
		return false;
	for (i = 0; i < a->nr; i++)
		if (a->list[i].kind != b->list[i].kind || a->list[i].pages != b->list[i].pages ||
		    a->list[i].nr_legs != b->list[i].nr_legs ||
		    memcmp(a->list[i].legs, b->list[i].legs,
			   a->list[i].nr_legs * sizeof(a->list[i].legs[0])))
			return false;
	return true;
}

bool exchange_rules_hold(const struct sim *sim, const struct policy_snapshot *s,
			 char message[SIM_MESSAGE])
{
	const struct policy_exchanges *list = &sim->exchanges;
	u32 i, k, nid;

	if (!same_again(sim))
		return rule_broken(message, "exchanges of a second plan of the same snapshot differ");
	if (list->nr > list->max || (list->nr && !s->tunables.may_move_memory))
		return rule_broken(message, "%u exchanges, expected at most %u", list->nr,
				   s->tunables.may_move_memory ? list->max : 0);
	for (i = 0; i < list->nr; i++) {
		const struct policy_exchange *x = &list->list[i];

		if ((x->nr_legs < 2) != (x->kind == POLICY_REST) || !x->nr_legs ||
		    x->nr_legs > POLICY_EXCHANGE_LEGS || !x->pages)
			return rule_broken(message, "an exchange of %llu pages with %u legs",
					   (unsigned long long)x->pages, x->nr_legs);
		if (!gain_rules(sim, s, x, message))
			return false;
		for (k = 0; k < x->nr_legs; k++) {
			const struct policy_leg *leg = &x->legs[k];

			if (!leg_rules(sim, s, x, k, message))
				return false;
			nid = leg->to;
			if (come_alone(list, nid) > s->nodes[nid].owed_pages)
				return rule_broken(message, "more pages come alone to node %u than it is owed",
						   nid);
			nid = leg->from;
			if (taken_off(list, leg->proc, nid) > s->procs[leg->proc].pages[nid])
				return rule_broken(message, "%s: more pages exchanged than are on node %u",
						   sim->procs[sim->index[leg->proc]].name, nid);
		}
	}
	return true;
}
