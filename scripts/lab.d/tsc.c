// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints the rate of this machine's time stamp counter in kHz, which is that of guests that TCG
 * runs. Run by scripts/lab, on the host; takes 20 ms. Fails where the counter does not run at
 * one rate.
 */
#include <cpuid.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

#define INVARIANT_LEAF	0x80000007
#define INVARIANT_BIT	(1U << 8)
#define WINDOW_NS	20000000
#define TRIES		32

struct moment {
	uint64_t tsc;
	uint64_t ns;
};

/* Both clocks at once: of some tries the one that took least. */
static struct moment now(void)
{
	struct moment best = { 0 };
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < TRIES; i++) {
		struct timespec t;
		uint64_t begin = __rdtsc(), end;

		clock_gettime(CLOCK_MONOTONIC, &t);
		end = __rdtsc();
		if (end - begin < least) {
			least = end - begin;
			best.tsc = begin + least / 2;
			best.ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
		}
	}
	return best;
}

int main(void)
{
	const struct timespec window = { .tv_nsec = WINDOW_NS };
	unsigned int a, b, c, d;
	struct moment begin, end;

	if (!__get_cpuid(INVARIANT_LEAF, &a, &b, &c, &d) || !(d & INVARIANT_BIT))
		return 1;
	begin = now();
	nanosleep(&window, NULL);
	end = now();
	printf("%llu\n", (unsigned long long)((end.tsc - begin.tsc) * 1000000 / (end.ns - begin.ns)));
	return 0;
}
