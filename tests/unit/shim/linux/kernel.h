/* SPDX-License-Identifier: GPL-2.0-only */
/* The few kernel helpers the policy uses, for user space. */
#ifndef SHIM_LINUX_KERNEL_H
#define SHIM_LINUX_KERNEL_H

#include <linux/types.h>

#define U32_MAX	UINT32_MAX
#define U64_MAX	UINT64_MAX
#define S64_MAX	((s64)(~0ULL >> 1))

#define min_t(type, a, b) ({		\
	type min_a_ = (a);		\
	type min_b_ = (b);		\
	min_a_ < min_b_ ? min_a_ : min_b_; })
#define max_t(type, a, b) ({		\
	type max_a_ = (a);		\
	type max_b_ = (b);		\
	max_a_ > max_b_ ? max_a_ : max_b_; })
/* As the kernel's, refuses to compare different types. */
#define min(a, b) ({			\
	_Static_assert(__builtin_types_compatible_p(__typeof__((a) + 0), __typeof__((b) + 0)), \
		       "min() of different types"); \
	min_t(__typeof__((a) + 0), a, b); })

#define swap(a, b) do {			\
	__typeof__(a) swap_a_ = (a);	\
	(a) = (b);			\
	(b) = swap_a_;			\
} while (0)

#endif
