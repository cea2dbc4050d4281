/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What memory the running threads of a process are about to use.
 */
#ifndef KNUMAD_ENGINE_SEEN_H
#define KNUMAD_ENGINE_SEEN_H

#include <linux/types.h>

struct kn_proc;

/* Threads of one process that are looked at each time; the others have their turn later. */
#define KN_SEEN_MAX	64

/* Addresses that one thread gives each time. */
#define KN_SEEN_ADDRS	8

/* A thread as it was seen. */
struct kn_seen {
	pid_t tid;
	int nid;
	u32 nr_addrs;
	u64 addrs[KN_SEEN_ADDRS];	/* what it was about to use */
};

u32 kn_see_threads(struct kn_proc *proc, u32 skip, const struct kn_seen **seen);

#endif /* KNUMAD_ENGINE_SEEN_H */
