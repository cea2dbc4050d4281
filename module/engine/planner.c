// SPDX-License-Identifier: GPL-2.0-only
/*
 * The planner thread: every scan_period_ms it discovers, samples, plans, publishes the
 * verdicts and brings threads home.  It alone applies a change of mode, so nothing that
 * follows from the mode needs a lock.
 *
 * Context: a kernel thread of ordinary priority, freezable.  Its work is short, and for
 * some of it the whole kernel waits (the lock that serialises code patching, the
 * stopper threads), so it must not be kept off the CPU half-way.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/freezer.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/wait.h>

#include "../kern/capability.h"
#include "../sched/bias.h"
#include "config.h"
#include "discover.h"
#include "engine.h"
#include "exempt.h"
#include "kthread.h"
#include "load.h"
#include "numab.h"
#include "plan.h"
#include "scan.h"
#include "stats.h"
#include "threads.h"

/* Hooks without a verdict cost every wake-up a little: they go after so many passes. */
#define KN_PASSES_TO_DISARM	10

/* Hooks that somebody else holds are asked for again after so many passes. */
#define KN_PASSES_TO_ARM	60

/*
 * A CPU of home that is busy at the moment of a pass is often free a little later: a
 * thread that found no place is tried again up to so many times between two passes.
 * Where none of these moves anything the next period has half as many, down to a few
 * for the threads of busy processes: one that was bound, or slept, may be away and run
 * at any time, and a whole period is long for it.
 */
#define KN_MAX_RETRIES		8
#define KN_MIN_RETRIES		3U
#define KN_BUSY_MCPU		100

/*
 * A new process is only planned for when it was sampled twice: after this part of a period,
 * but not sooner than a sample means anything.
 */
#define KN_NEW_PART		4
#define KN_NEW_MIN_MS		60U

/*
 * And when its memory is known, unless that takes a period: else it has a claim to the node where
 * it happens to run, and others' memory has to move.
 */
#define KN_AWAIT_SCAN_MS	25U

/*
 * So many passes in a row may come before their time, as when a process begins and then has its
 * threads begin: each change is seen whole by the second.  Each that does not lets one more.
 */
#define KN_MAX_EARLY		4

/* While it is learned what the threads of wide processes use. */
#define KN_WATCH_MS		50U

static struct task_struct *kn_planner;
static DECLARE_WAIT_QUEUE_HEAD(kn_planner_wait);
static bool kn_planner_kicked;

static struct {
	enum kn_mode mode;		/* as last applied */
	unsigned int period_ms;		/* of scans, when the last pass began */
	unsigned int idle_passes;	/* since the last one with a verdict */
	unsigned int passes_to_arm;	/* before the hooks are tried again */
	unsigned int threads_left;	/* away from home, no place in the last round */
	unsigned int left_before;	/* so many when the last pass began */
	unsigned int retries;		/* rounds beside the pass's own, see above */
	bool found_new;			/* processes, in the last pass */
	bool watches;			/* it is still learning what the threads of some use */
	unsigned int early;		/* passes before their time, less those that were not */
} kn_now;

/* Takes back everything the scheduler was told. */
static void kn_withdraw_threads(void)
{
	kn_plan_withdraw();
	kn_bias_disarm();
}

static void kn_apply_mode(enum kn_mode mode)
{
	if (kn_mode_acts(mode))
		kn_numab_off();
	else
		kn_numab_restore();
	if (mode == kn_now.mode)
		return;
	kn_withdraw_threads();
	kn_plan_forget();
	if (mode == KN_MODE_OFF)
		kn_registry_exit();
	kn_now.mode = mode;
	kn_now.idle_passes = 0;
}

/*
 * Puts the hooks in if they are not.  Somebody else may have the functions for a while (a
 * live patch): then the scheduler is not biased, and it is tried again later.
 */
static void kn_try_hooks(void)
{
	if (kn_bias_armed())
		return;
	if (kn_now.passes_to_arm)
		kn_now.passes_to_arm--;
	else if (kn_bias_arm())
		kn_now.passes_to_arm = KN_PASSES_TO_ARM;
}

/* Whether threads are brought home at all. */
static bool kn_places_threads(void)
{
	return kn_mode_moves_threads(kn_now.mode) && kn_can_move_threads();
}

/* One round of bringing threads home; true if it moved any. */
static bool kn_bring_home(u32 min_demand_mcpu)
{
	unsigned int moved;

	kn_now.threads_left = kn_threads_go_home(min_demand_mcpu, &moved);
	if (moved)
		kn_now.retries = KN_MAX_RETRIES;
	return moved;
}

/* Verdicts first, hooks second: a hook never runs on less than the present plan. */
static void kn_bias_threads(void)
{
	bool changed;

	kn_now.left_before = kn_now.threads_left;
	kn_now.threads_left = 0;
	if (kn_plan_publish(&changed)) {
		kn_now.idle_passes = 0;
		if (changed)
			kn_now.retries = KN_MAX_RETRIES;
		kn_try_hooks();
		kn_bring_home(0);
	} else if (++kn_now.idle_passes == KN_PASSES_TO_DISARM) {
		kn_bias_disarm();
	}
}

/* Where the period has become shorter, scans do not wait for what was the end of the old one. */
static void kn_follow_period(void)
{
	unsigned int period_ms = READ_ONCE(kn_config.scan_period_ms);
	struct kn_proc *proc;

	if (period_ms < kn_now.period_ms)
		for (proc = kn_registry_next(NULL); proc; proc = kn_registry_next(proc))
			kn_scan_hurry(proc);
	kn_now.period_ms = period_ms;
}

