// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds out which memory of a wide process the threads on each node use: now and then it looks
 * what they are about to use, and keeps what many such samples agree on.
 *
 * Context: planner thread, may sleep; kn_use_node() any.
 */
#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../../include/knumad.h"
#include "../kern/calls.h"
#include "../policy/uses.h"
#include "config.h"
#include "engine.h"
#include "pages.h"
#include "peek.h"
#include "registry.h"
#include "scan.h"
#include "seen.h"
#include "stats.h"
#include "uses.h"

/* What was used so long ago, and so many passes, may be used by others now. */
#define KN_USES_SECONDS	60U
#define KN_USES_PASSES	32U

#define KN_MAX_SPANS	(POLICY_MAX_USES / 3)

/*
 * With so many samples a process is known, once so many looks have added no such part to the
 * memory that they tell of; where so many in all have not brought that, as with a virtual
 * machine's vCPU threads, they will not.  Then one look in a pass will do.
 */
#define KN_USES_ENOUGH		(POLICY_MAX_USES / 2)
#define KN_USES_STILL_LOOKS	20U
#define KN_USES_STILL_PART	64U
#define KN_USES_LOOKS		200U

/*
 * Before that many looks nothing is known: threads that go through the same memory one behind
 * the other each seem to have a part of it for a while.
 */
#define KN_USES_FIRST_LOOKS	8

/*
 * If a node has got such a part of what is known, since the last time, what is astray is counted
 * anew at once.
 */
#define KN_USES_GAINED_PART	16

/* What is known of one process.  Planner thread only. */
struct kn_uses {
	struct policy_uses samples;
	u32 skip;			/* threads that have had their turn */
	u32 looks;			/* since it was begun */
	u32 grown;			/* of these, when more memory was last known */
	u64 known;			/* bytes, then */
	u64 home;			/* the process's, since then */
	bool learns;			/* it is to be looked at again soon */
	u64 bytes[KNUMAD_MAX_NODES];	/* the map gave to each node, when a scan was asked for */
};

static struct policy_span kn_spans[KN_MAX_SPANS];	/* planner thread only */
static atomic_t kn_nr_watched;			/* processes */

/* What the scan and migration go by; replaced as a whole. */
struct kn_use_map {
	struct rcu_head rcu;
	u32 nr;
	struct policy_span span[];
};

/* mmap lock held.  Whether @addr is in memory that is looked at. */
static bool kn_use_counts(struct mm_struct *mm, u64 addr)
{
	const struct vm_area_struct *vma = addr < TASK_SIZE_MAX ? find_vma(mm, addr) : NULL;

	return vma && vma->vm_start <= addr && kn_vma_counts(vma);
}

/*
 * Sets in @counts those of the addresses in @seen that count; returns of how many threads that is
 * known: of no more where the lock is not free.
 */
static u32 kn_uses_sift(struct mm_struct *mm, const struct kn_seen *seen, u32 nr,
			unsigned long *counts)
{
	u64 since;
	u32 i, k;

	for (i = 0; i < nr && kn_peek_begin(mm, &since); i++) {
		for (k = 0; k < seen[i].nr_addrs; k++)
			if (kn_use_counts(mm, seen[i].addrs[k]))
				__set_bit(i * KN_SEEN_ADDRS + k, counts);
		kn_peek_end(mm, since);
	}
	return i;
}

/* With a long period looks are rare. */
static u32 kn_uses_seconds(void)
{
	return max(KN_USES_SECONDS,
		   READ_ONCE(kn_config.scan_period_ms) * KN_USES_PASSES / (u32)MSEC_PER_SEC);
}

/* Adds what the threads in @seen were using.  There is a reference on the address space. */
static void kn_add_uses(struct kn_proc *proc, const struct kn_seen *seen, u32 nr)
{
	DECLARE_BITMAP(counts, KN_SEEN_MAX * KN_SEEN_ADDRS) = { 0 };
	struct policy_uses *samples = &proc->uses->samples;
	u32 now = jiffies, i, k;

	kn_stat_add(uses_sampled, nr);
	policy_uses_expire(samples, now - kn_uses_seconds() * HZ);
	nr = kn_uses_sift(proc->mm, seen, nr, counts);
	for (i = 0; i < nr; i++, seen++) {
		u32 nid = policy_uses_seen(samples, seen->tid, seen->nid);

		for (k = 0; k < seen->nr_addrs; k++)
			if (test_bit(i * KN_SEEN_ADDRS + k, counts))
				policy_uses_add(samples, seen->addrs[k], seen->tid, nid, now);
	}
	kn_stat_add(uses_known, bitmap_weight(counts, KN_SEEN_MAX * KN_SEEN_ADDRS));
}

