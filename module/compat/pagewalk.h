/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One concept: struct mm_walk_ops and what a walk may assume.
 *
 * walk_lock was added in "mm: enable page walking API to lock vmas during the walk"
 * (v6.5).
 */
#ifndef KNUMAD_COMPAT_PAGEWALK_H
#define KNUMAD_COMPAT_PAGEWALK_H

#include <linux/pagewalk.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#define KN_WALK_LOCK	.walk_lock = PGWALK_RDLOCK,
#else
#define KN_WALK_LOCK
#endif

#endif /* KNUMAD_COMPAT_PAGEWALK_H */
