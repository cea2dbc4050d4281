// SPDX-License-Identifier: GPL-2.0-only
/*
 * Samples of who uses what, and the memory that they give to one node.
 *
 * Called by the engine for a process whose home has several nodes.  That threads of two nodes
 * use the same memory shows in neighbouring samples that disagree: then nothing is said of
 * any of it.
 */
#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include "policy.h"
#include "uses.h"

/* Fewer samples than this say nothing. */
#define LEAST_USES	32

/* Of a hundred samples of a node so many must have the nearest other one of the same node. */
#define AGREE_PERCENT	85

/*
 * Fewer samples of a node than this say nothing of it: a thread that goes through memory which
 * all use leaves some beside each other before others come there.
 */
#define LEAST_OF_NODE	16

/* So many in a row must agree before what is between them is given to their node. */
#define LEAST_RUN	3

/*
 * What lies behind the last of some samples that are spread evenly is on average as much as what
 * lies between two of them: of that many and more, so that what it may be wrong by is little.
 */
#define EVEN_RUN	8

/*
 * So many samples beside each other, none earlier than the one before, show a thread on its way:
 * what is ahead of it is expected to be its own for as far as it came in the last of them.
 */
#define LEAST_STRIDE	4
#define MOST_STRIDE	16

/* A thread belongs to another node once it was seen there so often in a row. */
#define SETTLED_TIMES	8

/* Places of the table in which a thread may be. */
#define USER_PROBES	8

#define PAGE_BITS	12

