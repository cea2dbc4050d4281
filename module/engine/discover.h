/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which processes to look after, and how much CPU they want.
 */
#ifndef KNUMAD_ENGINE_DISCOVER_H
#define KNUMAD_ENGINE_DISCOVER_H

#include "registry.h"

bool kn_discover(void);
void kn_forget_unseen(void);
void kn_sample_begin(void);
void kn_sample(struct kn_proc *proc);
void kn_sample_exempt(struct kn_proc *proc);

#endif /* KNUMAD_ENGINE_DISCOVER_H */
