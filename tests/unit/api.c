// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test of the interface's edges: what policy_plan() refuses, and the names.
 *
 * User space, called by main.c.
 */
#include <errno.h>
#include <string.h>
#include "tests.h"

static bool refuses(struct policy_snapshot s, const char *what, char *message)
{
	struct policy_verdict out = { .home = 77 };
	static u64 scratch[2048];

	if (policy_plan(&s, &out, NULL, scratch) == -EINVAL && out.home == 77)
		return true;
	snprintf(message, SIM_MESSAGE, "expected -EINVAL and no output for %s", what);
	return false;
}

static bool names(char *message)
{
	int a, b;

	for (a = 0; a < POLICY_NR_ACTIONS; a++)
		for (b = 0; b < a; b++)
			if (!strcmp(policy_action_name(a), policy_action_name(b)))
				goto same;
	for (a = 0; a < POLICY_NR_REASONS; a++)
		for (b = 0; b < a; b++)
			if (!strcmp(policy_reason_name(a), policy_reason_name(b)))
				goto same;
	for (a = 0; a < POLICY_NR_EXCHANGE_KINDS; a++)
		for (b = 0; b < a; b++)
			if (!strcmp(policy_exchange_name(a), policy_exchange_name(b)))
				goto same;
	return true;
same:
	snprintf(message, SIM_MESSAGE, "two actions or reasons have one name");
	return false;
}

bool api_run(char message[SIM_MESSAGE])
{
	u64 pages[1] = { 1 };
	u32 run[1] = { 0 };
	u8 distance[1] = { 10 };
	struct policy_node node = { .cpu_mcpu = 1000, .total_pages = 10, .free_pages = 5 };
	struct policy_node overfull = { .cpu_mcpu = 1000, .total_pages = 10, .free_pages = 11 };
	struct policy_proc proc = { .id = 1, .cpu_nodes = 1, .pages = pages,
				    .run_mcpu = run };
	struct policy_proc blind = { .id = 1, .pages = pages };
	struct policy_snapshot good = {
		.nr_nodes = 1, .nr_procs = 1, .nodes = &node, .procs = &proc,
		.distance = distance,
	};
	struct policy_snapshot s;
	struct policy_verdict v = { .home = 77 };
	static u64 scratch[2048];

	policy_tunables_default(&good.tunables);
	if (policy_scratch_bytes(1, 1) > sizeof(scratch) || policy_plan(&good, &v, NULL, scratch) ||
	    v.home || v.reason != POLICY_IDLE) {
		snprintf(message, SIM_MESSAGE, "expected a plan without fixed_pages and into");
		return false;
	}
	s = good;
	s.nr_nodes = 0;
	if (!refuses(s, "no nodes", message))
		return false;
	s = good;
	s.nr_nodes = POLICY_MAX_NODES + 1;
	if (!refuses(s, "too many nodes", message))
		return false;
	s = good;
	s.nodes = &overfull;
	if (!refuses(s, "more free than total pages", message))
		return false;
	s = good;
	s.procs = &blind;
	if (!refuses(s, "no run_mcpu", message))
		return false;
	s = good;
	s.tunables.payback_ms = 0;
	if (!refuses(s, "no payback time", message))
		return false;
	s = good;
	s.tunables.pass_ms = 0;
	if (!refuses(s, "no time between plans", message))
		return false;
	return names(message);
}
