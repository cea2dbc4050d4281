// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPU follows memory: the load balancer and the wake-up path, biased toward home.
 *
 * Context of the two replacements: interrupts off, a runqueue lock (can_migrate_task)
 * or the woken task's ->pi_lock (select_task_rq_fair) held.  They read one published
 * verdict and per-CPU data, and touch nothing else.  No sleeping, no printing, no
 * allocation, no lock.  Everything else here is process context, called by engine/'s
 * planner thread and by module load and unload, never two at once.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/sched/idle.h>
#include <linux/sched/topology.h>
#include <linux/topology.h>

#include "../../include/knumad.h"
#include "../compat/housekeeping.h"
#include "../kern/capability.h"
#include "../kern/hook.h"
#include "bias.h"
#include "verdict.h"

/*
 * A queued thread may leave home for an idle CPU elsewhere once it has waited this
 * long and home has no idle CPU: longer than the blips of kernel threads, shorter than
 * a scheduling slice under load.
 */
#define KN_BIAS_PATIENCE_NS	(5 * NSEC_PER_MSEC)

/*
 * Where threads share a CPU in slices shorter than that none of them waits so long, but
 * one of them waits at all times: for so long it must have been so.
 */
#define KN_BIAS_SHARED_NS	NSEC_PER_MSEC

/* How many CPUs of a home one hook call looks at for an idle one, at most. */
#define KN_BIAS_MAX_PROBES	32

/* Of these so many more, once it has one whose core is not idle, for one whose is. */
#define KN_BIAS_CORE_PROBES	8

/* Each CPU goes on looking in a node behind the one it looked at last: not all find the same. */
static DEFINE_PER_CPU(int [KNUMAD_MAX_NODES], kn_probe_from);

/*
 * That a home has no idle CPU is believed for so long: a balancer asks about all threads of a
 * runqueue while it holds its lock, and looking at so many CPUs for each would take long.
 */
#define KN_BIAS_BUSY_NS	(50 * NSEC_PER_USEC)

/*
 * Of a source CPU, under its runqueue's lock: since when threads wait there in vain; and the
 * last home that was found busy, and when.
 */
struct kn_crowd {
	u64 since_ns;
	u64 last_ns;
	u64 busy_home;
	u64 busy_ns;
};

static DEFINE_PER_CPU(struct kn_crowd, kn_crowds);

static DEFINE_PER_CPU(u64 [KN_NR_BIAS_COUNTERS], kn_bias_counts);

#define kn_bias_count(name)	__this_cpu_inc(kn_bias_counts[KN_BIAS_##name])

static __always_inline bool kn_at_home(u64 home, int cpu)
{
	return home & BIT_ULL(cpu_to_node(cpu));
}

/* Isolated CPUs are their owner's. */
static __always_inline bool kn_may_run_on(int cpu)
{
	return cpu_active(cpu) && kn_cpu_is_balanced(cpu);
}

/* Interrupts off.  Whether the CPUs that share @cpu's core are idle as well. */
static notrace bool kn_core_is_idle(int cpu)
{
	int other;

	for_each_cpu(other, topology_sibling_cpumask(cpu))
		if (other != cpu && !KN_CALL(idle_cpu)(other))
			return false;
	return true;
}

/* Whether @p may share a core with no thread but its own kind (core scheduling). */
static __always_inline bool kn_wants_core(const struct task_struct *p)
{
#ifdef CONFIG_SCHED_CORE
	return p->core_cookie;
#else
	return false;
#endif
}

/*
 * Interrupts off.  An idle CPU of a node that @p may use, by at most @probes looks; or -1.  One of
 * an idle core, if a few looks more find it.
 */
static notrace int kn_idle_cpu_of(int nid, const struct task_struct *p, int probes)
{
	const struct cpumask *cpus = cpumask_of_node(nid);
	int cpu = __this_cpu_read(kn_probe_from[nid]), first = -1, half = -1;

	while (probes-- > 0) {
		cpu = cpumask_next_and(cpu, cpus, p->cpus_ptr);
		if (cpu >= nr_cpu_ids)
			cpu = cpumask_first_and(cpus, p->cpus_ptr);
		if (cpu >= nr_cpu_ids || cpu == first)
			break;
		__this_cpu_write(kn_probe_from[nid], cpu);
		if (first < 0)
			first = cpu;
		if (!KN_CALL(idle_cpu)(cpu) || !kn_may_run_on(cpu))
			continue;
		if (kn_core_is_idle(cpu))
			return cpu;
		if (half < 0 && !kn_wants_core(p)) {
			half = cpu;
			probes = min(probes, KN_BIAS_CORE_PROBES);
		}
	}
	return half;
}

/* Interrupts off.  An idle CPU of @home that @p may use, or -1; each node has its share. */
static notrace int kn_idle_home_cpu(const struct task_struct *p, u64 home)
{
	int probes = DIV_ROUND_UP(KN_BIAS_MAX_PROBES, (int)hweight64(home));
	int cpu = -1;

	for (; home && cpu < 0; home &= home - 1)
		cpu = kn_idle_cpu_of(__ffs64(home), p, probes);
	return cpu;
}

