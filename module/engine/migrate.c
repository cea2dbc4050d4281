// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moves a process's pages home, batch by batch: collect under the mmap lock, migrate
 * without it.
 *
 * Context: worker threads, may sleep; the worker of a node is the only one that moves
 * pages into it, so what it sees as room is its own to fill.  A page is on a batch's
 * list, isolated, between collecting and kn_batch_finish(), and nowhere else.
 */
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/nodemask.h>
#include <linux/vmstat.h>

#include "../../include/knumad_trace.h"
#include "../kern/capability.h"
#include "../compat/migrate.h"
#include "boost.h"
#include "migrate.h"
#include "node.h"
#include "pages.h"
#include "stats.h"

/* Slices of mmap lock spent on filling one batch, at most. */
#define KN_BATCH_SLICES		64

/* After a pass that moved less than this part of the quota, the process has a rest. */
#define KN_FRUITLESS_PART	16
#define KN_MIGRATE_RETRY_MS	2000

struct kn_batch {
	struct list_head folios;	/* isolated */
	int nid;			/* destination */
	u64 home;			/* pages on these nodes stay */
	u64 pages;			/* isolated */
	u64 huge;			/* of these, huge pages (each counted once) */
	u64 placed;			/* pages now on the destination in their stead */
	u64 cost;			/* of collecting, see kn_walk_cost() */
	long from[KNUMAD_MAX_NODES];	/* isolated pages by the node they came from */
};

/**
 * kn_migrate_is_due - whether a node's worker has pages of a process to fetch
 * @proc: the process
 * @nid: the node
 */
bool kn_migrate_is_due(const struct kn_proc *proc, int nid)
{
	const struct kn_migration *m = &proc->migrate[nid];

	return atomic_long_read(&m->quota) > 0 && time_after_eq(jiffies, m->retry_at);
}

/* A huge page mapped entry by entry: whether another process has any part of it. */
static bool kn_is_partly_shared(struct folio *folio)
{
	long i;

	for (i = 0; i < folio_nr_pages(folio); i++)
		if (page_mapcount(folio_page(folio, i)) > 1)
			return true;
	return false;
}

/* Page-table lock held; the page is mapped, so it cannot be freed. */
static int kn_batch_take(struct kn_walk *walk, struct page *page, enum kn_page_kind kind,
			 unsigned int nr_pages)
{
	struct kn_batch *batch = walk->arg;
	struct folio *folio = page_folio(page);
	int nid = folio_nid(folio);

	if (batch->home & BIT_ULL(nid))
		return 0;
	if (kind != KN_PAGE_MOVABLE) {
		kn_count_skip(kind, nr_pages);
		return 0;
	}
	if (nr_pages < folio_nr_pages(folio)) {
		/* Reached once by each of its entries: the first one decides. */
		if (!folio_test_lru(folio))
			return 0;
		if (kn_is_partly_shared(folio)) {
			kn_count_skip(KN_PAGE_SHARED, nr_pages);
			return 0;
		}
	}
	folio_get(folio);
	if (kn_isolate_folio(folio)) {
		nr_pages = folio_nr_pages(folio);
		list_add_tail(&folio->lru, &batch->folios);
		node_stat_mod_folio(folio, NR_ISOLATED_ANON + folio_is_file_lru(folio), nr_pages);
		batch->pages += nr_pages;
		batch->huge += nr_pages == HPAGE_PMD_NR;
		batch->from[nid] += nr_pages;
	} else {
		kn_stat_add(skip_busy, nr_pages);
	}
	folio_put(folio);
	return batch->pages >= KN_BATCH_PAGES;
}

/*
 * A page on the destination, or NULL.  Reclaim is never entered for it, so nothing is
 * pushed out for what is only an optimisation, and the node keeps its high watermark.
 * A huge page may be made room for by compaction.
 */
static struct folio *kn_batch_alloc(struct folio *old, unsigned long private)
{
	struct kn_batch *batch = (struct kn_batch *)private;
	unsigned int order = folio_order(old);
	gfp_t gfp = __GFP_THISNODE | __GFP_NOWARN | __GFP_NOMEMALLOC;
	struct folio *new;

	if (kn_node_headroom_pages(batch->nid) < 1UL << order) {
		kn_stat_inc(migrate_no_room);
		return NULL;
	}
	if (order)
		new = __folio_alloc(gfp | GFP_TRANSHUGE_LIGHT, order, batch->nid, NULL) ?:
		      __folio_alloc(gfp | GFP_TRANSHUGE | __GFP_NORETRY, order, batch->nid, NULL);
	else
		new = __folio_alloc(gfp | (GFP_HIGHUSER_MOVABLE & ~__GFP_RECLAIM), 0, batch->nid,
				    NULL);
	if (!new) {
		kn_stat_inc(migrate_no_memory);
		return NULL;
	}
	if (folio_nid(new) != batch->nid) {
		kn_stat_inc(migrate_wrong_node);
		folio_put(new);
		return NULL;
	}
	batch->placed += 1UL << order;
	return new;
}

/* A page from kn_batch_alloc() was not needed after all. */
static void kn_batch_unalloc(struct folio *new, unsigned long private)
{
	struct kn_batch *batch = (struct kn_batch *)private;

	batch->placed -= folio_nr_pages(new);
	folio_put(new);
}

