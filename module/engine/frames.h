/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The node of a page by its page-table entry alone: struct page is not looked at, which
 * would be another cache line for each of them.
 */
#ifndef KNUMAD_ENGINE_FRAMES_H
#define KNUMAD_ENGINE_FRAMES_H

#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/mm_types.h>
#include <linux/pgtable.h>

/* Entries of 4 KiB pages, by bits of x86 that no series has changed. */
enum kn_entries {
	/* any page that the kernel has a struct page for */
	KN_ENTRIES_NORMAL = _PAGE_PRESENT,
	/* of these, those that may be written */
	KN_ENTRIES_WRITABLE = _PAGE_PRESENT | _PAGE_RW,
};

/* Page frames that are of one node, one after the other. */
struct kn_stretch {
	unsigned long first;	/* of an entry: what kn_frames.mask leaves, for the first frame */
	unsigned long nr;	/* frames; 0: none known yet */
	int nid;
};

struct kn_frames {
	enum kn_entries which;	/* entries that are asked about */
	unsigned long mask;	/* of an entry: its frame, and the bits that tell @which */
	struct kn_stretch now;
	struct kn_stretch before;	/* pages of two nodes often take turns */
};

void kn_frames_init(struct kn_frames *f, enum kn_entries which);
bool kn_frames_find(struct kn_frames *f, unsigned long entry);

/*
 * Whether an entry's page is in the stretch, and it is one of those that are asked about.  One
 * comparison: bits that differ come to the top, and make the distance from the first frame too
 * large.
 */
static inline bool kn_stretch_has(unsigned long entry, unsigned long mask, unsigned long first,
				  unsigned long nr)
{
	return ror64((entry & mask) - first, PAGE_SHIFT) < nr;
}

/*
 * An entry's largest aligned block of frames that is in the stretch as a whole, as those bits of
 * the mask that all entries of its frames share.  It ends below the highest bit in which the frame
 * differs from the one before the stretch or the one behind, as neither is in it.
 */
static inline unsigned long kn_stretch_block(unsigned long entry, unsigned long mask,
					     const struct kn_stretch *s)
{
	unsigned long frame = (entry & PTE_PFN_MASK) >> PAGE_SHIFT, first = s->first >> PAGE_SHIFT;
	unsigned long order = min(__fls(frame ^ (first - 1)), __fls(frame ^ (first + s->nr)));

	return mask & ~((BIT(order) - 1) << PAGE_SHIFT);
}

/* Entries that are looked at without a branch in between. */
#define KN_FRAMES_STEP	32

/*
 * How far, from @begin on and up to @end, the entries at @entry are of those, and their pages
 * in the stretch.  As this is done for every page of a process, it takes two instructions an entry:
 * what all those of a step have in common, and what some have, tells of all of them at once.  Plain
 * reads do, and may be two: under the page-table lock only bits that the mask does not have change.
 */
static inline unsigned int kn_frames_reach(const struct kn_frames *f, const unsigned long *entry,
					   unsigned int begin, unsigned int end)
{
	const unsigned long mask = f->mask, first = f->now.first, nr = f->now.nr;
	unsigned long sample = READ_ONCE(entry[begin]), block;
	unsigned int i;

	if (!kn_stretch_has(sample, mask, first, nr))
		return begin;
	block = kn_stretch_block(sample, mask, &f->now);
	for (; begin + KN_FRAMES_STEP <= end; begin += KN_FRAMES_STEP) {
		const unsigned long *step = entry + begin;
		unsigned long some = 0, all = ~0UL;

#pragma GCC unroll 32
		for (i = 0; i < KN_FRAMES_STEP; i++) {
			some |= step[i];
			all &= step[i];
		}
		if (((some ^ sample) | (all ^ sample)) & block)
			break;
	}
	while (begin < end && kn_stretch_has(READ_ONCE(entry[begin]), mask, first, nr))
		begin++;
	return begin;
}

#endif /* KNUMAD_ENGINE_FRAMES_H */
