// SPDX-License-Identifier: GPL-2.0-only
/*
 * The policy's unit tests, in user space: prints KTAP.
 *
 * main() of the test program: policy-test [--seed N] [--hosts N] SCENARIO...,
 * or policy-test --bench.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "tests.h"

#define HOSTS		8000
#define HOSTS_PER_TEST	2000

static u32 number, failed;

static void result(bool good, const char *name, const char *message)
{
	if (!good)
		printf("# %s\n", message);
	printf("%s %u %s\n", good ? "ok" : "not ok", ++number, name);
	fflush(stdout);
	failed += !good;
}

static void scenario(const char *path)
{
	char title[SIM_MESSAGE] = "no title", message[SIM_MESSAGE] = "", name[2 * SIM_MESSAGE];
	const char *base = strrchr(path, '/');
	bool good = scenario_run(path, title, message);

	base = base ? base + 1 : path;
	snprintf(name, sizeof(name), "%.*s: %s", (int)strcspn(base, "."), base, title);
	result(good, name, message);
}

int main(int argc, char **argv)
{
	u64 seed = (u64)time(NULL) * 1000003;
	u32 hosts = HOSTS, done, nr_tests;
	char message[SIM_MESSAGE] = "", name[SIM_MESSAGE];
	int k = 1;

	if (argc == 2 && !strcmp(argv[1], "--bench")) {
		bench_run();
		return 0;
	}
	for (; k + 1 < argc && !strncmp(argv[k], "--", 2); k += 2) {
		if (!strcmp(argv[k], "--seed")) {
			seed = strtoull(argv[k + 1], NULL, 10);
		} else if (!strcmp(argv[k], "--hosts")) {
			hosts = strtoul(argv[k + 1], NULL, 10);
		} else {
			fprintf(stderr, "policy-test: unknown option %s; expected --seed N, --hosts N or --bench\n",
				argv[k]);
			return 2;
		}
	}
	nr_tests = (hosts + HOSTS_PER_TEST - 1) / HOSTS_PER_TEST;
	printf("KTAP version 1\n1..%u\n", argc - k + nr_tests + 6);
	result(api_run(message), "bad snapshots are refused", message);
	result(operand_run(seed, message), "what an instruction reads or writes is decoded", message);
	result(loop_run(message), "code is followed back into a loop", message);
	result(uses_run(seed, message), "memory is given to a node if only its threads use it", message);
	result(frames_run(seed, message), "page-table entries tell the node of their pages", message);
	for (; k < argc; k++)
		scenario(argv[k]);
	printf("# random hosts from seed %llu: repeat with --seed\n", (unsigned long long)seed);
	for (done = 0; done < hosts; done += HOSTS_PER_TEST) {
		u32 n = hosts - done < HOSTS_PER_TEST ? hosts - done : HOSTS_PER_TEST;

		snprintf(name, sizeof(name), "random hosts %u to %u keep all rules and come to rest",
			 done + 1, done + n);
		result(property_run(seed + done, n, message), name, message);
	}
	result(bench_growth(message), "the time of a plan grows near-linearly with the processes",
	       message);
	return failed != 0;
}
