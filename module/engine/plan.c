// SPDX-License-Identifier: GPL-2.0-only
/*
 * One planning pass: take a snapshot, let the policy decide, and write the verdicts back
 * into the records.
 *
 * Context: planner thread only; may sleep.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitops.h>
#include <linux/hash.h>
#include <linux/ktime.h>
#include <linux/nodemask.h>
#include <linux/printk.h>
#include <linux/sched.h>

#include "../kern/capability.h"
#include "../policy/uses.h"
#include "../sched/verdict.h"
#include "decisions.h"
#include "engine.h"
#include "exchange.h"
#include "leads.h"
#include "load.h"
#include "plan.h"
#include "registry.h"
#include "scan.h"
#include "snapshot.h"
#include "stats.h"
#include "uses.h"

/* Fewer pages astray than this part of a process are not worth a move. */
#define KN_ASTRAY_PART		64

/* What the hooks have: how many verdicts, and a sum that tells them from others. */
static u32 kn_nr_published;
static u64 kn_sum_published;

/* Nodes into which the last plan wants pages moved, of whatever process. */
static u64 kn_nodes_wanting;

static enum kn_state kn_state_of(const struct kn_proc *proc, const struct policy_verdict *v)
{
	if (proc->exempt)
		return KN_STATE_EXEMPT;
	if (!READ_ONCE(proc->scan.complete))
		return KN_STATE_NEW;
	switch (v->action) {
	case POLICY_STAY:
		return KN_STATE_SETTLED;
	case POLICY_MOVE_CPU:
		return KN_STATE_CPU;
	case POLICY_MOVE_MEMORY:
	case POLICY_MOVE_BOTH:
		return KN_STATE_MEMORY;
	default:
		return v->reason == POLICY_BOUND ? KN_STATE_BOUND :
		       v->reason == POLICY_IDLE ? KN_STATE_IDLE : KN_STATE_FREE;
	}
}

/* Returns the nodes into which pages of @proc are to be moved. */
static u64 kn_apply(struct kn_proc *proc, const struct policy_verdict *v, enum kn_mode mode)
{
	bool moves_memory = kn_mode_moves_memory(mode);
	u64 from = proc->home, wanting = 0;
	int nid;

	WRITE_ONCE(proc->home, v->home);
	WRITE_ONCE(proc->by_use, false);
	proc->past = v->past;
	WRITE_ONCE(proc->reason, v->reason);
	WRITE_ONCE(proc->state, kn_state_of(proc, v));
	for (nid = 0; nid < nr_node_ids; nid++) {
		atomic_long_set(&proc->migrate[nid].quota, moves_memory ? v->into[nid] : 0);
		if (moves_memory && v->into[nid])
			wanting |= BIT_ULL(nid);
	}
	if (moves_memory && v->past.moving)
		kn_leads_take(proc);
	if (from != v->home) {
		/* What it uses is wanted soon, for the order in which its pages move. */
		kn_scan_hurry(proc);
		kn_decision_record(proc, from, v);
	}
	return wanting;
}

/* Whether the plan itself moves pages of a process. */
static bool kn_plan_moves(const struct kn_proc *proc)
{
	int nid;

	for (nid = 0; nid < nr_node_ids && !proc->by_use; nid++)
		if (atomic_long_read(&proc->migrate[nid].quota) > 0)
			return true;
	return false;
}

/*
 * Where the plan moves nothing of a process that has several nodes: pages that only another
 * node's threads use are to go there.  Returns the nodes; @gains is set if for one of them a good
 * part more is known than the last time: then a pass over the memory begins anew, and does not wait
 * because the last one moved little.
 */
