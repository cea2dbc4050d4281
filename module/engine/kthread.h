/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * knumad's threads that belong to a node: made, bound to its CPUs, counted and ended here.
 */
#ifndef KNUMAD_ENGINE_KTHREAD_H
#define KNUMAD_ENGINE_KTHREAD_H

#include <linux/types.h>

enum kn_kthread {
	KN_KTHREAD_WORKER,	/* scans and migrates */
	KN_KTHREAD_COPIER,	/* takes half of a worker's batch */
	KN_NR_KTHREADS
};

int kn_kthread_start(enum kn_kthread kind, int nid, int (*fn)(void *data), void *data);
void kn_kthread_stop(enum kn_kthread kind, int nid);
bool kn_kthread_exists(enum kn_kthread kind, int nid);
unsigned int kn_kthreads_on(int cpu);
void kn_kthreads_rebind(int nid);
u64 kn_kthreads_us(void);

#endif /* KNUMAD_ENGINE_KTHREAD_H */
