// SPDX-License-Identifier: GPL-2.0-only
/*
 * storm: processes that come and go all the time, each with some memory, so that
 * many exit while they are scanned. User space; run by the guest tests.
 *
 *   storm SECONDS PARALLEL MB
 *
 * Each lives for up to 300 ms, then exits or is killed, now and then between
 * growing and unmapping. Prints how many there were.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_LIFE_US	300000

static void live(unsigned int seed, size_t bytes)
{
	char *memory;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "storm-child");
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		_exit(1);
	memset(memory, 1, bytes);
	usleep(rand_r(&seed) % MAX_LIFE_US);
	switch (rand_r(&seed) % 3) {
	case 0:
		munmap(memory, bytes);
		break;
	case 1:
		raise(SIGKILL);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	unsigned int started = 0;
	int parallel, running = 0;
	size_t bytes;
	time_t end;

	if (argc != 4) {
		fprintf(stderr, "usage: storm SECONDS PARALLEL MB\n");
		return 2;
	}
	end = time(NULL) + atoi(argv[1]);
	parallel = atoi(argv[2]);
	bytes = (size_t)atoi(argv[3]) << 20;
	while (time(NULL) < end) {
		pid_t child = fork();

		if (child < 0) {
			perror("storm: fork");
			return 1;
		}
		if (!child)
			live(started, bytes);
		started++;
		if (++running == parallel && wait(NULL) > 0)
			running--;
	}
	while (wait(NULL) > 0)
		;
	printf("%u\n", started);
	return 0;
}
