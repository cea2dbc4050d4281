// SPDX-License-Identifier: GPL-2.0-only
/*
 * One planning pass: sample the registry into a snapshot, let the policy decide, and
 * write the verdicts back into the records.
 *
 * Context: planner thread only; may sleep.  The arena is kept from pass to pass and
 * grows with the number of processes.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/overflow.h>
#include <linux/printk.h>
#include <linux/topology.h>

#include "../kern/capability.h"
#include "../sched/verdict.h"
#include "account.h"
#include "cache.h"
#include "decisions.h"
#include "discover.h"
#include "engine.h"
#include "exchange.h"
#include "kthread.h"
#include "load.h"
#include "node.h"
#include "plan.h"
#include "stats.h"
#include "uses.h"

#define KN_SAMPLE_MIN_NS	(50 * NSEC_PER_MSEC)

/* Fewer pages astray than this part of a process are not worth a move. */
#define KN_ASTRAY_PART		64

/* Room for a snapshot of @room processes: everything the policy reads and writes. */
static struct {
	u32 room;
	u32 nr;
	u64 sampled_ns;			/* time of the last pass that took samples */
	struct kn_proc **recs;		/* each with a reference during a pass */
	struct policy_proc *procs;
	struct policy_verdict *verdicts;
	u64 *pages;			/* [room][nr_node_ids], as the three below */
	u64 *fixed;
	u64 *into;
	void *scratch;
	struct policy_exchange exchanges[KN_MAX_EXCHANGES];
	struct policy_node nodes[KNUMAD_MAX_NODES];
	u8 distance[KNUMAD_MAX_NODES * KNUMAD_MAX_NODES];
} kn_arena;

/* What the hooks have: how many verdicts, and whether a home has changed since. */
static u32 kn_nr_published;
static bool kn_homes_changed;

/* Nodes into which the last plan wants pages moved, of whatever process. */
static u64 kn_nodes_wanting;

/* Frees the arena. */
static void kn_arena_free(void)
{
	kvfree(kn_arena.recs);
	kvfree(kn_arena.procs);
	kvfree(kn_arena.verdicts);
	kvfree(kn_arena.pages);
	kvfree(kn_arena.fixed);
	kvfree(kn_arena.into);
	kvfree(kn_arena.scratch);
	kn_arena.recs = NULL;
	kn_arena.procs = NULL;
	kn_arena.verdicts = NULL;
	kn_arena.pages = NULL;
	kn_arena.fixed = NULL;
	kn_arena.into = NULL;
	kn_arena.scratch = NULL;
	kn_arena.room = 0;
}

/* Makes room for the processes there are, and some more. */
static int kn_arena_fit(void)
{
	u32 want = kn_registry_count();
	size_t cells;

	if (want <= kn_arena.room && kn_arena.room)
		return 0;
	kn_arena_free();
	want += want / 4 + 16;
	cells = array_size(want, nr_node_ids);
	kn_arena.recs = kvcalloc(want, sizeof(*kn_arena.recs), GFP_KERNEL);
	kn_arena.procs = kvcalloc(want, sizeof(*kn_arena.procs), GFP_KERNEL);
	kn_arena.verdicts = kvcalloc(want, sizeof(*kn_arena.verdicts), GFP_KERNEL);
	kn_arena.pages = kvcalloc(cells, sizeof(u64), GFP_KERNEL);
	kn_arena.fixed = kvcalloc(cells, sizeof(u64), GFP_KERNEL);
	kn_arena.into = kvcalloc(cells, sizeof(u64), GFP_KERNEL);
	kn_arena.scratch = kvzalloc(policy_scratch_bytes(want, nr_node_ids), GFP_KERNEL);
	if (!kn_arena.recs || !kn_arena.procs || !kn_arena.verdicts || !kn_arena.pages ||
	    !kn_arena.fixed || !kn_arena.into || !kn_arena.scratch) {
		kn_arena_free();
		return -ENOMEM;
	}
	kn_arena.room = want;
	return 0;
}

/* Adds the run time of @proc since the last pass to the nodes where it runs. */
static void kn_charge(const struct kn_proc *proc, u64 *tracked_us)
{
	u64 sum = 0;
	int nid;

	for (nid = 0; nid < nr_node_ids; nid++)
		sum += proc->run_mcpu[nid];
	for (nid = 0; nid < nr_node_ids && sum; nid++)
		tracked_us[nid] += proc->run_delta_us * proc->run_mcpu[nid] / sum;
}

