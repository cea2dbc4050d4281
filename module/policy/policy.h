/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The policy's interface: one snapshot in, one home per process out.
 *
 * Pure arithmetic: no locks, no kernel side effects, no allocation. May be
 * called from any context that can spend some milliseconds (the engine's
 * planning thread does), and from user space by tests/unit.
 *
 * Units. CPU time is in mcpu: 1000 is one CPU used all the time. Memory is in
 * pages of 4 KiB. Gains and costs share one unit, ucpu: millionths of a CPU
 * lost (to remote accesses, to queueing beside an idle CPU, to copying pages),
 * as an average over the payback time. So a gain and a cost can be compared.
 */
#ifndef KNUMAD_POLICY_H
#define KNUMAD_POLICY_H

#include <linux/types.h>

/* Nodes are a dense index 0..nr_nodes-1 and a set of them is a bit mask in u64. */
#define POLICY_MAX_NODES	64
#define POLICY_LOCAL_DISTANCE	10

/**
 * struct policy_node - a node as it is now
 * @cpu_mcpu: capacity, 1000 per online CPU; 0 for a memory-only node
 * @other_mcpu: CPU demand on this node of tasks that are not in the snapshot
 * @total_pages: memory of the node; 0 for a node without memory
 * @free_pages: free memory above the high watermark: what may be filled
 * @cache_pages: page cache that would give way where nobody exchanges anything
 * @owed_pages: pages that exchanges took off the node beyond what they put there
 */
struct policy_node {
	u32 cpu_mcpu;
	u32 other_mcpu;
	u64 total_pages;
	u64 free_pages;
	u64 cache_pages;
	u64 owed_pages;
};

/**
 * struct policy_past - what the policy remembers of a process between passes
 * @left: the home it had before the present one, 0 for none
 * @age: passes since its home last changed
 * @calm: passes since that, or since a change was last forgotten
 * @changes: how often its home lately changed
 * @moving: its memory was being moved in the last pass
 * @gives: it has memory away from home that gave way to another's
 * @came: the last that moved of its memory came home
 * @turns: how often it lately gave way after its memory had come home
 * @turned: passes since it last began to do either, or since a turn was last forgotten
 *
 * Opaque to the caller: zero for a new process, then copied from the verdict.
 */
struct policy_past {
	u64 left;
	u32 age;
	u32 calm;
	u16 changes;
	bool moving;
	bool gives;
	bool came;
	u8 turns;
	u32 turned;
};

/**
 * struct policy_proc - a process as it is now
 * @id: printed and used to break ties; unique in a snapshot
 * @demand_mcpu: CPU time it would use if it never waited: run + runnable time
 * @nr_threads: runnable threads seen; it never uses more than 1000 mcpu each
 * @cpu_nodes: nodes on which every thread may run; 0 means they have no node
 *	in common, and the process is left alone
 * @mem_nodes: nodes to which its pages may be moved; 0 means nowhere
 * @stays: most of what it runs is of threads that will not be moved to a home
 * @home: home that the last plan gave it, 0 for none
 * @past: zero for a new process, else the last verdict's @past
 * @pages: [nr_nodes] resident pages that could be moved
 * @fixed_pages: [nr_nodes] resident pages that cannot (pinned, mlocked, hugetlb,
 *	bound by policy, shared with a process of another home), or NULL for none
 * @run_mcpu: [nr_nodes] its CPU demand by the node its threads are on now
 * @cpus_mcpu: [nr_nodes] of each node's capacity that part on which threads of it may run, or
 *	NULL where that is all of each of @cpu_nodes
 */
struct policy_proc {
	u64 id;
	u32 demand_mcpu;
	u32 nr_threads;
	u64 cpu_nodes;
	u64 mem_nodes;
	bool stays;
	u64 home;
	struct policy_past past;
	const u64 *pages;
	const u64 *fixed_pages;
	const u32 *run_mcpu;
	const u32 *cpus_mcpu;
};

/**
 * struct policy_tunables - what may be moved and for how much
 * @may_move_cpu: threads may be moved (modes cpu, full, observe)
 * @may_move_memory: pages may be moved (modes memory, full, observe)
 * @min_demand_mcpu: a process that wants less CPU than this gets no new home
 * @min_gain_percent: a home changes only if that saves at least this part of
 *	the process's CPU demand, after costs
 * @min_age_passes: a home is kept at least this many passes; doubles with each
 *	change it lately had. The first one of a process may be put right after one
 * @slack_percent: a node counts as overloaded only above its capacity by this
 * @copy_ns_per_page: CPU time to move one page
 * @move_ns_per_page: wall time to move one page at the rate limit
 * @payback_ms: time within which a move has to have earned its cost
 * @pass_ms: time from one plan to the next
 */
