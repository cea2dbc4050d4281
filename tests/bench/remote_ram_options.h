/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What remote_ram is asked to do: options, their limits, the table of
 * placements and the help text. User space, single-threaded; called once by
 * main() in remote_ram.c before any process is forked.
 */
#ifndef REMOTE_RAM_OPTIONS_H
#define REMOTE_RAM_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../meter/guest/mark.h"

#define MAX_PROCS	16
#define MAX_THREADS	256
#define MAX_SIZE_MB	(1UL << 20)
#define MAX_NAME	12	/* leaves room for "-15" in the kernel's 15 characters */

enum node_rule {
	NODE_ANY,	/* wherever the kernel likes */
	NODE_OWN,	/* process i on the i-th usable node */
	NODE_NEXT,	/* process i on the node after its own */
	NODE_FIRST,	/* every process on the first usable node */
	NODE_SPREAD,	/* thread by thread over all usable nodes, memory part by part */
};

struct placement {
	const char *name;
	bool is_start;	/* only a start: binding undone before the clock runs */
	enum node_rule threads;
	enum node_rule memory;
};

static const struct placement placements[] = {
	{ "local",	false,	NODE_OWN,	NODE_OWN },
	{ "remote",	false,	NODE_OWN,	NODE_NEXT },
	{ "membind",	false,	NODE_ANY,	NODE_OWN },
	{ "spread",	false,	NODE_SPREAD,	NODE_SPREAD },
	{ "free",	false,	NODE_ANY,	NODE_ANY },
	{ "crossed",	true,	NODE_OWN,	NODE_NEXT },
	{ "node0",	true,	NODE_ANY,	NODE_FIRST },
	{ "kernel",	true,	NODE_ANY,	NODE_ANY },
};

enum report_format { REPORT_TABLE, REPORT_CSV, REPORT_KEY_VALUE };
enum thp_wish { THP_DEFAULT, THP_ON, THP_OFF };

struct options {
	int procs;
	int threads[MAX_PROCS];		/* of each process */
	size_t size_bytes[MAX_PROCS];
	bool own_part;
	unsigned long passes;	/* ignored when seconds is set */
	double seconds;
	const struct placement *placement;
	enum thp_wish thp;
	bool verify;
	bool rest;
	bool hold;
	const char *name;
	const char *pid_file;
	const char *mark;	/* label of the meter's region, or NULL */
	enum report_format format;
};

static const char help_text[] =
"Usage: remote_ram [OPTION]...\n"
"\n"
"How bad is remote RAM? Runs processes whose threads each compare the lower\n"
"half of their process's buffer with the upper half, and reports how long that\n"
"took, where the memory was and where the threads ran.\n"
"\n"
"Load:\n"
"  -p, --processes N     processes, 1 to 16 (default 2)\n"
"  -t, --threads T[,T]...  threads in each process, 1 to 256 (default 2); of a\n"
"                        list the i-th is for process i, and so on from its start\n"
"  -s, --size MB[,MB]... buffer of each process; suffix M or G (default 64M)\n"
"  -n, --passes P        comparisons each thread makes (default 3)\n"
"  -d, --seconds S       run for S seconds instead of a number of passes\n"
"      --own-part        each thread compares only its own part of the buffer\n"
"      --thp WHAT        on, off or default: huge pages for the buffer\n"
"      --verify          threads also write a pattern to their share of the\n"
"                        pages; each word is checked at the end\n"
"      --rest            threads pause (the instruction) all the time: in a guest of\n"
"                        the lab they run as much, but cost its machine less\n"
"\n"
"Placement, process i counted over the nodes that have CPUs and memory:\n"
"      --placement local     threads and memory bound to node i\n"
"      --placement remote    threads bound to node i, memory to the next one\n"
"      --placement membind   memory bound to node i, threads free\n"
"      --placement spread    each process over all nodes: its threads one after the\n"
"                            other, its memory page by page, or with --own-part\n"
"                            each part to the thread that compares it\n"
"      --placement free      nothing bound (default)\n"
"      --start crossed       begin as with remote, then nothing bound\n"
"      --start node0         begin with all memory on the first node, then\n"
"                            nothing bound\n"
"      --start kernel        begin where the kernel puts things\n"
"\n"
"Output and control:\n"
"      --csv             report as comma separated values\n"
"      --kv              report as one line of key=value pairs per process\n"
"      --name NAME       processes are called NAME-0, NAME-1... (default\n"
"                        remote_ram), at most 12 characters\n"
"      --pid-file FILE   write the processes' ids there, one per line, when\n"
"                        all threads run and are released\n"
"      --mark LABEL      the measured part is a region of the meter (tests/meter)\n"
"      --hold            keep memory and processes after the work, until\n"
"                        SIGTERM\n"
"  -h, --help            this text\n"
"\n"
"SIGTERM and SIGINT end the run early, with its report. Exit status: 0 done,\n"
"1 failed or memory found corrupted, 2 wrong usage.\n";