/* Runqueue lock held.  For how long @p has been queued, not running. */
static notrace s64 kn_waited_ns(const struct task_struct *p, u64 now)
{
#ifdef CONFIG_SCHED_INFO
	u64 queued = READ_ONCE(p->sched_info.last_queued);

	return queued ? (s64)(now - queued) : 0;
#else
	return S64_MAX;
#endif
}

/*
 * Runqueue lock held.  Whether @home has no idle CPU for @p, or has had none a moment ago for
 * another thread of the runqueue that @crowd is of.
 */
static notrace bool kn_home_is_busy(struct kn_crowd *crowd, const struct task_struct *p, u64 home,
				    u64 now)
{
	if (crowd->busy_home == home && now - crowd->busy_ns < KN_BIAS_BUSY_NS)
		return true;
	if (kn_idle_home_cpu(p, home) >= 0)
		return false;
	/* What holds for a thread that may not use all of it says nothing of others. */
	if (p->nr_cpus_allowed < num_online_cpus())
		return true;
	crowd->busy_home = home;
	crowd->busy_ns = now;
	return true;
}

/*
 * The lock of @crowd's runqueue held; somebody waits there, has no idle CPU at home, and an
 * idle one asks for him.  Whether it was like this each time that was asked lately: idle
 * CPUs ask once in a balancing interval of @sd.
 */
static notrace bool kn_crowded_long(struct kn_crowd *crowd, const struct sched_domain *sd, u64 now)
{
	u64 gap = KN_BIAS_PATIENCE_NS + 2 * sd->balance_interval * NSEC_PER_MSEC;

	if (now - crowd->last_ns > gap)
		crowd->since_ns = now;
	crowd->last_ns = now;
	return now - crowd->since_ns > KN_BIAS_PATIENCE_NS;
}

/*
 * Runqueue lock held.  Whether @p, at home on @cpu, is to be let go to an idle CPU: home
 * has none, and @p has waited too long, or some of those who share the CPU always wait.
 */
static notrace bool kn_lets_go(const struct task_struct *p, u64 home, int cpu,
			       const struct sched_domain *sd)
{
	struct kn_crowd *crowd = per_cpu_ptr(&kn_crowds, cpu);
	u64 now = local_clock();
	s64 waited = kn_waited_ns(p, now);

	if (waited < KN_BIAS_SHARED_NS || !kn_home_is_busy(crowd, p, home, now))
		return false;
	return kn_crowded_long(crowd, sd, now) || waited > KN_BIAS_PATIENCE_NS;
}

/*
 * Runqueue lock held.  A refused pull counts as a failed balance, and after some of
 * those the balancer stops caring for cache-hot threads and sends in the stopper.  Our
 * refusals are no such failures: the count, which the balancer raises by one after this,
 * is kept from passing its first threshold.  Where the stopper itself asks, on @src_cpu, it
 * begins at nothing: a home whose threads fill it, beside idle CPUs, would be asked for good.
 * It is @sd's of the balancing CPU, and written without a lock by the balancer as well.
 */
static notrace void kn_forgive(struct sched_domain *sd, int src_cpu)
{
	unsigned int most = sd->cache_nice_tries ? sd->cache_nice_tries - 1 : 0;

	if (smp_processor_id() == src_cpu)
		most = 0;
	if (sd->nr_balance_failed > most)
		sd->nr_balance_failed = most;
}

/*
 * Replaces can_migrate_task(): may the balancer pull @p to env->dst_cpu?
 *
 * Context: both runqueues' balancer holds the source runqueue's lock, interrupts off.
 * The original is always asked first: it keeps the balancer's own books (it clears
 * LBF_ALL_PINNED).  A 0 of its own is never overruled.
 */
static notrace int kn_can_migrate_task(struct task_struct *p, struct lb_env *env)
{
	int allowed = KN_CALL(can_migrate_task)(p, env);
	int src_cpu = KN_FIELD(env, lb_env, src_cpu, int);
	int dst_cpu = KN_FIELD(env, lb_env, dst_cpu, int);
	enum cpu_idle_type idle;
	struct sched_domain *sd;
	u64 home;

	kn_bias_count(balance_calls);
	if (!allowed) {
		kn_bias_count(balance_refused_before);
		return 0;
	}
	home = kn_verdict_home(p);
	if (!home) {
		kn_bias_count(balance_homeless);
		return allowed;
	}
	if (kn_at_home(home, dst_cpu)) {
		kn_bias_count(balance_homeward);
		return allowed;
	}
	if (!kn_at_home(home, src_cpu))
		return allowed;

	idle = KN_FIELD(env, lb_env, idle, enum cpu_idle_type);
	sd = KN_FIELD(env, lb_env, sd, struct sched_domain *);
	if ((idle == CPU_IDLE || idle == CPU_NEWLY_IDLE) && kn_lets_go(p, home, src_cpu, sd)) {
		kn_bias_count(balance_released);
		return allowed;
	}
	kn_bias_count(balance_vetoed);
	kn_forgive(sd, src_cpu);
	return 0;
}