static u64 kn_apply_uses(struct kn_proc *proc, bool *gains)
{
	long astray = 0, all = 0;
	u64 into = 0;
	int nid;

	if (kn_plan_moves(proc) || !rcu_access_pointer(proc->use_map))
		return 0;
	for (nid = 0; nid < nr_node_ids; nid++) {
		long here = atomic_long_read(&proc->pages[nid].astray);

		proc->migrate[nid].astray = min(proc->migrate[nid].astray, here);
		all += atomic_long_read(&proc->pages[nid].movable);
		if (here <= 0 || !(proc->home & proc->mem_nodes & BIT_ULL(nid)))
			continue;
		astray += here;
		into |= BIT_ULL(nid);
	}
	if (astray <= all / KN_ASTRAY_PART)
		return 0;
	if (!proc->by_use)
		kn_leads_take(proc);
	WRITE_ONCE(proc->by_use, true);
	WRITE_ONCE(proc->state, KN_STATE_MEMORY);
	for (nid = 0; nid < nr_node_ids; nid++) {
		struct kn_migration *m = &proc->migrate[nid];
		long known = m->astray, here = atomic_long_read(&proc->pages[nid].astray);

		m->astray = here;
		if (!(into & BIT_ULL(nid)))
			continue;
		atomic_long_set(&m->quota, here);
		if (here <= known + all / KN_ASTRAY_PART)
			continue;
		WRITE_ONCE(m->gained, true);
		*gains = true;
	}
	return into;
}

/**
 * kn_plan_pass - sample, plan, and write the verdicts into the records
 * @mode: what may be moved
 *
 * Return: 0; -ENOMEM, or -EINVAL where the policy refused the snapshot, with nothing changed.
 */
int kn_plan_pass(enum kn_mode mode)
{
	struct kn_snapshot s;
	u64 start, wanting = 0;
	u32 i;
	int err = kn_snapshot_take(&s, mode);

	if (err)
		return err;
	start = ktime_get_ns();
	err = policy_plan(&s.policy, s.verdicts, &s.exchanges, s.scratch);
	kn_stat_add(plan_time_ns, ktime_get_ns() - start);
	kn_stat_inc(plan_passes);
	if (err)
		pr_warn_once("expected to be able to plan, the policy refused what was sampled: nothing is placed\n");

	for (i = 0; i < s.policy.nr_procs && !err; i++) {
		struct kn_proc *proc = s.recs[i];

		wanting |= kn_apply(proc, &s.verdicts[i], mode);
		if (!kn_mode_moves_memory(mode) || !s.policy.tunables.may_move_memory ||
		    hweight64(proc->home & proc->mem_nodes) < 2 ||
		    !READ_ONCE(kn_config.watch_threads))
			kn_uses_forget(proc);
		else if (!kn_uses_begin(proc))
			kn_stat_inc(plan_no_memory);
		cond_resched();
	}
	if (!err) {
		WRITE_ONCE(kn_nodes_wanting, wanting);
		if (!kn_mode_moves_memory(mode))
			s.exchanges.nr = 0;
		kn_exchanges_plan(&s.exchanges, s.recs);
	}
	kn_snapshot_drop(&s);
	return err;
}

static bool kn_has_verdict(const struct kn_proc *proc)
{
	return proc->seen && proc->home;
}

/*
 * Summed up over all verdicts this tells whether they are the same: not linear, or two that change
 * places would sum up to what was.
 */
static u64 kn_verdict_mix(u64 who, u64 home)
{
	u64 x = who * GOLDEN_RATIO_64 + home;

	x ^= x >> 32;
	x *= GOLDEN_RATIO_64;
	return x ^ x >> 29;
}

/* How many verdicts @proc's threads have of their own; added to @table, if that is not NULL. */
static u32 kn_thread_verdicts(const struct kn_proc *proc, struct kn_verdicts *table, u64 *sum)
{
	u32 i, nr = 0;

	for (i = 0; i < POLICY_MAX_USERS; i++) {
		u64 home;
		pid_t tid = kn_uses_thread(proc, i, &home);

		if (!tid)
			continue;
		nr++;
		*sum += kn_verdict_mix(tid, home);
		if (table)
			kn_verdicts_add_thread(table, proc->mm, tid, home);
	}
	return nr;
}

/* A table of @nr verdicts; NULL for none, or without memory. */
static struct kn_verdicts *kn_build_verdicts(u32 nr)
{
	struct kn_verdicts *table = nr ? kn_verdicts_alloc(nr) : NULL;
	struct kn_proc *proc;
	u64 sum = 0;

	for (proc = kn_registry_next(NULL); proc; proc = kn_registry_next(proc))
		if (table && kn_has_verdict(proc))
			kn_verdicts_add(table, proc->mm, proc->home,
					kn_thread_verdicts(proc, table, &sum));
	if (nr && !table)
		kn_stat_inc(plan_no_memory);
	return table;
}

