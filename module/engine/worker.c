// SPDX-License-Identifier: GPL-2.0-only
/*
 * The knumad threads, one per node with memory, bound to the node's CPUs: they scan
 * the processes whose memory is mostly there, fetch pages whose home it is, and run the
 * exchanges whose first leg ends there.
 *
 * Context: kernel threads of the lowest priority, freezable.  Bounded by token buckets
 * filled from scan_mb_per_sec and migrate_mb_per_sec, each per thread.
 *
 * It has ordinary priority while there are pages to be moved, as that is decided, and how fast it
 * may go: beside busy threads of the node one of the lowest priority would take far longer, and
 * those whose pages are under way might wait for it.  While it holds an mmap lock it keeps its CPU.
 */
#include <linux/freezer.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include "boost.h"
#include "config.h"
#include "copy.h"
#include "engine.h"
#include "exchange.h"
#include "kthread.h"
#include "migrate.h"
#include "plan.h"
#include "scan.h"

/* With work left over a worker sleeps this long; with none, at most as long as that. */
#define KN_WORKER_BUSY_MS	10
#define KN_WORKER_IDLE_MS	60000

/* A bucket holds what its rate gives in this time, and never less than one batch. */
#define KN_BUCKET_MS		250

/* One visit to a process moves at most this many batches. */
#define KN_VISIT_BATCHES	8

/*
 * Pages that may be moved now, or entries looked at, of 4 KiB each; may go below zero by part of a
 * batch.
 */
struct kn_bucket {
	s64 pages;
	u64 filled_ns;
};

struct kn_worker {
	int nid;
	bool kicked;
	bool moves;			/* there are pages to be moved: at ordinary priority */
	int nice;			/* its own, meanwhile */
	struct kn_bucket scan;
	struct kn_bucket migrate;
	struct kn_proc *scanned;	/* last visited, with a reference: the next round */
	struct kn_proc *migrated;	/* goes on behind it, so that nobody starves */
};

static struct kn_worker kn_workers[KNUMAD_MAX_NODES];
static DECLARE_WAIT_QUEUE_HEAD(kn_workers_wait);

static void kn_bucket_fill(struct kn_bucket *b, unsigned int mb_per_sec)
{
	u64 now = ktime_get_ns();
	u64 pages_per_sec = (u64)mb_per_sec << (20 - PAGE_SHIFT);
	s64 size = max_t(u64, pages_per_sec * KN_BUCKET_MS / MSEC_PER_SEC, KN_BATCH_PAGES);
	u64 elapsed_us = min_t(u64, (now - b->filled_ns) / NSEC_PER_USEC, USEC_PER_SEC);

	b->pages = min_t(s64, size, b->pages + pages_per_sec * elapsed_us / USEC_PER_SEC);
	b->filled_ns = now;
}

/* Whether to end the round early: to stop, or to let the system suspend. */
static bool kn_worker_leaves(void)
{
	return kthread_should_stop() || freezing(current);
}

/* Drops the places of the last round. */
static void kn_worker_forget(struct kn_worker *w)
{
	kn_proc_put(w->scanned);
	kn_proc_put(w->migrated);
	w->scanned = NULL;
	w->migrated = NULL;
}

/* Until kn_worker_moved(). */
static void kn_worker_moves(struct kn_worker *w)
{
	if (!w->moves)
		w->nice = kn_boost_begin();
	w->moves = true;
}

static void kn_worker_moved(struct kn_worker *w)
{
	if (w->moves)
		kn_boost_end(w->nice);
	w->moves = false;
}

/* Scans a piece of each process that is due, while the budget lasts; true if one still is. */
static bool kn_worker_scan(struct kn_worker *w)
{
	u32 left = kn_registry_count();
	bool more = false;

	while (!kn_worker_leaves()) {
		struct kn_proc *proc;

		if (w->scan.pages <= 0)
			return true;
		w->scanned = kn_registry_after(w->scanned, w->nid, &left);
		proc = w->scanned;
		if (!proc)
			break;
		if (READ_ONCE(proc->scan_nid) != w->nid || !kn_scan_is_due(proc))
			continue;
		w->scan.pages -= kn_scan(proc, w->scan.pages);
		more |= kn_scan_is_due(proc);
	}
	return more;
}

/* Fetches some pages of @proc within the budget; true when there are more. */
static bool kn_worker_fetch(struct kn_worker *w, struct kn_proc *proc)
{
	int i;

	if (!kn_migrate_is_due(proc, w->nid))
		return false;
	kn_worker_moves(w);
	for (i = 0; i < KN_VISIT_BATCHES && kn_migrate_is_due(proc, w->nid) &&
	     w->migrate.pages > 0 && !kn_worker_leaves(); i++) {
		u64 cost = kn_migrate_batch(proc, w->nid);

		if (!cost)
			break;
		w->migrate.pages -= cost;
		cond_resched();
	}
	return kn_migrate_is_due(proc, w->nid);
}

