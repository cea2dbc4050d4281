// SPDX-License-Identifier: GPL-2.0-only
/*
 * The list of processes knumad looks after: their records' lifetime and iteration.
 *
 * Context: process context, may sleep.  The planner adds and removes; workers and
 * debugfs iterate.  kn_registry_lock nests inside nothing and takes nothing; who has it keeps the
 * CPU, as a worker of the lowest priority would make the planner wait.
 */
#include <linux/hashtable.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "exempt.h"
#include "registry.h"
#include "scan.h"
#include "uses.h"

static DEFINE_SPINLOCK(kn_registry_lock);	/* the list, the hash, their counts */
static LIST_HEAD(kn_procs);
static DEFINE_HASHTABLE(kn_procs_by_mm, 12);
static u32 kn_nr_procs;
static u64 kn_last_seq;

/* Records looked at while the lock is held. */
#define KN_LOOKS_AT_ONCE	64

static void kn_proc_free(struct kn_proc *proc)
{
	kfree(proc->scan.count);
	kfree(proc->pages);
	kfree(proc->migrate);
	kfree(proc->threads_running);
	kfree(proc->run_mcpu);
	kfree(proc->cpus_mcpu);
	kn_shares_free(proc);
	kvfree(proc->scan.accessed.owed);
	kn_uses_forget(proc);
	kvfree(rcu_dereference_protected(proc->hot, true));
	kfree(proc);
}

static void kn_proc_release(struct kref *ref)
{
	struct kn_proc *proc = container_of(ref, struct kn_proc, ref);

	mmdrop(proc->mm);
	put_pid(proc->pid);
	kn_proc_free(proc);
}

/**
 * kn_proc_put - drop a reference; the last one frees the record and what it holds
 * @proc: may be NULL
 */
void kn_proc_put(struct kn_proc *proc)
{
	if (proc)
		kref_put(&proc->ref, kn_proc_release);
}

static struct kn_proc *kn_proc_alloc(void)
{
	struct kn_proc *proc = kzalloc(sizeof(*proc), GFP_KERNEL);

	if (!proc)
		return NULL;
	proc->scan.count = kcalloc(nr_node_ids, sizeof(*proc->scan.count), GFP_KERNEL);
	proc->pages = kcalloc(nr_node_ids, sizeof(*proc->pages), GFP_KERNEL);
	proc->migrate = kcalloc(nr_node_ids, sizeof(*proc->migrate), GFP_KERNEL);
	proc->threads_running = kcalloc(nr_node_ids, sizeof(u32), GFP_KERNEL);
	proc->run_mcpu = kcalloc(nr_node_ids, sizeof(u32), GFP_KERNEL);
	proc->cpus_mcpu = kcalloc(nr_node_ids, sizeof(u32), GFP_KERNEL);
	if (kn_shares_alloc(proc) || !proc->scan.count || !proc->pages || !proc->migrate ||
	    !proc->threads_running || !proc->run_mcpu || !proc->cpus_mcpu) {
		kn_proc_free(proc);
		return NULL;
	}
	return proc;
}

/**
 * kn_proc_create - start looking after a process
 * @pid: its thread group
 * @leader: its leader, for the name
 * @mm: its address space, not yet in the registry
 *
 * Takes its own references.  Return: the record, with a reference for the registry
 * only; NULL without memory.
 */
struct kn_proc *kn_proc_create(struct pid *pid, struct task_struct *leader, struct mm_struct *mm)
{
	struct kn_proc *proc = kn_proc_alloc();
	int nid;

	if (!proc)
		return NULL;
	kref_init(&proc->ref);
	mutex_init(&proc->scan.lock);
	proc->scan.due = jiffies;
	for_each_node_state(nid, N_POSSIBLE) {
		proc->migrate[nid].pass.retry_at = jiffies;
		proc->migrate[nid].pass.large_retry_at = jiffies;
	}
	proc->pid = get_pid(pid);
	proc->tgid = pid_nr(pid);
	get_task_comm(proc->comm, leader);
	mmgrab(mm);
	proc->mm = mm;
	proc->seen = true;
	proc->exempt = kn_exempt_has(pid);

	spin_lock(&kn_registry_lock);
	proc->seq = ++kn_last_seq;
	list_add_tail(&proc->list, &kn_procs);
	hash_add(kn_procs_by_mm, &proc->hash, (unsigned long)mm);
	kn_nr_procs++;
	spin_unlock(&kn_registry_lock);
	return proc;
}

/**
 * kn_proc_remove - stop looking after a process
 * @proc: in the registry; its verdict is no longer published
 */
void kn_proc_remove(struct kn_proc *proc)
{
	spin_lock(&kn_registry_lock);
	list_del_init(&proc->list);
	hash_del(&proc->hash);
	kn_nr_procs--;
	spin_unlock(&kn_registry_lock);
	kn_proc_put(proc);
}

