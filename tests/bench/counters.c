// SPDX-License-Identifier: GPL-2.0-only
/*
 * counters: some of the kernel's counters (/proc/vmstat) at three moments of a run: when
 * this starts, some seconds later, and at SIGTERM. So light that it does not disturb what
 * is measured. User space; run by tests/bench/race.d/inside.
 *
 * counters SECONDS NAME...	prints, for each NAME, "NAME ALL LATE": how much it grew in
 *				all, and from SECONDS on
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_NAMES	16

static int nr_names;
static char **names;

static int read_counters(long long values[MAX_NAMES])
{
	FILE *file = fopen("/proc/vmstat", "r");
	long long value;
	char name[64];

	if (!file) {
		perror("counters: /proc/vmstat");
		return -1;
	}
	while (fscanf(file, "%63s %lld", name, &value) == 2)
		for (int i = 0; i < nr_names; i++)
			if (!strcmp(name, names[i]))
				values[i] = value;
	fclose(file);
	return 0;
}

int main(int argc, char **argv)
{
	long long begin[MAX_NAMES] = { 0 }, late[MAX_NAMES] = { 0 }, end[MAX_NAMES] = { 0 };
	double seconds = argc > 2 ? atof(argv[1]) : 0;
	struct timespec wait = { .tv_sec = seconds, .tv_nsec = (seconds - (long)seconds) * 1e9 };
	sigset_t stop;

	nr_names = argc - 2;
	names = argv + 2;
	if (seconds <= 0 || nr_names > MAX_NAMES) {
		fprintf(stderr, "counters: expected SECONDS above 0 and 1 to %d names of /proc/vmstat\n",
			MAX_NAMES);
		return 2;
	}
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	if (read_counters(begin))
		return 1;
	if (sigtimedwait(&stop, NULL, &wait) == SIGTERM) {
		fprintf(stderr, "counters: stopped before %s s were over\n", argv[1]);
		return 1;
	}
	if (read_counters(late))
		return 1;
	sigwaitinfo(&stop, NULL);
	if (read_counters(end))
		return 1;
	for (int i = 0; i < nr_names; i++)
		printf("%s %lld %lld\n", names[i], end[i] - begin[i], end[i] - late[i]);
	return 0;
}
