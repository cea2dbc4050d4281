/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The latest decisions with the numbers behind them, for debugfs `decisions`.
 */
#ifndef KNUMAD_ENGINE_DECISIONS_H
#define KNUMAD_ENGINE_DECISIONS_H

#include <linux/sched.h>

#include "../policy/policy.h"
#include "config.h"

#define KN_DECISIONS	128

struct kn_decision {
	u64 at_ms;		/* since boot */
	pid_t tgid;
	char comm[TASK_COMM_LEN];
	enum kn_mode mode;	/* in observe mode it was a decision only on paper */
	u64 from;		/* node mask, 0 for none */
	u64 to;
	enum policy_action action;
	enum policy_reason reason;
	u64 gain_ucpu;
	u64 cost_ucpu;
	u64 move_pages;
	u32 demand_mcpu;
	u16 mem_home_permille;
	u16 cpu_home_permille;
};

struct kn_proc;

void kn_decision_record(const struct kn_proc *proc, u64 from, const struct policy_verdict *v);
u32 kn_decisions_copy(struct kn_decision *to);

#endif /* KNUMAD_ENGINE_DECISIONS_H */
