/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small simulated host for the policy's tests: plays a plan forward.
 *
 * User space, single thread. Used by scenario.c (hosts written as data),
 * property.c (random hosts) and bench.c (large hosts), and by tests/sim.
 */
#ifndef UNIT_SIM_H
#define UNIT_SIM_H

#include <stdio.h>
#include <linux/bitops.h>
#include "policy.h"

#define SIM_MESSAGE	256
#define SIM_EXCHANGES	64

struct sim_proc {
	char name[32];
	struct policy_proc p;
	u32 true_demand_mcpu;
	u32 from_pass;		/* starts then */
	bool gone;
	u32 home_changes;
	u64 seen_homes_bits;	/* every single home it has had */
	struct policy_verdict last;
};

struct sim {
	u32 nr_nodes;
	u32 nr_procs;
	u32 max_procs;
	u32 pass;
	u32 noise_percent;
	u64 rate_pages;		/* moved for each process in each pass */
	u64 node_rate_pages;	/* and into each node; 0 for no such limit */
	u64 node_rate_left[POLICY_MAX_NODES];
	u64 last_id;
	u64 seed;
	u32 quiet_passes;	/* passes since a home changed or a page moved */
	u64 moved_pages;	/* in all */
	u64 exchanged_pages;	/* of these, by changing places */
	u64 returned_pages;	/* of these, back to a node that they had left so */
	struct policy_tunables tunables;
	void (*run_threads)(struct sim *sim);	/* NULL: simply at home, or where room is */
	struct policy_node *nodes;
	u8 *distance;
	struct sim_proc *procs;
	/* one row of nr_nodes for each process: */
	u64 *pages;
	u64 *fixed;
	u64 *left;		/* pages that changed places and were on the node before */
	u32 *run;
	u32 *own;		/* mcpu of CPUs that a process may use, if not all */
	u64 *into;
	/* what is handed to the policy, gone processes left out: */
	struct policy_proc *seen;
	struct policy_verdict *verdicts;
	struct policy_verdict *again;
	struct policy_exchanges exchanges;
	struct policy_exchanges exchanges_again;
	u64 *into_again;
	u32 *index;
	void *scratch;
};

u64 sim_random(u64 *seed);
void sim_init(struct sim *sim, u32 nr_nodes, u32 max_procs, u64 seed);
void sim_free(struct sim *sim);
struct sim_proc *sim_add(struct sim *sim, const char *name);

/* A new process in the place of one that is gone. */
struct sim_proc *sim_renew(struct sim *sim, u32 i, const char *name);

/* It ends, and its memory is free. */
void sim_exit(struct sim *sim, u32 i);

/* Move pages of @i, farthest first, @into[nid] to each node, as the rates admit. */
u64 sim_move_pages(struct sim *sim, u32 i, const u64 *into);

void sim_print(const struct sim *sim, FILE *to);

/* What the policy is to see of the host in this pass. */
struct policy_snapshot sim_look(struct sim *sim);

/* One period under the plan in @verdicts and @exchanges, made from @s. */
void sim_carry_out(struct sim *sim, const struct policy_snapshot *s);

/*
 * Plan once and carry the plan out for one period. False if the plan breaks a
 * rule that holds for every plan; @message then says which.
 */
bool sim_step(struct sim *sim, char message[SIM_MESSAGE]);

/* The rules that hold for every plan, see rules.c and exchange_rules.c. */
bool __attribute__((format(printf, 2, 3))) rule_broken(char message[SIM_MESSAGE],
						      const char *format, ...);
/* What a process can use of its demand at most, by its threads and their affinities. */
u64 rule_usable(const struct policy_snapshot *s, const struct policy_proc *p);
bool exchange_rules_hold(const struct sim *sim, const struct policy_snapshot *s,
			 char message[SIM_MESSAGE]);
bool rules_hold(const struct sim *sim, const struct policy_snapshot *s,
		char message[SIM_MESSAGE]);

#endif /* UNIT_SIM_H */
