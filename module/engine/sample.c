// SPDX-License-Identifier: GPL-2.0-only
/*
 * Samples a process's threads: how much CPU they want, where they are, and where they
 * and their memory may go.
 *
 * Context: planner thread.  The walk over the threads is an RCU section without sleeping, left
 * now and then where others want the CPU; per thread it reads a few words, and takes the task lock
 * only where the thread has a memory policy.
 */
#include <linux/cpumask.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/topology.h>

#include "../compat/housekeeping.h"
#include "../compat/mempolicy.h"
#include "../compat/runnable.h"
#include "discover.h"
#include "each_thread.h"
#include "exempt.h"
#include "kthread.h"
#include "load.h"
#include "node.h"
#include "threads.h"

/* What one walk over the threads has found. */
struct kn_sample {
	u64 run_ns;
	u64 stays_ns;			/* of @run_ns, of threads that are not moved */
	u64 wait_ns;
	u32 nr_threads;
	u32 nr_running;
	u32 nr_throttled;		/* of these, held back by a CPU quota */
	u64 cpu_nodes;
	u64 mem_nodes;
	bool all_cpus;			/* a thread may run on any */
	bool cut;			/* not all threads were seen */
	u32 running[KNUMAD_MAX_NODES];	/* of @nr_running, by the node they are on */
	u32 placed[KNUMAD_MAX_NODES];	/* threads, asleep or not */
};

/* Online nodes, and those with CPUs, when the samples under way began. */
static u64 kn_nodes, kn_cpu_nodes;

/* The CPUs that were capacity then, and how many of them each node had. */
static struct cpumask kn_capacity;
static u32 kn_capacity_nr[KNUMAD_MAX_NODES];

/* Of the sample under way: the CPUs of all affinities together, unless a thread may run on any. */
static struct cpumask kn_allowed;

/* Planner thread.  How many CPUs of @mask are of node @nid. */
static u32 kn_nr_cpus_in(const struct cpumask *mask, int nid)
{
	static struct cpumask here;

	cpumask_and(&here, mask, cpumask_of_node(nid));
	return cpumask_weight(&here);
}

/* Planner thread. */
static void kn_see_capacity(void)
{
	int cpu, nid;

	cpumask_clear(&kn_capacity);
	for_each_online_cpu(cpu)
		if (kn_cpu_is_balanced(cpu))
			cpumask_set_cpu(cpu, &kn_capacity);
	for_each_online_node(nid)
		kn_capacity_nr[nid] = kn_nr_cpus_in(&kn_capacity, nid);
}

/**
 * kn_sample_begin - before the samples of one pass: see which nodes there are
 */
void kn_sample_begin(void)
{
	int nid;

	kn_nodes = 0;
	kn_cpu_nodes = 0;
	for_each_online_node(nid) {
		kn_nodes |= BIT_ULL(nid);
		if (kn_node_has_cpus(nid))
			kn_cpu_nodes |= BIT_ULL(nid);
	}
	kn_see_capacity();
}

/*
 * RCU.  The nodes with a CPU that @t's affinity allows.  The kernel has workers of io_uring stay
 * on the node where they were asked for (before 6.3): nobody has bound the process by that.
 */
static u64 kn_thread_cpu_nodes(const struct task_struct *t, u64 nodes)
{
	u64 allowed = 0, rest;

	if (t->nr_cpus_allowed >= num_possible_cpus() || (t->flags & PF_IO_WORKER))
		return nodes;
	for (rest = nodes; rest; rest &= rest - 1) {
		int nid = __ffs64(rest);

		if (cpumask_intersects(&t->cpus_mask, cpumask_of_node(nid)))
			allowed |= BIT_ULL(nid);
	}
	return allowed;
}

/*
 * RCU.  Adds the CPUs that @t's affinity allows to those of its process.  One look at them for each
 * thread; none once it is known that they are all.
 */
static void kn_add_cpus(const struct task_struct *t, struct kn_sample *s)
{
	if (s->all_cpus || (t->flags & PF_IO_WORKER))
		return;
	if (t->nr_cpus_allowed >= num_possible_cpus())
		s->all_cpus = true;
	else
		cpumask_or(&kn_allowed, &kn_allowed, &t->cpus_mask);
}

/*
 * RCU, which keeps the queue of a task's group until after the task has left it.  Whether a CPU
 * quota keeps @t, which is runnable, from running: of its group, or of one above.
 */
static bool kn_is_throttled(const struct task_struct *t)
{
#ifdef CONFIG_FAIR_GROUP_SCHED
	const void *cfs_rq = READ_ONCE(t->se.cfs_rq);

	return kn_capable(KN_CAP_QUOTA) && !READ_ONCE(t->on_cpu) && cfs_rq &&
	       READ_ONCE(KN_FIELD(cfs_rq, cfs_rq, throttle_count, const int)) > 0;
#else
	return false;
#endif
}

/* RCU.  Whether @t allocates by a policy other than "where I run". */
static bool kn_thread_has_policy(struct task_struct *t)
{
	bool has;

	if (!READ_ONCE(t->mempolicy))
		return false;
	task_lock(t);
	has = kn_policy_binds(t->mempolicy);
	task_unlock(t);
	return has;
}

