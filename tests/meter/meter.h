/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the meter's parts share: its options, the state of each vCPU, and how it gives
 * up. The plugin's parts are meter.c (what QEMU calls), marks.c (the guest's messages),
 * pace.c (waiting) and regions.c (results).
 */
#ifndef METER_H
#define METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "account.h"
#include "cache.h"
#include "nodemap.h"

#define MAX_VCPUS	128
#define SECOND_NS	1000000000ull

/* Set once, by parse_options() in options.c. */
struct config {
	char dir[4096];			/* where results are written */
	unsigned int nr_nodes;
	unsigned int cpus_per_node;
	uint32_t local_ns;		/* cost of a miss */
	uint32_t remote_ns;		/* the same, to the nearest other node */
	uint32_t insn_ns;		/* cost of an instruction */
	uint32_t distance[MAX_NODES][MAX_NODES];
	uint32_t miss_ns[MAX_NODES][MAX_NODES];	/* from the above: [of vCPU][of memory] */
};

extern struct config cfg;

/* NULL, or what is wrong. */
const char *parse_options(struct config *config, int argc, char **argv);
/* Fills miss_ns[][]. */
void set_miss_costs(struct config *config);

/* Counters are written by the vCPU's own thread, and read by any. */
struct vcpu {
	uint64_t accesses[MAX_NODES];
	uint64_t misses[MAX_NODES];
	uint64_t elsewhere;		/* accesses to no node's memory */
	struct account account;
	unsigned int epoch;		/* of pace.c; the account belongs to it */
	uint64_t insns_charged;		/* of all it has executed */
	struct cache cache;
} __attribute__((aligned(128)));

extern struct vcpu vcpus[MAX_VCPUS];

static inline void count(uint64_t *counter)
{
	__atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

static inline uint64_t peek(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* Instructions executed so far. */
uint64_t insns_user(unsigned int vcpu);
uint64_t insns_kernel(unsigned int vcpu);

/* One line in the results and on standard error; ends QEMU. */
void meter_fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif
