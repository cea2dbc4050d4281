// SPDX-License-Identifier: GPL-2.0-only
/*
 * A batch of a process's pages on their way to a node: collected under the mmap lock, migrated
 * without it.
 *
 * Context: worker threads, may sleep; the page callbacks run under page-table locks.  A page is
 * on a batch's list, isolated, between collecting and kn_batch_finish(), and nowhere else.
 */
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/vmstat.h>

#include "../kern/capability.h"
#include "../compat/migrate.h"
#include "batch.h"
#include "hot.h"
#include "pages.h"
#include "registry.h"
#include "stats.h"
#include "uses.h"

/* Slices of mmap lock spent on filling one batch, at most. */
#define KN_BATCH_SLICES		128

/* Taking a page off its list takes half a microsecond: the clock is looked at in between. */
#define KN_TAKEN_PER_LOOK	16

static void kn_batch_skip_busy(struct kn_batch *batch, u64 pages)
{
	batch->busy = true;
	batch->left += pages;
	kn_stat_add(skip_busy, pages);
}

static void kn_batch_skip(struct kn_batch *batch, enum kn_page_kind kind, u64 pages)
{
	if (kind == KN_PAGE_MOVABLE)
		return;
	batch->left += pages;
	kn_count_skip(kind, pages);
}

/*
 * Page-table lock held.  Which pages of a run are worth looking at: those that are not on a
 * source are the most.
 */
static unsigned long kn_batch_sift(struct kn_walk *walk, const struct kn_run *run)
{
	struct kn_batch *batch = walk->arg;
	struct kn_frames *frames = &batch->frames;
	unsigned long asked = 0;
	unsigned int i, next;

	if (batch->by_use && kn_use_node(batch->proc, run->addr) != batch->copy.nid)
		return 0;
	for (i = run->begin; i < run->end; i = next) {
		unsigned long entry;

		next = kn_frames_reach(frames, run->entry, i, run->end);
		if (next > i) {
			if (batch->sources & BIT_ULL(frames->now.nid))
				asked |= GENMASK(next - 1, i);
			continue;
		}
		entry = READ_ONCE(run->entry[i]);
		if (kn_entry_present(entry)) {
			if (kn_frames_find(frames, entry))
				continue;
			asked |= BIT(i);
		}
		next++;
	}
	return batch->hot ? asked & kn_hot_word(batch->proc, run->addr) : asked;
}

/*
 * Page-table lock held.  A large folio mapped entry by entry is reached by each of them:
 * the first one decides.
 */
static bool kn_batch_wants_large(struct kn_batch *batch, const struct kn_walk *walk,
				 struct folio *folio, struct page *page)
{
	enum kn_page_kind kind;

	if (folio == batch->decided)
		return false;
	if (!folio_test_lru(folio)) {	/* taken already, or in a per-CPU batch */
		batch->busy = true;
		return false;
	}
	batch->decided = folio;
	if ((batch->no_order && folio_order(folio) >= batch->no_order) ||
	    batch->copy.pages + folio_nr_pages(folio) > batch->max) {
		batch->copy.no_room = true;
		kn_stat_add(skip_busy, folio_nr_pages(folio));
		return false;
	}
	kind = kn_folio_kind(walk, folio, page);
	kn_batch_skip(batch, kind, folio_nr_pages(folio));
	return kind == KN_PAGE_MOVABLE;
}

/* Page-table lock held; the page is mapped, so it cannot be freed. */
static int kn_batch_take(struct kn_walk *walk, struct page *page, enum kn_page_kind kind,
			 unsigned int nr_pages)
{
	struct kn_batch *batch = walk->arg;
	struct folio *folio = page_folio(page);
	int nid = folio_nid(folio);

	if (!(batch->sources & BIT_ULL(nid)))
		return 0;
	if (batch->hot && !kn_hot_test(batch->proc, walk->addr))
		return 0;
	if (batch->by_use && kn_use_node(batch->proc, walk->addr) != batch->copy.nid)
		return 0;
	if (kind != KN_PAGE_MOVABLE) {
		kn_batch_skip(batch, kind, nr_pages);
		return 0;
	}
	if (folio_nr_pages(folio) > 1 && !kn_batch_wants_large(batch, walk, folio, page))
		return 0;
	folio_get(folio);
	if (kn_isolate_folio(folio)) {
		nr_pages = folio_nr_pages(folio);
		batch->shared += kn_page_is_shared(page) ? nr_pages : 0;
		list_add_tail(&folio->lru, &batch->copy.folios);
		node_stat_mod_folio(folio, NR_ISOLATED_ANON + folio_is_file_lru(folio), nr_pages);
		batch->copy.pages += nr_pages;
		batch->copy.large |= nr_pages > 1;
		batch->huge += nr_pages == HPAGE_PMD_NR;
		batch->from[nid] += nr_pages;
		batch->last = walk->addr;
	} else {
		kn_batch_skip_busy(batch, nr_pages);
	}
	folio_put(folio);
	return batch->copy.pages >= batch->limit ||
	       (++batch->taken % KN_TAKEN_PER_LOOK == 0 && kn_walk_is_over(walk));
}

