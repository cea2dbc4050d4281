// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sorting keys by radix: linear in their number, and no call through a pointer for each
 * comparison, which costs much in a kernel that is guarded against speculation.
 *
 * Called by the steps of a plan that look at processes in an order.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include "plan.h"

/* Below this many keys the counting costs more than it saves. */
#define FEW	48

#define DIGIT(key, byte)	((u8)((key) >> (8 * (byte))))

static void sort_few(struct plan_key *keys, u32 n)
{
	u32 k, at;

	for (k = 1; k < n; k++) {
		struct plan_key key = keys[k];

		for (at = k; at && keys[at - 1].key > key.key; at--)
			keys[at] = keys[at - 1];
		keys[at] = key;
	}
}

/* Turn how many keys have each digit into where the first of them goes. */
static void counts_to_places(u32 *count)
{
	u32 digit, at = 0;

	for (digit = 0; digit < PLAN_RADIX; digit++) {
		u32 here = count[digit];

		count[digit] = at;
		at += here;
	}
}

/**
 * plan_sort() - sort the first keys: lowest first, equal ones as they stand
 * @pl: the plan
 * @n: how many
 */
void plan_sort(struct plan *pl, u32 n)
{
	struct plan_key *from = pl->keys, *to = pl->spare;
	u32 k, byte;

	if (n < FEW) {
		sort_few(pl->keys, n);
		return;
	}
	memset(pl->counts, 0, sizeof(*pl->counts) * sizeof(u64) * PLAN_RADIX);
	for (k = 0; k < n; k++)
		for (byte = 0; byte < sizeof(u64); byte++)
			pl->counts[byte * PLAN_RADIX + DIGIT(from[k].key, byte)]++;
	for (byte = 0; byte < sizeof(u64); byte++) {
		u32 *count = pl->counts + byte * PLAN_RADIX;

		if (count[DIGIT(from[0].key, byte)] == n)
			continue;	/* all alike */
		counts_to_places(count);
		for (k = 0; k < n; k++)
			to[count[DIGIT(from[k].key, byte)]++] = from[k];
		swap(from, to);
	}
	if (from != pl->keys)
		memcpy(pl->keys, from, n * sizeof(*from));
}
