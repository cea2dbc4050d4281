// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where in a process's memory its threads are, while that moves.  A thread that goes
 * through its memory has most use of what it comes to next, and what it has come by, which scans
 * find accessed, is the last to be used again.  So its memory goes first from where the thread
 * is on, some of each thread's in turn; what is then left follows in its usual order.
 *
 * Context: the planner takes them, may sleep.  Workers go by them without a lock: they are hints,
 * and one that is half old and half new costs a batch that finds nothing.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sort.h>

#include "../kern/calls.h"
#include "config.h"
#include "kind.h"
#include "leads.h"
#include "migrate.h"
#include "peek.h"
#include "registry.h"
#include "seen.h"

/* Planner thread only. */
static struct kn_lead kn_found[KN_SEEN_MAX * KN_SEEN_ADDRS];

/* mmap lock held.  A lead for what a thread uses at @addr; false if that is not looked at. */
static bool kn_lead_from(struct mm_struct *mm, u64 addr, struct kn_lead *lead)
{
	const struct vm_area_struct *vma = addr < TASK_SIZE_MAX ? find_vma(mm, addr) : NULL;

	if (!vma || vma->vm_start > addr || !kn_vma_counts(vma))
		return false;
	lead->at = max(vma->vm_start, ALIGN_DOWN((unsigned long)addr, HPAGE_PMD_SIZE));
	lead->end = vma->vm_end;
	return true;
}

static int kn_lead_compare(const void *a, const void *b)
{
	const struct kn_lead *l = a, *m = b;

	return l->at < m->at ? -1 : l->at > m->at;
}

/* Sorts @nr of kn_found[], and leaves out those that the batch of the one before gets to. */
static u32 kn_leads_sort(u32 nr)
{
	u32 i, left = 0;

	sort(kn_found, nr, sizeof(kn_found[0]), kn_lead_compare, NULL);
	for (i = 0; i < nr; i++) {
		struct kn_lead *last = left ? &kn_found[left - 1] : NULL;

		if (last && kn_found[i].at < last->at + KN_BATCH_PAGES * PAGE_SIZE)
			continue;
		if (last)
			last->end = min(last->end, kn_found[i].at);
		kn_found[left++] = kn_found[i];
	}
	return left;
}

/* Fills kn_found[]; there is a reference on the address space.  Returns how many there are. */
static u32 kn_leads_find(struct kn_proc *proc)
{
	const struct kn_seen *seen;
	u32 threads = kn_see_threads(proc, 0, &seen), i, k, nr = 0;
	u64 since;

	for (i = 0; i < threads && kn_peek_begin(proc->mm, &since); i++) {
		for (k = 0; k < seen[i].nr_addrs; k++)
			nr += kn_lead_from(proc->mm, seen[i].addrs[k], &kn_found[nr]);
		kn_peek_end(proc->mm, since);
	}
	return kn_leads_sort(nr);
}

/**
 * kn_leads_take - look where a process's threads are, for those who move its memory
 * @proc: its memory moves
 *
 * Planner thread, in each pass: what was found before is forgotten if something is found now.
 * Of more threads than there may be leads some are taken, from all over its memory.
 */
void kn_leads_take(struct kn_proc *proc)
{
	u32 nr = 0, i;

	if (READ_ONCE(kn_config.watch_threads) && mmget_not_zero(proc->mm)) {
		nr = kn_leads_find(proc);
		KN_CALL(mmput_async)(proc->mm);
	}
	for (i = 0; nr && i < KN_MAX_LEADS; i++) {
		u32 from = nr > KN_MAX_LEADS ? i * nr / KN_MAX_LEADS : i;

		WRITE_ONCE(proc->lead[i].end, 0);
		if (i >= nr)
			continue;
		WRITE_ONCE(proc->lead[i].at, kn_found[from].at);
		WRITE_ONCE(proc->lead[i].end, kn_found[from].end);
	}
}

/**
 * kn_leads_next - the lead whose turn it is
 * @proc: the process
 * @turn: where the last call left off
 *
 * Return: NULL when all are at their ends.
 */
struct kn_lead *kn_leads_next(struct kn_proc *proc, u8 *turn)
{
	u32 tries;

	for (tries = 0; tries < KN_MAX_LEADS; tries++) {
		struct kn_lead *lead = &proc->lead[(*turn)++ % KN_MAX_LEADS];

		if (READ_ONCE(lead->at) < READ_ONCE(lead->end))
			return lead;
	}
	return NULL;
}

/**
 * kn_lead_advance - a batch has gone by a lead
 * @lead: the lead
 * @from: where it was when the batch began
 * @to: where the batch ended; 0 at the lead's end
 *
 * If somebody else has gone by it, or it is another one now, it stays as it is.
 */
void kn_lead_advance(struct kn_lead *lead, unsigned long from, unsigned long to)
{
	cmpxchg(&lead->at, from, to ?: ULONG_MAX);
}
