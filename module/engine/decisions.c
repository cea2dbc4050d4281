// SPDX-License-Identifier: GPL-2.0-only
/*
 * A ring of the latest decisions.
 *
 * Context: the planner records, debugfs copies; both process context.
 */
#include <linux/ktime.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "../../include/knumad_trace.h"
#include "decisions.h"
#include "registry.h"
#include "stats.h"

static DEFINE_SPINLOCK(kn_decisions_lock);	/* the ring and its count; a leaf */
static struct kn_decision kn_decisions[KN_DECISIONS];
static u64 kn_nr_decisions;

/**
 * kn_decision_record - remember why a process's plan changed
 * @proc: whose
 * @from: its home before
 * @v: the verdict
 */
void kn_decision_record(const struct kn_proc *proc, u64 from, const struct policy_verdict *v)
{
	struct kn_decision d = {
		.at_ms = ktime_to_ms(ktime_get_boottime()),
		.tgid = proc->tgid,
		.mode = kn_mode(),
		.from = from,
		.to = v->home,
		.action = v->action,
		.reason = v->reason,
		.gain_ucpu = v->gain_ucpu,
		.cost_ucpu = v->cost_ucpu,
		.move_pages = v->move_pages,
		.demand_mcpu = proc->demand_mcpu,
		.mem_home_permille = v->mem_home_permille,
		.cpu_home_permille = v->cpu_home_permille,
	};

	memcpy(d.comm, proc->comm, sizeof(d.comm));
	spin_lock(&kn_decisions_lock);
	kn_decisions[kn_nr_decisions++ % KN_DECISIONS] = d;
	spin_unlock(&kn_decisions_lock);

	kn_stat_inc(plan_changes);
	trace_knumad_plan(d.tgid, d.comm, from, v->home, policy_action_name(v->action),
			  policy_reason_name(v->reason), v->gain_ucpu, v->cost_ucpu,
			  v->move_pages);
}

/**
 * kn_decisions_copy - the ring, oldest first
 * @to: room for KN_DECISIONS
 *
 * Return: how many there are.
 */
u32 kn_decisions_copy(struct kn_decision *to)
{
	u32 nr, i;

	spin_lock(&kn_decisions_lock);
	nr = min_t(u64, kn_nr_decisions, KN_DECISIONS);
	for (i = 0; i < nr; i++)
		to[i] = kn_decisions[(kn_nr_decisions - nr + i) % KN_DECISIONS];
	spin_unlock(&kn_decisions_lock);
	return nr;
}
