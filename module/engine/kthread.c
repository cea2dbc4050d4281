// SPDX-License-Identifier: GPL-2.0-only
/*
 * knumad's threads of a node, at most one of each kind.
 *
 * Context: they come and go with the module, before the planner begins and after it has
 * ended; whether they exist may be asked at any time.  May sleep, but for that.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/topology.h>

#include "../../include/knumad.h"
#include "../compat/housekeeping.h"
#include "kthread.h"

static const char *const kn_kthread_names[KN_NR_KTHREADS] = {
	[KN_KTHREAD_WORKER] = "knumad",
	[KN_KTHREAD_COPIER] = "knumad_copy",
};

static struct task_struct *kn_kthreads[KNUMAD_MAX_NODES][KN_NR_KTHREADS];

static DEFINE_MUTEX(kn_kthread_lock);		/* a leaf */
static struct cpumask kn_kthread_mask;		/* under it: too large for a stack */

/* Binds a node's thread to the node's CPUs that are neither isolated nor meant to be quiet. */
static void kn_kthread_bind(struct task_struct *task, int nid)
{
	unsigned int cpu;

	mutex_lock(&kn_kthread_lock);
	cpumask_clear(&kn_kthread_mask);
	for_each_cpu(cpu, cpumask_of_node(nid))
		if (kn_cpu_is_balanced(cpu) && !kn_cpu_is_quiet(cpu))
			cpumask_set_cpu(cpu, &kn_kthread_mask);
	if (!cpumask_empty(&kn_kthread_mask))
		kn_bind_kthread(task, &kn_kthread_mask);
	mutex_unlock(&kn_kthread_lock);
}

/**
 * kn_kthread_start - have a node's thread run
 * @kind: what it is for
 * @nid: the node; one without CPUs for it gets a thread that may run anywhere
 * @fn: what it runs, until kthread_should_stop()
 * @data: for @fn
 *
 * Module load.  Return: 0, or a negative error that was said.
 */
int kn_kthread_start(enum kn_kthread kind, int nid, int (*fn)(void *data), void *data)
{
	struct task_struct *task;

	task = kthread_create_on_node(fn, data, kn_kthread_node(nid), "%s/%d",
				      kn_kthread_names[kind], nid);
	if (IS_ERR(task)) {
		pr_err("not loaded: expected to start thread %s/%d, got error %ld\n",
		       kn_kthread_names[kind], nid, PTR_ERR(task));
		return PTR_ERR(task);
	}
	kn_kthread_bind(task, nid);
	kn_kthreads[nid][kind] = get_task_struct(task);
	wake_up_process(task);
	return 0;
}

/**
 * kn_kthread_stop - end a node's thread, if there is one, and wait for it
 * @kind: what it is for
 * @nid: the node
 */
void kn_kthread_stop(enum kn_kthread kind, int nid)
{
	struct task_struct *task = kn_kthreads[nid][kind];

	if (!task)
		return;
	kthread_stop(task);
	put_task_struct(task);
	kn_kthreads[nid][kind] = NULL;
}

/**
 * kn_kthreads_rebind - have a node's threads back on its CPUs, should these have been offline
 * @nid: the node
 *
 * The node's worker.  What an administrator has bound them to stays.
 */
void kn_kthreads_rebind(int nid)
{
	int kind;

	for (kind = 0; kind < KN_NR_KTHREADS; kind++)
		if (kn_kthreads[nid][kind] && kn_kthread_is_unbound(kn_kthreads[nid][kind]))
			kn_kthread_bind(kn_kthreads[nid][kind], nid);
}

/**
 * kn_kthread_exists - whether a node has such a thread
 * @kind: what it is for
 * @nid: the node
 */
bool kn_kthread_exists(enum kn_kthread kind, int nid)
{
	return kn_kthreads[nid][kind];
}

/**
 * kn_kthreads_on - how many of its node's threads are running or queued on a CPU
 * @cpu: the CPU
 */
unsigned int kn_kthreads_on(int cpu)
{
	struct task_struct *const *tasks = kn_kthreads[cpu_to_node(cpu)];
	unsigned int kind, on = 0;

	for (kind = 0; kind < KN_NR_KTHREADS; kind++)
		on += tasks[kind] && READ_ONCE(tasks[kind]->on_rq) && task_cpu(tasks[kind]) == cpu;
	return on;
}

/**
 * kn_kthreads_us - CPU time that all of them have used, in microseconds
 */
u64 kn_kthreads_us(void)
{
	u64 ns = 0;
	int nid, kind;

	for (nid = 0; nid < KNUMAD_MAX_NODES; nid++)
		for (kind = 0; kind < KN_NR_KTHREADS; kind++)
			if (kn_kthreads[nid][kind])
				ns += kn_kthreads[nid][kind]->se.sum_exec_runtime;
	return ns / NSEC_PER_USEC;
}
