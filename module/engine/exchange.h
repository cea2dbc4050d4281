/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exchange: the memory of two processes or more changes places between nodes that are
 * full; and of one alone, where an exchange left room (POLICY_REST).
 */
#ifndef KNUMAD_ENGINE_EXCHANGE_H
#define KNUMAD_ENGINE_EXCHANGE_H

#include <linux/list.h>
#include <linux/kref.h>

#include "registry.h"

/* As many as a plan has at most, and as many that have ended are remembered. */
#define KN_MAX_EXCHANGES	64

/* A leg with fewer pages left is done. */
#define KN_LEG_CRUMB		64

struct kn_exchange_leg {
	struct kn_proc *proc;		/* with a reference */
	struct kn_pass pass;
	struct folio *spare;		/* within a round: a free huge page on @to, or NULL */
	u8 from;
	u8 to;
	s64 left;			/* pages to move yet */
	u64 moved;
	u64 bounced;			/* pages, to a node that has no part in the exchange */
	u64 free_before;		/* of @to, in pages, when the exchange began */
};

/* Whether there is something left to move. */
static inline bool kn_leg_goes_on(const struct kn_exchange_leg *leg)
{
	return READ_ONCE(leg->left) >= KN_LEG_CRUMB;
}

/*
 * One exchange.  The planner makes it and takes it off the list; the worker of its first
 * leg's destination alone runs it.
 */
struct kn_exchange {
	struct list_head list;		/* kn_exchange_lock; empty once off the list */
	struct kref ref;
	enum policy_exchange_kind kind;
	u64 begun_ms;			/* since boot */
	u64 gain_ucpu;
	bool cancelled;			/* the plan has changed */
	bool planned;			/* in the plan being applied */
	u32 nr_legs;
	struct kn_exchange_leg legs[];
};

/* One that has ended, for debugfs. */
struct kn_exchange_record {
	enum policy_exchange_kind kind;
	bool done;
	u64 begun_ms;
	u64 ended_ms;			/* 0: under way */
	u64 gain_ucpu;
	u32 nr_legs;
	struct {
		pid_t tgid;
		u8 from;
		u8 to;
		u64 moved;
		u64 bounced;
		u64 free_before;
		u64 free_now;
	} legs[POLICY_EXCHANGE_LEGS];
};

void kn_exchanges_plan(const struct policy_exchanges *plan, struct kn_proc *const *procs);
void kn_exchanges_forget(void);

u32 kn_exchanges_copy(struct kn_exchange_record *to);

struct kn_exchange *kn_exchange_next(struct kn_exchange *prev, int nid);
void kn_exchange_put(struct kn_exchange *x);

/* round.c */
bool kn_exchange_is_due(const struct kn_exchange *x);
u64 kn_exchange_round(struct kn_exchange *x);

#endif /* KNUMAD_ENGINE_EXCHANGE_H */