/* The first sample at or behind @addr. */
static u32 find_use(const struct policy_uses *u, u64 addr)
{
	u32 low = 0, high = u->nr;

	while (low < high) {
		u32 mid = (low + high) / 2;

		if (u->use[mid].addr < addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void remove_use(struct policy_uses *u, u32 k)
{
	u->nr--;
	memmove(&u->use[k], &u->use[k + 1], (u->nr - k) * sizeof(u->use[0]));
}

static void remove_oldest(struct policy_uses *u)
{
	u32 k, oldest = 0;

	for (k = 1; k < u->nr; k++)
		if ((s32)(u->use[k].time - u->use[oldest].time) < 0)
			oldest = k;
	remove_use(u, oldest);
}

/* The place of a thread's record, or where one for it goes: a free one, or one to take over. */
static u32 find_user(const struct policy_uses *u, u32 who)
{
	u32 k, at = 0;

	for (k = 0; k < USER_PROBES; k++) {
		at = (who + k) % POLICY_MAX_USERS;
		if (!u->user[at].who || u->user[at].who == who)
			break;
	}
	return at;
}

static void relabel(struct policy_uses *u, u32 who, u32 nid)
{
	u32 k;

	for (k = 0; k < u->nr; k++)
		if (u->use[k].who == who)
			u->use[k].nid = nid;
}

/**
 * policy_uses_seen() - a thread was seen
 * @u: the process's samples
 * @who: a number of the thread's own, not 0
 * @nid: node it was on
 *
 * Memory does not run after a thread that is away for a moment; when it stays away all that
 * it used goes with it.  Return: the node it belongs on.
 */
u32 policy_uses_seen(struct policy_uses *u, u32 who, u32 nid)
{
	struct policy_user *user = &u->user[find_user(u, who)];

	if (user->who != who)
		*user = (struct policy_user){ .who = who, .nid = nid };
	if (nid == user->nid || nid != user->seen) {
		user->seen = nid;
		user->times = 0;
	}
	if (nid != user->nid && ++user->times == SETTLED_TIMES) {
		user->nid = nid;
		relabel(u, who, nid);
	}
	return user->nid;
}

/**
 * policy_uses_home() - where a thread belongs
 * @u: the process's samples
 * @who: the thread
 * @nid: receives the node
 *
 * Return: false if it has not been seen, or too many others have.
 */
bool policy_uses_home(const struct policy_uses *u, u32 who, u32 *nid)
{
	const struct policy_user *user = &u->user[find_user(u, who)];

	if (user->who != who)
		return false;
	*nid = user->nid;
	return true;
}

/**
 * policy_uses_add() - add a sample
 * @u: the process's samples
 * @addr: what was used
 * @who: the thread that did
 * @nid: node it belongs on
 * @time: now
 *
 * One sample is kept of a page, the latest: else a thread's stack would soon be all there is.
 */
void policy_uses_add(struct policy_uses *u, u64 addr, u32 who, u32 nid, u32 time)
{
	struct policy_use use = {
		.addr = addr >> PAGE_BITS << PAGE_BITS,
		.time = time,
		.who = who,
		.nid = nid,
	};
	u32 at = find_use(u, use.addr);

	if (at < u->nr && u->use[at].addr == use.addr) {
		u->use[at] = use;
		return;
	}
	if (u->nr == POLICY_MAX_USES) {
		remove_oldest(u);
		at = find_use(u, use.addr);
	}
	memmove(&u->use[at + 1], &u->use[at], (u->nr - at) * sizeof(use));
	u->use[at] = use;
	u->nr++;
}

/**
 * policy_uses_expire() - forget what is too old
 * @u: the process's samples
 * @oldest: time of the oldest that is kept
 */
void policy_uses_expire(struct policy_uses *u, u32 oldest)
{
	u32 k, kept = 0;

	for (k = 0; k < u->nr; k++)
		if ((s32)(u->use[k].time - oldest) >= 0)
			u->use[kept++] = u->use[k];
	u->nr = kept;
}

/* Whether sample @k has the node of the one that is nearest. */
static bool agrees(const struct policy_uses *u, u32 k)
{
	u64 before = k ? u->use[k].addr - u->use[k - 1].addr : U64_MAX;
	u64 behind = k + 1 < u->nr ? u->use[k + 1].addr - u->use[k].addr : U64_MAX;

	return u->use[k].nid == u->use[before < behind ? k - 1 : k + 1].nid;
}

/*
 * The nodes whose samples agree with those beside them.  Each has to by its own: of memory that
 * all use, most samples are of the node with most threads, and agree.
 */
static u64 nodes_that_agree(const struct policy_uses *u)
{
	u16 all[POLICY_MAX_NODES] = { 0 }, good[POLICY_MAX_NODES] = { 0 };
	u64 nodes = 0;
	u32 k, nid;

	if (u->nr < LEAST_USES)
		return 0;
	for (k = 0; k < u->nr; k++) {
		all[u->use[k].nid]++;
		good[u->use[k].nid] += agrees(u, k);
	}
	for (nid = 0; nid < POLICY_MAX_NODES; nid++)
		if (all[nid] >= LEAST_OF_NODE && good[nid] * 100 >= all[nid] * AGREE_PERCENT)
			nodes |= BIT_ULL(nid);
	return nodes;
}

/* Whether sample @k is of the same memory as the one before, and of the same node. */
static bool goes_on(const struct policy_uses *u, u32 k, u64 most)
{
	return u->use[k].nid == u->use[k - 1].nid && u->use[k].addr - u->use[k - 1].addr <= most;
}

/* How far the memory reaches on each side of a run of samples, those from @first to @behind - 1. */
static u64 reach(const struct policy_uses *u, u32 first, u32 behind)
{
	u64 length = u->use[behind - 1].addr - u->use[first].addr;

	return behind - first < EVEN_RUN ? 0 : length / (behind - first - 1);
}

static bool is_latest(const struct policy_uses *u, const struct policy_use *use)
{
	u32 k;

	for (k = 0; k < u->nr; k++)
		if (u->use[k].who == use->who && (s32)(u->use[k].time - use->time) > 0)
			return false;
	return true;
}

/*
 * How far the thread that was last seen at sample @at, at the end of a run of @len, came on its
 * way there, but @most; 0 if none is on its way out of the run.  @back: from @at into the run, 1
 * or -1.
 */
static u64 stride(const struct policy_uses *u, u32 at, s32 back, u32 len, u64 most)
{
	const struct policy_use *head = &u->use[at], *use = head;
	u32 n;

	for (n = 1; n < min_t(u32, len, MOST_STRIDE); n++, use += back)
		if (use[back].who != head->who || (s32)(use->time - use[back].time) < 0)
			break;
	if (n < LEAST_STRIDE || use->time == head->time || !is_latest(u, head))
		return 0;
	return min(most, back < 0 ? head->addr - use->addr : use->addr - head->addr);
}

/*
 * The run's memory: to no more than half way to the next sample that is not of it, but ahead of a
 * thread, up to that.
 */
static struct policy_span span_of(const struct policy_uses *u, u32 first, u32 behind, u64 most)
{
	u64 more = reach(u, first, behind), start = u->use[first].addr;
	u64 end = u->use[behind - 1].addr + (1UL << PAGE_BITS);
	u64 before = first ? start - u->use[first - 1].addr - (1UL << PAGE_BITS) : start;
	u64 after = behind < u->nr ? u->use[behind].addr - end : U64_MAX - end;
	u64 down = stride(u, first, 1, behind - first, most);
	u64 up = stride(u, behind - 1, -1, behind - first, most);

	return (struct policy_span) {
		.start = start - max_t(u64, min(more, before / 2), min(down, before)),
		.end = end + max_t(u64, min(more, after / 2), min(up, after)),
		.nid = u->use[first].nid,
	};
}

/* Two threads on their way to each other meet half way. */
static void part_spans(struct policy_span *low, struct policy_span *high)
{
	u64 middle = (low->end + high->start) / 2 >> PAGE_BITS << PAGE_BITS;

	if (low->end <= high->start)
		return;
	low->end = middle;
	high->start = middle;
}

/**
 * policy_uses_spans() - what memory belongs to the threads of one node
 * @u: the process's samples
 * @most: bytes between two samples with which they may be of the same memory: all that the
 *	process has, or a mapping would be one with others that are half the address space away
 * @spans: receives it, by address
 * @max: room in @spans
 *
 * Between two spans nobody knows.  Return: how many; 0 if the samples are few, or those of each
 * node lie among those of others.
 */
u32 policy_uses_spans(const struct policy_uses *u, u64 most, struct policy_span *spans, u32 max)
{
	u64 nodes = nodes_that_agree(u);
	u32 first, behind, nr = 0;

	for (first = 0; nodes && first < u->nr && nr < max; first = behind) {
		for (behind = first + 1; behind < u->nr && goes_on(u, behind, most); behind++)
			;
		if (behind - first < LEAST_RUN || !(nodes & BIT_ULL(u->use[first].nid)))
			continue;
		spans[nr] = span_of(u, first, behind, most);
		if (nr)
			part_spans(&spans[nr - 1], &spans[nr]);
		nr++;
	}
	return nr;
}