KN_DEFINE_MIGRATE_CALLBACKS(kn_batch, kn_batch_alloc, kn_batch_unalloc)

/* Fills the batch from the process's cursor on; true when a pass ended. */
static bool kn_batch_collect(struct kn_batch *batch, struct kn_proc *proc)
{
	struct kn_migration *m = &proc->migrate[batch->nid];
	struct kn_walk walk = {
		.mm = proc->mm,
		.cursor = m->cursor,
		.max_cost = U64_MAX,
		.fn = kn_batch_take,
		.arg = batch,
	};
	enum kn_walk_result result = KN_WALK_MORE;
	int slices;

	for (slices = 0; result == KN_WALK_MORE && batch->pages < KN_BATCH_PAGES &&
	     slices < KN_BATCH_SLICES; slices++) {
		result = kn_walk_slice(&walk);
		batch->cost += kn_walk_cost(&walk);
	}
	m->cursor = result == KN_WALK_END ? 0 : walk.cursor;
	return result == KN_WALK_END || result == KN_WALK_GONE;
}

/*
 * Migrates the batch, puts back what did not go; returns the pages that did.  A page
 * that was freed meanwhile is neither.
 */
static u64 kn_batch_finish(struct kn_batch *batch, struct kn_proc *proc)
{
	u64 huge = batch->huge, failed = 0;
	struct folio *folio;
	int nid, nice;

	nice = kn_boost_begin();
	kn_migrate_pages(&batch->folios, kn_batch_alloc_cb, kn_batch_unalloc_cb,
			 (unsigned long)batch);
	kn_boost_end(nice);
	list_for_each_entry(folio, &batch->folios, lru) {
		u64 nr = folio_nr_pages(folio);

		failed += nr;
		huge -= nr == HPAGE_PMD_NR;
		batch->from[folio_nid(folio)] -= nr;
	}
	if (!list_empty(&batch->folios))
		KN_CALL(putback_movable_pages)(&batch->folios);

	for (nid = 0; nid < nr_node_ids; nid++)
		if (batch->from[nid])
			atomic_long_sub(batch->from[nid], &proc->pages[nid].movable);
	atomic_long_add(batch->placed, &proc->pages[batch->nid].movable);
	atomic_long_sub(batch->placed, &proc->migrate[batch->nid].quota);

	kn_stat_inc(migrate_batches);
	kn_stat_add(migrate_pages_isolated, batch->pages);
	kn_stat_add(migrate_pages_ok, batch->placed);
	kn_stat_add(migrate_pages_failed, failed);
	kn_stat_add(migrate_thp_ok, huge);
	kn_stat_add(migrate_thp_failed, batch->huge - huge);
	return batch->placed;
}

/* The pass over the address space ended: rest if it brought little of what is wanted. */
static void kn_pass_ended(struct kn_migration *m)
{
	if (m->moved <= atomic_long_read(&m->quota) / KN_FRUITLESS_PART)
		m->retry_at = jiffies + msecs_to_jiffies(KN_MIGRATE_RETRY_MS);
	m->moved = 0;
	m->drained = false;
}

/*
 * Pages just faulted in sit in per-CPU batches, where they cannot be isolated: flush
 * those once a pass.  Others wait for the same flush: not at the lowest priority.
 */
static void kn_pass_begins(struct kn_migration *m)
{
	int nice;

	if (m->drained)
		return;
	nice = kn_boost_begin();
	KN_CALL(lru_add_drain_all)();
	kn_boost_end(nice);
	m->drained = true;
}

/**
 * kn_migrate_batch - bring the next pages of a process into a node
 * @proc: its home has the node, and the plan wants pages moved there
 * @nid: the caller's node
 *
 * Return: what it cost, in pages; 0 if it could not begin: the node is full, or the
 * mmap lock not free.
 */
u64 kn_migrate_batch(struct kn_proc *proc, int nid)
{
	struct kn_migration *m = &proc->migrate[nid];
	struct kn_batch batch = {
		.folios = LIST_HEAD_INIT(batch.folios),
		.nid = nid,
		.home = READ_ONCE(proc->home),
	};
	u64 start = ktime_get_ns(), headroom = kn_node_headroom_pages(nid), moved = 0;
	bool ended;

	if (!(batch.home & BIT_ULL(nid)))
		return 0;
	if (headroom < KN_BATCH_PAGES) {
		kn_stat_inc(migrate_no_room);
		m->retry_at = jiffies + msecs_to_jiffies(KN_MIGRATE_RETRY_MS);
		return 0;
	}
	kn_pass_begins(m);
	ended = kn_batch_collect(&batch, proc);
	if (batch.pages) {
		moved = kn_batch_finish(&batch, proc);
		trace_knumad_migrate(proc->tgid, nid, batch.pages, moved, headroom,
				     kn_node_headroom_pages(nid), ktime_get_ns() - start);
	}
	m->moved += moved;
	if (ended)
		kn_pass_ended(m);
	kn_stat_add(migrate_time_ns, ktime_get_ns() - start);
	return max(batch.cost, batch.pages);
}
