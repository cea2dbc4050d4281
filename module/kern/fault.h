/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The load parameter "fault": makes one row of the capability table fail its check, so
 * that what follows can be seen without a kernel that lacks it.
 */
#ifndef KNUMAD_KERN_FAULT_H
#define KNUMAD_KERN_FAULT_H

#include "capability.h"

enum kn_fault_kind {
	KN_FAULT_MISSING,	/* there is no such symbol, no such field */
	KN_FAULT_DIFFERENT,	/* its prototype or type is not the expected one */
	KN_FAULT_SPLIT,		/* of a hooked function: part of it is another function */
	KN_NR_FAULTS
};

int kn_fault_check(void);
bool kn_fault(const struct kn_cap_row *r, enum kn_fault_kind kind);

#endif /* KNUMAD_KERN_FAULT_H */
