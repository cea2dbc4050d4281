/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One concept: which kernels knumad has been tested on.  Says so, decides nothing.
 */
#ifndef KNUMAD_COMPAT_KERNEL_H
#define KNUMAD_COMPAT_KERNEL_H

#include <linux/types.h>
#include <linux/version.h>

/* The newest series that the tests have passed on. */
#define KN_NEWEST_TESTED	KERNEL_VERSION(7, 3, 0)

/* The series of this kernel, without the last part of the version, is a newer one. */
static inline bool kn_kernel_is_untested(void)
{
	return LINUX_VERSION_CODE >> 8 > KN_NEWEST_TESTED >> 8;
}

#endif /* KNUMAD_COMPAT_KERNEL_H */
