// SPDX-License-Identifier: GPL-2.0-only
/*
 * The policy's entry: checks a snapshot, sorts out who is to be planned for,
 * and runs the steps of a plan over the caller's scratch memory.
 *
 * Called by the engine's planning thread, and by tests/unit in user space.
 * Takes no lock, allocates nothing, changes nothing but @out and @scratch.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include "plan.h"

/* More than any machine has; keeps products of demand, pages and distance in 64 bits. */
#define MAX_DEMAND_MCPU	BIT(22)
#define MAX_NODE_PAGES	BIT_ULL(38)
#define MAX_PAYBACK_MS	BIT(30)

/* In a mode that cannot move memory, a node with this part of it (1/n) may be home. */
#define MEMORY_PART	4

/* A node is full without the last part of it (1/n). */
#define FULL_PARTS	16

/* A node that has all of a process's memory but this part (1/n) may be home, however full it is. */
#define STRAY_PART	16

static size_t align8(size_t bytes)
{
	return (bytes + 7) & ~(size_t)7;
}

size_t policy_scratch_bytes(u32 nr_procs, u32 nr_nodes)
{
	size_t pairs = (size_t)nr_nodes * nr_nodes;
	size_t places = (size_t)nr_procs * nr_nodes;

	return align8(sizeof(struct plan)) +
	       align8(nr_nodes * sizeof(struct plan_node)) +
	       align8(nr_procs * sizeof(struct plan_proc)) +
	       2 * align8(nr_procs * sizeof(struct plan_key)) +
	       align8(sizeof(u64) * PLAN_RADIX * sizeof(u32)) +
	       align8(pairs * sizeof(struct plan_swap)) +
	       align8(pairs * sizeof(struct plan_edge)) +
	       align8(pairs) + PLAN_MAX_FLUID * nr_nodes * sizeof(s64) + 2 * places * sizeof(s64);
}

static void *carve(char **from, size_t bytes)
{
	void *piece = *from;

	*from += align8(bytes);
	return piece;
}

static struct plan *lay_out(const struct policy_snapshot *s, struct policy_verdict *out,
			    struct policy_exchanges *exchanges, void *scratch)
{
	size_t pairs = (size_t)s->nr_nodes * s->nr_nodes;
	size_t places = (size_t)s->nr_procs * s->nr_nodes;
	char *free = scratch;
	struct plan *pl = carve(&free, sizeof(*pl));

	memset(pl, 0, sizeof(*pl));
	pl->s = s;
	pl->out = out;
	pl->exchanges = exchanges;
	pl->nr_nodes = s->nr_nodes;
	pl->nr_procs = s->nr_procs;
	pl->nodes = carve(&free, s->nr_nodes * sizeof(*pl->nodes));
	pl->procs = carve(&free, s->nr_procs * sizeof(*pl->procs));
	pl->keys = carve(&free, s->nr_procs * sizeof(*pl->keys));
	pl->spare = carve(&free, s->nr_procs * sizeof(*pl->spare));
	pl->counts = carve(&free, sizeof(u64) * PLAN_RADIX * sizeof(*pl->counts));
	pl->swaps = carve(&free, pairs * sizeof(*pl->swaps));
	pl->edges = carve(&free, pairs * sizeof(*pl->edges));
	pl->penalty = carve(&free, pairs);
	pl->fluid_parts = carve(&free, PLAN_MAX_FLUID * s->nr_nodes * sizeof(s64));
	pl->stay = carve(&free, places * sizeof(s64));
	pl->follow = carve(&free, places * sizeof(s64));
	return pl;
}

static bool makes_sense(const struct policy_snapshot *s, const struct policy_verdict *out,
			const void *scratch)
{
	u32 i, nid;

	if (!s || !scratch || !s->nr_nodes || s->nr_nodes > POLICY_MAX_NODES ||
	    !s->nodes || !s->distance || (s->nr_procs && (!s->procs || !out)) ||
	    !s->tunables.payback_ms || s->tunables.payback_ms > MAX_PAYBACK_MS ||
	    !s->tunables.pass_ms ||
	    s->tunables.slack_percent > 100 || s->tunables.min_gain_percent > 100)
		return false;
	for (nid = 0; nid < s->nr_nodes; nid++)
		if (s->nodes[nid].total_pages > MAX_NODE_PAGES ||
		    s->nodes[nid].free_pages > s->nodes[nid].total_pages ||
		    s->nodes[nid].cache_pages >
		    s->nodes[nid].total_pages - s->nodes[nid].free_pages ||
		    s->nodes[nid].cpu_mcpu > MAX_DEMAND_MCPU)
			return false;
	for (i = 0; i < s->nr_procs; i++)
		if (!s->procs[i].pages || !s->procs[i].run_mcpu)
			return false;
	return true;
}

