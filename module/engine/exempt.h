/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processes the operator wants left alone.
 */
#ifndef KNUMAD_ENGINE_EXEMPT_H
#define KNUMAD_ENGINE_EXEMPT_H

#include <linux/types.h>

struct pid;
struct seq_file;

int kn_exempt_add(pid_t tgid);
int kn_exempt_remove(pid_t tgid);
bool kn_exempt_has(const struct pid *pid);
void kn_exempt_for_each(void (*show)(void *arg, pid_t tgid), void *arg);
void kn_exempt_prune(void);
void kn_exempt_exit(void);

#endif /* KNUMAD_ENGINE_EXEMPT_H */
