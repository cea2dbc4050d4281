/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the operator asked for.  control/params.c checks and writes it; the engine's
 * threads read it, each value on its own, at any time.
 */
#ifndef KNUMAD_ENGINE_CONFIG_H
#define KNUMAD_ENGINE_CONFIG_H

#include <linux/compiler.h>
#include <linux/types.h>

#include "../kern/capability.h"

enum kn_mode {
	KN_MODE_OFF,		/* do nothing, know nothing */
	KN_MODE_OBSERVE,	/* scan and plan, touch nothing */
	KN_MODE_CPU,		/* move threads only */
	KN_MODE_MEMORY,		/* move memory only */
	KN_MODE_FULL,		/* move both */
	KN_NR_MODES
};

struct kn_config {
	enum kn_mode mode;
	unsigned int scan_period_ms;
	unsigned int scan_mb_per_sec;
	unsigned int migrate_mb_per_sec;
	unsigned int min_rss_mb;
	unsigned int watch_threads;
};

extern struct kn_config kn_config;

static inline enum kn_mode kn_mode(void)
{
	return READ_ONCE(kn_config.mode);
}

static inline bool kn_mode_moves_threads(enum kn_mode mode)
{
	return mode == KN_MODE_CPU || mode == KN_MODE_FULL;
}

/* Without either half threads would be promised a home that they never reach. */
static inline bool kn_can_move_threads(void)
{
	return kn_capable(KN_CAP_BIAS) && kn_capable(KN_CAP_MOVE);
}

static inline bool kn_mode_moves_memory(enum kn_mode mode)
{
	return mode == KN_MODE_MEMORY || mode == KN_MODE_FULL;
}

static inline bool kn_mode_acts(enum kn_mode mode)
{
	return mode >= KN_MODE_CPU;
}

#endif /* KNUMAD_ENGINE_CONFIG_H */
