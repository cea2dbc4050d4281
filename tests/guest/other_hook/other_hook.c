// SPDX-License-Identifier: GPL-2.0-only
/*
 * other_hook: another user of can_migrate_task, that claims the function for itself as a
 * live patch does (IPMODIFY), counts its calls and changes nothing. Loaded and unloaded
 * by tests/guest/neighbours.sh; the count is the parameter "calls".
 */
#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/version.h>

static unsigned long calls;
module_param(calls, ulong, 0444);
MODULE_PARM_DESC(calls, "how often can_migrate_task was called (read only)");

static char function[32] = "can_migrate_task";	/* ftrace wants it writable */

#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 11, 0)
static void notrace count(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			  struct ftrace_regs *regs)
#else
static void notrace count(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			  struct pt_regs *regs)
#endif
{
	calls++;
}

static struct ftrace_ops ops = {
	.func = count,
	.flags = FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY,
};

static int __init other_hook_init(void)
{
	int err = ftrace_set_filter(&ops, function, strlen(function), 1);

	return err ?: register_ftrace_function(&ops);
}
module_init(other_hook_init);

static void __exit other_hook_exit(void)
{
	unregister_ftrace_function(&ops);
	ftrace_set_filter(&ops, NULL, 0, 1);
}
module_exit(other_hook_exit);

MODULE_DESCRIPTION("Test: another IPMODIFY user of can_migrate_task");
MODULE_LICENSE("GPL");
