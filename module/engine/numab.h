/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel.numa_balancing: off while knumad acts, put back as it was.
 */
#ifndef KNUMAD_ENGINE_NUMAB_H
#define KNUMAD_ENGINE_NUMAB_H

void kn_numab_off(void);
void kn_numab_restore(void);
const char *kn_numab_state(void);

#endif /* KNUMAD_ENGINE_NUMAB_H */