static void kn_snapshot_proc(u32 i)
{
	struct kn_proc *proc = kn_arena.recs[i];
	u64 *pages = kn_arena.pages + (size_t)i * nr_node_ids;
	u64 *fixed = kn_arena.fixed + (size_t)i * nr_node_ids;
	int nid;

	for (nid = 0; nid < nr_node_ids; nid++) {
		pages[nid] = max(0L, atomic_long_read(&proc->pages[nid].movable));
		fixed[nid] = max(0L, atomic_long_read(&proc->pages[nid].fixed));
	}
	kn_shares_snapshot(proc, pages, fixed);
	for (nid = 0; nid < nr_node_ids; nid++) {
		/* Bound by a process-wide policy: nothing of it may be moved. */
		if (!proc->mem_nodes) {
			fixed[nid] += pages[nid];
			pages[nid] = 0;
		}
	}
	kn_arena.procs[i] = (struct policy_proc) {
		.id = proc->tgid,
		.demand_mcpu = proc->demand_mcpu,
		.nr_threads = proc->nr_threads,
		.cpu_nodes = proc->cpu_nodes,
		.mem_nodes = proc->mem_nodes,
		.home = proc->home,
		.past = proc->past,
		.pages = pages,
		.fixed_pages = fixed,
		.run_mcpu = proc->run_mcpu,
	};
	kn_arena.verdicts[i].into = kn_arena.into + (size_t)i * nr_node_ids;
}

static void kn_snapshot_nodes(void)
{
	int nid, to;

	for (nid = 0; nid < nr_node_ids; nid++) {
		kn_arena.nodes[nid] = (struct policy_node) {
			.cpu_mcpu = kn_node_nr_cpus(nid) * KNUMAD_MCPU_PER_CPU,
			.other_mcpu = kn_load_other_mcpu(nid),
		};
		/* Memory that came online later has nobody to fill it: as if it had none. */
		if (kn_kthread_exists(KN_KTHREAD_WORKER, nid)) {
			kn_arena.nodes[nid].total_pages = kn_node_present_pages(nid);
			kn_arena.nodes[nid].free_pages = kn_node_headroom_pages(nid);
			kn_arena.nodes[nid].cache_pages = kn_cache_pages(nid);
			kn_arena.nodes[nid].owed_pages = kn_account_owed_pages(nid);
		}
		for (to = 0; to < nr_node_ids; to++)
			kn_arena.distance[nid * nr_node_ids + to] =
				node_online(nid) && node_online(to) ? node_distance(nid, to) :
				nid == to ? LOCAL_DISTANCE : REMOTE_DISTANCE;
	}
}

/*
 * Samples every process and takes it into the snapshot; one whose memory is not known
 * yet has none there, and counts by its CPU demand.  A pass asked for right after
 * another plans with the samples there are: over a shorter time than this the kernel's
 * accounting is too coarse.
 */
