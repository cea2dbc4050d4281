/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where in a process's memory its threads are, while that moves: it goes first from there.
 */
#ifndef KNUMAD_ENGINE_LEADS_H
#define KNUMAD_ENGINE_LEADS_H

#include <linux/types.h>

struct kn_proc;

/* Places at most. */
#define KN_MAX_LEADS	16

/* Memory that a thread is going through. */
struct kn_lead {
	unsigned long at;	/* what is before it has been looked at */
	unsigned long end;	/* of the mapping, or where the next one begins */
};

void kn_leads_take(struct kn_proc *proc);
struct kn_lead *kn_leads_next(struct kn_proc *proc, u8 *turn);
void kn_lead_advance(struct kn_lead *lead, unsigned long from, unsigned long to);

#endif /* KNUMAD_ENGINE_LEADS_H */