/* RCU.  The nodes @t's cpuset lets it have memory on. */
static u64 kn_thread_mem_nodes(const struct task_struct *t, u64 nodes)
{
	u64 rest, allowed = nodes;

	for (rest = nodes; rest; rest &= rest - 1)
		if (!node_isset(__ffs64(rest), t->mems_allowed))
			allowed &= ~BIT_ULL(__ffs64(rest));
	return allowed;
}

static void kn_sample_threads(struct kn_proc *proc, struct kn_sample *s)
{
	u64 with_cpus = s->cpu_nodes, with_memory = s->mem_nodes;
	struct task_struct *leader, *t;
	u32 walked = 0;

	cpumask_clear(&kn_allowed);
	rcu_read_lock();
	leader = pid_task(proc->pid, PIDTYPE_TGID);
	s->cut = !leader;
	if (!leader)
		goto out;
	s->run_ns = READ_ONCE(leader->signal->sum_sched_runtime);
	for_each_thread(leader, t) {
		if (!kn_walk_goes_on(leader, t, &walked)) {
			/*
			 * Those that were not reached are as they were: bound ones stay bound.
			 * Without either the record is new, or was exempt.
			 */
			if (proc->cpu_nodes | proc->mem_nodes) {
				s->cpu_nodes &= proc->cpu_nodes;
				s->mem_nodes &= proc->mem_nodes;
			}
			s->run_ns = max(s->run_ns, proc->run_ns);
			s->wait_ns = max(s->wait_ns, proc->wait_ns);
			s->stays_ns = max(s->stays_ns, proc->stays_ns);
			s->cut = true;
			break;
		}
		s->cpu_nodes &= kn_thread_cpu_nodes(t, with_cpus);
		kn_add_cpus(t, s);
		s->mem_nodes &= kn_thread_mem_nodes(t, with_memory);
		if (kn_thread_has_policy(t))
			s->mem_nodes = 0;
		/* On a CPU set apart at boot it binds its process, but is no load to place. */
		if (!kn_cpu_is_balanced(task_cpu(t)))
			continue;
		s->nr_threads++;
		s->run_ns += t->se.sum_exec_runtime;
		if (kn_capable(KN_CAP_MOVE) && !kn_thread_is_fair(t))
			s->stays_ns += t->se.sum_exec_runtime;
#ifdef CONFIG_SCHED_INFO
		s->wait_ns += t->sched_info.run_delay;
#endif
		s->placed[cpu_to_node(task_cpu(t))]++;
		if (kn_task_runnable(t)) {
			s->running[cpu_to_node(task_cpu(t))]++;
			s->nr_running++;
			s->nr_throttled += kn_is_throttled(t);
		}
	}
out:
	rcu_read_unlock();
}

/*
 * Planner thread; after kn_sample_threads().  Sees whether affinities (a cpuset, mostly) leave
 * a process part of a node's CPUs alone: then that part is all it has there.
 */
static void kn_limit_cpus(struct kn_proc *proc, const struct kn_sample *s)
{
	u64 rest;

	if (s->cut)
		return;
	proc->has_part = false;
	if (s->all_cpus || cpumask_subset(&kn_capacity, &kn_allowed))
		return;
	cpumask_and(&kn_allowed, &kn_allowed, &kn_capacity);
	for (rest = s->cpu_nodes; rest; rest &= rest - 1) {
		int nid = __ffs64(rest);
		u32 nr = kn_nr_cpus_in(&kn_allowed, nid);

		proc->cpus_mcpu[nid] = nr * KNUMAD_MCPU_PER_CPU;
		if (nr < kn_capacity_nr[nid])
			proc->has_part = true;
	}
}

/*
 * The worker to scan it: that of the node with most of its memory, so that page tables
 * and counts are near; before the first scan, that of the node with most of its threads.
 */
static int kn_scan_nid(const struct kn_proc *proc)
{
	long most = -1;
	int nid, best = NUMA_NO_NODE;

	for (nid = 0; nid < nr_node_ids; nid++) {
		long here = atomic_long_read(&proc->pages[nid].movable) +
			    atomic_long_read(&proc->pages[nid].fixed) +
			    atomic_long_read(&proc->pages[nid].shared);

		if (!READ_ONCE(proc->scan.complete))
			here = proc->threads_running[nid];
		if (here > most && kn_kthread_exists(KN_KTHREAD_WORKER, nid)) {
			most = here;
			best = nid;
		}
	}
	return best;
}

/* Half the old value, half the new: a change shows within two or three passes. */
static u32 kn_smooth(u32 old, u64 now, bool first)
{
	return first ? now : (old + now) / 2;
}

/* Permille of its run time from which a process counts as one whose threads stay, and no longer. */
#define KN_STAYS_PERMILLE	500
#define KN_LEAVES_PERMILLE	350

/*
 * What part of @run, since the sample before, was of threads that are not moved, smoothed: one
 * that changes its class, or has another's for a moment, takes all it ever ran along.
 */
