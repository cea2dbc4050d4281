// SPDX-License-Identifier: GPL-2.0-only
/*
 * The simulator's entry: reads the options and starts what they ask for.
 *
 * User space.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "host.h"

static const char usage[] =
	"usage: simulator [OPTION...]\n"
	"\n"
	"Plays hours of a host against the module's policy and prints how local its memory is,\n"
	"beside two other ways: memory stays where it was first touched, and memory follows\n"
	"wherever a process runs.\n"
	"\n"
	"  --seed N       another host of the same kind (default 1)\n"
	"  --hours N      1 to 1000 (default 2)\n"
	"  --nodes N      2 to 8 (default 8)\n"
	"  --cpus N       in all, nodes to 512 (default 512)\n"
	"  --processes N  about so many, 10 to 10000 (default 10000)\n"
	"  --period MS    between two plans, 100 to 60000 (default 1000, as the module's)\n"
	"  --calm         all start ill placed, and nobody comes, goes or changes\n"
	"  --small N      instead: N small hosts against the best placement there is\n"
	"  --full         those without a free page, most of their processes bound\n"
	"  --no-exchange  likewise, and no memory may be exchanged\n"
	"  --check        instead: a short version with marks, KTAP\n"
	"  --help         this text\n";

static void __attribute__((noreturn)) refuse(const char *option, const char *expected,
					      const char *found)
{
	fprintf(stderr, "simulator: error: %s: expected %s, got %s\n", option, expected,
		found ? found : "nothing");
	exit(2);
}

static u64 to_number(const char *option, const char *text, u64 min, u64 max)
{
	char expected[64], *end;
	u64 value;

	snprintf(expected, sizeof(expected), "a number from %llu to %llu", min, max);
	if (!text || *text < '0' || *text > '9')
		refuse(option, expected, text);
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || value < min || value > max)
		refuse(option, expected, text);
	return value;
}

static void read_options(struct options *o, int argc, char **argv)
{
	int k;

	for (k = 1; k < argc; k++) {
		const char *name = argv[k], *value = argv[k + 1];

		if (!strcmp(name, "--help")) {
			fputs(usage, stdout);
			exit(0);
		} else if (!strcmp(name, "--calm")) {
			o->calm = true;
			continue;
		} else if (!strcmp(name, "--full")) {
			o->kind = SMALL_FULL;
			continue;
		} else if (!strcmp(name, "--no-exchange")) {
			o->kind = SMALL_NO_EXCHANGE;
			continue;
		} else if (!strcmp(name, "--check")) {
			o->check = true;
			continue;
		} else if (!strcmp(name, "--seed")) {
			o->seed = to_number(name, value, 0, U64_MAX);
		} else if (!strcmp(name, "--hours")) {
			o->hours = to_number(name, value, 1, 1000);
		} else if (!strcmp(name, "--nodes")) {
			o->nodes = to_number(name, value, 2, HOST_MAX_NODES);
		} else if (!strcmp(name, "--cpus")) {
			o->cpus = to_number(name, value, 2, HOST_MAX_CPUS);
		} else if (!strcmp(name, "--processes")) {
			o->processes = to_number(name, value, 10, HOST_MAX_PROCS);
		} else if (!strcmp(name, "--period")) {
			o->period_ms = to_number(name, value, 100, 60000);
		} else if (!strcmp(name, "--small")) {
			o->small = to_number(name, value, 1, 1000000);
		} else {
			refuse(name, "an option of --help", "an unknown one");
		}
		k++;
	}
	if (o->kind != SMALL_ROOMY && !o->small)
		refuse("--full, --no-exchange", "--small beside it", NULL);
	if (o->cpus < o->nodes)
		refuse("--cpus", "at least one for each node", "fewer");
}

int main(int argc, char **argv)
{
	struct options o = {
		.seed = 1, .hours = 2, .nodes = 8, .cpus = 512, .processes = 10000,
		.period_ms = 1000,
	};
	struct sums all[NR_WAYS], last[NR_WAYS];
	char message[SIM_MESSAGE] = "";
	struct regret r;
	bool good;

	read_options(&o, argc, argv);
	if (o.check)
		return check_run(&o);
	if (o.small)
		good = small_run(o.kind, o.seed, o.small, true, &r, message);
	else
		good = play(&o, true, all, last, message);
	if (!good)
		fprintf(stderr, "simulator: error: %s\n", message);
	return !good;
}