/* kn_registry_lock held.  The first record created after @seq, or NULL. */
static struct kn_proc *kn_first_after(u64 seq)
{
	struct kn_proc *proc;

	list_for_each_entry(proc, &kn_procs, list)
		if (proc->seq > seq)
			return proc;
	return NULL;
}

/* kn_registry_lock held.  The record behind @prev, the first one for NULL; NULL at the end. */
static struct kn_proc *kn_behind(struct kn_proc *prev)
{
	if (!prev)
		return list_first_entry_or_null(&kn_procs, struct kn_proc, list);
	if (list_empty(&prev->list))
		return kn_first_after(prev->seq);
	return list_is_last(&prev->list, &kn_procs) ? NULL : list_next_entry(prev, list);
}

/**
 * kn_registry_next - iterate
 * @prev: the record before, whose reference is dropped, or NULL for the first
 *
 * Goes on rightly behind a record that was removed meanwhile, and lets others have the CPU: may
 * sleep.  Return: the next record with a reference, or NULL at the end.
 */
struct kn_proc *kn_registry_next(struct kn_proc *prev)
{
	struct kn_proc *next;

	spin_lock(&kn_registry_lock);
	next = kn_behind(prev);
	if (next)
		kref_get(&next->ref);
	spin_unlock(&kn_registry_lock);
	kn_proc_put(prev);
	cond_resched();
	return next;
}

/* Whether a node's worker has to do with a process: to scan it, or to fetch its pages. */
static bool kn_concerns(const struct kn_proc *proc, int nid)
{
	return READ_ONCE(proc->scan_nid) == nid || atomic_long_read(&proc->migrate[nid].quota) > 0;
}

/**
 * kn_registry_after - go round and round those that a node's worker has to do with
 * @prev: the record before, whose reference is dropped, or NULL
 * @nid: the node
 * @left: how many records may be looked at; less those that were
 *
 * Lets others have the CPU: may sleep.  Return: the next such record with a reference, the first
 * one after the last; NULL if there is none among those that may be looked at.
 */
struct kn_proc *kn_registry_after(struct kn_proc *prev, int nid, u32 *left)
{
	struct kn_proc *proc = prev;
	bool found = false;
	unsigned int nr;

	while (*left && !found) {
		spin_lock(&kn_registry_lock);
		for (nr = 0; nr < KN_LOOKS_AT_ONCE && *left && !found; nr++) {
			proc = kn_behind(proc) ?: kn_behind(NULL);
			*left = proc ? *left - 1 : 0;
			found = proc && kn_concerns(proc, nid);
		}
		if (proc)
			kref_get(&proc->ref);
		spin_unlock(&kn_registry_lock);
		kn_proc_put(prev);
		prev = proc;
		cond_resched();
	}
	if (found)
		return proc;
	kn_proc_put(prev);
	return NULL;
}

/**
 * kn_registry_find - the record of an address space
 * @mm: only compared
 *
 * Return: the record with a reference, or NULL.
 */
struct kn_proc *kn_registry_find(const struct mm_struct *mm)
{
	struct kn_proc *proc, *found = NULL;

	spin_lock(&kn_registry_lock);
	hash_for_each_possible(kn_procs_by_mm, proc, hash, (unsigned long)mm) {
		if (proc->mm == mm) {
			kref_get(&proc->ref);
			found = proc;
			break;
		}
	}
	spin_unlock(&kn_registry_lock);
	return found;
}

/**
 * kn_registry_count - how many records there are
 */
u32 kn_registry_count(void)
{
	return READ_ONCE(kn_nr_procs);
}

/**
 * kn_state_name - the word debugfs shows for a state
 * @state: one of enum kn_state
 */
const char *kn_state_name(enum kn_state state)
{
	static const char * const names[KN_NR_STATES] = {
		[KN_STATE_NEW] = "new",
		[KN_STATE_EXEMPT] = "exempt",
		[KN_STATE_BOUND] = "bound",
		[KN_STATE_IDLE] = "idle",
		[KN_STATE_FREE] = "free",
		[KN_STATE_SETTLED] = "settled",
		[KN_STATE_CPU] = "cpu",
		[KN_STATE_MEMORY] = "memory",
	};

	return names[state];
}

/**
 * kn_registry_exit - drop every record
 *
 * Planner thread, or no thread uses the registry any more; no verdict is published.
 */
void kn_registry_exit(void)
{
	struct kn_proc *proc, *next;

	list_for_each_entry_safe(proc, next, &kn_procs, list) {
		kref_get(&proc->ref);
		kn_proc_remove(proc);
		kn_scan_settle(proc);
		kn_proc_put(proc);
	}
}
