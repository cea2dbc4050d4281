/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Prototypes of the private kernel functions that knumad calls or hooks, where
 * they changed between kernels.  Each is compared with the running kernel's BTF
 * before anything is called, so a wrong guess here switches a capability off; it
 * never calls through a wrong prototype.
 *
 * Types only: included by kern/calls.h.
 */
#ifndef KNUMAD_COMPAT_PROTOS_H
#define KNUMAD_COMPAT_PROTOS_H

#include <linux/version.h>

/*
 * folio_isolate_lru() replaced isolate_lru_page() for callers in
 * "mm/vmscan: Turn isolate_lru_page() into folio_isolate_lru()" (v5.18).
 */
#define KN_PROTO_ISOLATE	int, (struct folio *)

/*
 * "mm/migrate.c: make migrate_pages() report the number of pages migrated"
 * added ret_succeeded (v5.16).
 */
#define KN_PROTO_MIGRATE_PAGES	int, (struct list_head *, new_page_t *, free_page_t *, \
				      unsigned long, enum migrate_mode, int, unsigned int *)

#endif /* KNUMAD_COMPAT_PROTOS_H */
