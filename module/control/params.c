// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module parameters: checks what is written, stores it, and wakes the engine.
 *
 * Context: process context; the kernel serialises writes with its parameter lock.
 * Before init the values are only stored; from exit on they are refused.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "../engine/engine.h"
#include "../engine/exempt.h"
#include "../kern/capability.h"
#include "params.h"

static DEFINE_MUTEX(kn_params_lock);	/* kn_params_state, and so a write against exit */
static enum {
	KN_PARAMS_LOADING,
	KN_PARAMS_OPEN,
	KN_PARAMS_CLOSED,
} kn_params_state;

static const char * const kn_mode_names[KN_NR_MODES] = {
	[KN_MODE_OFF] = "off",
	[KN_MODE_OBSERVE] = "observe",
	[KN_MODE_CPU] = "cpu",
	[KN_MODE_MEMORY] = "memory",
	[KN_MODE_FULL] = "full",
};

/**
 * kn_mode_name - the word for a mode
 * @mode: one of enum kn_mode
 */
const char *kn_mode_name(enum kn_mode mode)
{
	return kn_mode_names[mode];
}

/* Whether this kernel lets knumad act in @mode; only known once it was looked at. */
static bool kn_mode_possible(enum kn_mode mode)
{
	if (mode == KN_MODE_CPU)
		return kn_can_move_threads();
	if (mode == KN_MODE_MEMORY)
		return kn_capable(KN_CAP_MIGRATE);
	return mode != KN_MODE_FULL || kn_can_move_threads() || kn_capable(KN_CAP_MIGRATE);
}

/* kn_params_lock held.  Stores a checked value unless the module is going; wakes the engine. */
static int kn_param_store_locked(unsigned int *where, unsigned int value)
{
	if (kn_params_state == KN_PARAMS_CLOSED)
		return -ENODEV;
	WRITE_ONCE(*where, value);
	if (kn_params_state == KN_PARAMS_OPEN)
		kn_engine_kick();
	return 0;
}

static int kn_param_store(unsigned int *where, unsigned int value)
{
	int err;

	mutex_lock(&kn_params_lock);
	err = kn_param_store_locked(where, value);
	mutex_unlock(&kn_params_lock);
	return err;
}

static int kn_mode_set(const char *text, const struct kernel_param *kp)
{
	int mode = sysfs_match_string(kn_mode_names, text), err = -EOPNOTSUPP;

	if (mode < 0) {
		pr_warn("mode: expected off, observe, cpu, memory or full, got '%.*s': left at %s\n",
			(int)strcspn(text, "\n"), text, kn_mode_names[kn_mode()]);
		return -EINVAL;
	}
	mutex_lock(&kn_params_lock);
	if (kn_params_state == KN_PARAMS_OPEN && !kn_mode_possible(mode))
		pr_warn("mode: expected one that this kernel allows, got %s (see debugfs knumad/capabilities): left at %s\n",
			kn_mode_names[mode], kn_mode_names[kn_mode()]);
	else
		err = kn_param_store_locked(kp->arg, mode);
	mutex_unlock(&kn_params_lock);
	return err;
}

static int kn_mode_get(char *buffer, const struct kernel_param *kp)
{
	return scnprintf(buffer, PAGE_SIZE, "%s\n", kn_mode_names[kn_mode()]);
}

static const struct kernel_param_ops kn_mode_ops = {
	.set = kn_mode_set,
	.get = kn_mode_get,
};

struct kn_range {
	unsigned int *value;
	unsigned int min;
	unsigned int max;
	const char *unit;
};

static int kn_range_set(const char *text, const struct kernel_param *kp)
{
	const struct kn_range *range = kp->arg;
	unsigned int value;

	if (kstrtouint(text, 0, &value) || value < range->min || value > range->max) {
		pr_warn("%s: expected %u to %u %s, got '%.*s': left at %u\n", kp->name, range->min,
			range->max, range->unit, (int)strcspn(text, "\n"), text, *range->value);
		return -EINVAL;
	}
	return kn_param_store(range->value, value);
}

static int kn_range_get(char *buffer, const struct kernel_param *kp)
{
	const struct kn_range *range = kp->arg;

	return scnprintf(buffer, PAGE_SIZE, "%u\n", READ_ONCE(*range->value));
}

static const struct kernel_param_ops kn_range_ops = {
	.set = kn_range_set,
	.get = kn_range_get,
};

