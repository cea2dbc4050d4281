// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules that hold for every plan, whatever the host.
 *
 * User space, called by sim_step() after each plan, so that every scenario and
 * every random host is held to them in every pass.
 */
#include <stdarg.h>
#include <string.h>
#include "sim.h"

bool rule_broken(char message[SIM_MESSAGE], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(message, SIM_MESSAGE, format, args);
	va_end(args);
	return false;
}

static u64 cpu_mask(const struct policy_snapshot *s)
{
	u64 mask = 0;
	u32 nid;

	for (nid = 0; nid < s->nr_nodes; nid++)
		if (s->nodes[nid].cpu_mcpu)
			mask |= BIT_ULL(nid);
	return mask;
}

static bool memory_rules(const struct policy_snapshot *s, const struct policy_proc *p,
			 const struct policy_verdict *v, const char *name, char *message)
{
	u64 sum = 0, away = 0;
	u32 nid;

	for (nid = 0; nid < s->nr_nodes; nid++) {
		sum += v->into[nid];
		if (!(v->home & BIT_ULL(nid)))
			away += p->pages[nid];
		if (v->into[nid] && !(v->home & p->mem_nodes & BIT_ULL(nid)))
			return rule_broken(message, "%s: %llu pages planned into node %u, outside its home or its allowed memory nodes",
				      name, (unsigned long long)v->into[nid], nid);
	}
	if (sum != v->move_pages || sum + v->exchange_pages > away)
		return rule_broken(message, "%s: %llu pages planned, by node %llu, away from home are %llu",
			      name, (unsigned long long)v->move_pages, (unsigned long long)sum,
			      (unsigned long long)away);
	if (sum && !s->tunables.may_move_memory)
		return rule_broken(message, "%s: pages planned in a mode that moves none", name);
	if ((sum || v->exchange_pages) && v->gain_ucpu < v->cost_ucpu)
		return rule_broken(message, "%s: %llu pages planned for a gain of %llu at a cost of %llu",
			      name, (unsigned long long)sum, (unsigned long long)v->gain_ucpu,
			      (unsigned long long)v->cost_ucpu);
	return true;
}

/* The nodes on which it may run: those with CPUs that its affinity admits, if there is any. */
static u64 nodes_of(const struct policy_snapshot *s, const struct policy_proc *p)
{
	u64 nodes = p->cpu_nodes & cpu_mask(s), own = 0;
	u32 nid;

	for (nid = 0; p->cpus_mcpu && nid < s->nr_nodes; nid++)
		if ((nodes & BIT_ULL(nid)) && p->cpus_mcpu[nid])
			own |= BIT_ULL(nid);
	return own ? own : nodes;
}

u64 rule_usable(const struct policy_snapshot *s, const struct policy_proc *p)
{
	u64 demand = p->demand_mcpu, own = 0;
	u32 nid;

	for (nid = 0; p->cpus_mcpu && nid < s->nr_nodes; nid++)
		if (p->cpu_nodes & BIT_ULL(nid))
			own += p->cpus_mcpu[nid] < s->nodes[nid].cpu_mcpu ?
			       p->cpus_mcpu[nid] : s->nodes[nid].cpu_mcpu;
	if (own && own < demand)
		demand = own;
	return p->nr_threads * 1000ULL < demand ? p->nr_threads * 1000ULL : demand;
}

static bool home_rules(const struct policy_snapshot *s, const struct policy_proc *p,
		       const struct policy_verdict *v, const char *name, char *message)
{
	u64 nodes = nodes_of(s, p), least;
	bool was_valid = p->home && !(p->home & ~nodes);

	if (v->home & ~nodes)
		return rule_broken(message, "%s: home %llx, but its threads may only run on %llx",
			      name, (unsigned long long)v->home,
			      (unsigned long long)nodes);
	if ((v->home == p->home) == v->changed)
		return rule_broken(message, "%s: changed is wrong", name);
	if ((v->action == POLICY_NONE) == !!v->home)
		return rule_broken(message, "%s: action %s with home %llx", name,
			      policy_action_name(v->action), (unsigned long long)v->home);
	if (!s->tunables.may_move_cpu &&
	    (v->action == POLICY_MOVE_CPU || v->action == POLICY_MOVE_BOTH))
		return rule_broken(message, "%s: threads shall move in a mode that moves none", name);
	if (p->stays && s->tunables.may_move_memory &&
	    (v->action == POLICY_MOVE_CPU || v->action == POLICY_MOVE_BOTH))
		return rule_broken(message, "%s: threads shall move that are not moved", name);
	if (!v->changed || !was_valid || !s->tunables.may_move_cpu || s->nr_nodes == 1 ||
	    (p->stays && s->tunables.may_move_memory) ||
	    v->reason == POLICY_EMPTY || v->reason == POLICY_BOUND || v->reason == POLICY_ONLY_NODE)
		return true;
	/* A first home may be put right sooner. */
	if (p->past.age < (p->past.left ? s->tunables.min_age_passes : 1) &&
	    p->past.age < s->tunables.min_age_passes)
		return rule_broken(message, "%s: home changed after only %u passes", name, p->past.age);
	least = rule_usable(s, p) * 10 * s->tunables.min_gain_percent;
	if (v->gain_ucpu < v->cost_ucpu + least)
		return rule_broken(message, "%s: home changed %llx -> %llx (%s) for a gain of %llu at a cost of %llu, expected %llu more",
			      name, (unsigned long long)p->home, (unsigned long long)v->home,
			      policy_reason_name(v->reason), (unsigned long long)v->gain_ucpu,
			      (unsigned long long)v->cost_ucpu, (unsigned long long)least);
	return true;
}

static bool same_again(const struct sim *sim, const struct policy_snapshot *s, u32 k)
{
	const struct policy_verdict *a = &sim->verdicts[k], *b = &sim->again[k];

	return a->home == b->home && a->action == b->action && a->reason == b->reason &&
	       a->gain_ucpu == b->gain_ucpu && a->cost_ucpu == b->cost_ucpu &&
	       a->exchange_pages == b->exchange_pages &&
	       !memcmp(a->into, b->into, s->nr_nodes * sizeof(u64));
}

bool rules_hold(const struct sim *sim, const struct policy_snapshot *s,
		char message[SIM_MESSAGE])
{
	u64 into[POLICY_MAX_NODES] = { 0 };
	u32 k, nid;

	for (k = 0; k < s->nr_procs; k++) {
		const struct policy_verdict *v = &sim->verdicts[k];
		const char *name = sim->procs[sim->index[k]].name;

		if (!same_again(sim, s, k))
			return rule_broken(message, "%s: a second plan of the same snapshot differs", name);
		if (!home_rules(s, &s->procs[k], v, name, message) ||
		    !memory_rules(s, &s->procs[k], v, name, message))
			return false;
		for (nid = 0; nid < s->nr_nodes; nid++)
			into[nid] += v->into[nid];
	}
	for (nid = 0; nid < s->nr_nodes; nid++)
		if (into[nid] > s->nodes[nid].free_pages + s->nodes[nid].cache_pages)
			return rule_broken(message,
					   "node %u: %llu pages planned into it, %llu are free, %llu page cache",
					   nid, (unsigned long long)into[nid],
					   (unsigned long long)s->nodes[nid].free_pages,
					   (unsigned long long)s->nodes[nid].cache_pages);
	return exchange_rules_hold(sim, s, message);
}