/*
 * Leaves of kn_spans[] whole runs of entries only, as scan and migration judge a run by its
 * first page; returns how many are left.
 */
static u32 kn_spans_to_runs(u32 nr)
{
	u32 i, left = 0;

	for (i = 0; i < nr; i++) {
		struct policy_span *span = &kn_spans[i];

		span->start = ALIGN(span->start, KN_RUN_ENTRIES * PAGE_SIZE);
		span->end = ALIGN_DOWN(span->end, KN_RUN_ENTRIES * PAGE_SIZE);
		if (span->start < span->end)
			kn_spans[left++] = *span;
	}
	return left;
}

static void kn_use_map_replace(struct kn_proc *proc, struct kn_use_map *new)
{
	struct kn_use_map *old = rcu_replace_pointer(proc->use_map, new, true);

	if (old)
		kfree_rcu(old, rcu);
}

/* Whether looking often still brings something, with the @nr of kn_spans[]. */
static bool kn_uses_learn_more(struct kn_uses *uses, u32 nr)
{
	u64 all = 0;
	u32 i;

	for (i = 0; i < nr; i++)
		all += kn_spans[i].end - kn_spans[i].start;
	/* Where samples no longer agree, or memory was given back, it begins anew. */
	if (all > uses->known + uses->known / KN_USES_STILL_PART || all < uses->known / 2) {
		uses->known = all;
		uses->grown = uses->looks;
	}
	return uses->looks < KN_USES_LOOKS &&
	       (uses->samples.nr < KN_USES_ENOUGH ||
		uses->looks - uses->grown < KN_USES_STILL_LOOKS);
}

/*
 * Has a scan count what is astray, if some node has got much more in the @nr of kn_spans[] than
 * when that was last asked for: more is known, or the threads that use it belong there now.  What
 * comes and goes otherwise waits for a scan that comes anyway.
 */
static void kn_uses_scan(struct kn_proc *proc, u32 nr)
{
	static u64 bytes[KNUMAD_MAX_NODES];
	u64 *scanned = proc->uses->bytes, all = 0;
	bool gained = false;
	u32 i, nid;

	memset(bytes, 0, sizeof(bytes));
	for (i = 0; i < nr; i++) {
		bytes[kn_spans[i].nid] += kn_spans[i].end - kn_spans[i].start;
		all += kn_spans[i].end - kn_spans[i].start;
	}
	for (nid = 0; nid < nr_node_ids; nid++)
		gained |= bytes[nid] > scanned[nid] + all / KN_USES_GAINED_PART;
	if (!gained)
		return;
	memcpy(scanned, bytes, sizeof(bytes));
	kn_scan_now(proc);
	kn_workers_kick();
}

/**
 * kn_uses_begin - begin to look what a process's threads use, or go on
 * @proc: its home has several nodes
 *
 * Planner thread.  Return: false without memory.
 */
bool kn_uses_begin(struct kn_proc *proc)
{
	if (!proc->uses) {
		proc->uses = kvzalloc(sizeof(*proc->uses), GFP_KERNEL);
		atomic_add(!!proc->uses, &kn_nr_watched);
	}
	if (proc->uses && proc->uses->home != proc->home) {
		proc->uses->home = proc->home;
		proc->uses->looks = 0;
		proc->uses->grown = 0;
		proc->uses->known = 0;
	}
	return proc->uses;
}

/**
 * kn_uses_any - whether any process is looked at
 */
bool kn_uses_any(void)
{
	return atomic_read(&kn_nr_watched);
}

/**
 * kn_uses_learns - whether a process is to be looked at more often than once in a pass
 * @proc: after kn_uses_begin()
 *
 * Planner thread.
 */
bool kn_uses_learns(const struct kn_proc *proc)
{
	return proc->uses->learns;
}

