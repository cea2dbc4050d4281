// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test of what page-table entries tell about their pages' nodes, engine/frames.h: whatever the
 * stretch and the entries, it says the same as looking at one entry after the other.
 *
 * User space, called by main.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include "tests.h"

#define READ_ONCE(x)	(*(const volatile __typeof__(x) *)&(x))
#include "../../module/engine/frames.h"

#define ROUNDS		200000
#define NR_ENTRIES	64

/* Bits that change under the page-table lock, or that nobody asks about: accessed, dirty, NX. */
#define OTHER_BITS	(BIT(5) | BIT(6) | BIT(63))

static bool in_stretch(const struct kn_frames *f, unsigned long entry)
{
	unsigned long frame = (entry & PTE_PFN_MASK) >> PAGE_SHIFT, first = f->now.first >> PAGE_SHIFT;

	return frame >= first && frame - first < f->now.nr &&
	       (entry & (f->which | _PAGE_SPECIAL)) == f->which;
}

/* Mostly in the stretch, or just beside it; flags that are mostly right. */
static unsigned long some_entry(const struct kn_frames *f, unsigned long frame)
{
	unsigned long flags = f->which | (random() & 1 ? OTHER_BITS : 0);

	if (random() % 200 == 0)
		flags ^= random() & 1 ? _PAGE_RW : _PAGE_SPECIAL;
	if (random() % 400 == 0)
		return 0;
	return frame << PAGE_SHIFT | flags;
}

/* Stretches begin and end at odd frames, and at the multiples of what memory comes in. */
static void some_stretch(struct kn_frames *f)
{
	unsigned long grain = 1UL << random() % 20, first = random() % 64 * grain;

	*f = (struct kn_frames) { .which = random() & 1 ? KN_ENTRIES_WRITABLE : KN_ENTRIES_NORMAL };
	f->mask = PTE_PFN_MASK | f->which | _PAGE_SPECIAL;
	f->now.nr = 1 + random() % 64 * grain;
	f->now.first = first << PAGE_SHIFT | f->which;
}

bool frames_run(u64 seed, char message[SIM_MESSAGE])
{
	unsigned long entries[NR_ENTRIES];
	u32 round, whole = 0;

	srandom(seed);
	for (round = 0; round < ROUNDS; round++) {
		struct kn_frames f;
		unsigned long first, spread, at;
		unsigned int i, begin = random() % NR_ENTRIES, end, want, got;

		some_stretch(&f);
		first = f.now.first >> PAGE_SHIFT;
		/* around the beginning, or the end, or anywhere; one after the other, or not */
		at = first + (random() % 3 == 0 ? 0 : random() % 2 ? f.now.nr : random() % f.now.nr);
		spread = random() & 1 ? 1 : f.now.nr;
		end = begin + 1 + random() % (NR_ENTRIES - begin);
		for (i = 0; i < NR_ENTRIES; i++) {
			unsigned long frame = spread == 1 ? at + i - NR_ENTRIES / 2 :
							    first + random() % f.now.nr;

			entries[i] = some_entry(&f, frame & ((1UL << 39) - 1));
		}
		for (want = begin; want < end && in_stretch(&f, entries[want]); want++)
			;
		got = kn_frames_reach(&f, entries, begin, end);
		if (got != want) {
			snprintf(message, SIM_MESSAGE,
				 "round %u: %lu frames from %lu, entries %u to %u: reaches to %u, expected %u",
				 round, f.now.nr, first, begin, end, got, want);
			return false;
		}
		whole += want == end && end - begin >= KN_FRAMES_STEP;
	}
	if (whole < ROUNDS / 20) {
		snprintf(message, SIM_MESSAGE, "only %u of %u rounds were in the stretch as a whole",
			 whole, ROUNDS);
		return false;
	}
	return true;
}
