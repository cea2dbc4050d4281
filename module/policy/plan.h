/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside the policy: the working state of one plan, shared by its steps.
 *
 * Lives in the caller's scratch memory for the length of one policy_plan()
 * call; nothing outside module/policy includes this. The steps, in order:
 * cost.c prices every (process, node), homes.c places processes, swap.c
 * exchanges homes of those that are blocked, memory.c allots free pages, exchange.c finds
 * whose pages change places without any, and memory.c writes the verdicts.
 */
#ifndef KNUMAD_POLICY_PLAN_H
#define KNUMAD_POLICY_PLAN_H

#include <linux/bitops.h>
#include "policy.h"

/* A queued mcpu beside an idle one counts as much as 16 lost to distance. */
#define PLAN_WEIGHT_QUEUE	16000
/* An uneven share of an overcommitted machine: half of one lost to distance. */
#define PLAN_WEIGHT_UNEVEN	500
#define PLAN_MAX_ROUNDS		3
/* Processes on several nodes that are spread again after each change. */
#define PLAN_MAX_FLUID		16
/* Times that they are spread because another process came or went. */
#define PLAN_MAX_SPREADS	256
/* Attempts in a row that changed nothing, after which a step gives a node up; more with many. */
#define PLAN_MAX_FAILS		64
/* And so many more for who wants half as much as any of those that failed. */
#define PLAN_MORE_FAILS		8
/* Processes with memory that waits for an exchange that a plan looks at. */
#define PLAN_MAX_WAITING	4096
/* Threshold of gain, whatever the demand: a hundredth of a CPU. */
#define PLAN_MIN_GAIN_UCPU	10000
/* While its memory is on the way a home holds this much harder. */
#define PLAN_CONVERGING_FACTOR	4
/* Going back to the home left last takes this many times longer. */
#define PLAN_RETURN_FACTOR	4
#define PLAN_CHANGES_MAX	8
/* Passes that a process keeps the first home it was given, at least. */
#define PLAN_FIRST_WAIT		1
/* Changes that are each forgotten after the payback time; those beyond after twice as long each. */
#define PLAN_QUICK_CHANGES	4
/* But no more often doubled than this: a process that changed too much is free again some day. */
#define PLAN_MAX_DOUBLINGS	3
#define PLAN_NO_COST		S64_MAX
/* A sort looks at eight bits of the keys at a time. */
#define PLAN_RADIX		256

/* What a node is filled with so far. */
struct plan_node {
	s64 load;		/* mcpu of processes with one home, and of others */
	s64 fluid;		/* mcpu of processes spread over several nodes */
	s64 flex;		/* part of @fluid that could as well be elsewhere */
	s64 stuck;		/* part of @fluid that could not: its process has no CPUs there */
	s64 cap;		/* mcpu it has */
	s64 fair;		/* mcpu it shall take when all nodes share evenly */
	s64 most[2];		/* mcpu above which it counts as full, see queue.c */
	s64 least[2];		/* mcpu below which its CPUs count as idle */
	u64 free_pages;		/* not yet claimed */
	u64 own_pages;		/* that a process may fill, of its own */
	u64 near_pages;		/* and of nodes without CPUs that are nearest to it */
	u64 idle_pages;		/* of processes that hardly run: they may give way */
	u64 fluid_nodes;	/* where @fluid could go */
};

/* A process's way through the plan. */
struct plan_proc {
	u64 home;
	u64 allowed;		/* nodes with CPUs that its affinity admits */
	u64 candidates;		/* nodes that may be its only home */
	u64 cramped;		/* of these, those that cannot take all of its memory */
	u64 total;		/* resident pages */
	u64 movable;
	u64 claimed;		/* free pages set aside at its home */
	u64 away;		/* pages that are worth bringing home */
	u64 waiting;		/* of these, pages for which nothing is free there */
	s64 adrift;		/* cost with threads anywhere alike: no home */
	s64 best;		/* cost on the best node if all nodes were empty */
	s64 regret;		/* cost of the second best above that */
	s64 gain;
	s64 cost;
	u32 demand;		/* mcpu */
	u8 best_nid;
	u8 reason;
	bool part;		/* it may use part of its nodes' CPUs alone */
	bool placed;		/* counted in its nodes' loads */
	bool fixed;		/* not for this plan to change */
	bool changed;		/* came with another home, lost it in this plan */
	bool held;		/* a better home exists, but it is too early */
	bool gave_way;		/* its pages make room for another's */
};

struct plan_key {
	u64 key;
	u32 idx;
};

/* Fewer pages than this are not worth an exchange. */
#define PLAN_CRUMB_PAGES	64

/* What still wants from one node to another, see exchange.c. */
struct plan_edge {
	u64 want;		/* pages, of all processes */
	u64 left;		/* of these, of @proc */
	u32 proc;
	u32 at;			/* the key behind @proc's */
	bool asked;		/* for it those that may give way, see give_way.c */
};