static void kn_see_stays(struct kn_proc *proc, const struct kn_sample *s, u64 run)
{
	u64 stays = s->stays_ns > proc->stays_ns ? s->stays_ns - proc->stays_ns : 0;

	proc->stays_ns = s->stays_ns;
	if (!run)
		return;
	proc->stays_permille = kn_smooth(proc->stays_permille, min(stays, run) * 1000 / run, false);
	proc->stays = proc->stays_permille > (proc->stays ? KN_LEAVES_PERMILLE : KN_STAYS_PERMILLE);
}

/* Permille of a process's runnable threads from which, if throttled, none waits for a CPU. */
#define KN_THROTTLED_PERMILLE	250

/*
 * The part of a process's wait that was for a CPU, by where its threads are.  One that is throttled
 * would not run more if it never waited: its quota would only be used up sooner.
 */
static u64 kn_wait_for_cpus(struct kn_proc *proc, const struct kn_sample *s, u64 wait)
{
	const u32 *threads = s->nr_running ? s->running : s->placed;
	u32 all = s->nr_running ?: s->nr_threads;
	u64 sum = 0;
	int nid;

	if (s->nr_running)
		proc->throttled_permille = kn_smooth(proc->throttled_permille,
						     s->nr_throttled * 1000ULL / s->nr_running,
						     false);
	wait -= wait * min_t(u32, proc->throttled_permille, KN_THROTTLED_PERMILLE) /
		KN_THROTTLED_PERMILLE;
	for (nid = 0; nid < nr_node_ids && all; nid++)
		sum += (u64)threads[nid] * kn_load_shortage_permille(nid);
	return all ? wait / all * sum / 1000 : 0;
}

/* Others read these at any time: each is of this sample, or of the one before. */
static void kn_publish_running(struct kn_proc *proc, const struct kn_sample *s)
{
	int nid;

	for (nid = 0; nid < nr_node_ids && !s->cut; nid++)
		WRITE_ONCE(proc->threads_running[nid], s->running[nid]);
}

/**
 * kn_sample_exempt - see whether the operator wants a process left alone
 * @proc: its record; if so it may go nowhere
 */
void kn_sample_exempt(struct kn_proc *proc)
{
	WRITE_ONCE(proc->exempt, kn_exempt_has(proc->pid));
	if (!proc->exempt)
		return;
	proc->cpu_nodes = 0;
	proc->mem_nodes = 0;
}

/**
 * kn_sample - take a process's CPU demand, threads and limits
 * @proc: its record; after kn_sample_begin() and kn_load_measure()
 *
 * Demand is run time plus time spent runnable but waiting where CPU time was short, if no quota
 * throttles it, so that an overloaded node shows and a CPU quota does not.  The first sample of
 * a process only sets the base.
 */
void kn_sample(struct kn_proc *proc)
{
	struct kn_sample s = {
		.cpu_nodes = kn_cpu_nodes,
		.mem_nodes = kn_nodes,
	};
	u64 before_ns = proc->sampled_ns;
	u64 run, wait, elapsed_ns, demand;
	int nid;

	kn_sample_threads(proc, &s);
	kn_publish_running(proc, &s);
	proc->sampled_ns = ktime_get_ns();
	elapsed_ns = max_t(u64, proc->sampled_ns - before_ns, NSEC_PER_MSEC);

	/*
	 * A thread that exited took its wait time along: the sums may step back.  One that
	 * exits in the middle of a sample shows all it ever ran in the next.
	 */
	run = s.run_ns > proc->run_ns ? s.run_ns - proc->run_ns : 0;
	wait = s.wait_ns > proc->wait_ns ? s.wait_ns - proc->wait_ns : 0;
	proc->run_ns = s.run_ns;
	proc->wait_ns = s.wait_ns;
	kn_see_stays(proc, &s, before_ns ? run : 0);
	proc->nr_threads = s.nr_threads;
	WRITE_ONCE(proc->scan_nid, kn_scan_nid(proc));
	proc->cpu_nodes = s.cpu_nodes;
	proc->mem_nodes = s.mem_nodes;
	kn_limit_cpus(proc, &s);
	if (!before_ns)
		return;

	run = min_t(u64, run, (s.nr_threads + 1) * elapsed_ns);
	proc->run_delta_us = run / NSEC_PER_USEC;
	wait = kn_wait_for_cpus(proc, &s, wait);
	demand = (run + wait) * KNUMAD_MCPU_PER_CPU / elapsed_ns;
	demand = min_t(u64, demand, (u64)s.nr_threads * KNUMAD_MCPU_PER_CPU);
	proc->demand_mcpu = kn_smooth(proc->demand_mcpu, demand, !proc->sampled);
	for (nid = 0; nid < nr_node_ids; nid++) {
		u64 here = s.nr_running ? demand * s.running[nid] / s.nr_running :
			   s.nr_threads ? demand * s.placed[nid] / s.nr_threads : 0;

		proc->run_mcpu[nid] = kn_smooth(proc->run_mcpu[nid], here, !proc->sampled);
		if (!proc->sampled)
			kn_load_adopt(nid, here);
	}
	proc->sampled = true;
}
