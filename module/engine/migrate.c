// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moves a process's pages between nodes, batch by batch: collect under the mmap lock,
 * migrate without it.
 *
 * Context: worker threads, may sleep; the worker of a node, with its copier, fills the room
 * above its high watermark, and exchanges keep their own account, see account.c.  A
 * page is on a batch's list, isolated, between collecting and kn_batch_finish(), and
 * nowhere else.
 */
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
#include "cache.h"
#include "copy.h"
#include "frames.h"
#include "hot.h"
#include "migrate.h"
#include "node.h"
#include "pages.h"
#include "room.h"
#include "stats.h"
#include "uses.h"

/* Slices of mmap lock spent on filling one batch, at most. */
#define KN_BATCH_SLICES		128

/* After a pass that moved less than this part of the quota, the process has a rest. */
#define KN_FRUITLESS_PART	16
#define KN_MIGRATE_RETRY_MS	2000

/* Batches of page cache that may be in the way of one of a process's. */
#define KN_ROOM_TRIES		8

/* In an exchange the room comes and goes: look again soon. */
#define KN_LEG_RETRY_MS		200

/* At least so long between two flushes of the per-CPU LRU batches. */
#define KN_DRAIN_MS		1000

/* Looking at a page costs so much less than moving it. */
#define KN_LOOKS_PER_MOVE	32

/* Taking a page off its list takes half a microsecond: the clock is looked at in between. */
#define KN_TAKEN_PER_LOOK	16

struct kn_batch {
	const struct kn_proc *proc;
	bool hot;			/* only pages that were lately accessed */
	bool by_use;			/* only those that the destination's threads alone use */
	struct kn_frames frames;	/* where the last page that was met is */
	struct kn_copy copy;		/* what is isolated, and where it goes */
	struct folio *decided;		/* the last large one met; only compared */
	bool no_large;			/* large ones found no room a moment ago */
	bool busy;			/* some could not be isolated */
	u64 sources;			/* nodes that pages are taken from */
	u64 limit;			/* it is full with so many pages */
	u64 max;			/* a large folio may bring it above, up to this */
	unsigned int retry_ms;		/* rest after what brought nothing */
	unsigned int taken;		/* folios, or tries */
	u64 huge;			/* isolated huge pages, each counted once */
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

	return atomic_long_read(&m->quota) > 0 && time_after_eq(jiffies, m->pass.retry_at);
}

static void kn_batch_skip_busy(struct kn_batch *batch, u64 pages)
{
	batch->busy = true;
	kn_stat_add(skip_busy, pages);
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
	if (batch->no_large || batch->copy.pages + folio_nr_pages(folio) > batch->max) {
		kn_batch_skip_busy(batch, folio_nr_pages(folio));
		return false;
	}
	kind = kn_folio_kind(walk, folio, page);
	kn_count_skip(kind, folio_nr_pages(folio));
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
		kn_count_skip(kind, nr_pages);
		return 0;
	}
	if (folio_nr_pages(folio) > 1 && !kn_batch_wants_large(batch, walk, folio, page))
		return 0;
	folio_get(folio);
	if (kn_isolate_folio(folio)) {
		nr_pages = folio_nr_pages(folio);
		list_add_tail(&folio->lru, &batch->copy.folios);
		node_stat_mod_folio(folio, NR_ISOLATED_ANON + folio_is_file_lru(folio), nr_pages);
		batch->copy.pages += nr_pages;
		batch->huge += nr_pages == HPAGE_PMD_NR;
		batch->from[nid] += nr_pages;
	} else {
		kn_batch_skip_busy(batch, nr_pages);
	}
	folio_put(folio);
	return batch->copy.pages >= batch->limit ||
	       (++batch->taken % KN_TAKEN_PER_LOOK == 0 && kn_walk_is_over(walk));
}

