/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory follows CPU: moving a process's pages into a node, in batches.
 */
#ifndef KNUMAD_ENGINE_MIGRATE_H
#define KNUMAD_ENGINE_MIGRATE_H

#include "registry.h"

/* A batch is about this many pages (4 MiB); a rate limit works in such steps. */
#define KN_BATCH_PAGES	1024

bool kn_migrate_is_due(const struct kn_proc *proc, int nid);
u64 kn_migrate_batch(struct kn_proc *proc, int nid);

#endif /* KNUMAD_ENGINE_MIGRATE_H */
