/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The node of a page by its page-table entry alone: struct page is not looked at, which
 * would be another cache line for each of them.
 */
#ifndef KNUMAD_ENGINE_FRAMES_H
#define KNUMAD_ENGINE_FRAMES_H

#include <linux/bitops.h>
#include <linux/mm_types.h>
#include <linux/pgtable.h>

/* Entries of 4 KiB pages, by bits of x86 that no series has changed. */
enum kn_entries {
	/* any page that the kernel has a struct page for */
	KN_ENTRIES_NORMAL = _PAGE_PRESENT,
	/* of these, those that may be written */
	KN_ENTRIES_WRITABLE = _PAGE_PRESENT | _PAGE_RW,
};

/* A stretch of page frames that are of one node, and the entries that are asked about. */
struct kn_frames {
	enum kn_entries which;
	unsigned long mask;	/* of an entry: its frame, and the bits that tell @which */
	unsigned long first;	/* what these are for the first frame of the stretch */
	unsigned long nr;	/* frames; 0: none known yet */
	int nid;
};

void kn_frames_init(struct kn_frames *f, enum kn_entries which);
bool kn_frames_find(struct kn_frames *f, unsigned long entry);

/*
 * How far, from @begin on and up to @end, the entries at @entry are of those, and their pages
 * in the stretch.  One comparison an entry: bits that differ come to the top, and make the
 * distance from the first frame too large.
 */
static inline unsigned int kn_frames_reach(const struct kn_frames *f, const unsigned long *entry,
					   unsigned int begin, unsigned int end)
{
	const unsigned long mask = f->mask, first = f->first, nr = f->nr;

	while (begin < end && ror64((READ_ONCE(entry[begin]) & mask) - first, PAGE_SHIFT) < nr)
		begin++;
	return begin;
}

#endif /* KNUMAD_ENGINE_FRAMES_H */
