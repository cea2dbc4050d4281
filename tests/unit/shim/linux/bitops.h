/* SPDX-License-Identifier: GPL-2.0-only */
/* Bits, for what is built in user space of the module. */
#ifndef SHIM_LINUX_BITOPS_H
#define SHIM_LINUX_BITOPS_H

#define BIT(n)		(1UL << (n))
#define BIT_ULL(n)	(1ULL << (n))
#define GENMASK(h, l)	(~0UL >> (63 - (h)) & ~0UL << (l))
#define hweight64(x)	((unsigned int)__builtin_popcountll(x))
#define __ffs64(x)	((unsigned long)__builtin_ctzll(x))
#define __fls(x)	(63UL - (unsigned long)__builtin_clzl(x))
#define ror64(x, n)	((x) >> (n) | (x) << (64 - (n)))

#endif
