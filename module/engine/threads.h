/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Brings running threads to their home node: the active half of "CPU follows memory".
 */
#ifndef KNUMAD_ENGINE_THREADS_H
#define KNUMAD_ENGINE_THREADS_H

unsigned int kn_threads_go_home(u32 min_demand_mcpu, unsigned int *moved);

#endif /* KNUMAD_ENGINE_THREADS_H */
