/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that several processes map: how much each maps of what, and to whose
 * home it comes.
 */
#ifndef KNUMAD_ENGINE_SHARE_H
#define KNUMAD_ENGINE_SHARE_H

#include <linux/types.h>

/* So many objects that a process shares are told apart; of more nothing is moved. */
#define KN_MAX_SHARES	8

struct kn_proc;
struct vm_area_struct;

/* What a process maps, together with others, of one object: a file of tmpfs, or a fork's. */
struct kn_share {
	unsigned long key;	/* its address, never dereferenced; 0: unused */
	u32 parts;		/* processes it counts for, by the last plan; 0: not this one */
	u32 together;		/* processes that share it, if it comes to the home of this one */
	u64 *pages;		/* [nr_node_ids] */
};

int kn_shares_alloc(struct kn_proc *proc);
void kn_shares_free(struct kn_proc *proc);

unsigned long kn_share_key(const struct vm_area_struct *vma);
void kn_share_count(struct kn_proc *proc, unsigned long key, int nid, unsigned int nr_pages);
void kn_shares_publish(struct kn_proc *proc);
u32 kn_share_together(struct kn_proc *proc, unsigned long key);

void kn_shares_plan(struct kn_proc *const *procs, u32 nr);
void kn_shares_snapshot(struct kn_proc *proc, u64 *movable, u64 *fixed);

#endif /* KNUMAD_ENGINE_SHARE_H */
