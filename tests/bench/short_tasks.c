// SPDX-License-Identifier: GPL-2.0-only
/*
 * short_tasks: the load of a `make -j`, for the race. Keeps a number of processes going,
 * each of which takes some memory, works on it for a little CPU time, and exits; the
 * next one starts at once. Ends on SIGTERM or SIGINT and says how many there were.
 * User space; run by tests/bench/race.d/inside.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char help_text[] =
"Usage: short_tasks [OPTION]...\n"
"\n"
"Keeps short-lived processes going until SIGTERM, then prints their number.\n"
"\n"
"  -j, --jobs N      at a time, 1 to 64 (default 2)\n"
"  -c, --cpu-ms MS   CPU time of each, 1 to 60000 (default 200)\n"
"  -s, --size MB     memory of each, 1 to 1024 (default 4)\n"
"  -h, --help        this text\n"
"\n"
"Exit status: 0 done, 1 failed, 2 wrong usage.\n";

static volatile sig_atomic_t stop;

static void on_stop_signal(int signal_number)
{
	(void)signal_number;
	stop = 1;
}

static unsigned long parse_number(const char *option, const char *text, unsigned long max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || value < 1 || value > max) {
		fprintf(stderr, "short_tasks: --%s wants a whole number from 1 to %lu, got '%s'; see short_tasks --help\n",
			option, max, text);
		exit(2);
	}
	return value;
}

static void task(unsigned long cpu_ms, size_t bytes)
{
	unsigned char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct timespec used;
	size_t at = 0;

	if (memory == MAP_FAILED)
		_exit(1);
	do {
		for (int i = 0; i < 256; i++, at = (at + 64) % bytes)
			memory[at]++;
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	} while (used.tv_sec * 1000 + used.tv_nsec / 1000000 < (long)cpu_ms);
	_exit(0);
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "jobs",	required_argument, NULL, 'j' },
		{ "cpu-ms",	required_argument, NULL, 'c' },
		{ "size",	required_argument, NULL, 's' },
		{ "help",	no_argument,	   NULL, 'h' },
		{ }
	};
	struct sigaction action = { .sa_handler = on_stop_signal };
	unsigned long jobs = 2, cpu_ms = 200, size_mb = 4, done = 0, running = 0;
	pid_t self = getpid();
	int letter, status;

	while ((letter = getopt_long(argc, argv, "j:c:s:h", long_options, NULL)) != -1) {
		switch (letter) {
		case 'j':
			jobs = parse_number("jobs", optarg, 64);
			break;
		case 'c':
			cpu_ms = parse_number("cpu-ms", optarg, 60000);
			break;
		case 's':
			size_mb = parse_number("size", optarg, 1024);
			break;
		case 'h':
			fputs(help_text, stdout);
			return 0;
		default:	/* getopt has printed what it did not understand */
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "short_tasks: did not expect '%s'; see short_tasks --help\n",
			argv[optind]);
		return 2;
	}
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	while (!stop || running) {
		pid_t pid;

		if (!stop && running < jobs) {
			pid = fork();
			if (pid < 0) {
				fprintf(stderr, "short_tasks: cannot fork: %s\n", strerror(errno));
				return 1;
			}
			if (!pid) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				if (getppid() != self)
					_exit(1);
				task(cpu_ms, size_mb << 20);
			}
			running++;
			continue;
		}
		pid = wait(&status);
		if (pid < 0)
			continue;	/* a signal */
		running--;
		if (!WIFEXITED(status) || WEXITSTATUS(status)) {
			fprintf(stderr, "short_tasks: a task of %lu MB failed\n", size_mb);
			return 1;
		}
		done++;
	}
	printf("tasks=%lu\n", done);
	return 0;
}