static void kn_snapshot(void)
{
	u64 now_ns = ktime_get_ns();
	bool sample = now_ns - kn_arena.sampled_ns >= KN_SAMPLE_MIN_NS;
	u64 tracked_us[KNUMAD_MAX_NODES] = { 0 };
	struct kn_proc *proc;
	u32 i;

	kn_arena.nr = 0;
	if (sample) {
		kn_load_measure();
		kn_sample_begin();
	}
	for (proc = kn_registry_next(NULL); proc; proc = kn_registry_next(proc)) {
		if (sample) {
			kn_sample(proc);
			kn_charge(proc, tracked_us);
		}
		kn_sample_exempt(proc);
		if (!proc->seen || !proc->sampled || kn_arena.nr == kn_arena.room)
			continue;
		kref_get(&proc->ref);
		kn_arena.recs[kn_arena.nr++] = proc;
	}
	kn_shares_plan(kn_arena.recs, kn_arena.nr);
	for (i = 0; i < kn_arena.nr; i++)
		kn_snapshot_proc(i);
	if (sample) {
		kn_load_sample(tracked_us);
		kn_arena.sampled_ns = now_ns;
	}
	kn_snapshot_nodes();
}

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
	if (from != v->home) {
		/* What it uses is wanted soon, for the order in which its pages move. */
		WRITE_ONCE(proc->scan.hurries, true);
		kn_homes_changed = true;
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
 * node's threads use are to go there.  Returns the nodes.
 */
static u64 kn_apply_uses(struct kn_proc *proc)
{
	long astray = 0, all = 0;
	u64 into = 0;
	int nid;

	if (kn_plan_moves(proc))
		return 0;
	for (nid = 0; nid < nr_node_ids; nid++) {
		long here = atomic_long_read(&proc->pages[nid].astray);

		all += atomic_long_read(&proc->pages[nid].movable);
		if (here <= 0 || !(proc->home & proc->mem_nodes & BIT_ULL(nid)))
			continue;
		astray += here;
		into |= BIT_ULL(nid);
	}
	if (astray <= all / KN_ASTRAY_PART)
		return 0;
	WRITE_ONCE(proc->by_use, true);
	WRITE_ONCE(proc->state, KN_STATE_MEMORY);
	for (nid = 0; nid < nr_node_ids; nid++)
		if (into & BIT_ULL(nid))
			atomic_long_set(&proc->migrate[nid].quota,
					atomic_long_read(&proc->pages[nid].astray));
	return into;
}

static void kn_tunables(struct policy_tunables *t, enum kn_mode mode)
{
	u64 pages_per_sec = (u64)READ_ONCE(kn_config.migrate_mb_per_sec) << (20 - PAGE_SHIFT);

	policy_tunables_default(t);
	t->may_move_cpu = mode != KN_MODE_MEMORY && kn_can_move_threads();
	t->may_move_memory = mode != KN_MODE_CPU && kn_capable(KN_CAP_MIGRATE);
	t->move_ns_per_page = NSEC_PER_SEC / pages_per_sec;
}

/**
 * kn_plan_pass - sample, plan, and write the verdicts into the records
 * @mode: what may be moved
 *
 * Return: 0; -ENOMEM, or -EINVAL where the policy refused the snapshot, with nothing changed.
 */
int kn_plan_pass(enum kn_mode mode)
{
	struct policy_snapshot s = {
		.nr_nodes = nr_node_ids,
		.nodes = kn_arena.nodes,
		.distance = kn_arena.distance,
	};
	struct policy_exchanges exchanges = {
		.max = KN_MAX_EXCHANGES,
		.list = kn_arena.exchanges,
	};
	u64 start, wanting = 0;
	u32 i;
	int err = kn_arena_fit();

	if (err)
		return err;
	kn_snapshot();
	s.nr_procs = kn_arena.nr;
	s.procs = kn_arena.procs;
	kn_tunables(&s.tunables, mode);

	start = ktime_get_ns();
	err = policy_plan(&s, kn_arena.verdicts, &exchanges, kn_arena.scratch);
	kn_stat_add(plan_time_ns, ktime_get_ns() - start);
	kn_stat_inc(plan_passes);
	if (err)
		pr_warn_once("expected to be able to plan, the policy refused what was sampled: nothing is placed\n");

	for (i = 0; i < kn_arena.nr && !err; i++) {
		struct kn_proc *proc = kn_arena.recs[i];

		wanting |= kn_apply(proc, &kn_arena.verdicts[i], mode);
		if (!kn_mode_moves_memory(mode) || !s.tunables.may_move_memory ||
		    hweight64(proc->home & proc->mem_nodes) < 2 ||
		    !READ_ONCE(kn_config.watch_threads))
			kn_uses_forget(proc);
		else if (!kn_uses_begin(proc))
			kn_stat_inc(plan_no_memory);
	}
	if (!err) {
		WRITE_ONCE(kn_nodes_wanting, wanting);
		if (!kn_mode_moves_memory(mode))
			exchanges.nr = 0;
		kn_exchanges_plan(&exchanges, kn_arena.recs);
	}
	for (i = 0; i < kn_arena.nr; i++)
		kn_proc_put(kn_arena.recs[i]);
	return err;
}

static bool kn_has_verdict(const struct kn_proc *proc)
{
	return proc->seen && proc->home;
}

/* A table of @nr verdicts; NULL for none, or without memory. */
static struct kn_verdicts *kn_build_verdicts(u32 nr)
{
	struct kn_verdicts *table = nr ? kn_verdicts_alloc(nr) : NULL;
	struct kn_proc *proc;

	for (proc = kn_registry_next(NULL); proc; proc = kn_registry_next(proc))
		if (table && kn_has_verdict(proc))
			kn_verdicts_add(table, proc->mm, proc->home);
	if (nr && !table)
		kn_stat_inc(plan_no_memory);
	return table;
}

/**
 * kn_plan_publish - let the scheduler hooks see the homes of the live processes
 * @changed: receives whether they are others than before; if not, nothing is done
 *
 * Return: the number of verdicts published; 0, with none published, when there are none
 * or no memory for them.
 */
u32 kn_plan_publish(bool *changed)
{
	struct kn_verdicts *table;
	struct kn_proc *proc;
	u32 nr = 0;

	for (proc = kn_registry_next(NULL); proc; proc = kn_registry_next(proc))
		nr += kn_has_verdict(proc);
	*changed = kn_homes_changed || nr != kn_nr_published;
	if (!*changed)
		return nr;
	table = kn_build_verdicts(nr);
	kn_verdicts_publish(table);
	kn_nr_published = table ? nr : 0;
	kn_homes_changed = false;
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

/**
 * kn_plan_watch - look what the threads of wide processes use, and act on it
 *
 * After each pass and in between: a sample of each thread in a whole period would be few.
 * Return: whether that is so for some of them.
 */
bool kn_plan_watch(void)
{
	struct kn_proc *proc;
	bool again = false;
	u64 wanting = 0;

	for (proc = kn_registry_next(NULL); proc; proc = kn_registry_next(proc)) {
		if (!proc->uses)
			continue;
		again |= kn_uses_sample(proc);
		wanting |= kn_apply_uses(proc);
	}
	if (wanting & ~kn_nodes_wanting) {
		WRITE_ONCE(kn_nodes_wanting, kn_nodes_wanting | wanting);
		kn_workers_kick();
	}
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
	kn_arena_free();
}

/**
 * kn_plan_exit - drop what a plan still holds; planner and workers have ended
 */
void kn_plan_exit(void)
{
	kn_exchanges_forget();
	kn_arena_free();
}
