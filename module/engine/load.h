/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPU time used on each node by tasks knumad does not look after.
 */
#ifndef KNUMAD_ENGINE_LOAD_H
#define KNUMAD_ENGINE_LOAD_H

#include <linux/types.h>

void kn_load_account_own(u64 us);
void kn_load_measure(void);
u32 kn_load_shortage_permille(int nid);
void kn_load_sample(const u64 *tracked_us);
void kn_load_reset(void);
void kn_load_adopt(int nid, u32 mcpu);
u32 kn_load_other_mcpu(int nid);

#endif /* KNUMAD_ENGINE_LOAD_H */