/* Fills the batch from the pass's cursor on; true when the pass ended. */
static bool kn_batch_collect(struct kn_batch *batch, struct kn_proc *proc, struct kn_pass *pass)
{
	struct kn_walk walk = {
		.mm = proc->mm,
		.cursor = pass->cursor,
		.max_cost = U64_MAX,
		.proc = proc,
		.run = kn_batch_sift,
		.fn = kn_batch_take,
		.arg = batch,
	};
	enum kn_walk_result result = KN_WALK_MORE;
	int slices;

	kn_frames_init(&batch->frames, KN_ENTRIES_NORMAL);
	for (slices = 0; result == KN_WALK_MORE && batch->copy.pages < batch->limit &&
	     slices < KN_BATCH_SLICES; slices++) {
		result = kn_walk_slice(&walk);
		batch->cost += kn_walk_cost(&walk);
	}
	pass->cursor = result == KN_WALK_END ? 0 : walk.cursor;
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

/*
 * Migrates the batch, puts back what did not go; returns the pages that did.  A page
 * that was freed meanwhile is neither.
 */
static u64 kn_batch_finish(struct kn_batch *batch, struct kn_proc *proc, struct kn_pass *pass)
{
	struct kn_copy *copy = &batch->copy;
	u64 huge = batch->huge, failed = 0;
	struct folio *folio;
	int nid, nice;

	nice = kn_boost_begin();
	kn_copy(copy);
	kn_boost_end(nice);
	if (copy->no_room)
		pass->large_retry_at = jiffies + msecs_to_jiffies(batch->retry_ms);
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

	for (nid = 0; nid < nr_node_ids; nid++)
		if (batch->from[nid])
			atomic_long_sub(batch->from[nid], &proc->pages[nid].movable);
	atomic_long_add(copy->placed, &proc->pages[copy->nid].movable);

	kn_stat_inc(migrate_batches);
	kn_stat_add(migrate_pages_isolated, copy->pages);
	kn_stat_add(migrate_pages_ok, copy->placed);
	kn_stat_add(migrate_pages_failed, failed);
	kn_stat_add(migrate_thp_ok, huge);
	kn_stat_add(migrate_thp_failed, batch->huge - huge);
	return copy->placed;
}

/*
 * Pages just faulted in sit in per-CPU batches, where they cannot be isolated: flushed
 * after a pass that met some.  All CPUs take part in it, so it is done once in a while
 * for all processes.  Others wait for the same flush: not at the lowest priority.
 */
static void kn_drain(void)
{
	static unsigned long due = INITIAL_JIFFIES;
	int nice;

	if (time_before(jiffies, READ_ONCE(due)))
		return;
	WRITE_ONCE(due, jiffies + msecs_to_jiffies(KN_DRAIN_MS));
	nice = kn_boost_begin();
	KN_CALL(lru_add_drain_all)();
	kn_boost_end(nice);
}

/* The pass over the address space ended: rest if it brought little of @wanted pages. */
static void kn_pass_ended(struct kn_pass *pass, long wanted, unsigned int retry_ms)
{
	if (pass->moved <= wanted / KN_FRUITLESS_PART)
		pass->retry_at = jiffies + msecs_to_jiffies(retry_ms);
	pass->moved = 0;
	if (pass->busy)
		kn_drain();
	pass->busy = false;
}

/*
 * Begins with the pages lately accessed whenever a scan has found which these are, and that
 * it makes a difference; all the others follow in the same pass.
 */
static void kn_pass_order(struct kn_pass *pass, const struct kn_proc *proc, u64 sources)
{
	u32 looks = READ_ONCE(proc->hot_looks);

	if (looks == pass->looks)
		return;
	pass->looks = looks;
	if (pass->hot || !kn_hot_worth(proc, sources))
		return;
	pass->hot = true;
	pass->cursor = 0;
}

/* What a batch counts for in the budget: pages moved, and a little for all that were seen. */
static u64 kn_batch_cost(const struct kn_batch *batch)
{
	return batch->copy.pages + DIV_ROUND_UP_ULL(batch->cost, KN_LOOKS_PER_MOVE);
}

/* Collects and migrates; returns the pages moved. */
static u64 kn_batch_run(struct kn_batch *batch, struct kn_proc *proc, struct kn_pass *pass,
			long wanted)
{
	struct kn_copy *copy = &batch->copy;
	u64 start = ktime_get_ns(), headroom = kn_node_headroom_pages(copy->nid), moved = 0;
	bool ended;

	INIT_LIST_HEAD(&copy->folios);
	kn_pass_order(pass, proc, batch->sources);
	batch->proc = proc;
	batch->hot = pass->hot;
	batch->no_large = !copy->spare && time_before(jiffies, pass->large_retry_at);
	ended = kn_batch_collect(batch, proc, pass);
	if (copy->pages) {
		moved = kn_batch_finish(batch, proc, pass);
		trace_knumad_migrate(proc->tgid, copy->nid, copy->pages, moved, headroom,
				     kn_node_headroom_pages(copy->nid), ktime_get_ns() - start);
	}
	pass->moved += moved;
	pass->busy |= batch->busy;
	if (ended && pass->hot)
		pass->hot = false;
	else if (ended)
		kn_pass_ended(pass, wanted, batch->retry_ms);
	if (batch->hot)
		kn_stat_add(migrate_pages_hot, moved);
	kn_stat_add(migrate_time_ns, ktime_get_ns() - start);
	return moved;
}

/*
 * Whether @pages fit on a node: page cache that nobody uses gives way to it.  What that
 * takes is added to @cost, in pages: moving page cache, and looking for it, counts for the rate
 * as well.
 */
static bool kn_make_room(int nid, u64 pages, u64 *cost)
{
	int tries;

	for (tries = 0; tries < KN_ROOM_TRIES; tries++) {
		u64 looks = 0, left;

		if (kn_node_headroom_pages(nid) >= pages)
			return true;
		left = kn_cache_give_way(nid, &looks);
		*cost += left + looks / KN_LOOKS_PER_MOVE;
		if (!left)
			return false;
	}
	return false;
}

/**
 * kn_migrate_batch - bring the next pages of a process into a node
 * @proc: its home has the node, and the plan wants pages moved there
 * @nid: the caller's node
 *
 * Return: what it cost, in pages, page cache that gave way among them; 0 if it could not
 * begin: the node is full, or the mmap lock not free.
 */
u64 kn_migrate_batch(struct kn_proc *proc, int nid)
{
	struct kn_migration *m = &proc->migrate[nid];
	u64 home = READ_ONCE(proc->home), cost = 0;
	long quota = atomic_long_read(&m->quota);
	struct kn_batch batch = {
		.copy.nid = nid,
		.sources = ~home,
		.limit = KN_BATCH_PAGES,
		.max = U64_MAX,
		.retry_ms = KN_MIGRATE_RETRY_MS,
	};
	u64 moved;

	if (!(home & BIT_ULL(nid)))
		return 0;
	if (!kn_make_room(nid, clamp_t(long, quota, 1, KN_BATCH_PAGES), &cost)) {
		kn_stat_inc(migrate_no_room);
		m->pass.retry_at = jiffies + msecs_to_jiffies(KN_MIGRATE_RETRY_MS);
		return cost;
	}
	if (READ_ONCE(proc->by_use)) {
		batch.by_use = true;
		batch.sources = ~BIT_ULL(nid);
	}
	moved = kn_batch_run(&batch, proc, &m->pass, quota);
	atomic_long_sub(moved, &m->quota);
	if (batch.by_use) {
		atomic_long_sub(moved, &proc->pages[nid].astray);
		kn_stat_add(migrate_pages_by_use, moved);
	}
	return cost + kn_batch_cost(&batch);
}

/**
 * kn_migrate_leg - move some pages of a process from one node to another
 * @proc: the process
 * @pass: where the last call left off; starts again when it gets to the end
 * @from: node they leave
 * @to: node they go to; the caller has found room for @max pages there
 * @max: pages, at most; about KN_EXCHANGE_PAGES are moved
 * @spare_to: a free huge page on @to or NULL; NULL once it is used
 * @spare_from: receives the room of a huge page that has left @from, if there is none in it;
 *	NULL if nobody is to come there
 * @cost: what it cost is added, in pages
 *
 * For exchanges: the high watermark does not count, and the room that a huge page leaves is
 * kept for the one that comes back, or others would soon have broken it up; the caller gives
 * what is left of it to kn_room_release().  Return: pages moved.
 */
u64 kn_migrate_leg(struct kn_proc *proc, struct kn_pass *pass, int from, int to, u64 max,
		   struct folio **spare_to, struct folio **spare_from, u64 *cost)
{
	struct kn_batch batch = {
		.copy = { .nid = to, .purpose = KN_FOR_EXCHANGE, .spare = *spare_to },
		.sources = BIT_ULL(from),
		.limit = min_t(u64, max, KN_EXCHANGE_PAGES),
		.max = max,
		.retry_ms = KN_LEG_RETRY_MS,
	};
	u64 moved;

	moved = kn_batch_run(&batch, proc, pass, batch.limit);
	*spare_to = batch.copy.spare;
	if (spare_from && moved >= HPAGE_PMD_NR && batch.huge && !*spare_from)
		*spare_from = kn_room_keep(from);
	*cost += kn_batch_cost(&batch);
	return moved;
}
