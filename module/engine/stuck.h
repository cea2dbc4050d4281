/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that does not move, though nothing says why.
 */
#ifndef KNUMAD_ENGINE_STUCK_H
#define KNUMAD_ENGINE_STUCK_H

#include <linux/types.h>

struct kn_pass;
struct kn_proc;

void kn_stuck_pass(struct kn_proc *proc, struct kn_pass *pass, u64 sources, bool fruitless);
u64 kn_stuck_pages(const struct kn_proc *proc, int nid, u64 pages);

#endif /* KNUMAD_ENGINE_STUCK_H */
