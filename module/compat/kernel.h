/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One concept: which kernels knumad has been tested on.  Says so, decides nothing.
 */
#ifndef KNUMAD_COMPAT_KERNEL_H
#define KNUMAD_COMPAT_KERNEL_H

#include <linux/types.h>
#include <linux/version.h>

/* X(major, minor): the series that the tests are run on. */
#define KN_TESTED(X)	X(5, 10) X(6, 1) X(6, 12) X(7, 2) X(7, 3)

/* They, as text. */
#define KN_TESTED_NAME(major, minor)	" " #major "." #minor
#define KN_TESTED_NAMES			KN_TESTED(KN_TESTED_NAME)

/* Whether this kernel, without the last part of its version, is of none of them. */
static inline bool kn_kernel_is_untested(void)
{
#define KN_IS_SERIES(major, minor)	LINUX_VERSION_CODE >> 8 == ((major) << 8 | (minor)) ||
	return !(KN_TESTED(KN_IS_SERIES) false);
#undef KN_IS_SERIES
}

#endif /* KNUMAD_COMPAT_KERNEL_H */
