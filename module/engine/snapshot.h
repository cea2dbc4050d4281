/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the policy is given, and where it writes its verdicts.
 */
#ifndef KNUMAD_ENGINE_SNAPSHOT_H
#define KNUMAD_ENGINE_SNAPSHOT_H

#include "../policy/policy.h"
#include "config.h"

struct kn_proc;

struct kn_snapshot {
	struct policy_snapshot policy;
	struct kn_proc **recs;			/* [policy.nr_procs], each with a reference */
	struct policy_verdict *verdicts;	/* as many; what goes into each node too */
	struct policy_exchanges exchanges;
	void *scratch;				/* policy_scratch_bytes() */
};

int kn_snapshot_take(struct kn_snapshot *s, enum kn_mode mode);
void kn_snapshot_drop(struct kn_snapshot *s);
void kn_snapshot_free(void);

#endif /* KNUMAD_ENGINE_SNAPSHOT_H */