/* Best found exchange from node n to node m, see swap.c. */
struct plan_swap {
	s64 delta;
	s64 wish;
	u32 gainer;
	u32 partner;
};

struct plan {
	const struct policy_snapshot *s;
	struct policy_verdict *out;
	struct policy_exchanges *exchanges;	/* NULL: none wanted */
	u32 nr_nodes;
	u32 nr_procs;
	u64 cpu_mask;		/* nodes with CPUs */
	u64 mem_mask;		/* nodes with memory */
	bool overcommit;	/* more demand than CPUs: nothing shall be idle */
	bool count_idle;	/* all are placed: idle CPUs are real */
	s64 idle_cost[2];	/* of all nodes, as for newcomers, and for who is at home */
	s64 flowed;		/* mcpu pushed aside since fluid load was spread */
	s64 flow_limit;
	u32 spreads_left;
	u32 nr_fluid;
	u32 fluid[PLAN_MAX_FLUID];	/* in ascending order */
	s64 *fluid_parts;	/* [PLAN_MAX_FLUID * nr_nodes], mcpu */
	struct plan_node *nodes;
	struct plan_proc *procs;
	struct plan_key *keys;	/* [nr_procs], for sorting */
	struct plan_key *spare;	/* [nr_procs], where a sort, or a step, may put keys */
	u32 *counts;		/* [8 * PLAN_RADIX], for sorting */
	u32 nr_waiting;		/* keys of processes with memory that waits */
	struct plan_edge *edges; /* [nr_nodes * nr_nodes], row is from */
	struct plan_swap *swaps; /* [nr_nodes * nr_nodes] */
	u8 *penalty;		/* [nr_nodes * nr_nodes], tenths above local */
	s64 *stay;		/* [nr_procs * nr_nodes], memory stays */
	s64 *follow;		/* [nr_procs * nr_nodes], memory follows */
};

#define plan_for_each_node(nid, mask, bits) \
	for ((bits) = (mask); (bits) && ((nid) = __ffs64(bits), true); \
	     (bits) &= (bits) - 1)

static inline bool plan_single(u64 home)
{
	return home && !(home & (home - 1));
}

static inline struct plan_edge *plan_edge_of(const struct plan *pl, u32 from, u32 to)
{
	return &pl->edges[from * pl->nr_nodes + to];
}

static inline u64 plan_pages_at(const struct policy_proc *p, u32 nid)
{
	return p->pages[nid] + (p->fixed_pages ? p->fixed_pages[nid] : 0);
}

/* Pages that are on a set of nodes once all are there that can be. */
static inline u64 plan_pages_on(const struct plan *pl, u32 i, u64 set)
{
	const u64 *fixed = pl->s->procs[i].fixed_pages;
	u64 pages = pl->procs[i].movable, bits;
	u32 nid;

	plan_for_each_node(nid, fixed ? set : 0, bits)
		pages += fixed[nid];
	return pages;
}

/* mcpu of the CPUs of @nid that @i's affinity admits. */
static inline s64 plan_own_cap(const struct plan *pl, u32 i, u32 nid)
{
	s64 cap = pl->nodes[nid].cap;

	return pl->procs[i].part ? min_t(s64, pl->s->procs[i].cpus_mcpu[nid], cap) : cap;
}

/* Whether its affinity admits too few CPUs of @nid for all of @i: the rest runs elsewhere. */
static inline bool plan_spills(const struct plan *pl, u32 i, u32 nid)
{
	return pl->procs[i].part && plan_own_cap(pl, i, nid) < pl->procs[i].demand;
}

/* Whether @i's threads are to come to its home; else its home is where they run. */
static inline bool plan_moves_threads(const struct plan *pl, u32 i)
{
	const struct policy_tunables *t = &pl->s->tunables;

	return t->may_move_cpu && !(pl->s->procs[i].stays && t->may_move_memory);
}

/* What any change has to save, in ucpu, after its costs. */
static inline s64 plan_least_gain(const struct plan *pl, u32 i)
{
	s64 t = (s64)pl->procs[i].demand * 10 * pl->s->tunables.min_gain_percent;

	return t < PLAN_MIN_GAIN_UCPU ? PLAN_MIN_GAIN_UCPU : t;
}

/* What a change of its home has to save; doubles with each lately but the first. */
static inline s64 plan_threshold(const struct plan *pl, u32 i)
{
	u32 changes = pl->s->procs[i].past.changes;
	s64 t = plan_least_gain(pl, i);

	if (pl->procs[i].home && pl->s->procs[i].past.moving)
		t *= PLAN_CONVERGING_FACTOR;
	if (changes > 1)
		t <<= changes < PLAN_CHANGES_MAX ? changes - 1 : PLAN_CHANGES_MAX - 1;
	return t;
}

