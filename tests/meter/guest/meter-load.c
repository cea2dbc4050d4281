// SPDX-License-Identifier: GPL-2.0-only
/*
 * meter-load: work of which is known what the meter must count. User space, in the
 * guest; run by tests/meter/guest/selftest.sh, for tests/meter_selftest to judge.
 *
 * meter-load LABEL insns N       a region of 2 N user instructions and little else
 * meter-load LABEL loads N       N loads of one line, in a loop of 3 instructions
 * meter-load LABEL calls N       N system calls
 * meter-load false-probe         claims to write on node 0, and writes on node 1
 */
#include <numa.h>
#include <numaif.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mark.h"

#define PROBE_BYTES	(4ul << 20)

static void insns(unsigned long n)
{
	asm volatile("1: dec %0\n\tjnz 1b" : "+r" (n) : : "cc");
}

static void loads(unsigned long n)
{
	unsigned long from = 1, into;

	asm volatile("1: mov %2, %1\n\tdec %0\n\tjnz 1b"
		     : "+r" (n), "=&r" (into) : "m" (from) : "cc");
}

static void calls(unsigned long n)
{
	while (n--)
		syscall(SYS_getppid);
}

static int false_probe(void)
{
	unsigned long mask = 1ul << 1;
	char *memory = mmap(NULL, PROBE_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED || numa_run_on_node(0) ||
	    mbind(memory, PROBE_BYTES, MPOL_BIND, &mask, sizeof(mask) * 8, 0)) {
		perror("meter-load");
		return 1;
	}
	memset(memory, 1, PROBE_BYTES);
	meter_mark(METER_PROBE, "0");
	for (unsigned long at = 0; at < PROBE_BYTES; at += 64)
		*(volatile char *)(memory + at) = 2;
	meter_mark(METER_PROBED, "0");
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*function)(unsigned long n);
	} work[] = { { "insns", insns }, { "loads", loads }, { "calls", calls } };

	if (argc == 2 && !strcmp(argv[1], "false-probe"))
		return false_probe();
	for (size_t i = 0; argc == 4 && i < sizeof(work) / sizeof(work[0]); i++) {
		unsigned long n = strtoul(argv[3], NULL, 10);

		if (strcmp(argv[2], work[i].name) || !n)
			continue;
		meter_mark(METER_START, argv[1]);
		work[i].function(n);
		meter_mark(METER_STOP, "");
		return 0;
	}
	fprintf(stderr, "meter-load: expected LABEL insns|loads|calls N, or false-probe\n");
	return 2;
}
