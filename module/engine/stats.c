// SPDX-License-Identifier: GPL-2.0-only
/*
 * Storage for the engine's counters and for what the operator asked for.
 * Plain data: any context.
 */
#include "config.h"
#include "stats.h"

atomic64_t kn_stats[KN_NR_STATS];

struct kn_config kn_config = {
	.mode = KN_MODE_FULL,
	.scan_period_ms = 1000,
	.scan_mb_per_sec = 1024,
	.migrate_mb_per_sec = 512,
	.min_rss_mb = 64,
	.watch_threads = 1,
};
