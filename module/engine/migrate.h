/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory follows CPU: moving a process's pages into a node, in batches; and between two
 * nodes, for an exchange.
 */
#ifndef KNUMAD_ENGINE_MIGRATE_H
#define KNUMAD_ENGINE_MIGRATE_H

#include "registry.h"

struct folio;

/* A batch is about this many pages (4 MiB); a rate limit works in such steps. */
#define KN_BATCH_PAGES	1024

/* In an exchange this many pages go one way before as many come back: a huge page. */
#define KN_EXCHANGE_PAGES	512

bool kn_migrate_is_due(const struct kn_proc *proc, int nid);
u64 kn_migrate_batch(struct kn_proc *proc, int nid);
void kn_migrate_drain(void);
u64 kn_migrate_leg(struct kn_proc *proc, struct kn_pass *pass, int from, int to, u64 max,
		   struct folio **spare_to, struct folio **spare_from, u64 *cost);

#endif /* KNUMAD_ENGINE_MIGRATE_H */