/**
 * kn_uses_sample - look what a process's threads are using
 * @proc: after kn_uses_begin()
 *
 * Planner thread.
 */
void kn_uses_sample(struct kn_proc *proc)
{
	struct kn_use_map *map = NULL;
	u64 most = (u64)get_mm_rss(proc->mm) << PAGE_SHIFT;
	struct kn_uses *uses = proc->uses;
	const struct kn_seen *seen;
	u32 nr;

	uses->learns = false;
	if (!mmget_not_zero(proc->mm))
		return;
	uses->looks = min(uses->looks + 1, KN_USES_LOOKS);
	nr = kn_see_threads(proc, uses->skip, &seen);
	if (!nr && uses->skip) {	/* all have had their turn */
		uses->skip = 0;
		nr = kn_see_threads(proc, 0, &seen);
	}
	uses->skip = nr == KN_SEEN_MAX ? uses->skip + nr : 0;
	kn_add_uses(proc, seen, nr);
	KN_CALL(mmput_async)(proc->mm);

	nr = 0;
	if (uses->looks >= KN_USES_FIRST_LOOKS)
		nr = kn_spans_to_runs(policy_uses_spans(&uses->samples, most, kn_spans,
							KN_MAX_SPANS));
	if (nr)
		map = kmalloc(struct_size(map, span, nr), GFP_KERNEL);
	if (map) {
		map->nr = nr;
		memcpy(map->span, kn_spans, nr * sizeof(*kn_spans));
	}
	kn_use_map_replace(proc, map);
	kn_uses_scan(proc, nr);
	uses->learns = kn_uses_learn_more(uses, nr);
}

/**
 * kn_uses_home - where a thread belongs
 * @proc: its process, with a home
 * @tid: its number
 *
 * Planner thread.  Return: the node from which its part of the memory is used, if the threads
 * have parts; or else all that the process's home has.
 */
u64 kn_uses_home(const struct kn_proc *proc, pid_t tid)
{
	u32 nid;

	if (!proc->uses || !rcu_access_pointer(proc->use_map) ||
	    !policy_uses_home(&proc->uses->samples, tid, &nid))
		return proc->home;
	return BIT_ULL(nid) & proc->home ?: proc->home;
}

/**
 * kn_uses_thread - a thread that has a part, and where
 * @proc: its process, with a home
 * @i: which, from 0 to POLICY_MAX_USERS - 1; not all are there
 * @home: receives the node, as a mask
 *
 * Planner thread.  Return: its number, or 0.
 */
pid_t kn_uses_thread(const struct kn_proc *proc, u32 i, u64 *home)
{
	pid_t tid;

	if (!proc->uses || !rcu_access_pointer(proc->use_map))
		return 0;
	tid = proc->uses->samples.user[i].who;
	if (!tid)
		return 0;
	*home = kn_uses_home(proc, tid);
	return *home == proc->home ? 0 : tid;
}

/**
 * kn_uses_forget - it does not matter any more
 * @proc: its home has one node, or none; or nobody has it any more
 *
 * Planner thread, or whoever drops the last reference.
 */
void kn_uses_forget(struct kn_proc *proc)
{
	if (!proc->uses)
		return;
	kn_use_map_replace(proc, NULL);
	kvfree(proc->uses);
	proc->uses = NULL;
	atomic_dec(&kn_nr_watched);
}

/**
 * kn_use_node - the node that alone uses a page of a process
 * @proc: the process
 * @addr: the page's address
 *
 * Any context.  Return: the node; NUMA_NO_NODE if nobody knows, or several do.
 */
int kn_use_node(const struct kn_proc *proc, unsigned long addr)
{
	const struct kn_use_map *map;
	int nid = NUMA_NO_NODE;
	u32 low = 0, high;

	rcu_read_lock();
	map = rcu_dereference(proc->use_map);
	high = map ? map->nr : 0;
	while (low < high) {
		u32 mid = (low + high) / 2;

		if (addr >= map->span[mid].end) {
			low = mid + 1;
		} else if (addr < map->span[mid].start) {
			high = mid;
		} else {
			nid = map->span[mid].nid;
			break;
		}
	}
	rcu_read_unlock();
	return nid;
}
