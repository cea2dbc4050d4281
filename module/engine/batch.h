/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A batch of one process's pages on their way to a node.
 */
#ifndef KNUMAD_ENGINE_BATCH_H
#define KNUMAD_ENGINE_BATCH_H

#include "../../include/knumad.h"
#include "copy.h"
#include "frames.h"

struct kn_proc;

struct kn_batch {
	/* in */
	struct kn_proc *proc;
	bool hot;			/* only pages that were lately accessed */
	bool by_use;			/* only those that the destination's threads alone use */
	u8 no_order;			/* large ones of this order and above found no room; or 0 */
	u64 sources;			/* nodes that pages are taken from */
	u64 limit;			/* it is full with so many pages */
	u64 max;			/* a large folio may bring it above, up to this */

	struct kn_copy copy;		/* in: its destination and purpose; what is isolated */

	/* out */
	bool busy;			/* some could not be isolated */
	u64 left;			/* pages met on a source that stay, whyever */
	u64 huge;			/* isolated huge pages, each counted once */
	u64 shared;			/* of the isolated pages, those that others map as well */
	u64 cost;			/* of collecting, see kn_walk_cost() */
	bool scanned;			/* finished: the scan under way had been there before */

	/* while it is collected */
	struct kn_frames frames;	/* where the last page that was met is */
	struct folio *decided;		/* the last large one met; only compared */
	unsigned int taken;		/* folios, or tries */
	unsigned long last;		/* where the last folio was isolated */
	/* pages by the node they came from: isolated ones; once it is finished, those that went */
	long from[KNUMAD_MAX_NODES];
};

bool kn_batch_collect(struct kn_batch *batch, unsigned long *cursor, unsigned long end);
u64 kn_batch_finish(struct kn_batch *batch);

#endif /* KNUMAD_ENGINE_BATCH_H */