/* Passes after which something may change that lately did so @changes times: doubles with each. */
static inline u64 plan_wait_after(const struct plan *pl, u32 changes)
{
	return (u64)pl->s->tunables.min_age_passes <<
	       (changes < PLAN_CHANGES_MAX ? changes : PLAN_CHANGES_MAX);
}

/* Passes that a process keeps its home. */
static inline u64 plan_wait(const struct plan *pl, u32 i)
{
	return plan_wait_after(pl, pl->s->procs[i].past.changes);
}

/*
 * Passes after which one of @changes is forgotten: not before what it moved has earned its cost,
 * or a load that comes and goes would have the memory follow it for ever.
 */
static inline u64 plan_memory_of(const struct plan *pl, u32 changes)
{
	const struct policy_tunables *t = &pl->s->tunables;
	u32 more = changes > PLAN_QUICK_CHANGES ? changes - PLAN_QUICK_CHANGES : 0;

	return ((u64)t->payback_ms << min_t(u32, more, PLAN_MAX_DOUBLINGS)) / t->pass_ms;
}

/* @whole * @num / @den without overflow, for @num <= @den; exact at both ends. */
static inline u64 plan_part(u64 whole, u64 num, u64 den)
{
	while (den >> 24) {
		if (num == den)
			return whole;
		num >>= 1;
		den >>= 1;
	}
	return den ? whole * num / den : 0;
}

/* cost.c */
void plan_price(struct plan *pl, u32 i);
s64 plan_stay_in_part(const struct plan *pl, u32 i, u32 nid);
s64 plan_cost_at(const struct plan *pl, u32 i, u32 nid);
s64 plan_cost_adrift(const struct plan *pl, u32 i);
s64 plan_cost_wide(const struct plan *pl, u32 i, u64 set, bool room_for_all, u64 *copy_pages);
u64 plan_claim(const struct plan *pl, u32 i, u32 nid);
s64 plan_copy_cost(const struct plan *pl, u64 pages);

/* Price of remote accesses with the home on @nid and all memory where it is, in ucpu. */
static inline s64 plan_stay(const struct plan *pl, u32 i, u32 nid)
{
	return plan_spills(pl, i, nid) ? plan_stay_in_part(pl, i, nid) :
					 pl->stay[(u64)i * pl->nr_nodes + nid];
}

/* queue.c */
void plan_queue_init(const struct plan *pl, struct plan_node *node);
s64 plan_queue_cost(const struct plan *pl, u32 nid, s64 add, bool at_home);
s64 plan_idle_cost(const struct plan *pl, bool at_home);
s64 plan_home_queue_cost(const struct plan *pl, u32 i, u32 nid, bool at_home);
s64 plan_fluid_cost(const struct plan *pl, u32 i, u64 set, bool at_home);
s64 plan_room(const struct plan *pl, u32 nid, bool at_home);
s64 plan_room_in_part(const struct plan *pl, u32 i, u32 nid, bool at_home);

/* CPU time a node has left that @i may use. */
static inline s64 plan_room_for(const struct plan *pl, u32 i, u32 nid, bool at_home)
{
	return pl->procs[i].part ? plan_room_in_part(pl, i, nid, at_home) :
				   plan_room(pl, nid, at_home);
}

/* load.c */
void plan_load_init(struct plan *pl);
s64 plan_part_at(const struct plan *pl, u32 i, u32 home, u32 nid);
void plan_put(struct plan *pl, u32 i, u64 home);
void plan_take(struct plan *pl, u32 i);
void plan_spread_fluid(struct plan *pl);

/* wide.c */
u64 plan_wide_set(const struct plan *pl, u32 i);

/* homes.c */
bool plan_locked(const struct plan *pl, u32 i, u64 home);
bool plan_try(struct plan *pl, u32 i);
void plan_homes(struct plan *pl);

/* sort.c */
void plan_sort(struct plan *pl, u32 n);

/* swap.c */
u32 plan_swap_blocked(struct plan *pl);

/* by_run.c */
void plan_home_by_run(struct plan *pl, u32 i);

/* exchange.c */
struct policy_exchange *plan_next_exchange(struct plan *pl);
bool plan_next_on(struct plan *pl, u32 from, u32 to);
u64 plan_urgency(struct plan *pl, u32 from, u32 to);
u64 plan_saved_by(const struct plan *pl, const struct plan_edge *e, u64 pages);
const struct policy_exchange *plan_bring(struct plan *pl, u32 from, u32 to, u64 pages,
					 const struct policy_exchange *like);
void plan_exchange(struct plan *pl);

/* give_way.c */
void plan_give_way(struct plan *pl);

/* memory.c */
u64 plan_destinations(const struct plan *pl, u32 i);
void plan_memory(struct plan *pl);

#endif /* KNUMAD_POLICY_PLAN_H */