#define KN_RANGE_PARAM(name, low, high, unit_text)			\
static const struct kn_range kn_range_##name = {			\
	.value = &kn_config.name,					\
	.min = (low),							\
	.max = (high),							\
	.unit = (unit_text),						\
};									\
module_param_cb(name, &kn_range_ops, (void *)&kn_range_##name, 0644)

/*
 * mode - what knumad may do: off (nothing, knows nothing), observe (scans and plans,
 * touches nothing), cpu (moves threads only), memory (moves memory only), full (both).
 * Default full.
 */
module_param_cb(mode, &kn_mode_ops, &kn_config.mode, 0644);
MODULE_PARM_DESC(mode, "off | observe | cpu | memory | full (default: full)");

/*
 * scan_period_ms - milliseconds between plans, and between two scans of a process whose
 * placement changes; while it does not change, scans get up to 16 times rarer.
 * 100 to 60000, default 1000.
 */
KN_RANGE_PARAM(scan_period_ms, 100, 60000, "ms");
MODULE_PARM_DESC(scan_period_ms, "ms between plans and scans, 100 to 60000 (default: 1000)");

/*
 * scan_mb_per_sec - MiB of process memory whose page tables each knumad thread may
 * look at per second; a huge page counts as 4 KiB, as it is one entry.  1 to 1048576, default 1024.
 */
KN_RANGE_PARAM(scan_mb_per_sec, 1, 1048576, "MiB/s");
MODULE_PARM_DESC(scan_mb_per_sec,
		 "MiB/s scanned by each knumad thread, 1 to 1048576 (default: 1024)");

/*
 * migrate_mb_per_sec - MiB per second that each knumad thread may migrate into its node.
 * 1 to 1048576, default 512.
 */
KN_RANGE_PARAM(migrate_mb_per_sec, 1, 1048576, "MiB/s");
MODULE_PARM_DESC(migrate_mb_per_sec,
		 "MiB/s migrated into each node, 1 to 1048576 (default: 512)");

/*
 * min_rss_mb - MiB resident below which a process is not looked after; one that is,
 * stays so down to three quarters of it.  1 to 1048576, default 64.
 */
KN_RANGE_PARAM(min_rss_mb, 1, 1048576, "MiB");
MODULE_PARM_DESC(min_rss_mb,
		 "MiB resident from which a process is looked after, 1 to 1048576 (default: 64)");

/*
 * watch_threads - 1: learn from threads' registers and code which memory they are using: it
 * moves first; and where a process has several nodes, which memory each node's threads use: it is
 * moved there; 0: do not look.  Default 1.
 */
KN_RANGE_PARAM(watch_threads, 0, 1, "(0: no, 1: yes)");
MODULE_PARM_DESC(watch_threads,
		 "1: learn from threads' registers and code which memory they use (default: 1)");

/* The parameter lock serialises. */
static int kn_exempt_set(const char *text, const struct kernel_param *kp)
{
	int pid, err = kstrtoint(text, 10, &pid);

	if (!err && (!pid || pid == INT_MIN))
		err = -EINVAL;
	mutex_lock(&kn_params_lock);
	if (!err && kn_params_state != KN_PARAMS_OPEN)
		err = kn_params_state == KN_PARAMS_CLOSED ? -ENODEV : -EINVAL;
	if (!err)
		err = pid > 0 ? kn_exempt_add(pid) : kn_exempt_remove(-pid);
	if (!err)
		kn_engine_kick();
	mutex_unlock(&kn_params_lock);
	if (err)
		pr_warn("exempt: expected the PID of a process, or -PID of an exempt one, in a loaded knumad, got '%.*s' (%d): nothing changed\n",
			(int)strcspn(text, "\n"), text, err);
	return err;
}

struct kn_text {
	char *at;
	size_t room;
};

/* What does not fit is left out: debugfs has all. */
static void kn_exempt_print(void *arg, pid_t tgid)
{
	struct kn_text *text = arg;
	int len = scnprintf(text->at, text->room, "%d\n", tgid);

	if (len + 1 < text->room) {
		text->at += len;
		text->room -= len;
	} else {
		*text->at = '\0';
		text->room = 0;
	}
}

static int kn_exempt_get(char *buffer, const struct kernel_param *kp)
{
	struct kn_text text = { .at = buffer, .room = PAGE_SIZE };

	*buffer = '\0';
	kn_exempt_for_each(kn_exempt_print, &text);
	return text.at - buffer;
}

static const struct kernel_param_ops kn_exempt_ops = {
	.set = kn_exempt_set,
	.get = kn_exempt_get,
};

/*
 * exempt - write "PID" to have a process left alone, "-PID" to have it looked after again; not
 * at load.  Reads as the list, as far as that fits into a page.
 */
module_param_cb(exempt, &kn_exempt_ops, NULL, 0600);
MODULE_PARM_DESC(exempt, "PID to leave alone, -PID to look after again (only once loaded)");

/**
 * kn_params_init - open the parameters for writing
 *
 * A mode asked for on the command line that this kernel does not allow fails the load.
 */
int kn_params_init(void)
{
	int err = 0;

	/* The file is there already: what is written to it is checked from here on. */
	mutex_lock(&kn_params_lock);
	if (kn_mode_possible(kn_mode())) {
		kn_params_state = KN_PARAMS_OPEN;
	} else {
		pr_err("not loaded: mode: expected one that this kernel allows, got %s: see the lines above, or load with mode=observe\n",
		       kn_mode_names[kn_mode()]);
		err = -EOPNOTSUPP;
	}
	mutex_unlock(&kn_params_lock);
	if (!err)
		kn_engine_kick();
	return err;
}

/**
 * kn_params_exit - refuse writes from now on
 *
 * The files go only after the module's exit function has returned.
 */
void kn_params_exit(void)
{
	mutex_lock(&kn_params_lock);
	kn_params_state = KN_PARAMS_CLOSED;
	mutex_unlock(&kn_params_lock);
}
