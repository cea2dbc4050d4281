// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moves CPU-bound threads home.  A thread that never sleeps is never placed by the
 * wake-up hook, and where all CPUs are busy the balancer has no reason to move it.
 *
 * Context: planner thread, holding no lock; migrate_task_to() and migrate_swap() sleep.
 * Affinity masks are respected and never written: both functions refuse a CPU outside
 * them.  What they return is not trusted: a thread still away is seen again next pass.
 */
#include <linux/cpumask.h>
#include <linux/percpu.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/topology.h>

#include "../../include/knumad_trace.h"
#include "../compat/housekeeping.h"
#include "../compat/runnable.h"
#include "../kern/capability.h"
#include "each_thread.h"
#include "kthread.h"
#include "registry.h"
#include "stats.h"
#include "threads.h"
#include "uses.h"

/* Threads brought home in one pass; the others have their turn in the next. */
#define KN_AWAY_MAX	256

/* migrate_swap() gives -EAGAIN when one of the two moved meanwhile. */
#define KN_SWAP_TRIES	3

/* A runnable thread away from its home. */
struct kn_away {
	struct task_struct *task;	/* with a reference; NULL once dealt with */
	pid_t tgid;
	int cpu;			/* where it was seen */
	u64 home;
};

static struct kn_away kn_away[KN_AWAY_MAX];	/* planner thread only */
static struct cpumask kn_taken;			/* CPUs given away in this pass */

static bool kn_cpu_in(u64 nodes, int cpu)
{
	return nodes & BIT_ULL(cpu_to_node(cpu));
}

/*
 * Runnable tasks on @cpu but for knumad's own: the planner runs this very moment, often
 * on the CPU that is idle otherwise, and both give way in no time.
 */
static unsigned int kn_cpu_nr_running(int cpu)
{
	void *rq = (void *)(kn_row_value[KN_ROW_runqueues] + per_cpu_offset(cpu));
	unsigned int nr = READ_ONCE(KN_FIELD(rq, rq, nr_running, unsigned int));
	unsigned int own = (cpu == task_cpu(current)) + kn_kthreads_on(cpu);

	return nr > own ? nr - own : 0;
}

/*
 * RCU.  Whether @t runs, or wants to, where it does not belong, and is ours to move: workers of
 * io_uring are the kernel's; one that exits goes nowhere any more.
 */
static bool kn_is_away(const struct task_struct *t, u64 home, int cpu)
{
	return kn_task_runnable(t) && !kn_cpu_in(home, cpu) && kn_thread_is_fair(t) &&
	       t->nr_cpus_allowed > 1 && !(t->flags & (PF_IO_WORKER | PF_EXITING)) &&
	       kn_cpu_is_balanced(cpu);
}

/*
 * Collects the runnable threads of @proc that are away, those first that have not had their turn;
 * returns the new fill level.
 */
static int kn_collect_away(struct kn_proc *proc, int nr)
{
	u32 skip = proc->away_skip, seen = 0, walked = 0;
	struct task_struct *leader, *t;

	rcu_read_lock();
	leader = pid_task(proc->pid, PIDTYPE_TGID);
	if (leader) {
		for_each_thread(leader, t) {
			u64 home = kn_uses_home(proc, t->pid);
			int cpu = task_cpu(t);

			if (nr == KN_AWAY_MAX || !kn_walk_goes_on(leader, t, &walked))
				break;
			if (!kn_is_away(t, home, cpu) || seen++ < skip)
				continue;
			kn_away[nr++] = (struct kn_away) {
				.task = get_task_struct(t),
				.tgid = proc->tgid,
				.cpu = cpu,
				.home = home,
			};
		}
	}
	rcu_read_unlock();
	proc->away_skip = nr == KN_AWAY_MAX ? seen : 0;
	return nr;
}

/*
 * Collects from all processes, beginning behind the one that filled the list last time,
 * so that threads which cannot be moved do not keep others from their turn.
 */
static int kn_collect_all(u32 min_demand_mcpu)
{
	static u64 begin_seq;
	u64 first = begin_seq;
	struct kn_proc *proc;
	int round, nr = 0;

	for (round = 0; round < 2; round++) {
		for (proc = kn_registry_next(NULL); proc; proc = kn_registry_next(proc)) {
			bool behind = proc->seq > first;

			if (behind != !round || !proc->seen || !proc->home || nr == KN_AWAY_MAX ||
			    proc->demand_mcpu < min_demand_mcpu)
				continue;
			nr = kn_collect_away(proc, nr);
			if (nr == KN_AWAY_MAX)
				begin_seq = proc->seq;
		}
	}
	return nr;
}

static void kn_moved(const struct kn_away *a, int to_cpu, pid_t partner, int ret)
{
	trace_knumad_thread_move(a->tgid, a->task->pid, a->cpu, to_cpu, cpu_to_node(a->cpu),
				 cpu_to_node(to_cpu), partner, ret);
	if (ret)
		kn_stat_inc(threads_move_failed);
	else if (partner)
		kn_stat_inc(threads_swapped);
	else
		kn_stat_inc(threads_moved);
}

static void kn_done(struct kn_away *a)
{
	put_task_struct(a->task);
	a->task = NULL;
}

/* Runnable threads of the CPUs that share @cpu's core, and those that were moved there just now. */
static unsigned int kn_core_load(int cpu)
{
	unsigned int nr = 0;
	int other;

	for_each_cpu(other, topology_sibling_cpumask(cpu))
		if (other != cpu)
			nr += kn_cpu_nr_running(other) + cpumask_test_cpu(other, &kn_taken);
	return nr;
}

