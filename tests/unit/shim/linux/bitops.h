/* SPDX-License-Identifier: GPL-2.0-only */
/* Bit counting for the policy when it is built in user space. */
#ifndef SHIM_LINUX_BITOPS_H
#define SHIM_LINUX_BITOPS_H

#define BIT(n)		(1UL << (n))
#define BIT_ULL(n)	(1ULL << (n))
#define hweight64(x)	((unsigned int)__builtin_popcountll(x))
#define __ffs64(x)	((unsigned long)__builtin_ctzll(x))

#endif
