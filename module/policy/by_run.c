// SPDX-License-Identifier: GPL-2.0-only
/*
 * Homes where only memory may be moved: where the threads run already.
 *
 * Called by policy_plan() for each process in mode "memory", where the
 * scheduler alone decides on which node threads run, and in mode "full" for those
 * whose threads are of a kind that is not moved.
 */
#include <linux/kernel.h>
#include "plan.h"

/* Permille of its demand that makes a node the home, or no longer so. */
#define ENTER_PERMILLE	750
#define LEAVE_PERMILLE	500
/* Part that makes a node count among several, and what these must make up. */
#define SHARE_PERMILLE	100
#define COVER_PERMILLE	900

static u64 run_at(const struct plan *pl, u32 i, u64 set, u64 sum)
{
	u64 bits, run = 0;
	u32 nid;

	plan_for_each_node(nid, set, bits)
		run += pl->s->procs[i].run_mcpu[nid];
	return sum ? run * 1000 / sum : 0;
}

/**
 * plan_home_by_run() - choose the home of a process whose threads stay put
 * @pl: the plan
 * @i: the process
 */
void plan_home_by_run(struct plan *pl, u32 i)
{
	const struct policy_proc *p = &pl->s->procs[i];
	struct plan_proc *pp = &pl->procs[i];
	u64 home = 0, sum = 0, wide = 0, bits;
	u32 nid;

	for (nid = 0; nid < pl->nr_nodes; nid++)
		sum += p->run_mcpu[nid];
	if (pp->home && run_at(pl, i, pp->home, sum) >= LEAVE_PERMILLE)
		return;
	plan_for_each_node(nid, pp->allowed, bits) {
		u64 run = run_at(pl, i, BIT_ULL(nid), sum);

		if (run >= ENTER_PERMILLE)
			home = BIT_ULL(nid);
		if (run >= SHARE_PERMILLE)
			wide |= BIT_ULL(nid);
	}
	if (!home && wide != pp->allowed && run_at(pl, i, wide, sum) >= COVER_PERMILLE)
		home = wide;
	if (home == pp->home) {
		if (!home)
			pp->reason = POLICY_SPREAD;
		return;
	}
	if (plan_locked(pl, i, home)) {
		pp->held = true;
		return;
	}
	pp->changed = pl->s->procs[i].home != 0;
	pp->home = home;
	pp->reason = POLICY_RUNS_HERE;
	if (!home)
		pp->reason = POLICY_SPREAD;
	else if (!plan_single(home))
		pp->reason = POLICY_WIDE;
}
