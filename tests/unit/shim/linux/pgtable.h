/* SPDX-License-Identifier: GPL-2.0-only */
/* Page-table entries of x86-64, for user space. */
#ifndef SHIM_LINUX_PGTABLE_H
#define SHIM_LINUX_PGTABLE_H

#include <linux/bitops.h>

#define PAGE_SHIFT	12
#define PTE_PFN_MASK	GENMASK(51, PAGE_SHIFT)
#define _PAGE_PRESENT	BIT(0)
#define _PAGE_RW	BIT(1)
#define _PAGE_SPECIAL	BIT(9)

#endif
