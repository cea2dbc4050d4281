/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vCPU's account of modelled time, by which it is paced. Pure arithmetic in
 * nanoseconds, called by pace.c from the vCPU's own thread; unit.c tests it.
 *
 * What the guest does is charged to the account. From time to time it is settled: the
 * vCPU's own clock goes on by the charge, or by the CPU time that emulating it has taken
 * where that is more (code that costs nothing in the model is as fast as it is). Where
 * the own clock is then ahead of the host's, the vCPU waits; where it is behind, because
 * the host had no CPU for it, it goes on at once and so catches up, as long as it is not
 * more than ACCOUNT_CATCH_UP_NS behind. What is behind further is lost and counted
 * as late: the guest has seen a slow CPU.
 */
#ifndef METER_ACCOUNT_H
#define METER_ACCOUNT_H

#include <stdint.h>

#define ACCOUNT_CATCH_UP_NS	(20 * 1000 * 1000ull)
/* Charged between two settlements: a wait is not much longer. */
#define ACCOUNT_SLICE_NS	(200 * 1000ull)

struct account {
	uint64_t own_ns;	/* the own clock, in the host's time */
	uint64_t cpu_ns;	/* the host thread's CPU time at the last settlement */
	uint64_t pending_ns;	/* charged since then */
	uint64_t late;		/* times that it was too far behind */
	uint64_t late_ns;	/* lost by that */
	uint64_t overrun_ns;	/* CPU time beyond what was charged */
};

static inline void account_restart(struct account *a, uint64_t now_ns, uint64_t cpu_ns)
{
	a->own_ns = now_ns;
	a->cpu_ns = cpu_ns;
	a->pending_ns = 0;
}

/* Whether it is time to settle. */
static inline int account_charge(struct account *a, uint64_t ns)
{
	a->pending_ns += ns;
	return a->pending_ns >= ACCOUNT_SLICE_NS;
}

/* Returns the host's time until which the vCPU must wait, or 0. */
static inline uint64_t account_settle(struct account *a, uint64_t now_ns, uint64_t cpu_ns)
{
	uint64_t used = cpu_ns - a->cpu_ns;

	if (used > a->pending_ns) {
		a->overrun_ns += used - a->pending_ns;
		a->own_ns += used;
	} else {
		a->own_ns += a->pending_ns;
	}
	a->cpu_ns = cpu_ns;
	a->pending_ns = 0;
	if (a->own_ns > now_ns)
		return a->own_ns;
	if (now_ns - a->own_ns > ACCOUNT_CATCH_UP_NS) {
		a->late++;
		a->late_ns += now_ns - a->own_ns - ACCOUNT_CATCH_UP_NS;
		a->own_ns = now_ns - ACCOUNT_CATCH_UP_NS;
	}
	return 0;
}

/* The vCPU was halted until now: no time that it could catch up. */
static inline void account_resume(struct account *a, uint64_t now_ns)
{
	if (a->own_ns < now_ns)
		a->own_ns = now_ns;
}

#endif