/**
 * kn_plan_publish - let the scheduler hooks see the homes of the live processes, and threads
 * @changed: receives whether they are others than before; if not, nothing is done
 *
 * Return: the number of verdicts published; 0, with none published, when there are none
 * or no memory for them.
 */
u32 kn_plan_publish(bool *changed)
{
	struct kn_verdicts *table;
	struct kn_proc *proc;
	u64 sum = 0;
	u32 nr = 0;

	for (proc = kn_registry_next(NULL); proc; proc = kn_registry_next(proc)) {
		if (!kn_has_verdict(proc))
			continue;
		sum += kn_verdict_mix((unsigned long)proc->mm, proc->home);
		nr += 1 + kn_thread_verdicts(proc, NULL, &sum);
	}
	*changed = nr != kn_nr_published || sum != kn_sum_published;
	if (!*changed)
		return nr;
	table = kn_build_verdicts(nr);
	kn_verdicts_publish(table);
	kn_nr_published = table ? nr : 0;
	kn_sum_published = sum;
	return kn_nr_published;
}

/**
 * kn_plan_moves_into - whether pages of any process are to be moved into a node
 * @nid: the node
 */
bool kn_plan_moves_into(int nid)
{
	return READ_ONCE(kn_nodes_wanting) & BIT_ULL(nid);
}

/* Between two passes looking takes no longer than this at a time; the others' turn comes next. */
#define KN_WATCH_MOST_NS	(10 * NSEC_PER_MSEC)

/**
 * kn_plan_watch - look what the threads of wide processes use, and act on it
 * @all: of all such processes, as after each pass; or only of those of which that is still
 *	learned, as in between: a sample of each thread in a whole period would be few
 *
 * Return: whether there are such as are still learned.
 */
bool kn_plan_watch(bool all)
{
	static u64 turn;	/* in between: the first that has its own, by its number */
	u64 start = ktime_get_ns(), waits = 0, wanting = 0;
	bool again = false, gains = false;
	struct kn_proc *proc;

	if (!kn_uses_any())
		return false;
	for (proc = kn_registry_next(NULL); proc; proc = kn_registry_next(proc)) {
		if (!proc->uses || !(all || kn_uses_learns(proc)))
			continue;
		if (!all && !waits && ktime_get_ns() - start > KN_WATCH_MOST_NS)
			waits = proc->seq;
		if (all || (!waits && proc->seq >= turn)) {
			kn_uses_sample(proc);
			wanting |= kn_apply_uses(proc, &gains);
		}
		again |= kn_uses_learns(proc);
	}
	if (!all)
		turn = waits;
	gains |= wanting & ~kn_nodes_wanting;
	if (!gains)
		return again;
	WRITE_ONCE(kn_nodes_wanting, kn_nodes_wanting | wanting);
	kn_workers_kick();
	return again;
}

/**
 * kn_plan_withdraw - leave the scheduler hooks without a verdict
 */
void kn_plan_withdraw(void)
{
	kn_verdicts_publish(NULL);
	kn_nr_published = 0;
}

/**
 * kn_plan_forget - take every home away, as when the mode changes
 *
 * What the policy remembers is forgotten too, and the room for its work given back: it starts
 * afresh under the new mode, if that is not off.
 */
void kn_plan_forget(void)
{
	struct kn_proc *proc;
	int nid;

	kn_load_reset();
	kn_exchanges_forget();
	WRITE_ONCE(kn_nodes_wanting, 0);
	for (proc = kn_registry_next(NULL); proc; proc = kn_registry_next(proc)) {
		WRITE_ONCE(proc->home, 0);
		memset(&proc->past, 0, sizeof(proc->past));
		WRITE_ONCE(proc->state, KN_STATE_NEW);
		for (nid = 0; nid < nr_node_ids; nid++)
			atomic_long_set(&proc->migrate[nid].quota, 0);
	}
	kn_snapshot_free();
}

/**
 * kn_plan_exit - drop what a plan still holds; planner and workers have ended
 */
void kn_plan_exit(void)
{
	kn_exchanges_forget();
	kn_snapshot_free();
}
