// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies isolated pages to a node.  One thread cannot use the memory's bandwidth, as it
 * waits for other CPUs to forget a page's old place most of the time: the node's copier
 * thread takes the second half of what is worth the waking.
 *
 * Context: worker threads and copiers, may sleep, no lock held.  A part's lists belong to the
 * thread that runs it.  A part that is given away is run by whoever takes it first: the copier,
 * or, if that has got no CPU until then, the worker after its own half.
 */
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/wait.h>

#include "../../include/knumad.h"
#include "../compat/migrate.h"
#include "copy.h"
#include "kthread.h"
#include "node.h"
#include "room.h"
#include "stats.h"

/* Fewer pages are copied by the caller alone. */
#define KN_COPY_ALONE_PAGES	128

/*
 * So many free pages of a node an allocating CPU may have on its own list, where they are free
 * to nobody else and no watermark counts them: 63, but up to 32 times that since "mm,
 * page_alloc: scale the number of pages that are batch allocated" (v6.7), and a huge page.
 */
#define KN_PCP_MOST_PAGES	2048

struct kn_part {
	int nid;
	enum kn_purpose purpose;
	struct list_head folios;	/* isolated */
	struct list_head reserved;	/* large destination folios that nobody has yet */
	struct list_head left;		/* isolated, without a destination */
	struct folio *spare;
	u64 placed;
	u8 no_order;			/* see struct kn_copy */
	bool no_room;
};

struct kn_copier {
	struct mutex lock;		/* held by the thread whose part it has */
	wait_queue_head_t wait;
	struct kn_part *part;		/* to be run by whoever takes it, or NULL */
	struct completion done;
};

static struct kn_copier kn_copiers[KNUMAD_MAX_NODES];

static void kn_part_init(struct kn_part *part, const struct kn_copy *copy)
{
	*part = (struct kn_part){ .nid = copy->nid, .purpose = copy->purpose };
	INIT_LIST_HEAD(&part->folios);
	INIT_LIST_HEAD(&part->reserved);
	INIT_LIST_HEAD(&part->left);
}

/* Of two orders that found no room, 0 for none, the one that says more. */
static unsigned int kn_least_order(unsigned int a, unsigned int b)
{
	return a && b ? min(a, b) : a | b;
}

static struct folio *kn_part_new_large(struct kn_part *part, unsigned int order)
{
	struct folio *spare = part->spare;

	if (!spare || folio_order(spare) != order)
		return kn_room_alloc(part->nid, order, part->purpose == KN_FOR_EXCHANGE);
	part->spare = NULL;
	return spare;
}

/*
 * Finds a destination for each large folio beforehand; those without one are set aside.
 * Told that there is no memory, migrate_pages() would give the small ones up as well,
 * and split the large one on old kernels.
 */
static void kn_part_reserve(struct kn_part *part)
{
	struct folio *folio, *next;

	list_for_each_entry_safe(folio, next, &part->folios, lru) {
		unsigned int order = folio_order(folio);
		struct folio *new = NULL;

		if (!order)
			continue;
		if (!part->no_order || order < part->no_order)
			new = kn_part_new_large(part, order);
		if (new) {
			list_add(&new->lru, &part->reserved);
		} else {
			part->no_order = kn_least_order(part->no_order, order);
			part->no_room = true;
			list_move(&folio->lru, &part->left);
		}
	}
}

static void kn_part_release(struct kn_part *part)
{
	struct folio *new, *next;

	list_for_each_entry_safe(new, next, &part->reserved, lru) {
		list_del(&new->lru);
		folio_put(new);
	}
	list_splice_init(&part->left, &part->folios);
}

/* migrate_pages() asks for the place of @old. */
static struct folio *kn_part_alloc(struct folio *old, unsigned long private)
{
	struct kn_part *part = (struct kn_part *)private;
	unsigned int order = folio_order(old);
	struct folio *new = NULL, *at;

	if (!order)
		new = kn_room_alloc(part->nid, 0, part->purpose == KN_FOR_EXCHANGE);
	list_for_each_entry(at, &part->reserved, lru) {
		if (order && folio_order(at) == order) {
			new = at;
			list_del(&new->lru);
			break;
		}
	}
	if (new)
		part->placed += 1UL << order;
	else
		part->no_room = true;
	return new;
}

/* A folio from kn_part_alloc() was not needed after all; the same may be asked again. */
static void kn_part_unalloc(struct folio *new, unsigned long private)
{
	struct kn_part *part = (struct kn_part *)private;

	part->placed -= folio_nr_pages(new);
	if (folio_order(new))
		list_add(&new->lru, &part->reserved);
	else
		folio_put(new);
}

KN_DEFINE_MIGRATE_CALLBACKS(kn_part_callbacks, kn_part_alloc, kn_part_unalloc);

/*
 * What allocating left on this CPU's list is given back where room is short; in an exchange also
 * what was freed here, which is what the next leg comes for.
 */
static void kn_part_settle(const struct kn_part *part)
{
	if (part->purpose == KN_FOR_EXCHANGE)
		kn_room_settle_here();
	else if (kn_node_headroom_pages(part->nid) < 2 * KN_PCP_MOST_PAGES)
		kn_room_settle(part->nid);
}

