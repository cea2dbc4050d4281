/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Constants shared by every room of knumad.
 *
 * Units: a "page" in knumad's counters is always a base page (4 KiB on x86-64);
 * a transparent huge page counts as 512 of them.  CPU demand is in mCPU: 1000 is
 * one CPU busy all the time.  A set of nodes is a u64 mask indexed by node id.
 */
#ifndef KNUMAD_H
#define KNUMAD_H

#include <linux/types.h>

/* Node ids from this on do not fit a node mask; a machine that may have such is refused. */
#define KNUMAD_MAX_NODES	64

#define KNUMAD_MCPU_PER_CPU	1000

#endif /* KNUMAD_H */
