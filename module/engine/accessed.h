/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What scans do with accessed bits: find out which pages of a process are in use, and give
 * the kernel its bits back.
 */
#ifndef KNUMAD_ENGINE_ACCESSED_H
#define KNUMAD_ENGINE_ACCESSED_H

#include "pages.h"
#include "registry.h"

void kn_accessed_begin(struct kn_proc *proc, bool hurries);
void kn_accessed_skip(struct kn_proc *proc);
void kn_accessed_end(struct kn_proc *proc);
bool kn_accessed_page(const struct kn_walk *walk, const struct kn_accessed *a,
		      struct kn_page_bits *hot, struct page *page);
unsigned int kn_accessed_part(const struct kn_walk *walk, const struct kn_accessed *a,
			      struct kn_page_bits *hot, const struct kn_run *part);

/* Whether the pass under way does anything about them. */
static inline bool kn_accessed_matters(const struct kn_accessed *a)
{
	return a->takes || a->looks;
}

#endif /* KNUMAD_ENGINE_ACCESSED_H */
