// SPDX-License-Identifier: GPL-2.0-only
/*
 * knumad: automatic NUMA placement for stock kernels.
 *
 * The module's life, as one ordered table.  Load walks it forward; a failure, or
 * unload, walks the same table backward from where it got to.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>

#include "../include/knumad.h"
#include "control/debugfs.h"
#include "control/params.h"
#include "engine/engine.h"
#include "kern/capability.h"
#include "sched/bias.h"

/* The machine itself: nothing to undo. */
static int kn_machine_init(void)
{
	if (nr_node_ids > KNUMAD_MAX_NODES) {
		pr_err("not loaded: expected at most %d possible NUMA nodes, found %d\n",
		       KNUMAD_MAX_NODES, nr_node_ids);
		return -EOPNOTSUPP;
	}
	if (num_online_nodes() < 2)
		pr_notice("only one NUMA node is online: there is nothing to place\n");
	return 0;
}

static void kn_machine_exit(void)
{
}

/* A part that fails has said why in one line; exits cannot fail. */
static const struct {
	int (*init)(void);
	void (*exit)(void);
} kn_parts[] = {
	{ kn_machine_init, kn_machine_exit },	/* anything to work on? */
	{ kn_reach_init, kn_reach_exit },	/* the kernel's private symbols */
	{ kn_bias_init, kn_bias_exit },		/* scheduler hooks: ready, not in */
	{ kn_engine_init, kn_engine_exit },	/* threads */
	{ kn_debugfs_init, kn_debugfs_exit },
	{ kn_params_init, kn_params_exit },	/* inputs open last, close first */
};

static void kn_unwind(int done)
{
	while (done--)
		kn_parts[done].exit();
	rcu_barrier();
}

static int __init knumad_init(void)
{
	int i, err;

	for (i = 0; i < ARRAY_SIZE(kn_parts); i++) {
		err = kn_parts[i].init();
		if (err) {
			kn_unwind(i);
			return err;
		}
	}
	pr_info("loaded, mode %s\n", kn_mode_name(kn_mode()));
	return 0;
}
module_init(knumad_init);

static void __exit knumad_exit(void)
{
	kn_unwind(ARRAY_SIZE(kn_parts));
	pr_info("unloaded, everything reverted\n");
}
module_exit(knumad_exit);

MODULE_DESCRIPTION("Automatic NUMA placement of processes and their memory");
MODULE_AUTHOR("The knumad authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(KNUMAD_VERSION);
