/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes vCPUs take the time that the model says: they wait where they are faster. All
 * but pace_on() and pace_off() are called in the vCPU's own thread.
 */
#ifndef METER_PACE_H
#define METER_PACE_H

#include "meter.h"

void pace_on(void);
void pace_off(void);
bool pace_is_on(void);

/* A miss that costs @ns. */
void pace_charge(unsigned int vcpu, uint32_t ns);
/* Charges the instructions since the last call, and waits if it has to. */
void pace_settle(unsigned int vcpu);
/* About to halt; halted no more. Called with QEMU's big lock held: no waiting here. */
void pace_idle(unsigned int vcpu);
void pace_resume(unsigned int vcpu);

uint64_t now_ns(void);

#endif
