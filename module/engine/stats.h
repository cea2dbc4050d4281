/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine's counters, shown in debugfs `stats`.  Monotonic since load unless the
 * description says otherwise.  Pages are base pages (4 KiB); times are nanoseconds.
 * May be added to from any context but the scheduler hooks, which have their own.
 */
#ifndef KNUMAD_ENGINE_STATS_H
#define KNUMAD_ENGINE_STATS_H

#include <linux/atomic.h>

/* X(name, what it counts) */
#define KN_STATS(X) \
	X(plan_passes, "snapshots taken and planned") \
	X(plan_time_ns, "time spent planning: the policy alone") \
	X(plan_changes, "homes given, changed or taken away") \
	X(plan_no_memory, "passes given up, or that told or watched nobody, for want of memory") \
	X(scan_passes, "address spaces scanned from end to end") \
	X(scan_slices, "times an mmap lock was taken to scan or to collect pages") \
	X(scan_time_ns, "time spent scanning") \
	X(scan_pages, "pages seen by scans") \
	X(scan_entries, "page-table entries looked at: a huge page is one") \
	X(scan_looks, "of scan_passes: those that found out which pages were accessed") \
	X(uses_sampled, "threads of wide processes seen, to learn what they use") \
	X(uses_known, "addresses in their memory that these were using") \
	X(scan_lock_busy, "slices put off because the mmap lock was not free") \
	X(scan_lock_contended, "slices cut short because somebody waited for the mmap lock") \
	X(mmap_lock_hold_ns_max, "longest time an mmap lock was held (a maximum)") \
	X(threads_moved, "threads moved to an idle or less loaded CPU of their home") \
	X(threads_swapped, "threads that changed places with another (two each time)") \
	X(threads_move_failed, "thread moves the scheduler refused") \
	X(threads_no_room, "times a thread away from home found no place there") \
	X(migrate_batches, "batches of pages handed to migrate_pages()") \
	X(migrate_time_ns, "time spent collecting and migrating") \
	X(migrate_pages_isolated, "pages taken off their LRU list to be migrated") \
	X(migrate_pages_ok, "pages migrated, on their final node") \
	X(migrate_pages_hot, "of migrate_pages_ok: moved first, as lately accessed") \
	X(migrate_pages_in_use, "of migrate_pages_ok: before these, from where threads were") \
	X(migrate_pages_copier, "of migrate_pages_ok: by the node's second thread") \
	X(migrate_pages_by_use, "of migrate_pages_ok: only the node's threads use them") \
	X(migrate_pages_failed, "pages put back where they were") \
	X(migrate_thp_ok, "huge pages migrated whole") \
	X(migrate_thp_failed, "huge pages put back where they were") \
	X(migrate_no_room, "allocations not made: the node would fall below its high watermark") \
	X(migrate_no_memory, "allocations that failed on the wanted node") \
	X(migrate_stuck, "times that memory was found not to move: bound for 1 to 16 minutes") \
	X(migrate_wrong_node, "allocations that came from another node (never expected)") \
	X(cache_pages_moved, "clean page cache that went to another node to make room") \
	X(cache_pages_dropped, "clean page cache dropped to make room: no node had any") \
	X(exchanges_begun, "exchanges planned: processes whose memory changes places") \
	X(exchanges_done, "of these, those that moved all they were to move") \
	X(exchange_pages, "pages migrated in exchanges (part of migrate_pages_ok)") \
	X(exchange_bounced, "pages put on a third node to begin where nothing was free") \
	X(exchange_no_room, "rounds of an exchange given up: no node at all had room") \
	X(exchange_stuck, "rounds of an exchange in which nothing could be moved") \
	X(skip_pinned, "pages left: pinned for DMA") \
	X(skip_mlocked, "pages left: mlocked") \
	X(skip_shared, "pages left: mapped by a process of another home, or an unknown one") \
	X(skip_ksm, "pages left: merged by KSM") \
	X(skip_hugetlb, "pages left: hugetlb") \
	X(skip_policy, "pages left: bound by a memory policy") \
	X(skip_busy, "pages left for now: not to be isolated, or no room for a large one") \
	X(numab_switched_off, "times kernel.numa_balancing was set to 0") \
	X(numab_restored, "times kernel.numa_balancing was put back") \
	X(numab_left_alone, "times it was found changed by somebody else and left so")

enum kn_stat {
#define KN_STAT_ENUM(name, what)	KN_STAT_##name,
	KN_STATS(KN_STAT_ENUM)
	KN_NR_STATS
};

extern atomic64_t kn_stats[KN_NR_STATS];

#define kn_stat_add(name, n)	atomic64_add(n, &kn_stats[KN_STAT_##name])
#define kn_stat_inc(name)	atomic64_inc(&kn_stats[KN_STAT_##name])

static inline void kn_stat_max(enum kn_stat stat, s64 value)
{
	s64 old = atomic64_read(&kn_stats[stat]);

	while (value > old && !atomic64_try_cmpxchg(&kn_stats[stat], &old, value))
		;
}

#endif /* KNUMAD_ENGINE_STATS_H */
