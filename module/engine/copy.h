/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Isolated pages on their way to a node.
 */
#ifndef KNUMAD_ENGINE_COPY_H
#define KNUMAD_ENGINE_COPY_H

#include <linux/types.h>

struct folio;

/* What pages are copied for. */
enum kn_purpose {
	KN_FOR_HOME,			/* a node with room */
	KN_FOR_CACHE,			/* page cache gives way: the caller counts on its room */
	KN_FOR_EXCHANGE,		/* so it does here, and has made sure of room on the node */
};

struct kn_copy {
	int nid;			/* destination */
	enum kn_purpose purpose;
	struct list_head folios;	/* in: isolated; out: those that did not go */
	u64 pages;			/* in: that they have, 4 KiB each */
	bool large;			/* in: some are large folios */
	struct folio *spare;		/* a free huge page on @nid or NULL; NULL once it is used */
	u64 placed;			/* out: pages now on @nid */
	u8 no_order;			/* out: the least order that found no room; or 0 */
	bool no_room;			/* out: some found none, of whatever order */
};

void kn_copy(struct kn_copy *copy);

int kn_copiers_start(void);
void kn_copiers_stop(void);

#endif /* KNUMAD_ENGINE_COPY_H */