#define usage_error(fmt, ...) do {					\
	fprintf(stderr, "remote_ram: " fmt "; see remote_ram --help\n",	\
		##__VA_ARGS__);						\
	exit(2);							\
} while (0)

static unsigned long parse_number(const char *option, const char *text,
				  unsigned long min, unsigned long max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || value < min || value > max)
		usage_error("--%s wants a whole number from %lu to %lu, got '%s'",
			    option, min, max, text);
	return value;
}

static double parse_seconds(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value > 0 && value <= 86400))
		usage_error("--seconds wants a number above 0, up to 86400, got '%s'",
			    text);
	return value;
}

/*
 * Splits a list as in "1,2" and gives the i-th of its values to process i, from the
 * start again where it is shorter.
 */
static void parse_list(const char *option, const char *text, size_t values[MAX_PROCS],
		       size_t (*parse)(const char *option, const char *text))
{
	char *copy = strdup(text), *rest = copy, *item;
	int found = 0;

	while ((item = strsep(&rest, ","))) {
		if (found == MAX_PROCS)
			usage_error("--%s wants at most %d values, got '%s'", option, MAX_PROCS,
				    text);
		values[found++] = parse(option, item);
	}
	free(copy);
	for (int i = found; i < MAX_PROCS; i++)
		values[i] = values[i % found];
}

static size_t parse_threads(const char *option, const char *text)
{
	return parse_number(option, text, 1, MAX_THREADS);
}

static size_t parse_size(const char *option, const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);
	unsigned long mb_per_unit = *end == 'G' ? 1024 : 1;

	if (*end == 'M' || *end == 'G')
		end++;
	if (text[0] < '0' || text[0] > '9' || *end || !value ||
	    value > MAX_SIZE_MB / mb_per_unit)
		usage_error("--%s wants megabytes such as 64, 200M or 2G, got '%s'",
			    option, text);
	return value * mb_per_unit << 20;
}

static const struct placement *parse_placement(const char *name, bool is_start)
{
	for (size_t i = 0; i < sizeof(placements) / sizeof(placements[0]); i++)
		if (placements[i].is_start == is_start &&
		    !strcmp(placements[i].name, name))
			return &placements[i];
	usage_error("--%s does not know '%s', it takes %s",
		    is_start ? "start" : "placement", name,
		    is_start ? "crossed, node0 or kernel" :
			       "local, remote, membind, spread or free");
}

static enum thp_wish parse_thp(const char *text)
{
	if (!strcmp(text, "on"))
		return THP_ON;
	if (!strcmp(text, "off"))
		return THP_OFF;
	if (!strcmp(text, "default"))
		return THP_DEFAULT;
	usage_error("--thp wants on, off or default, got '%s'", text);
}