/**
 * kn_batch_collect - fill a batch with pages of a process
 * @batch: what it says "in" of is set
 * @cursor: where to start; receives where to go on, 0 at the end
 * @end: that, or ULONG_MAX
 *
 * What is collected so far is still mapped: nobody waits for it while others have the CPU.
 * Return: true when the end was reached.
 */
bool kn_batch_collect(struct kn_batch *batch, unsigned long *cursor, unsigned long end)
{
	struct kn_walk walk = {
		.mm = batch->proc->mm,
		.cursor = *cursor,
		.end = end,
		.max_cost = U64_MAX,
		/* What several processes share is on no node by the use that one makes of it. */
		.proc = batch->by_use ? NULL : batch->proc,
		.run = kn_batch_sift,
		.fn = kn_batch_take,
		.arg = batch,
	};
	enum kn_walk_result result = KN_WALK_MORE;
	int slices;

	INIT_LIST_HEAD(&batch->copy.folios);
	kn_frames_init(&batch->frames, KN_ENTRIES_NORMAL);
	for (slices = 0; result == KN_WALK_MORE && batch->copy.pages < batch->limit &&
	     slices < KN_BATCH_SLICES; slices++) {
		result = kn_walk_slice(&walk);
		batch->cost += kn_walk_cost(&walk);
		cond_resched();
	}
	*cursor = result == KN_WALK_END ? 0 : walk.cursor;
	return result == KN_WALK_END || result == KN_WALK_GONE;
}

/*
 * Where what failed is not on the list any more: no more pages have left their nodes than
 * were placed.  Which those were the next scan tells.
 */
static u64 kn_batch_not_gone(struct kn_batch *batch)
{
	u64 stayed = 0;
	s64 excess = -(s64)batch->copy.placed;
	int nid;

	for (nid = 0; nid < nr_node_ids; nid++)
		excess += batch->from[nid];
	for (nid = 0; nid < nr_node_ids && excess > 0; nid++) {
		long part = min_t(s64, batch->from[nid], excess);

		batch->from[nid] -= part;
		excess -= part;
		stayed += part;
	}
	return stayed;
}

/* Of @pages of a batch those that count as the process's own, where only some were shared about. */
static long kn_batch_own(const struct kn_batch *batch, long pages)
{
	long all = batch->copy.pages;

	return batch->shared ? pages * (all - (long)batch->shared) / all : pages;
}

/*
 * Accounts for @pages that have come to a node, or left it.  What is shared scans alone count, with
 * the object that it is of.  Off by a batch where the scan goes by just now.
 */
static void kn_batch_count(const struct kn_batch *batch, int nid, long pages)
{
	struct kn_node_pages *count = &batch->proc->pages[nid];
	long own = kn_batch_own(batch, pages);

	atomic_long_add(own, &count->movable);
	if (batch->scanned)
		atomic_long_add(own, &count->movable_since);
}

/**
 * kn_batch_finish - migrate a batch, put back what did not go
 * @batch: after kn_batch_collect(), which found some
 *
 * A page that was freed meanwhile is neither.  Return: pages that went.
 */
u64 kn_batch_finish(struct kn_batch *batch)
{
	struct kn_copy *copy = &batch->copy;
	struct kn_proc *proc = batch->proc;
	u64 huge = batch->huge, failed = 0;
	struct folio *folio;
	int nid;

	kn_copy(copy);
	list_for_each_entry(folio, &copy->folios, lru) {
		u64 nr = folio_nr_pages(folio);

		failed += nr;
		huge -= nr == HPAGE_PMD_NR;
		batch->from[folio_nid(folio)] -= nr;
	}
	if (!list_empty(&copy->folios))
		KN_CALL(putback_movable_pages)(&copy->folios);
	if (!KN_MIGRATE_KEEPS_FAILED)
		failed += kn_batch_not_gone(batch);

	batch->scanned = batch->last < READ_ONCE(proc->scan.cursor);
	for (nid = 0; nid < nr_node_ids; nid++)
		if (batch->from[nid])
			kn_batch_count(batch, nid, -batch->from[nid]);
	kn_batch_count(batch, copy->nid, copy->placed);

	kn_stat_inc(migrate_batches);
	kn_stat_add(migrate_pages_isolated, copy->pages);
	kn_stat_add(migrate_pages_ok, copy->placed);
	kn_stat_add(migrate_pages_failed, failed);
	batch->left += failed;
	kn_stat_add(migrate_thp_ok, huge);
	kn_stat_add(migrate_thp_failed, batch->huge - huge);
	return copy->placed;
}
