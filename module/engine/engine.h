/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine's threads: per node with memory a knumad worker and a copier, and one planner.
 */
#ifndef KNUMAD_ENGINE_ENGINE_H
#define KNUMAD_ENGINE_ENGINE_H

#include <linux/types.h>

int kn_engine_init(void);
void kn_engine_exit(void);
void kn_engine_kick(void);

int kn_workers_start(void);
void kn_workers_stop(void);
void kn_workers_kick(void);

#endif /* KNUMAD_ENGINE_ENGINE_H */