static const struct option long_options[] = {
	{ "processes",	required_argument, NULL, 'p' },
	{ "threads",	required_argument, NULL, 't' },
	{ "size",	required_argument, NULL, 's' },
	{ "passes",	required_argument, NULL, 'n' },
	{ "seconds",	required_argument, NULL, 'd' },
	{ "own-part",	no_argument,	   NULL, 'o' },
	{ "thp",	required_argument, NULL, 'T' },
	{ "verify",	no_argument,	   NULL, 'v' },
	{ "rest",	no_argument,	   NULL, 'r' },
	{ "placement",	required_argument, NULL, 'P' },
	{ "start",	required_argument, NULL, 'S' },
	{ "csv",	no_argument,	   NULL, 'c' },
	{ "kv",		no_argument,	   NULL, 'k' },
	{ "name",	required_argument, NULL, 'N' },
	{ "pid-file",	required_argument, NULL, 'f' },
	{ "mark",	required_argument, NULL, 'M' },
	{ "hold",	no_argument,	   NULL, 'H' },
	{ "help",	no_argument,	   NULL, 'h' },
	{ }
};

static void parse_option(struct options *opt, int letter, const char *arg)
{
	size_t values[MAX_PROCS];

	switch (letter) {
	case 'p':
		opt->procs = parse_number("processes", arg, 1, MAX_PROCS);
		break;
	case 't':
		parse_list("threads", arg, values, parse_threads);
		for (int i = 0; i < MAX_PROCS; i++)
			opt->threads[i] = values[i];
		break;
	case 's':
		parse_list("size", arg, opt->size_bytes, parse_size);
		break;
	case 'n':
		opt->passes = parse_number("passes", arg, 1, 1000000000);
		break;
	case 'd':
		opt->seconds = parse_seconds(arg);
		break;
	case 'o':
		opt->own_part = true;
		break;
	case 'T':
		opt->thp = parse_thp(arg);
		break;
	case 'v':
		opt->verify = true;
		break;
	case 'r':
		opt->rest = true;
		break;
	case 'P':
	case 'S':
		if (opt->placement)
			usage_error("give one --placement or one --start, not two");
		opt->placement = parse_placement(arg, letter == 'S');
		break;
	case 'c':
		opt->format = REPORT_CSV;
		break;
	case 'k':
		opt->format = REPORT_KEY_VALUE;
		break;
	case 'N':
		if (!arg[0] || strlen(arg) > MAX_NAME || strpbrk(arg, ", \t\n"))
			usage_error("--name wants 1 to %d characters, no space or comma, got '%s'",
				    MAX_NAME, arg);
		opt->name = arg;
		break;
	case 'f':
		opt->pid_file = arg;
		break;
	case 'M':
		if (!arg[0] || strlen(arg) > METER_TEXT_MAX || strpbrk(arg, ",\"\n"))
			usage_error("--mark wants 1 to %d characters, no comma or quote, got '%s'",
				    METER_TEXT_MAX, arg);
		opt->mark = arg;
		break;
	case 'H':
		opt->hold = true;
		break;
	case 'h':
		fputs(help_text, stdout);
		exit(0);
	default:	/* getopt has printed what it did not understand */
		fputs("remote_ram: see remote_ram --help\n", stderr);
		exit(2);
	}
}

static struct options parse_options(int argc, char **argv)
{
	struct options opt = {
		.procs = 2,
		.passes = 3,
		.name = "remote_ram",
	};
	int letter;

	parse_option(&opt, 't', "2");
	parse_option(&opt, 's', "64M");
	while ((letter = getopt_long(argc, argv, "p:t:s:n:d:h", long_options, NULL)) != -1)
		parse_option(&opt, letter, optarg);
	if (optind < argc)
		usage_error("did not expect '%s'", argv[optind]);
	if (opt.own_part && opt.verify)
		usage_error("--own-part does not go with --verify");
	if (!opt.placement)
		opt.placement = parse_placement("free", false);
	return opt;
}

#endif
