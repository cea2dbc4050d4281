/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which of its nodes a process's memory is used from, where it has several.
 */
#ifndef KNUMAD_ENGINE_USES_H
#define KNUMAD_ENGINE_USES_H

#include <linux/types.h>

struct kn_proc;

bool kn_uses_any(void);
bool kn_uses_begin(struct kn_proc *proc);
void kn_uses_sample(struct kn_proc *proc);
bool kn_uses_learns(const struct kn_proc *proc);
void kn_uses_forget(struct kn_proc *proc);
pid_t kn_uses_thread(const struct kn_proc *proc, u32 i, u64 *home);
u64 kn_uses_home(const struct kn_proc *proc, pid_t tid);
int kn_use_node(const struct kn_proc *proc, unsigned long addr);

#endif /* KNUMAD_ENGINE_USES_H */