/* Tenths of distance from the nearest node with CPUs to @mem. */
static u32 distance_to_cpus(const struct plan *pl, u32 mem)
{
	u32 nid, nearest = U32_MAX;
	u64 bits;

	plan_for_each_node(nid, pl->cpu_mask, bits)
		nearest = min_t(u32, nearest, pl->penalty[nid * pl->nr_nodes + mem]);
	return nearest;
}

/* A memory-only node lies beside the nearest nodes with CPUs: their memory may overflow to it. */
static void measure_near_pages(struct plan *pl)
{
	u32 nid, mem, n = pl->nr_nodes;
	u64 bits, mem_bits;

	for (nid = 0; nid < n; nid++) {
		pl->nodes[nid].own_pages = pl->s->nodes[nid].total_pages / FULL_PARTS *
					   (FULL_PARTS - 1);
		pl->nodes[nid].near_pages = pl->nodes[nid].own_pages;
	}
	plan_for_each_node(mem, pl->mem_mask & ~pl->cpu_mask, mem_bits) {
		u32 nearest = distance_to_cpus(pl, mem);

		plan_for_each_node(nid, pl->cpu_mask, bits)
			if (pl->penalty[nid * n + mem] == nearest)
				pl->nodes[nid].near_pages += pl->nodes[mem].own_pages;
	}
}

static void measure_nodes(struct plan *pl)
{
	const struct policy_snapshot *s = pl->s;
	u32 nid, k;

	for (nid = 0; nid < pl->nr_nodes; nid++) {
		pl->nodes[nid].cap = s->nodes[nid].cpu_mcpu;
		if (s->nodes[nid].cpu_mcpu)
			pl->cpu_mask |= BIT_ULL(nid);
		if (s->nodes[nid].total_pages)
			pl->mem_mask |= BIT_ULL(nid);
	}
	for (k = 0; k < pl->nr_nodes * pl->nr_nodes; k++)
		pl->penalty[k] = s->distance[k] > POLICY_LOCAL_DISTANCE ?
				 s->distance[k] - POLICY_LOCAL_DISTANCE : 0;
	measure_near_pages(pl);
}

/*
 * Of a process that may use part of its nodes' CPUs alone: nodes without any are none, and it
 * never uses more than all of these.
 */
static void limit_to_own(struct plan *pl, u32 i)
{
	struct plan_proc *pp = &pl->procs[i];
	u64 with_cpus = 0, bits;
	s64 own = 0;
	u32 nid;

	plan_for_each_node(nid, pp->allowed, bits) {
		if (plan_own_cap(pl, i, nid))
			with_cpus |= BIT_ULL(nid);
		own += plan_own_cap(pl, i, nid);
	}
	if (!with_cpus)
		return;
	pp->allowed = with_cpus;
	pp->demand = min_t(s64, pp->demand, own);
}

static void measure_proc(struct plan *pl, u32 i)
{
	const struct policy_proc *p = &pl->s->procs[i];
	struct plan_proc *pp = &pl->procs[i];
	u32 nid;

	memset(pp, 0, sizeof(*pp));
	pp->demand = min_t(u32, p->demand_mcpu, MAX_DEMAND_MCPU);
	if (p->nr_threads && p->nr_threads < pp->demand / 1000 + 1)
		pp->demand = min_t(u32, pp->demand, p->nr_threads * 1000);
	pp->allowed = p->cpu_nodes & pl->cpu_mask;
	pp->part = p->cpus_mcpu;
	if (pp->part)
		limit_to_own(pl, i);
	for (nid = 0; nid < pl->nr_nodes; nid++) {
		pp->movable += p->pages[nid];
		pp->total += plan_pages_at(p, nid);
	}
	/* A home outside its affinity, or of nodes that lost their CPUs, is void. */
	if (p->home && !(p->home & ~pp->allowed))
		pp->home = p->home;
}

