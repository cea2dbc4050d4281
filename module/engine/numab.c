// SPDX-License-Identifier: GPL-2.0-only
/*
 * Switches the kernel's own NUMA balancing off while knumad acts, so that the two do
 * not fight, and puts it back.
 *
 * It goes through /proc/sys/kernel/numa_balancing, the interface the administrator
 * uses, because that is stable across kernels and keeps modes beside on and off (2 is
 * memory tiering).  What somebody else writes meanwhile is respected: knumad neither
 * overwrites it nor restores over it.
 *
 * Context: planner thread only (it shares the initial task's root and so finds /proc);
 * sleeps.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "../compat/initfs.h"
#include "numab.h"
#include "stats.h"

#define KN_NUMAB_PATH	"/proc/sys/kernel/numa_balancing"

static enum {
	KN_NUMAB_UNTOUCHED,	/* knumad has not changed it */
	KN_NUMAB_OFF,		/* it is 0; knumad will put kn_numab_was back */
	KN_NUMAB_FOREIGN,	/* somebody changed it since; it is theirs */
	KN_NUMAB_ABSENT,	/* this kernel has none, or it cannot be reached */
} kn_numab;
static int kn_numab_was;

static int kn_numab_read(void)
{
	struct file *file = kn_open_from_init_root(KN_NUMAB_PATH, O_RDONLY);
	char text[16] = "";
	loff_t pos = 0;
	ssize_t len;
	int value;

	if (IS_ERR(file))
		return PTR_ERR(file);
	len = kernel_read(file, text, sizeof(text) - 1, &pos);
	filp_close(file, NULL);
	if (len < 0)
		return len;
	return kstrtoint(strim(text), 10, &value) ? -EINVAL : value;
}

static int kn_numab_write(int value)
{
	struct file *file = kn_open_from_init_root(KN_NUMAB_PATH, O_WRONLY);
	char text[16];
	loff_t pos = 0;
	ssize_t len;

	if (IS_ERR(file))
		return PTR_ERR(file);
	len = kernel_write(file, text, scnprintf(text, sizeof(text), "%d\n", value), &pos);
	filp_close(file, NULL);
	return len < 0 ? len : 0;
}

/* Notices that somebody else has written a value since knumad set it to 0. */
static void kn_numab_watch(int now)
{
	if (now <= 0)
		return;
	kn_numab = KN_NUMAB_FOREIGN;
	kn_stat_inc(numab_left_alone);
	pr_notice("kernel.numa_balancing was set to %d by somebody else while knumad had it at 0: left so; the two will work against each other\n",
		  now);
}

/**
 * kn_numab_off - have NUMA balancing off; called on every pass while knumad acts
 */
void kn_numab_off(void)
{
	int now;

	if (kn_numab == KN_NUMAB_FOREIGN || kn_numab == KN_NUMAB_ABSENT)
		return;
	now = kn_numab_read();
	if (kn_numab == KN_NUMAB_OFF) {
		kn_numab_watch(now);
		return;
	}
	if (now < 0) {
		pr_warn_once("expected to read %s, got error %d: the kernel's own NUMA balancing is left as it is\n",
			     KN_NUMAB_PATH, now);
		if (now == -ENOENT)
			kn_numab = KN_NUMAB_ABSENT;
		return;
	}
	if (now && kn_numab_write(0)) {
		pr_warn("expected to set kernel.numa_balancing to 0, could not: it stays at %d and will work against knumad\n",
			now);
		kn_numab = KN_NUMAB_ABSENT;
		return;
	}
	kn_numab_was = now;
	kn_numab = KN_NUMAB_OFF;
	if (now)
		kn_stat_inc(numab_switched_off);
}

/**
 * kn_numab_restore - put it back as it was before kn_numab_off()
 *
 * Once somebody else has changed it, it stays theirs until the module is loaded anew.
 */
void kn_numab_restore(void)
{
	if (kn_numab == KN_NUMAB_OFF)
		kn_numab_watch(kn_numab_read());
	if (kn_numab == KN_NUMAB_OFF && kn_numab_was) {
		if (kn_numab_write(kn_numab_was))
			pr_warn("expected to put kernel.numa_balancing back to %d, could not\n",
				kn_numab_was);
		else
			kn_stat_inc(numab_restored);
	}
	if (kn_numab != KN_NUMAB_FOREIGN)
		kn_numab = KN_NUMAB_UNTOUCHED;
}

/**
 * kn_numab_state - a word for debugfs
 */
const char *kn_numab_state(void)
{
	switch (READ_ONCE(kn_numab)) {
	case KN_NUMAB_OFF:
		return "off-by-knumad";
	case KN_NUMAB_FOREIGN:
		return "changed-by-administrator";
	case KN_NUMAB_ABSENT:
		return "absent";
	default:
		return "untouched";
	}
}