struct policy_tunables {
	bool may_move_cpu;
	bool may_move_memory;
	u32 min_demand_mcpu;
	u32 min_gain_percent;
	u32 min_age_passes;
	u32 slack_percent;
	u32 copy_ns_per_page;
	u32 move_ns_per_page;
	u32 payback_ms;
	u32 pass_ms;
};

/**
 * struct policy_snapshot - everything a plan is made from
 * @nr_nodes: 1..POLICY_MAX_NODES
 * @nr_procs: may be 0
 * @nodes: [nr_nodes]
 * @procs: [nr_procs]
 * @distance: [nr_nodes * nr_nodes], row is from; POLICY_LOCAL_DISTANCE is local
 * @tunables: policy_tunables_default() and the modes
 */
struct policy_snapshot {
	u32 nr_nodes;
	u32 nr_procs;
	const struct policy_node *nodes;
	const struct policy_proc *procs;
	const u8 *distance;
	struct policy_tunables tunables;
};

/**
 * enum policy_action - what is left to do to have a process at its home
 * @POLICY_NONE: it has no home
 * @POLICY_STAY: nothing: threads and memory are at home
 * @POLICY_MOVE_CPU: its threads shall come home (CPU follows memory)
 * @POLICY_MOVE_MEMORY: its memory shall come home (memory follows CPU)
 * @POLICY_MOVE_BOTH: both shall
 */
enum policy_action {
	POLICY_NONE,
	POLICY_STAY,
	POLICY_MOVE_CPU,
	POLICY_MOVE_MEMORY,
	POLICY_MOVE_BOTH,
	POLICY_NR_ACTIONS
};

/**
 * enum policy_reason - why a process has the home that it has, or none
 * @POLICY_IDLE: wants too little CPU to be worth it
 * @POLICY_EMPTY: has no resident memory
 * @POLICY_BOUND: its user has bound it, nothing is left to decide
 * @POLICY_NO_GAIN: no home would save enough
 * @POLICY_CPU_FULL: no node with its memory has CPU time left (mode cpu)
 * @POLICY_SPREAD: its threads run on all nodes alike, and are not moved
 * @POLICY_MEMORY_HERE: most of its memory is there
 * @POLICY_CPU_ROOM: its memory's node cannot take its threads, this one can
 * @POLICY_RUNS_HERE: its threads run there, and are not moved
 * @POLICY_ONLY_NODE: its affinity leaves no other node
 * @POLICY_WIDE: it needs more than one node
 * @POLICY_SWAP: it changed places with another process
 * @POLICY_SETTLED: as before, nothing better found
 * @POLICY_CONVERGING: as before, until its memory has arrived
 * @POLICY_HELD: a better home exists, but it changed too lately
 * @POLICY_EXCHANGE: as before, and its memory changes places with other memory
 * @POLICY_NO_ROOM: as before, and its memory waits for free pages
 */
enum policy_reason {
	POLICY_IDLE,
	POLICY_EMPTY,
	POLICY_BOUND,
	POLICY_NO_GAIN,
	POLICY_CPU_FULL,
	POLICY_SPREAD,
	POLICY_MEMORY_HERE,
	POLICY_CPU_ROOM,
	POLICY_RUNS_HERE,
	POLICY_ONLY_NODE,
	POLICY_WIDE,
	POLICY_SWAP,
	POLICY_SETTLED,
	POLICY_CONVERGING,
	POLICY_HELD,
	POLICY_EXCHANGE,
	POLICY_NO_ROOM,
	POLICY_NR_REASONS
};

/**
 * struct policy_verdict - the plan for one process, and the numbers behind it
 * @home: nodes its threads shall run on and its memory shall be on; 0 for none
 * @action: what is left to do
 * @reason: why
 * @changed: @home is not the home the process came with
 * @gain_ucpu: saved by changing the home (if @changed) or by finishing the
 *	memory's way home
 * @cost_ucpu: what that costs in copying
 * @move_pages: pages to move home now, those farthest from home first; the
 *	node's free memory is respected
 * @exchange_pages: pages that come home in exchange for others, beside @move_pages
 * @into: [nr_nodes] supplied by the caller, or NULL: @move_pages by destination
 * @mem_home_permille: part of its memory that is at @home now
 * @cpu_home_permille: part of its CPU demand that is at @home now
 * @past: to be handed in again with the next snapshot
 */
