/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /sys/kernel/debug/knumad.
 */
#ifndef KNUMAD_CONTROL_DEBUGFS_H
#define KNUMAD_CONTROL_DEBUGFS_H

int kn_debugfs_init(void);
void kn_debugfs_exit(void);

#endif /* KNUMAD_CONTROL_DEBUGFS_H */
