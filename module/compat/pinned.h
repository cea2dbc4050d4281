/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One concept: whether pages were ever pinned through an address space.
 *
 * A counter of its own until "mm: gup: pack has_pinned in MMF_HAS_PINNED" (v5.14); the flags
 * became a bitmap with accessors in "mm: convert core mm to mm_flags_*() accessors" (v6.18).
 *
 * Any context with a reference on the address space.
 */
#ifndef KNUMAD_COMPAT_PINNED_H
#define KNUMAD_COMPAT_PINNED_H

#include <linux/mm_types.h>
#include <linux/sched/coredump.h>
#include <linux/version.h>

/* Never goes back to false.  While it is false no anonymous page of @mm's own is pinned for DMA. */
static inline bool kn_mm_has_pinned(struct mm_struct *mm)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
	return mm_flags_test(MMF_HAS_PINNED, mm);
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(5, 14, 0)
	return test_bit(MMF_HAS_PINNED, &mm->flags);
#else
	return atomic_read(&mm->has_pinned);
#endif
}

#endif /* KNUMAD_COMPAT_PINNED_H */