/*
 * The CPU of home to move @a to: an idle one, of an idle core if there is one, else one with
 * fewer runnable threads than where it is now, so that no move makes a queue longer than the one
 * it left.
 */
static int kn_better_cpu(const struct kn_away *a)
{
	unsigned int least = kn_cpu_nr_running(a->cpu), least_core = UINT_MAX;
	int best = -1, cpu;

	for_each_cpu_and(cpu, &a->task->cpus_mask, cpu_active_mask) {
		unsigned int nr, core;

		if (!kn_cpu_in(a->home, cpu) || cpumask_test_cpu(cpu, &kn_taken) ||
		    !kn_cpu_is_balanced(cpu))
			continue;
		nr = kn_cpu_nr_running(cpu);
		if (nr > least || (nr == least && best < 0))
			continue;
		core = kn_core_load(cpu);
		if (nr < least || core < least_core) {
			least = nr;
			least_core = core;
			best = cpu;
		}
		if (!nr && !core)
			break;
	}
	return best;
}

/* Returns whether it moved; what was tried leaves the list. */
static bool kn_move_alone(struct kn_away *a)
{
	int cpu = kn_better_cpu(a);
	int ret;

	if (cpu < 0)
		return false;
	ret = KN_CALL(migrate_task_to)(a->task, cpu);
	kn_moved(a, cpu, 0, ret);
	if (!ret)
		cpumask_set_cpu(cpu, &kn_taken);
	kn_done(a);
	return !ret;
}

/* Distance from @cpu to the nearest node of @home. */
static int kn_distance_home(u64 home, int cpu)
{
	int least = INT_MAX;
	u64 rest;

	for (rest = home; rest; rest &= rest - 1)
		least = min(least, node_distance(cpu_to_node(cpu), __ffs64(rest)));
	return least;
}

/*
 * Whether @a comes home by changing places with @b, and @b does too, or if not @both at
 * least gets no farther from its home.
 */
static bool kn_may_swap(const struct kn_away *a, const struct kn_away *b, bool both)
{
	return kn_cpu_in(a->home, b->cpu) &&
	       (both ? kn_cpu_in(b->home, a->cpu) :
		kn_distance_home(b->home, a->cpu) <= kn_distance_home(b->home, b->cpu));
}

static struct kn_away *kn_find_partner(const struct kn_away *a, int nr, bool both)
{
	int i;

	for (i = 0; i < nr; i++) {
		struct kn_away *b = &kn_away[i];

		if (b->task && b != a && kn_may_swap(a, b, both) &&
		    cpumask_test_cpu(b->cpu, &a->task->cpus_mask) &&
		    cpumask_test_cpu(a->cpu, &b->task->cpus_mask))
			return b;
	}
	return NULL;
}

/*
 * True if there was a partner; one that does not come home by it stays in the list.  @swaps
 * counts those that were carried out.
 */
static bool kn_swap(struct kn_away *a, int nr, bool both, unsigned int *swaps)
{
	struct kn_away *b = kn_find_partner(a, nr, both);
	int tries, ret = -EAGAIN;

	if (!b)
		return false;
	for (tries = 0; tries < KN_SWAP_TRIES && ret == -EAGAIN; tries++) {
		a->cpu = task_cpu(a->task);
		b->cpu = task_cpu(b->task);
		if (!kn_may_swap(a, b, both))
			break;
		ret = KN_CALL(migrate_swap)(a->task, b->task, b->cpu, a->cpu);
	}
	kn_moved(a, b->cpu, b->task->pid, ret);
	kn_moved(b, a->cpu, a->task->pid, ret);
	*swaps += !ret;
	if (both || ret)
		kn_done(b);
	else
		b->cpu = a->cpu;
	kn_done(a);
	return true;
}

/*
 * Changes places until nobody finds a partner any more: each time at least one thread
 * leaves the list.
 */
static unsigned int kn_swap_all(int nr, bool both)
{
	unsigned int swaps = 0;
	bool again = true;
	int i;

	while (again) {
		again = false;
		for (i = 0; i < nr; i++) {
			if (!kn_away[i].task)
				continue;
			if (kn_swap(&kn_away[i], nr, true, &swaps) ||
			    (!both && kn_swap(&kn_away[i], nr, false, &swaps)))
				again = !both;
		}
	}
	return swaps;
}

/**
 * kn_threads_go_home - one round: bring home what can be brought home now
 * @min_demand_mcpu: of processes that want at least so much CPU time
 * @moved: receives how many threads were moved
 *
 * Swaps first: they change nobody's load.  What finds no partner moves alone, onto an
 * idle or at least less loaded CPU; or else changes places with one that stays away, as
 * in a ring of three.  Nothing is moved where that would lengthen a queue.
 *
 * Return: how many threads are still away, having found no place at this moment.
 */
unsigned int kn_threads_go_home(u32 min_demand_mcpu, unsigned int *moved)
{
	unsigned int alone = 0, swaps, left = 0;
	int nr, i;

	*moved = 0;
	if (!kn_capable(KN_CAP_MOVE))
		return 0;
	cpumask_clear(&kn_taken);
	nr = kn_collect_all(min_demand_mcpu);
	swaps = kn_swap_all(nr, true);
	for (i = 0; i < nr; i++)
		if (kn_away[i].task && kn_move_alone(&kn_away[i]))
			alone++;
	swaps += kn_swap_all(nr, false);
	for (i = 0; i < nr; i++) {
		if (!kn_away[i].task)
			continue;
		left++;
		kn_stat_inc(threads_no_room);
		kn_done(&kn_away[i]);
	}
	*moved = alone + 2 * swaps;
	return left;
}