struct policy_verdict {
	u64 home;
	enum policy_action action;
	enum policy_reason reason;
	bool changed;
	u64 gain_ucpu;
	u64 cost_ucpu;
	u64 move_pages;
	u64 exchange_pages;
	u64 *into;
	u16 mem_home_permille;
	u16 cpu_home_permille;
	struct policy_past past;
};

/* An exchange goes over at most so many nodes. */
#define POLICY_EXCHANGE_LEGS	8

/**
 * struct policy_leg - one process's part in an exchange
 * @proc: index into the snapshot's processes
 * @from: node that its pages leave
 * @to: node that they go to
 */
struct policy_leg {
	u32 proc;
	u8 from;
	u8 to;
};

/**
 * enum policy_exchange_kind - why these change places
 * @POLICY_PAIR: each wants to where the other is
 * @POLICY_CHAIN: each wants to where the next one is, in a circle
 * @POLICY_GIVE_WAY: the first wants to where the second is, which loses far less
 * @POLICY_REST: one alone wants to where exchanges left more free than they found, as they
 *	do where one of the processes had less to move than another
 */
enum policy_exchange_kind {
	POLICY_PAIR,
	POLICY_CHAIN,
	POLICY_GIVE_WAY,
	POLICY_REST,
	POLICY_NR_EXCHANGE_KINDS
};

/**
 * struct policy_exchange - memory that changes places
 * @kind: why
 * @nr_legs: 2..POLICY_EXCHANGE_LEGS; each leg leaves the node that the one before goes
 *	to, and the first the one that the last goes to; 1 for POLICY_REST
 * @pages: how many of each leg
 * @gain_ucpu: what the legs save in all
 * @legs: the parts
 */
struct policy_exchange {
	enum policy_exchange_kind kind;
	u32 nr_legs;
	u64 pages;
	u64 gain_ucpu;
	struct policy_leg legs[POLICY_EXCHANGE_LEGS];
};

/**
 * struct policy_exchanges - room for the exchanges of a plan
 * @max: how many fit; what does not fit is for the next plan
 * @nr: set by policy_plan()
 * @list: [max]
 */
struct policy_exchanges {
	u32 max;
	u32 nr;
	struct policy_exchange *list;
};

/**
 * policy_tunables_default() - the values used unless someone knows better
 * @t: filled in; both modes are on
 */
void policy_tunables_default(struct policy_tunables *t);

/**
 * policy_scratch_bytes() - how much working memory a plan needs
 * @nr_procs: processes in the snapshot
 * @nr_nodes: nodes in the snapshot
 *
 * Return: bytes; the memory need not be zeroed, but aligned to 8.
 */
size_t policy_scratch_bytes(u32 nr_procs, u32 nr_nodes);

/**
 * policy_plan() - give each process of a snapshot a home
 * @s: the snapshot
 * @out: [nr_procs]; all fields but @into are written
 * @exchanges: receives whose memory changes places with whose; NULL if nobody's shall
 * @scratch: policy_scratch_bytes() bytes
 *
 * The same snapshot always gives the same plan.
 *
 * Return: 0, or -EINVAL if the snapshot makes no sense (then @out is untouched).
 */
int policy_plan(const struct policy_snapshot *s, struct policy_verdict *out,
		struct policy_exchanges *exchanges, void *scratch);

/**
 * policy_action_name() - the name debugfs and the tests use
 * @action: one of enum policy_action
 *
 * Return: a word such as "move-cpu".
 */
const char *policy_action_name(enum policy_action action);

/**
 * policy_reason_name() - the name debugfs and the tests use
 * @reason: one of enum policy_reason
 *
 * Return: a word such as "memory-here".
 */
const char *policy_reason_name(enum policy_reason reason);

/**
 * policy_exchange_name() - the name debugfs and the tests use
 * @kind: one of enum policy_exchange_kind
 *
 * Return: a word such as "pair".
 */
const char *policy_exchange_name(enum policy_exchange_kind kind);

#endif /* KNUMAD_POLICY_H */
