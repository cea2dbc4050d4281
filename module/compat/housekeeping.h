/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One concept: the CPUs the load balancer works on (not isolcpus=), and those that a
 * node's kernel thread may use (not nohz_full= either).
 *
 * enum hk_flags became enum hk_type in "sched/isolation: Use single feature type while
 * referring to housekeeping cpumask" (v5.18).  HK_TYPE_KTHREAD became another name, of
 * HK_TYPE_KERNEL_NOISE first, in "sched/isolation: Consolidate housekeeping cpumasks
 * that are always identical" (v6.15).  Since "cpuset: Update HK_TYPE_DOMAIN cpumask from
 * cpuset" (v7.0) the mask changes at run time and the old one is freed: it is asked for
 * each time, never kept.  Before that, cpuset's isolated partitions are in a mask of their own
 * since "cgroup/cpuset: Keep track of CPUs in isolated partitions" (v6.8), and in none earlier.
 *
 * A thread made for a node chooses its own CPUs at its first wake-up, unless told
 * otherwise, since "kthread: Implement preferred affinity" (v6.14).  Since then, too, it comes back
 * to them when they come online; before, it is allowed everywhere once all of them were offline.
 * Modules can tell it since "ipvs: Fix estimator kthreads preferred affinity" (v6.17).  In between
 * a thread is made for no node, which has it wake up on the housekeeping CPUs and then left
 * alone: it is bound after that.
 */
#ifndef KNUMAD_COMPAT_HOUSEKEEPING_H
#define KNUMAD_COMPAT_HOUSEKEEPING_H

#include <linux/cpumask.h>
#include <linux/cpuset.h>
#include <linux/kthread.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/isolation.h>
#include <linux/version.h>

/* Any context, scheduler hooks included. */
static inline bool kn_cpu_is_balanced(int cpu)
{
	bool is;

	rcu_read_lock();
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 18, 0)
	is = housekeeping_test_cpu(cpu, HK_TYPE_DOMAIN);
#else
	is = housekeeping_test_cpu(cpu, HK_FLAG_DOMAIN);
#endif
	rcu_read_unlock();
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0) && LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
	is = is && !cpuset_cpu_is_isolated(cpu);
#endif
	return is;
}

/* Any context. */
static inline bool kn_cpu_is_quiet(int cpu)
{
	bool is;

	rcu_read_lock();
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
	is = !housekeeping_test_cpu(cpu, HK_TYPE_KERNEL_NOISE);
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(5, 18, 0)
	is = !housekeeping_test_cpu(cpu, HK_TYPE_KTHREAD);
#else
	is = !housekeeping_test_cpu(cpu, HK_FLAG_KTHREAD);
#endif
	rcu_read_unlock();
	return is;
}

/* The node that a thread for node @nid is to be made for. */
static inline int kn_kthread_node(int nid)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 14, 0) && LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
	return NUMA_NO_NODE;
#else
	return nid;
#endif
}

/* Process context; @task has not run yet, or kn_kthread_is_unbound().  @cpus is not empty. */
static inline void kn_bind_kthread(struct task_struct *task, const struct cpumask *cpus)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
	kthread_affine_preferred(task, cpus);
#else
	set_cpus_allowed_ptr(task, cpus);
#endif
}

/* Any context.  Whether nothing binds @task to the CPUs that kn_bind_kthread() was told. */
static inline bool kn_kthread_is_unbound(const struct task_struct *task)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
	return false;
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 14, 0)
	return cpumask_equal(task->cpus_ptr, cpu_possible_mask) ||
	       cpumask_equal(task->cpus_ptr, housekeeping_cpumask(HK_TYPE_KTHREAD));
#else
	return cpumask_equal(task->cpus_ptr, cpu_possible_mask);
#endif
}

#endif /* KNUMAD_COMPAT_HOUSEKEEPING_H */