/* Fetches pages of each process that has some for this node, while the budget lasts. */
static bool kn_worker_migrate(struct kn_worker *w)
{
	u32 left = kn_registry_count();
	bool more = false;

	while (!kn_worker_leaves()) {
		if (w->migrate.pages <= 0)
			return true;
		w->migrated = kn_registry_after(w->migrated, w->nid, &left);
		if (!w->migrated)
			break;
		more |= kn_worker_fetch(w, w->migrated);
	}
	return more;
}

/* Runs the exchanges that are this node's, while the budget lasts; true if one goes on. */
static bool kn_worker_exchange(struct kn_worker *w)
{
	struct kn_exchange *x;
	bool more = false;
	int i;

	for (x = kn_exchange_next(NULL, w->nid); x; x = kn_exchange_next(x, w->nid)) {
		for (i = 0; i < KN_VISIT_BATCHES && kn_exchange_is_due(x); i++) {
			u64 cost;

			if (kn_worker_leaves() || w->migrate.pages <= 0) {
				kn_exchange_put(x);
				return true;
			}
			kn_worker_moves(w);
			cost = kn_exchange_round(x);
			if (!cost)
				break;
			w->migrate.pages -= cost;
			cond_resched();
		}
		more |= kn_exchange_is_due(x);
	}
	return more;
}

/* One round over all processes; returns how long to sleep, in ms. */
static unsigned int kn_worker_round(struct kn_worker *w)
{
	enum kn_mode mode = kn_mode();
	bool may_move = kn_mode_moves_memory(mode) && kn_capable(KN_CAP_MIGRATE);
	bool more, more_moves = false;

	if (mode == KN_MODE_OFF) {
		kn_worker_forget(w);
		kn_worker_moved(w);
		return KN_WORKER_IDLE_MS;
	}
	kn_kthreads_rebind(w->nid);
	kn_bucket_fill(&w->scan, READ_ONCE(kn_config.scan_mb_per_sec));
	kn_bucket_fill(&w->migrate, READ_ONCE(kn_config.migrate_mb_per_sec));
	more = kn_worker_scan(w);
	if (may_move && kn_plan_moves_into(w->nid))
		more_moves = kn_worker_migrate(w);
	if (may_move)
		more_moves |= kn_worker_exchange(w);
	if (may_move)
		kn_migrate_drain();
	if (!more_moves)
		kn_worker_moved(w);
	more |= more_moves;
	if (!more)
		kn_worker_forget(w);
	return more ? KN_WORKER_BUSY_MS : READ_ONCE(kn_config.scan_period_ms);
}

static int kn_worker_main(void *data)
{
	struct kn_worker *w = data;

	set_freezable();
	set_user_nice(current, MAX_NICE);
	while (!kthread_should_stop()) {
		unsigned int sleep_ms;

		/* Before the parameters are read: who writes one kicks after that. */
		smp_store_mb(w->kicked, false);
		sleep_ms = kn_worker_round(w);
		wait_event_freezable_timeout(kn_workers_wait,
					     READ_ONCE(w->kicked) || kthread_should_stop(),
					     msecs_to_jiffies(sleep_ms));
	}
	kn_worker_forget(w);
	/* It is waited for, and is to be gone soon after that. */
	kn_worker_moves(w);
	return 0;
}

/**
 * kn_workers_kick - have every worker look for work now
 */
void kn_workers_kick(void)
{
	int nid;

	for (nid = 0; nid < KNUMAD_MAX_NODES; nid++)
		WRITE_ONCE(kn_workers[nid].kicked, true);
	wake_up_all(&kn_workers_wait);
}

/**
 * kn_workers_start - threads for each node that has memory now
 *
 * Return: 0, or a negative error with none running.
 */
int kn_workers_start(void)
{
	int nid, err = kn_copiers_start();

	for_each_node_state(nid, N_MEMORY) {
		if (err)
			break;
		kn_workers[nid].nid = nid;
		err = kn_kthread_start(KN_KTHREAD_WORKER, nid, kn_worker_main, &kn_workers[nid]);
	}
	if (err)
		kn_workers_stop();
	return err;
}

/**
 * kn_workers_stop - end them; each finishes the batch it has in hand
 */
void kn_workers_stop(void)
{
	int nid;

	for (nid = 0; nid < KNUMAD_MAX_NODES; nid++)
		kn_kthread_stop(KN_KTHREAD_WORKER, nid);
	kn_copiers_stop();
}
