/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Learning where a process's memory is.
 */
#ifndef KNUMAD_ENGINE_SCAN_H
#define KNUMAD_ENGINE_SCAN_H

#include "registry.h"

bool kn_scan_is_due(const struct kn_proc *proc);
u64 kn_scan(struct kn_proc *proc, u64 max_cost);
void kn_scan_hurry(struct kn_proc *proc);
void kn_scan_now(struct kn_proc *proc);
void kn_scan_settle(struct kn_proc *proc);

#endif /* KNUMAD_ENGINE_SCAN_H */