static void kn_pass(void)
{
	kn_follow_period();
	kn_now.found_new = kn_discover();
	kn_load_account_own(kn_kthreads_us() + current->se.sum_exec_runtime / NSEC_PER_USEC);
	if (kn_plan_pass(kn_now.mode) == -ENOMEM)
		kn_stat_inc(plan_no_memory);
	if (kn_places_threads())
		kn_bias_threads();
	kn_now.watches = kn_plan_watch(true);
	kn_forget_unseen();
	kn_workers_kick();
}

/*
 * Sleeps for @ms, but for looking what threads use while that is being learned; true if
 * something was asked of the planner meanwhile.
 */
static bool kn_planner_sleep(unsigned int ms)
{
	unsigned long now = jiffies, end = now + msecs_to_jiffies(ms);

	for (; time_before(now, end); now = jiffies) {
		unsigned long left = end - now;

		if (kn_now.watches)
			left = min(left, msecs_to_jiffies(KN_WATCH_MS));
		wait_event_freezable_timeout(kn_planner_wait,
					     READ_ONCE(kn_planner_kicked) || kthread_should_stop(),
					     left);
		if (READ_ONCE(kn_planner_kicked) || kthread_should_stop())
			return true;
		if (kn_now.watches)
			kn_now.watches = kn_plan_watch(false);
	}
	return false;
}

static bool kn_some_are_unscanned(void)
{
	struct kn_proc *proc;
	bool unscanned = false;

	for (proc = kn_registry_next(NULL); proc; proc = kn_registry_next(proc))
		unscanned |= proc->seen && !proc->exempt && !READ_ONCE(proc->scan.complete);
	return unscanned;
}

/* Sleeps until all processes have been scanned once, but for @ms at most. */
static void kn_await_first_scans(unsigned int ms)
{
	unsigned int slept_ms;

	for (slept_ms = 0; slept_ms + KN_AWAIT_SCAN_MS <= ms; slept_ms += KN_AWAIT_SCAN_MS)
		if (!kn_some_are_unscanned() || kn_planner_sleep(KN_AWAIT_SCAN_MS))
			return;
}

/*
 * The time until the next pass, with a few more rounds of bringing threads home.  A new
 * process, that more threads find no place than before, or that some have found none in half
 * the period, makes the next pass come early, but not many in a row: a host where that is
 * always so has twice the passes at most.
 */
static void kn_planner_rest(void)
{
	unsigned int whole_ms = READ_ONCE(kn_config.scan_period_ms), period_ms = whole_ms;
	unsigned int rounds = 0, step_ms, slept_ms = 0;
	unsigned int left = min(kn_now.left_before, kn_now.threads_left);
	bool may_be_early = kn_now.early < KN_MAX_EARLY;
	bool is_early = may_be_early && kn_now.found_new;
	bool moved = false, crowded = false;

	if (is_early)
		period_ms = max(period_ms / KN_NEW_PART, KN_NEW_MIN_MS);
	if (kn_places_threads() && !kn_now.idle_passes)
		rounds = kn_now.threads_left ? kn_now.retries : KN_MIN_RETRIES;
	step_ms = period_ms / (rounds + 1);
	for (; rounds; rounds--) {
		if (kn_planner_sleep(step_ms))
			return;
		slept_ms += step_ms;
		moved |= kn_bring_home(KN_BUSY_MCPU);
		crowded |= kn_now.threads_left;
		if (may_be_early && slept_ms >= KN_NEW_MIN_MS &&
		    (kn_now.threads_left > left || (crowded && slept_ms >= period_ms / 2))) {
			kn_now.early++;
			return;
		}
	}
	if (is_early)
		kn_now.early++;
	else if (kn_now.early)
		kn_now.early--;
	if (slept_ms && !moved)
		kn_now.retries = max(kn_now.retries / 2, KN_MIN_RETRIES);
	if (!kn_planner_sleep(period_ms - slept_ms) && is_early)
		kn_await_first_scans(whole_ms - min(whole_ms, period_ms));
}

static int kn_planner_main(void *unused)
{
	set_freezable();
	while (!kthread_should_stop()) {
		/* Before the parameters are read: who writes one kicks after that. */
		smp_store_mb(kn_planner_kicked, false);
		kn_apply_mode(kn_mode());
		if (kn_now.mode == KN_MODE_OFF) {
			wait_event_freezable(kn_planner_wait, READ_ONCE(kn_planner_kicked) ||
					     kthread_should_stop());
			continue;
		}
		kn_pass();
		kn_planner_rest();
	}
	kn_withdraw_threads();
	kn_numab_restore();
	return 0;
}

/**
 * kn_engine_kick - have the planner and the workers look at the parameters now
 *
 * Any context that may wake a task.
 */
void kn_engine_kick(void)
{
	WRITE_ONCE(kn_planner_kicked, true);
	wake_up_all(&kn_planner_wait);
	kn_workers_kick();
}

/**
 * kn_engine_init - start the workers and the planner
 *
 * Return: 0, or a negative error with no thread running.
 */
int kn_engine_init(void)
{
	struct task_struct *task;
	int err = kn_workers_start();

	if (err)
		return err;
	task = kthread_create(kn_planner_main, NULL, "knumad_plan");
	if (IS_ERR(task)) {
		pr_err("not loaded: expected to start thread knumad_plan, got error %ld\n",
		       PTR_ERR(task));
		kn_workers_stop();
		return PTR_ERR(task);
	}
	kn_planner = get_task_struct(task);
	wake_up_process(task);
	return 0;
}

/**
 * kn_engine_exit - end all threads, then drop what they kept
 *
 * The planner's end withdraws verdicts and hooks and puts kernel.numa_balancing back.
 */
void kn_engine_exit(void)
{
	kthread_stop(kn_planner);
	put_task_struct(kn_planner);
	kn_workers_stop();
	kn_registry_exit();
	kn_plan_exit();
	kn_exempt_exit();
}
