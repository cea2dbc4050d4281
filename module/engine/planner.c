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
#include "numab.h"
#include "plan.h"
#include "stats.h"
#include "threads.h"

/* Hooks without a verdict cost every wake-up a little: they go after so many passes. */
#define KN_PASSES_TO_DISARM	10

/* Hooks that somebody else holds are asked for again after so many passes. */
#define KN_PASSES_TO_ARM	60

static struct task_struct *kn_planner;
static DECLARE_WAIT_QUEUE_HEAD(kn_planner_wait);
static bool kn_planner_kicked;

static struct {
	enum kn_mode mode;		/* as last applied */
	unsigned int idle_passes;	/* since the last one with a verdict */
	unsigned int passes_to_arm;	/* before the hooks are tried again */
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
 * Whether the hooks are in; puts them in if not.  Somebody else may have them for a
 * while (a live patch): then nothing is said to the scheduler, and tried again later.
 */
static bool kn_bias_ready(void)
{
	if (kn_bias_armed())
		return true;
	if (kn_now.passes_to_arm) {
		kn_now.passes_to_arm--;
		return false;
	}
	if (!kn_bias_arm())
		return true;
	kn_now.passes_to_arm = KN_PASSES_TO_ARM;
	return false;
}

/* Verdicts first, hooks second: a hook never runs on less than the present plan. */
static void kn_bias_threads(void)
{
	if (kn_plan_publish()) {
		kn_now.idle_passes = 0;
		if (kn_bias_ready())
			kn_threads_go_home();
	} else if (++kn_now.idle_passes == KN_PASSES_TO_DISARM) {
		kn_bias_disarm();
	}
}

static void kn_pass(void)
{
	kn_discover();
	kn_workers_account();
	if (kn_plan_pass(kn_now.mode))
		kn_stat_inc(plan_no_memory);
	if (kn_mode_moves_threads(kn_now.mode) && kn_capable(KN_CAP_BIAS))
		kn_bias_threads();
	kn_forget_unseen();
	kn_workers_kick();
}

static int kn_planner_main(void *unused)
{
	set_freezable();
	while (!kthread_should_stop()) {
		long timeout = MAX_SCHEDULE_TIMEOUT;

		WRITE_ONCE(kn_planner_kicked, false);
		kn_apply_mode(kn_mode());
		if (kn_now.mode != KN_MODE_OFF) {
			kn_pass();
			timeout = msecs_to_jiffies(READ_ONCE(kn_config.scan_period_ms));
		}
		wait_event_freezable_timeout(kn_planner_wait,
					     READ_ONCE(kn_planner_kicked) || kthread_should_stop(),
					     timeout);
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
