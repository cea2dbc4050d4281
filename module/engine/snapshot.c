// SPDX-License-Identifier: GPL-2.0-only
/*
 * Samples the processes and the nodes into a snapshot for the policy.
 *
 * Context: planner thread, or the last one; may sleep.  The arena is kept from pass to pass
 * and grows with the number of processes.
 */
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/topology.h>

#include "../kern/capability.h"
#include "account.h"
#include "cache.h"
#include "discover.h"
#include "exchange.h"
#include "kthread.h"
#include "load.h"
#include "node.h"
#include "registry.h"
#include "snapshot.h"
#include "stuck.h"

/* See kn_snapshot_procs(). */
#define KN_SAMPLE_MIN_NS	(50 * NSEC_PER_MSEC)

/* Room for a snapshot of @room processes: everything the policy reads and writes. */
static struct {
	u32 room;
	u32 nr;
	u64 sampled_ns;			/* time of the last pass that took samples */
	struct kn_proc **recs;		/* each with a reference during a pass */
	struct policy_proc *procs;
	struct policy_verdict *verdicts;
	u64 *pages;			/* [room][nr_node_ids], as the two below */
	u64 *fixed;
	u64 *into;
	void *scratch;
	struct policy_exchange exchanges[KN_MAX_EXCHANGES];
	struct policy_node nodes[KNUMAD_MAX_NODES];
	u8 distance[KNUMAD_MAX_NODES * KNUMAD_MAX_NODES];
} kn_arena;

/**
 * kn_snapshot_free - give back the room that snapshots take
 *
 * None is in use.
 */
void kn_snapshot_free(void)
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
	kn_snapshot_free();
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
		kn_snapshot_free();
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
		u64 stay = proc->mem_nodes ? kn_stuck_pages(proc, nid, pages[nid]) : pages[nid];

		fixed[nid] += stay;
		pages[nid] -= stay;
	}
	kn_arena.procs[i] = (struct policy_proc) {
		.id = proc->tgid,
		.demand_mcpu = proc->demand_mcpu,
		.nr_threads = proc->nr_threads,
		.cpu_nodes = proc->cpu_nodes,
		.mem_nodes = proc->mem_nodes,
		.stays = proc->stays,
		.home = proc->home,
		.past = proc->past,
		.pages = pages,
		.fixed_pages = fixed,
		.run_mcpu = proc->run_mcpu,
		.cpus_mcpu = proc->has_part ? proc->cpus_mcpu : NULL,
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
static void kn_snapshot_procs(void)
{
	u64 now_ns = ktime_get_ns();
	bool sample = now_ns - kn_arena.sampled_ns >= KN_SAMPLE_MIN_NS;
	u64 tracked_us[KNUMAD_MAX_NODES] = { 0 }, cache_nodes = U64_MAX;
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
	for (i = 0; i < kn_arena.nr; i++) {
		kn_snapshot_proc(i);
		/* A policy of the process's own (0) says nothing of its files. */
		cache_nodes &= kn_arena.procs[i].mem_nodes ?: U64_MAX;
		cond_resched();
	}
	kn_cache_allow(cache_nodes);
	if (sample) {
		kn_load_sample(tracked_us);
		kn_arena.sampled_ns = now_ns;
	}
}

static void kn_tunables(struct policy_tunables *t, enum kn_mode mode)
{
	u64 pages_per_sec = (u64)READ_ONCE(kn_config.migrate_mb_per_sec) << (20 - PAGE_SHIFT);

	policy_tunables_default(t);
	t->may_move_cpu = mode != KN_MODE_MEMORY && kn_can_move_threads();
	t->may_move_memory = mode != KN_MODE_CPU && kn_capable(KN_CAP_MIGRATE);
	t->move_ns_per_page = NSEC_PER_SEC / pages_per_sec;
	t->pass_ms = READ_ONCE(kn_config.scan_period_ms);
}

/**
 * kn_snapshot_take - sample everything
 * @s: receives the snapshot, which is good until the next one is taken
 * @mode: what may be moved
 *
 * Return: 0, or -ENOMEM with nothing taken.
 */
int kn_snapshot_take(struct kn_snapshot *s, enum kn_mode mode)
{
	int err = kn_arena_fit();

	if (err)
		return err;
	kn_snapshot_procs();
	kn_snapshot_nodes();
	*s = (struct kn_snapshot) {
		.policy = {
			.nr_nodes = nr_node_ids,
			.nodes = kn_arena.nodes,
			.distance = kn_arena.distance,
			.nr_procs = kn_arena.nr,
			.procs = kn_arena.procs,
		},
		.recs = kn_arena.recs,
		.verdicts = kn_arena.verdicts,
		.exchanges = { .max = KN_MAX_EXCHANGES, .list = kn_arena.exchanges },
		.scratch = kn_arena.scratch,
	};
	kn_tunables(&s->policy.tunables, mode);
	return 0;
}

/**
 * kn_snapshot_drop - drop the references on its records
 * @s: the snapshot
 */
void kn_snapshot_drop(struct kn_snapshot *s)
{
	u32 i;

	for (i = 0; i < s->policy.nr_procs; i++)
		kn_proc_put(s->recs[i]);
}
