// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pacing: keeps each vCPU's account of modelled time (account.h) and makes the vCPU
 * wait by it. Runs in the vCPUs' threads, outside QEMU's big lock but for pace_idle()
 * and pace_resume().
 */
#include <errno.h>
#include <sys/prctl.h>
#include <time.h>

#include "pace.h"

/* A signal ends a wait early; more of them than this in one wait, and it is over. */
#define MAX_SIGNALS	1000

static bool on;
/* Counts pace_on(): an account of an earlier time is started anew. */
static unsigned int epoch;

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * SECOND_NS + now.tv_nsec;
}

uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

void pace_on(void)
{
	__atomic_add_fetch(&epoch, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&on, true, __ATOMIC_RELEASE);
}

void pace_off(void)
{
	__atomic_store_n(&on, false, __ATOMIC_RELEASE);
}

bool pace_is_on(void)
{
	return __atomic_load_n(&on, __ATOMIC_ACQUIRE);
}

/* Whether the account is of the present epoch; if not, it now is, and empty. */
static bool is_current(struct vcpu *v, unsigned int vcpu)
{
	unsigned int now = __atomic_load_n(&epoch, __ATOMIC_RELAXED);

	if (v->epoch == now)
		return true;
	v->epoch = now;
	v->insns_charged = insns_user(vcpu) + insns_kernel(vcpu);
	account_restart(&v->account, now_ns(), clock_ns(CLOCK_THREAD_CPUTIME_ID));
	/* The default slack of 50 us is a good part of a wait. */
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	return false;
}

static void wait_until(uint64_t ns)
{
	struct timespec until = { .tv_sec = ns / SECOND_NS, .tv_nsec = ns % SECOND_NS };

	for (int i = 0; i < MAX_SIGNALS; i++)
		if (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != EINTR)
			return;
}

/* Returns until when to wait, or 0. */
static uint64_t settle(struct vcpu *v, unsigned int vcpu)
{
	uint64_t insns = insns_user(vcpu) + insns_kernel(vcpu);

	account_charge(&v->account, (insns - v->insns_charged) * cfg.insn_ns);
	v->insns_charged = insns;
	return account_settle(&v->account, now_ns(), clock_ns(CLOCK_THREAD_CPUTIME_ID));
}

void pace_charge(unsigned int vcpu, uint32_t ns)
{
	struct vcpu *v = &vcpus[vcpu];

	is_current(v, vcpu);
	if (account_charge(&v->account, ns))
		pace_settle(vcpu);
}

void pace_settle(unsigned int vcpu)
{
	struct vcpu *v = &vcpus[vcpu];
	uint64_t until;

	if (!is_current(v, vcpu))
		return;
	until = settle(v, vcpu);
	if (until)
		wait_until(until);
}

void pace_idle(unsigned int vcpu)
{
	struct vcpu *v = &vcpus[vcpu];

	if (pace_is_on() && is_current(v, vcpu))
		settle(v, vcpu);
}

void pace_resume(unsigned int vcpu)
{
	struct vcpu *v = &vcpus[vcpu];

	if (pace_is_on() && is_current(v, vcpu))
		account_resume(&v->account, now_ns());
}
