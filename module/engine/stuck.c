// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that does not move, though nothing says why: pages that somebody holds a reference to
 * (a pipe, a driver), or that a process maps which is not looked after.  Scans count it as
 * movable.  What two passes over all of a process have left, with room where it was wanted, counts
 * as fixed for a while: else it would keep the room, and walks would go on, for good.
 *
 * Context: workers note, the planner and debugfs ask.  Without a lock: whoever reads a mixture is
 * put right by the next pass.
 */
#include <linux/bits.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/nodemask.h>

#include "registry.h"
#include "stats.h"
#include "stuck.h"

/* Passes that leave it, one after the other. */
#define KN_STUCK_PASSES		2

/* For so long it counts as fixed, and for twice as long each time that it is found so again. */
#define KN_STUCK_MIN_S		60
#define KN_STUCK_MAX_S		960

/* @left: pages that stay on @sources. */
static void kn_stuck_note(struct kn_proc *proc, u64 sources, u64 left)
{
	u32 rest_s = clamp_t(u32, 2 * READ_ONCE(proc->stuck_rest_s), KN_STUCK_MIN_S,
			     KN_STUCK_MAX_S);
	bool others = time_before(jiffies, READ_ONCE(proc->stuck_until));
	int nid;

	/* What was found elsewhere, and is over, is not to begin again with this. */
	for_each_node_state(nid, N_MEMORY)
		if (!others || (sources & BIT_ULL(nid)))
			WRITE_ONCE(proc->pages[nid].stuck, sources & BIT_ULL(nid) ? left : 0);
	WRITE_ONCE(proc->stuck_rest_s, rest_s);
	WRITE_ONCE(proc->stuck_until, jiffies + rest_s * HZ);
	kn_stat_inc(migrate_stuck);
}

/**
 * kn_stuck_pass - a pass that moves pages has come to the end of an address space
 * @proc: whose
 * @pass: the pass
 * @sources: nodes that it took pages from
 * @fruitless: it moved next to nothing of what it met; what there was no room for does not count
 *
 * Worker threads.
 */
void kn_stuck_pass(struct kn_proc *proc, struct kn_pass *pass, u64 sources, bool fruitless)
{
	if (!fruitless) {
		pass->fruitless = 0;
		WRITE_ONCE(proc->stuck_rest_s, 0);
	} else if (!pass->no_room && ++pass->fruitless >= KN_STUCK_PASSES) {
		pass->fruitless = 0;
		kn_stuck_note(proc, sources, pass->left);
	}
	pass->no_room = false;
	pass->left = 0;
}

/**
 * kn_stuck_pages - of a process's pages on a node that may be moved, those that do not
 * @proc: the process
 * @nid: the node
 * @pages: that may be moved by what scans know
 */
u64 kn_stuck_pages(const struct kn_proc *proc, int nid, u64 pages)
{
	long stuck = READ_ONCE(proc->pages[nid].stuck);

	if (stuck <= 0 || time_after_eq(jiffies, READ_ONCE(proc->stuck_until)))
		return 0;
	return min_t(u64, stuck, pages);
}
