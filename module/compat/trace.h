/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One concept: copying a string into a trace entry.
 *
 * __assign_str() lost its second argument in "tracing/treewide: Remove second
 * parameter of __assign_str()" (v6.10).
 */
#ifndef KNUMAD_COMPAT_TRACE_H
#define KNUMAD_COMPAT_TRACE_H

#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define kn_assign_str(dst, src)	__assign_str(dst)
#else
#define kn_assign_str(dst, src)	__assign_str(dst, src)
#endif

#endif /* KNUMAD_COMPAT_TRACE_H */
