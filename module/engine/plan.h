/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One planning pass: from the registry to a snapshot, through the policy, and back.
 */
#ifndef KNUMAD_ENGINE_PLAN_H
#define KNUMAD_ENGINE_PLAN_H

#include "config.h"

int kn_plan_pass(enum kn_mode mode);
u32 kn_plan_publish(bool *changed);
bool kn_plan_moves_into(int nid);
bool kn_plan_watch(bool all);
void kn_plan_withdraw(void);
void kn_plan_forget(void);
void kn_plan_exit(void);

#endif /* KNUMAD_ENGINE_PLAN_H */
