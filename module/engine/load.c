// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPU time each node spends on tasks that are not in the registry: what is left of
 * the kernel's own per-CPU accounting after the sampled processes and knumad itself.
 *
 * Context: planner thread only; kn_load_other_mcpu() may be asked from anywhere.
 */
#include <linux/cpumask.h>
#include <linux/kernel_stat.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/nodemask.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/tick.h>
#include <linux/topology.h>

#include "../../include/knumad.h"
#include "../compat/housekeeping.h"
#include "load.h"
#include "node.h"

static u64 kn_busy_delta_us[KNUMAD_MAX_NODES];
static DEFINE_PER_CPU(u64, kn_busy_before_us);
static DEFINE_PER_CPU(u64, kn_idle_before_us);
static u32 kn_shortage_permille[KNUMAD_MAX_NODES];
static u64 kn_elapsed_us;			/* since the measure before; 0 for the first */
static u64 kn_own_before_us;
static u64 kn_own_delta_us;
static u64 kn_sampled_us;
static u32 kn_other_mcpu[KNUMAD_MAX_NODES];	/* smoothed */

/* Not what is in the CPU's own counters: one without ticks brings them up to date rarely. */
static u64 kn_cpu_busy_us(int cpu)
{
	struct kernel_cpustat now;
	const u64 *stat = now.cpustat;

	kcpustat_cpu_fetch(&now, cpu);
	return (stat[CPUTIME_USER] + stat[CPUTIME_NICE] + stat[CPUTIME_SYSTEM] +
		stat[CPUTIME_SOFTIRQ] + stat[CPUTIME_IRQ]) / NSEC_PER_USEC;
}

/**
 * kn_load_account_own - note the CPU time knumad's own threads have used
 * @us: in all, since they began
 *
 * Without this a scan would look like load and push processes off its node.
 */
void kn_load_account_own(u64 us)
{
	kn_own_delta_us = us - kn_own_before_us;
	kn_own_before_us = us;
}

/*
 * Not what is left by the busy time: that is counted in ticks, and where the machine is a
 * guest itself some are lost.
 */
static u64 kn_cpu_idle_us(int cpu)
{
	const u64 *stat = kcpustat_cpu(cpu).cpustat;
	u64 idle_us = get_cpu_idle_time_us(cpu, NULL);

	if (idle_us == -1ULL)	/* a kernel whose idle CPUs tick */
		return (stat[CPUTIME_IDLE] + stat[CPUTIME_IOWAIT]) / NSEC_PER_USEC;
	return idle_us + get_cpu_iowait_time_us(cpu, NULL);
}

/* Part of a node's CPU time that was idle and still makes a thread's wait its own affair. */
#define KN_IDLE_PERMILLE	100

static u32 kn_shortage(int nid, u64 idle_us)
{
	u64 most_us = kn_node_nr_cpus(nid) * kn_elapsed_us;
	u64 idle_permille;

	if (!most_us)
		return 1000;
	idle_permille = idle_us * 1000 / most_us;
	return idle_permille < KN_IDLE_PERMILLE ?
	       1000 - idle_permille * 1000 / KN_IDLE_PERMILLE : 0;
}

/* How much a count has grown; reading one that its CPU is writing may show a step back. */
static u64 kn_delta(u64 now, u64 *before)
{
	u64 delta = now > *before ? now - *before : 0;

	*before = now;
	return delta;
}

/**
 * kn_load_measure - see how busy each node was since last time
 *
 * To be followed by samples of the processes, then by kn_load_sample().
 */
void kn_load_measure(void)
{
	u64 idle[KNUMAD_MAX_NODES] = { 0 };
	u64 now_us = ktime_to_us(ktime_get());
	int cpu, nid;

	kn_elapsed_us = kn_sampled_us ? now_us - kn_sampled_us : 0;
	kn_sampled_us = now_us;

	/*
	 * Isolated CPUs are no part of a node's capacity, nor then of its load.  They are counted
	 * all the same, as offline ones are, so that being given back is no burst of load; the
	 * idle time of these goes on growing, and is nobody's to use.
	 */
	memset(kn_busy_delta_us, 0, sizeof(kn_busy_delta_us));
	for_each_possible_cpu(cpu) {
		u64 busy_us = kn_delta(kn_cpu_busy_us(cpu), per_cpu_ptr(&kn_busy_before_us, cpu));
		u64 idle_us = kn_delta(kn_cpu_idle_us(cpu), per_cpu_ptr(&kn_idle_before_us, cpu));

		if (!kn_cpu_is_balanced(cpu))
			continue;
		kn_busy_delta_us[cpu_to_node(cpu)] += busy_us;
		if (cpu_online(cpu))
			idle[cpu_to_node(cpu)] += idle_us;
	}
	for (nid = 0; nid < nr_node_ids; nid++)
		kn_shortage_permille[nid] = kn_shortage(nid, idle[nid]);
}

/**
 * kn_load_shortage_permille - how far CPU time was short on a node since last time
 * @nid: the node
 *
 * A thread that waits beside idle CPUs does not wait for a CPU: it has used up a quota, or
 * may not go there.  Return: 1000 where no CPU was idle, 0 where a tenth was.
 */
u32 kn_load_shortage_permille(int nid)
{
	return kn_shortage_permille[nid];
}

/**
 * kn_load_sample - bring the figures of other tasks up to date
 * @tracked_us: [nr_node_ids] run time of the sampled processes since last time, by the
 *	node where their threads are now
 *
 * A process that moved within the interval is charged to the wrong node, but the
 * machine's total is right: what the nodes seem to have over is scaled to it.
 */
void kn_load_sample(const u64 *tracked_us)
{
	u64 over[KNUMAD_MAX_NODES];
	u64 total = 0, sum_over = 0, known = kn_own_delta_us;
	int nid;

	for (nid = 0; nid < nr_node_ids; nid++) {
		u64 delta = kn_busy_delta_us[nid];

		total += delta;
		known += tracked_us[nid];
		over[nid] = delta > tracked_us[nid] ? delta - tracked_us[nid] : 0;
		sum_over += over[nid];
	}
	total = total > known ? total - known : 0;
	if (!kn_elapsed_us)
		return;
	for (nid = 0; nid < nr_node_ids; nid++) {
		u64 us = sum_over <= total ? over[nid] :
			 mul_u64_u64_div_u64(over[nid], total, sum_over);
		u32 most = kn_node_nr_cpus(nid) * KNUMAD_MCPU_PER_CPU;
		u32 now = min_t(u64, us * KNUMAD_MCPU_PER_CPU / kn_elapsed_us, most);

		WRITE_ONCE(kn_other_mcpu[nid], (3 * kn_other_mcpu[nid] + now) / 4);
	}
}

/**
 * kn_load_reset - the next sample only sets the base, as after a time without samples
 */
void kn_load_reset(void)
{
	kn_sampled_us = 0;
	memset(kn_other_mcpu, 0, sizeof(kn_other_mcpu));
}

/**
 * kn_load_adopt - a process's demand is known from now on, and no longer other load
 * @nid: the node
 * @mcpu: its demand there
 */
void kn_load_adopt(int nid, u32 mcpu)
{
	WRITE_ONCE(kn_other_mcpu[nid], kn_other_mcpu[nid] - min(kn_other_mcpu[nid], mcpu));
}

/**
 * kn_load_other_mcpu - smoothed CPU demand of other tasks on a node
 * @nid: the node
 */
u32 kn_load_other_mcpu(int nid)
{
	return READ_ONCE(kn_other_mcpu[nid]);
}