static void kn_part_run(struct kn_part *part)
{
	kn_part_reserve(part);
	kn_part_settle(part);
	kn_migrate_pages(&part->folios, &kn_part_callbacks, (unsigned long)part);
	kn_part_release(part);
	kn_part_settle(part);
}

/*
 * Not near a watermark, which two threads that both see the last room would pass; the room for an
 * exchange was taken before, but one huge page is all that it may have room for.
 */
static bool kn_copy_is_shared(const struct kn_copy *copy)
{
	if (copy->pages < KN_COPY_ALONE_PAGES)
		return false;
	switch (copy->purpose) {
	case KN_FOR_HOME:
		return kn_node_headroom_pages(copy->nid) >= copy->pages + 2 * KN_PCP_MOST_PAGES;
	case KN_FOR_EXCHANGE:
		return !copy->large;
	default:
		return false;
	}
}

/* Moves what is behind the first half of a copy's pages to @second; none if that is nothing. */
static void kn_copy_cut(struct kn_copy *copy, struct list_head *second)
{
	struct folio *folio;
	u64 pages = 0;

	list_for_each_entry(folio, &copy->folios, lru) {
		pages += folio_nr_pages(folio);
		if (2 * pages >= copy->pages)
			break;
	}
	if (list_entry_is_head(folio, &copy->folios, lru))
		return;
	list_splice_tail_init(&copy->folios, second);
	list_cut_position(&copy->folios, second, &folio->lru);
}

/* What @part brought about becomes @copy's. */
static void kn_copy_add(struct kn_copy *copy, struct kn_part *part)
{
	list_splice_tail_init(&part->folios, &copy->folios);
	copy->placed += part->placed;
	copy->no_order = kn_least_order(copy->no_order, part->no_order);
	copy->no_room |= part->no_room;
}

/* True if the copier of @part's node may take it; then kn_copier_await() is to follow. */
static bool kn_copier_give(struct kn_part *part)
{
	struct kn_copier *copier = &kn_copiers[part->nid];

	if (list_empty(&part->folios) || !kn_kthread_exists(KN_KTHREAD_COPIER, part->nid) ||
	    !mutex_trylock(&copier->lock))
		return false;
	/* Pairs with the xchg() of whoever takes it: that finds its lists as they are now. */
	smp_store_release(&copier->part, part);
	wake_up(&copier->wait);
	return true;
}

/* @part has been run when this returns. */
static void kn_copier_await(struct kn_part *part)
{
	struct kn_copier *copier = &kn_copiers[part->nid];

	if (xchg(&copier->part, NULL))
		kn_part_run(part);
	else
		wait_for_completion(&copier->done);
	mutex_unlock(&copier->lock);
}

/**
 * kn_copy - bring isolated pages to a node
 * @copy: which, where to, and what became of them
 *
 * Worker threads, at a priority that others may wait for; may sleep.  What did not go is
 * still isolated, and the caller's.
 */
void kn_copy(struct kn_copy *copy)
{
	struct kn_part own, others;
	bool given;

	kn_part_init(&own, copy);
	kn_part_init(&others, copy);
	if (kn_copy_is_shared(copy))
		kn_copy_cut(copy, &others.folios);
	given = kn_copier_give(&others);
	list_splice_init(&copy->folios, &own.folios);
	if (!given)
		list_splice_tail_init(&others.folios, &own.folios);

	own.spare = copy->spare;
	kn_part_run(&own);
	copy->spare = own.spare;
	kn_copy_add(copy, &own);
	if (given) {
		kn_copier_await(&others);
		kn_copy_add(copy, &others);
	}
}

/* A copier: ordinary priority, as others may wait for a page that is being copied. */
static int kn_copier_main(void *data)
{
	struct kn_copier *copier = data;

	while (!kthread_should_stop()) {
		struct kn_part *part;

		wait_event_idle(copier->wait, READ_ONCE(copier->part) || kthread_should_stop());
		part = xchg(&copier->part, NULL);
		if (!part)
			continue;
		kn_part_run(part);
		kn_stat_add(migrate_pages_copier, part->placed);
		complete(&copier->done);
	}
	return 0;
}

/**
 * kn_copiers_start - one thread for each node that has memory now
 *
 * Module load, before the workers.  Return: 0, or a negative error that was said.
 */
int kn_copiers_start(void)
{
	int nid, err;

	for_each_node_state(nid, N_MEMORY) {
		struct kn_copier *copier = &kn_copiers[nid];

		mutex_init(&copier->lock);
		init_waitqueue_head(&copier->wait);
		init_completion(&copier->done);
		err = kn_kthread_start(KN_KTHREAD_COPIER, nid, kn_copier_main, copier);
		if (err)
			return err;
	}
	return 0;
}

/**
 * kn_copiers_stop - end all that there are; no worker is left
 */
void kn_copiers_stop(void)
{
	int nid;

	for (nid = 0; nid < KNUMAD_MAX_NODES; nid++)
		kn_kthread_stop(KN_KTHREAD_COPIER, nid);
}
