// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of actions, reasons and kinds of exchange, and the default tunables.
 *
 * Constant data behind functions; called from any context, by debugfs and by
 * tests/unit.
 */
#include <linux/kernel.h>
#include "policy.h"

static const char * const action_names[] = {
	[POLICY_NONE]		= "none",
	[POLICY_STAY]		= "stay",
	[POLICY_MOVE_CPU]	= "move-cpu",
	[POLICY_MOVE_MEMORY]	= "move-memory",
	[POLICY_MOVE_BOTH]	= "move-both",
};

static const char * const reason_names[] = {
	[POLICY_IDLE]		= "idle",
	[POLICY_EMPTY]		= "empty",
	[POLICY_BOUND]		= "bound",
	[POLICY_NO_GAIN]	= "no-gain",
	[POLICY_CPU_FULL]	= "cpu-full",
	[POLICY_SPREAD]		= "spread",
	[POLICY_MEMORY_HERE]	= "memory-here",
	[POLICY_CPU_ROOM]	= "cpu-room",
	[POLICY_RUNS_HERE]	= "runs-here",
	[POLICY_ONLY_NODE]	= "only-node",
	[POLICY_WIDE]		= "wide",
	[POLICY_SWAP]		= "swap",
	[POLICY_SETTLED]	= "settled",
	[POLICY_CONVERGING]	= "converging",
	[POLICY_HELD]		= "held",
	[POLICY_EXCHANGE]	= "exchange",
	[POLICY_NO_ROOM]	= "no-room",
};

static const char * const exchange_names[] = {
	[POLICY_PAIR]		= "pair",
	[POLICY_CHAIN]		= "chain",
	[POLICY_GIVE_WAY]	= "give-way",
	[POLICY_REST]		= "rest",
};

const char *policy_action_name(enum policy_action action)
{
	if (action >= POLICY_NR_ACTIONS)
		return "?";
	return action_names[action];
}

const char *policy_reason_name(enum policy_reason reason)
{
	if (reason >= POLICY_NR_REASONS)
		return "?";
	return reason_names[reason];
}

const char *policy_exchange_name(enum policy_exchange_kind kind)
{
	if (kind >= POLICY_NR_EXCHANGE_KINDS)
		return "?";
	return exchange_names[kind];
}

void policy_tunables_default(struct policy_tunables *t)
{
	*t = (struct policy_tunables) {
		.may_move_cpu		= true,
		.may_move_memory	= true,
		.min_demand_mcpu	= 20,
		.min_gain_percent	= 5,
		.min_age_passes		= 3,
		.slack_percent		= 15,
		.copy_ns_per_page	= 2000,
		.move_ns_per_page	= 16000,	/* 256 MB a second */
		.payback_ms		= 600000,
		.pass_ms		= 1000,
	};
}
