// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ftrace hook primitive.  Knows no NUMA and no scheduler.
 *
 * Context: prepare, arm and disarm sleep and are called by sched/ from process
 * context, one at a time.  The callback runs wherever the hooked function is called:
 * it must not sleep, print, allocate, or be traced.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "../compat/ftrace.h"
#include "capability.h"
#include "hook.h"

/* Any context.  Resumes at the replacement instead of in the hooked function. */
static void notrace kn_hook_enter(unsigned long ip, unsigned long parent_ip,
				  struct ftrace_ops *ops, struct KN_FTRACE_REGS *regs)
{
	kn_ftrace_redirect(regs, container_of(ops, struct kn_hook, ops)->to);
}

/**
 * kn_hook_prepare - find the place to hook and bind the way to the original
 * @hook: row and replacement filled in by the caller
 *
 * Patches nothing yet.  Return: 0; -ENOENT where ftrace cannot hook the function, or another
 * negative error from ftrace, which was said.
 */
int kn_hook_prepare(struct kn_hook *hook)
{
	unsigned long start = kn_row_value[hook->row];
	unsigned long site = kn_ftrace_site(start);
	int err;

	if (!site) {
		pr_warn("expected ftrace to know %s, found no patch site at its start\n",
			kn_cap_row(hook->row)->name);
		return -ENOENT;
	}
	kn_bind_original(hook->row, site + MCOUNT_INSN_SIZE);
	hook->ops.func = kn_hook_enter;
	/*
	 * PERMANENT: kernel.ftrace_enabled=0 is then refused while a hook is armed,
	 * instead of silently taking it away.
	 */
	hook->ops.flags = FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT |
			  KN_FTRACE_SAVES | KN_FTRACE_UNGUARDED;
	err = ftrace_set_filter_ip(&hook->ops, site, 0, 0);
	if (err)
		pr_warn("expected ftrace to take %s, it said %d: has it no patch site, or is ftrace disabled?\n",
			kn_cap_row(hook->row)->name, err);
	return err;
}

/**
 * kn_hook_arm - start replacing
 * @hook: a prepared hook
 *
 * Return: 0; -EBUSY where another IPMODIFY user (a livepatch) has the function or
 * kernel.ftrace_enabled is 0; another negative error from ftrace.
 */
int kn_hook_arm(struct kn_hook *hook)
{
	int err;

	if (hook->armed)
		return 0;
	err = register_ftrace_function(&hook->ops);
	if (err && err != hook->last_err)
		pr_warn("expected to hook %s, ftrace said %d: is it live-patched, or kernel.ftrace_enabled 0?\n",
			kn_cap_row(hook->row)->name, err);
	hook->last_err = err;
	if (err)
		return err;
	hook->armed = true;
	return 0;
}

/*
 * ftrace is broken and a hook is still in: the module's code must never go away.  From
 * within rmmod or a failed load only not returning keeps it.
 */
static void kn_hook_stay(void)
{
	__module_get(THIS_MODULE);
	while (THIS_MODULE->state != MODULE_STATE_LIVE)
		schedule_timeout_uninterruptible(MAX_SCHEDULE_TIMEOUT);
}

/**
 * kn_hook_disarm - stop replacing, and wait until nobody is in the replacement
 * @hook: armed or not
 *
 * unregister_ftrace_function() waits for the callbacks.  The replacements run with
 * interrupts off (a runqueue lock or ->pi_lock is held), so one more RCU grace period
 * waits for them.
 */
void kn_hook_disarm(struct kn_hook *hook)
{
	int err;

	if (!hook->armed)
		return;
	err = unregister_ftrace_function(&hook->ops);
	if (err) {
		pr_emerg("expected ftrace to release %s, got error %d: knumad has to stay, reboot\n",
			 kn_cap_row(hook->row)->name, err);
		kn_hook_stay();
		return;
	}
	synchronize_rcu();
	hook->armed = false;
}

/**
 * kn_hook_forget - release what kn_hook_prepare() took
 * @hook: disarmed
 *
 * An emptied filter keeps no memory; ftrace_free_filter() is not exported everywhere.
 */
void kn_hook_forget(struct kn_hook *hook)
{
	if (hook->armed)
		return;
	ftrace_set_filter(&hook->ops, NULL, 0, 1);
}
