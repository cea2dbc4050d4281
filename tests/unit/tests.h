/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of the unit tests, called by main.c in user space. */
#ifndef UNIT_TESTS_H
#define UNIT_TESTS_H

#include "sim.h"

bool scenario_run(const char *path, char title[SIM_MESSAGE], char message[SIM_MESSAGE]);
bool property_run(u64 seed, u32 hosts, char message[SIM_MESSAGE]);
bool api_run(char message[SIM_MESSAGE]);
bool operand_run(u64 seed, char message[SIM_MESSAGE]);
bool loop_run(char message[SIM_MESSAGE]);
bool uses_run(u64 seed, char message[SIM_MESSAGE]);
bool frames_run(u64 seed, char message[SIM_MESSAGE]);
bool bench_growth(char message[SIM_MESSAGE]);
void bench_run(void);

#endif /* UNIT_TESTS_H */
