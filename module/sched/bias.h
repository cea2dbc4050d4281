/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two scheduler hooks: arm and disarm them, and what they counted.
 */
#ifndef KNUMAD_SCHED_BIAS_H
#define KNUMAD_SCHED_BIAS_H

#include <linux/types.h>

#include "../kern/calls.h"

/* X(counter, what it counts): per-CPU, only ever incremented, in the hooks */
#define KN_BIAS_COUNTERS(X) \
	X(balance_calls, "can_migrate_task: times the load balancer asked") \
	X(balance_homeless, "... about a thread without a home") \
	X(balance_refused_before, "... the kernel itself had refused") \
	X(balance_vetoed, "... a move away from home was refused") \
	X(balance_released, "... a move away from home was let through: long queued, home full") \
	X(balance_homeward, "... a move to home was let through") \
	X(wake_calls, "select_task_rq_fair: wake-ups, forks and execs placed") \
	X(wake_homeless, "... of a thread without a home") \
	X(wake_home, "... the kernel itself had chosen home") \
	X(wake_redirected, "... sent to an idle CPU of home instead") \
	X(wake_kept_home, "... left on its busy home CPU rather than a busy remote one") \
	X(wake_away, "... left away from home: no idle CPU there")

enum kn_bias_counter {
#define KN_BIAS_ENUM(name, what)	KN_BIAS_##name,
	KN_BIAS_COUNTERS(KN_BIAS_ENUM)
	KN_NR_BIAS_COUNTERS
};

int kn_bias_init(void);
void kn_bias_exit(void);

int kn_bias_arm(void);
void kn_bias_disarm(void);
bool kn_bias_armed(void);

u64 kn_bias_counter(enum kn_bias_counter counter);
u64 kn_bias_hits(enum kn_row hook);

#endif /* KNUMAD_SCHED_BIAS_H */