/*
 * Where shall @p wake up, or start, when the kernel itself would choose @cpu?
 *
 * A new thread was nowhere before: @prev_cpu is its parent's, which is not to be heaped with
 * children.
 *
 * Context: @p's ->pi_lock held, interrupts off.  The caller checks the answer against
 * @p's affinity again, so a CPU that went away meanwhile is harmless.
 */
static notrace int kn_place(const struct task_struct *p, int prev_cpu, int cpu)
{
	u64 home = kn_verdict_home(p);
	int idle;

	kn_bias_count(wake_calls);
	if (!home) {
		kn_bias_count(wake_homeless);
		return cpu;
	}
	if (kn_at_home(home, cpu)) {
		kn_bias_count(wake_home);
		return cpu;
	}
	idle = kn_idle_home_cpu(p, home);
	if (idle >= 0) {
		kn_bias_count(wake_redirected);
		return idle;
	}
	if (p->se.sum_exec_runtime && !KN_CALL(idle_cpu)(cpu) && kn_at_home(home, prev_cpu) &&
	    cpumask_test_cpu(prev_cpu, p->cpus_ptr)) {
		kn_bias_count(wake_kept_home);
		return prev_cpu;
	}
	kn_bias_count(wake_away);
	return cpu;
}

/* Replaces select_task_rq_fair(); context as kn_place(). */
static notrace int kn_select_task_rq_fair(struct task_struct *p, int prev_cpu, int wake_flags)
{
	return kn_place(p, prev_cpu, KN_CALL(select_task_rq_fair)(p, prev_cpu, wake_flags));
}

/* The same with the prototype it had before. */
static notrace int kn_select_task_rq_fair_sd(struct task_struct *p, int prev_cpu, int sd_flag,
					     int wake_flags)
{
	return kn_place(p, prev_cpu,
			KN_CALL(select_task_rq_fair_sd)(p, prev_cpu, sd_flag, wake_flags));
}

/* The second one's row and replacement are those that this kernel has. */
static struct kn_hook kn_bias_hooks[] = {
	{ .row = KN_ROW_can_migrate_task, .to = (unsigned long)kn_can_migrate_task },
	{ .row = KN_ROW_select_task_rq_fair, .to = (unsigned long)kn_select_task_rq_fair },
};

/**
 * kn_bias_arm - put both hooks in; they act once verdicts are published
 *
 * Sleeps.  Return: 0, or a negative error with neither hook in.
 */
int kn_bias_arm(void)
{
	int i, err;

	if (!kn_capable(KN_CAP_BIAS))
		return -EOPNOTSUPP;
	for (i = 0; i < ARRAY_SIZE(kn_bias_hooks); i++) {
		err = kn_hook_arm(&kn_bias_hooks[i]);
		if (err) {
			kn_bias_disarm();
			return err;
		}
	}
	return 0;
}

/**
 * kn_bias_disarm - take both hooks out; none is running on return
 *
 * Sleeps.
 */
void kn_bias_disarm(void)
{
	int i;

	for (i = ARRAY_SIZE(kn_bias_hooks) - 1; i >= 0; i--)
		kn_hook_disarm(&kn_bias_hooks[i]);
}

bool kn_bias_armed(void)
{
	return READ_ONCE(kn_bias_hooks[ARRAY_SIZE(kn_bias_hooks) - 1].armed);
}

/**
 * kn_bias_counter - sum of a hook counter over all CPUs
 * @counter: which
 */
u64 kn_bias_counter(enum kn_bias_counter counter)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu(kn_bias_counts, cpu)[counter];
	return sum;
}

/**
 * kn_bias_hits - how often a hook was called
 * @hook: its row in the capability table
 */
u64 kn_bias_hits(enum kn_row hook)
{
	return kn_bias_counter(hook == KN_ROW_can_migrate_task ? KN_BIAS_balance_calls :
			       KN_BIAS_wake_calls);
}

/**
 * kn_bias_init - prepare the hooks, and prove once that they can be put in
 *
 * They are put in for good only while there are verdicts to act on.  A kernel that
 * does not let them in loses the capability, not the module.
 */
int kn_bias_init(void)
{
	int i;

	if (KN_HAS(select_task_rq_fair_sd)) {
		kn_bias_hooks[1].row = KN_ROW_select_task_rq_fair_sd;
		kn_bias_hooks[1].to = (unsigned long)kn_select_task_rq_fair_sd;
	}
	for (i = 0; i < ARRAY_SIZE(kn_bias_hooks) && kn_capable(KN_CAP_BIAS); i++)
		if (kn_hook_prepare(&kn_bias_hooks[i]))
			kn_capability_lost(KN_CAP_BIAS);
	if (kn_capable(KN_CAP_BIAS) && kn_bias_arm())
		kn_capability_lost(KN_CAP_BIAS);
	kn_bias_disarm();
	return 0;
}

void kn_bias_exit(void)
{
	int i;

	kn_bias_disarm();
	for (i = 0; i < ARRAY_SIZE(kn_bias_hooks); i++)
		kn_hook_forget(&kn_bias_hooks[i]);
}
