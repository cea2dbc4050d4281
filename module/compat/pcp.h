/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A CPU's own list of free pages.
 *
 * Since "mm/page_alloc: split per cpu page lists and zone stats" (28f836b6777b, v5.14) a zone has
 * struct per_cpu_pages for each CPU, before that struct per_cpu_pageset around it.
 */
#ifndef KNUMAD_COMPAT_PCP_H
#define KNUMAD_COMPAT_PCP_H

#include <linux/compiler.h>
#include <linux/mmzone.h>
#include <linux/percpu.h>
#include <linux/version.h>

/* Free pages of @zone, in base pages, on the list of the CPU that this runs on; a snapshot. */
static inline unsigned int kn_zone_listed_pages(struct zone *zone)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 14, 0)
	return READ_ONCE(raw_cpu_ptr(zone->per_cpu_pageset)->count);
#else
	return READ_ONCE(raw_cpu_ptr(zone->pageset)->pcp.count);
#endif
}

#endif /* KNUMAD_COMPAT_PCP_H */
