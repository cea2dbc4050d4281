/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One concept: opening a file by its path in the initial root from a kernel thread.
 *
 * Kernel threads have an empty root of their own, and must borrow init's for the look-up,
 * since "fs: add scoped_with_init_fs()" (v7.3).
 *
 * Kernel threads only; may sleep.
 */
#ifndef KNUMAD_COMPAT_INITFS_H
#define KNUMAD_COMPAT_INITFS_H

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/version.h>

static inline struct file *kn_open_from_init_root(const char *path, int flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 3, 0)
	struct file *file = ERR_PTR(-ENOENT);

	scoped_with_init_fs()
		file = filp_open(path, flags, 0);
	return file;
#else
	return filp_open(path, flags, 0);
#endif
}

#endif /* KNUMAD_COMPAT_INITFS_H */
