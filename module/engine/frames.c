// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which stretch of page frames, all of one node, a page is in.
 *
 * The kernel publishes what each node spans; spans may overlap.  Where just one node spans a
 * frame it has it, up to where another one begins or ends; elsewhere struct page is asked.
 *
 * Context: any.  Memory that comes or goes meanwhile may be counted for the wrong node, once.
 */
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>

#include "frames.h"

/**
 * kn_frames_init - know nothing yet
 * @f: the stretch
 * @which: entries that will be asked about
 */
void kn_frames_init(struct kn_frames *f, enum kn_entries which)
{
	*f = (struct kn_frames) {
		.which = which,
		.mask = PTE_PFN_MASK | which | _PAGE_SPECIAL,
		.now.nid = NUMA_NO_NODE,
		.before.nid = NUMA_NO_NODE,
	};
}

/* How many nodes span @pfn; the stretch is set for one of them, and as far as that is so. */
static int kn_frames_span(struct kn_frames *f, unsigned long pfn)
{
	unsigned long low = 0, high = ULONG_MAX;
	int nid, spans = 0;

	for_each_online_node(nid) {
		unsigned long start = node_start_pfn(nid), end = node_end_pfn(nid);

		if (end <= pfn) {
			low = max(low, end);
		} else if (start > pfn) {
			high = min(high, start);
		} else {
			low = max(low, start);
			high = min(high, end);
			f->now.nid = nid;
			spans++;
		}
	}
	f->now.first = low << PAGE_SHIFT | f->which;
	f->now.nr = high - low;
	return spans;
}

/**
 * kn_frames_find - find the stretch that an entry's page is in
 * @f: the old one, which does not have it; receives the new one
 * @entry: any page-table entry of a 4 KiB page
 *
 * Return: false if it is not one of those that @f is for; @f is what it was.
 */
bool kn_frames_find(struct kn_frames *f, unsigned long entry)
{
	unsigned long pfn = (entry & PTE_PFN_MASK) >> PAGE_SHIFT;
	struct kn_stretch before = f->before;

	if (kn_stretch_has(entry, f->mask, before.first, before.nr)) {
		f->before = f->now;
		f->now = before;
		return true;
	}
	if ((entry & f->mask & ~PTE_PFN_MASK) != f->which || !pfn_valid(pfn))
		return false;
	f->before = f->now;
	if (kn_frames_span(f, pfn) == 1)
		return true;
	f->now = (struct kn_stretch) {
		.first = pfn << PAGE_SHIFT | f->which,
		.nr = 1,
		.nid = page_to_nid(pfn_to_page(pfn)),
	};
	return true;
}