/* Whether a node takes all memory that can be there, or what lies beside it takes the rest. */
static bool holds_memory(struct plan *pl, u32 i, u32 nid)
{
	struct plan_proc *pp = &pl->procs[i];
	u64 pages = plan_pages_on(pl, i, BIT_ULL(nid));

	if (!plan_claim(pl, i, nid) || pages <= pl->nodes[nid].own_pages ||
	    (pp->total - plan_pages_at(&pl->s->procs[i], nid)) * STRAY_PART <= pp->total)
		return true;
	if (pages > pl->nodes[nid].near_pages)
		return false;
	pp->cramped |= BIT_ULL(nid);
	return true;
}

/* Nodes that could be its one and only home, for all that CPU demand has to say. */
static u64 candidates(struct plan *pl, u32 i)
{
	const struct policy_proc *p = &pl->s->procs[i];
	const struct plan_proc *pp = &pl->procs[i];
	u64 set = 0, most = 0, bits;
	u32 nid;

	plan_for_each_node(nid, pp->allowed, bits)
		if (plan_pages_at(p, nid) > most)
			most = plan_pages_at(p, nid);
	plan_for_each_node(nid, pp->allowed, bits) {
		u64 here = plan_pages_at(p, nid);

		if (pl->s->tunables.may_move_memory ? holds_memory(pl, i, nid) :
		    !most || here == most || here * MEMORY_PART >= pp->total)
			set |= BIT_ULL(nid);
	}
	return set;
}

static void leave_alone(struct plan *pl, u32 i, enum policy_reason reason, u64 home)
{
	pl->procs[i].fixed = true;
	pl->procs[i].reason = reason;
	plan_put(pl, i, home);
}

/* Place a process whose home is not in question; others keep theirs for the time being. */
static void classify(struct plan *pl, u32 i)
{
	const struct policy_tunables *t = &pl->s->tunables;
	const struct policy_past *past = &pl->s->procs[i].past;
	struct plan_proc *pp = &pl->procs[i];
	u32 nid;

	if (!pp->total) {
		leave_alone(pl, i, POLICY_EMPTY, 0);
		return;
	}
	if (!pp->allowed) {
		leave_alone(pl, i, POLICY_BOUND, 0);
		return;
	}
	plan_price(pl, i);
	if (pp->demand < max_t(u32, t->min_demand_mcpu, 1)) {
		leave_alone(pl, i, POLICY_IDLE, pp->home);
		return;
	}
	if (pl->nr_nodes == 1) {
		leave_alone(pl, i, POLICY_NO_GAIN, 0);
		return;
	}
	pp->reason = pp->home ? POLICY_SETTLED : POLICY_NO_GAIN;
	if (!t->may_move_cpu || (!plan_moves_threads(pl, i) && !plan_single(pp->allowed))) {
		plan_home_by_run(pl, i);
		leave_alone(pl, i, pp->reason, pp->home);
		return;
	}
	if (plan_single(pp->allowed)) {
		nid = __ffs64(pp->allowed);
		if (t->may_move_memory && pp->movable &&
		    (pl->s->procs[i].mem_nodes & pl->mem_mask & pp->allowed))
			leave_alone(pl, i, POLICY_ONLY_NODE, BIT_ULL(nid));
		else
			leave_alone(pl, i, POLICY_BOUND, 0);
		return;
	}
	pp->candidates = candidates(pl, i);
	/* Having no home is a place too, for who is not new. */
	if (pp->home || past->age || past->left)
		plan_put(pl, i, pp->home);
}

int policy_plan(const struct policy_snapshot *s, struct policy_verdict *out,
		struct policy_exchanges *exchanges, void *scratch)
{
	struct plan *pl;
	u32 i;

	if (!makes_sense(s, out, scratch))
		return -EINVAL;
	pl = lay_out(s, out, exchanges, scratch);
	if (exchanges)
		exchanges->nr = 0;
	measure_nodes(pl);
	for (i = 0; i < pl->nr_procs; i++)
		measure_proc(pl, i);
	plan_load_init(pl);
	for (i = 0; i < pl->nr_procs; i++)
		classify(pl, i);
	if (s->tunables.may_move_cpu)
		plan_homes(pl);
	plan_memory(pl);
	return 0;
}
