// SPDX-License-Identifier: GPL-2.0-only
/*
 * knumadtop: a table of where processes' memory is and where their threads run,
 * node by node, with knumad's verdicts when it is loaded. Useful without the
 * module too. User space; run by people, scripts/demo and the guest tests.
 *
 * Options and output are here, reading is in knumadtop_read.h. Output is only
 * ever appended, so it reads the same on a terminal and in a log.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "knumadtop_read.h"

#define SAMPLES_PER_INTERVAL	20
#define FIXED_COLUMNS		45	/* of a row, all but the nodes' cells */
#define CELL_COLUMNS		11

#define GREEN	"\033[32m"
#define YELLOW	"\033[33m"
#define RED	"\033[31m"
#define DIM	"\033[2m"
#define BOLD	"\033[1m"
#define RESET	"\033[0m"

enum headings { HEADINGS_ALWAYS, HEADINGS_ONCE, HEADINGS_NEVER };

static double interval = 2;
static unsigned long count;		/* 0: until interrupted */
static unsigned long min_rss_mb = 64;
static enum headings headings = HEADINGS_ALWAYS;
static bool coloured;
static FILE *csv;			/* NULL: none */
static bool csv_only;
static int given_pids[MAX_PROCS];
static int nr_given_pids;
static struct process procs[MAX_PROCS];
static int nr_procs;

static const char help_text[] =
"Usage: knumadtop [OPTION]... [PID]...\n"
"\n"
"Shows where processes' memory is and where their threads run on a NUMA\n"
"machine: those with the given PIDs, or all with enough resident memory.\n"
"\n"
"  -i, --interval S      seconds that each table covers (default 2)\n"
"  -n, --count N         stop after N tables (default 0: until interrupted)\n"
"  -m, --min-rss MB      without PIDs: processes of at least MB resident\n"
"                        (default 64)\n"
"      --headings WHEN   always (default), once or never\n"
"      --color WHEN      always, never or auto (default: on a terminal, unless\n"
"                        NO_COLOR is set)\n"
"      --csv[=FILE]      comma separated values instead of tables; with FILE\n"
"                        they go there and the tables are printed too\n"
"  -h, --help            this text\n"
"\n"
"Columns:\n"
"  N0 MB  megabytes on node 0, of all mappings in /proc/PID/numa_maps\n"
"  run    threads running or ready to run on the CPUs of that node, the average\n"
"         of 20 looks at /proc/PID/task/*/stat during the interval\n"
"  LOCAL  how likely an access to any of its memory by any of its running\n"
"         threads is local: the sum over the nodes of (share of threads) x\n"
"         (share of memory); '-' when no thread ran\n"
"  HOME   the node or nodes knumad wants the process on; '-' for none, and when\n"
"         the module is not loaded or debugfs may not be read\n"
"  STATE  what knumad is doing about it\n"
"\n"
"Colours: green memory or threads share a node with most of the other, red ones\n"
"do not. Reading numa_maps walks the process's page tables, once per interval.\n"
"\n"
"Exit status: 0 done, or all processes with the given PIDs have ended;\n"
"1 failed; 2 wrong usage.\n";

#define usage_error(fmt, ...) do {					\
	fprintf(stderr, "knumadtop: " fmt "; see knumadtop --help\n",	\
		##__VA_ARGS__);						\
	exit(2);							\
} while (0)

static const struct option long_options[] = {
	{ "interval",	required_argument, NULL, 'i' },
	{ "count",	required_argument, NULL, 'n' },
	{ "min-rss",	required_argument, NULL, 'm' },
	{ "headings",	required_argument, NULL, 'H' },
	{ "color",	required_argument, NULL, 'C' },
	{ "csv",	optional_argument, NULL, 'c' },
	{ "help",	no_argument,	   NULL, 'h' },
	{ }
};

static unsigned long parse_number(const char *what, const char *text,
				  unsigned long min, unsigned long max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)text[0]) || *end || value < min || value > max)
		usage_error("%s wants a whole number from %lu to %lu, got '%s'",
			    what, min, max, text);
	return value;
}

/* The index of text in a list of words that NULL ends. */
static int parse_word(const char *what, const char *text, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (!strcmp(text, words[i]))
			return i;
	usage_error("%s wants %s, %s or %s, got '%s'", what, words[0], words[1],
		    words[2], text);
}

static void parse_interval(const char *text)
{
	char *end;

	interval = strtod(text, &end);
	if (end == text || *end || !(interval >= 0.1 && interval <= 3600))
		usage_error("--interval wants 0.1 to 3600 seconds, got '%s'", text);
}

static void parse_csv(const char *path)
{
	csv_only = !path;
	csv = path ? fopen(path, "w") : stdout;
	if (!csv)
		die("cannot write %s: %s", path, strerror(errno));
}

static void parse_options(int argc, char **argv)
{
	static const char *const colour_words[] = { "never", "always", "auto", NULL };
	static const char *const heading_words[] = { "always", "once", "never", NULL };
	const char *no_color = getenv("NO_COLOR");
	int letter, colour = 2;

	while ((letter = getopt_long(argc, argv, "i:n:m:h", long_options, NULL)) != -1) {
		switch (letter) {
		case 'i':
			parse_interval(optarg);
			break;
		case 'n':
			count = parse_number("--count", optarg, 0, 1000000000);
			break;
		case 'm':
			min_rss_mb = parse_number("--min-rss", optarg, 0, 1000000000);
			break;
		case 'H':
			headings = parse_word("--headings", optarg, heading_words);
			break;
		case 'C':
			colour = parse_word("--color", optarg, colour_words);
			break;
		case 'c':
			parse_csv(optarg);
			break;
		case 'h':
			fputs(help_text, stdout);
			exit(0);
		default:	/* getopt has printed what it did not understand */
			fputs("knumadtop: see knumadtop --help\n", stderr);
			exit(2);
		}
	}
	coloured = colour == 1 ||
		   (colour == 2 && isatty(STDOUT_FILENO) && !(no_color && *no_color));
	for (; optind < argc; optind++) {
		if (nr_given_pids == MAX_PROCS)
			usage_error("at most %d PIDs can be given", MAX_PROCS);
		given_pids[nr_given_pids++] = parse_number("PID", argv[optind], 1, 1 << 22);
	}
}

static void add_process(int pid, bool must_be_big)
{
	struct process *p = &procs[nr_procs];
	double rss_mb;

	memset(p, 0, sizeof(*p));
	strcpy(p->home, "-");
	strcpy(p->state, "-");
	p->pid = pid;
	if (!read_status(pid, p->comm, &rss_mb))
		return;
	if (must_be_big && (rss_mb <= 0 || rss_mb < min_rss_mb))
		return;
	nr_procs++;
}

static void choose_processes(void)
{
	struct dirent *entry;
	DIR *dir;

	nr_procs = 0;
	for (int i = 0; i < nr_given_pids; i++)
		add_process(given_pids[i], false);
	if (nr_given_pids)
		return;
	dir = opendir("/proc");
	if (!dir)
		die("cannot read /proc: %s", strerror(errno));
	while ((entry = readdir(dir)) && nr_procs < MAX_PROCS)
		if (isdigit((unsigned char)entry->d_name[0]))
			add_process(atoi(entry->d_name), true);
	closedir(dir);
}

/* Spread evenly over the interval, so that one moment's sleep does not mislead. */
static void sample_interval(void)
{
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	for (int sample = 0; sample < SAMPLES_PER_INTERVAL; sample++) {
		double step = interval / SAMPLES_PER_INTERVAL;

		next.tv_nsec += (step - (long)step) * 1e9;
		next.tv_sec += (long)step + next.tv_nsec / 1000000000;
		next.tv_nsec %= 1000000000;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
		for (int i = 0; i < nr_procs; i++)
			if (!procs[i].gone)
				sample_threads(&procs[i]);
	}
	for (int i = 0; i < nr_procs; i++) {
		for (int n = 0; n < nr_nodes; n++)
			procs[i].running[n] /= SAMPLES_PER_INTERVAL;
		if (!procs[i].gone)
			read_memory(&procs[i]);
	}
	read_verdicts(procs, nr_procs);
}

static const char *paint(const char *colour)
{
	return coloured ? colour : "";
}

/* `part` of a process on a node is well placed where most of the `other` is. */
static const char *placed_colour(const double *part, const double *other, int n)
{
	if (part[n] < 0.05 * sum(part) || sum(part) <= 0)
		return paint(DIM);
	return paint(other[n] >= 0.5 * sum(other) ? GREEN : RED);
}

static const char *percent_colour(double percent)
{
	return paint(percent >= 95 ? GREEN : percent >= 50 ? YELLOW : RED);
}

static int nodes_per_line(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize window;
	int width = columns ? atoi(columns) : 0;
	int fit;

	if (width <= 0 && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &window))
		width = window.ws_col;
	if (width <= 0)
		width = 80;
	fit = (width - FIXED_COLUMNS) / CELL_COLUMNS;
	return fit < 1 ? 1 : fit;
}

static void print_headings(int per_line)
{
	char mode[32], now[16];
	time_t clock = time(NULL);

	strftime(now, sizeof(now), "%H:%M:%S", localtime(&clock));
	printf("%sknumadtop%s %s, %d node%s, %g s; ", paint(BOLD), paint(RESET), now,
	       nr_nodes, nr_nodes == 1 ? "" : "s", interval);
	if (read_line(KNUMAD_MODE, mode, sizeof(mode)))
		printf("knumad loaded, mode %s\n", mode);
	else
		printf("knumad not loaded\n");
	printf("%s%7s %-15s", paint(BOLD), "PID", "COMMAND");
	for (int n = 0; n < nr_nodes; n++) {
		char label[16];

		snprintf(label, sizeof(label), "N%d MB", node_ids[n]);
		if (n && n % per_line == 0)
			printf("%s\n%23s", n == per_line ? "  LOCAL HOME  STATE" : "", "");
		printf("%6s %4s", label, "run");
	}
	printf("%s%s\n", nr_nodes <= per_line ? "  LOCAL HOME  STATE" : "", paint(RESET));
}

static void print_process(const struct process *p, int per_line)
{
	double local = local_percent(p);
	char tail[128], percent[16] = "-";

	if (p->gone || p->denied) {
		printf("%7d %-15s  %s\n", p->pid, p->comm, p->gone ? "ended" :
		       "numa_maps may not be read; be root or its owner");
		return;
	}
	if (local >= 0)
		snprintf(percent, sizeof(percent), "%.0f%%", local);
	snprintf(tail, sizeof(tail), "  %s%5s%s %-5s %s",
		 local >= 0 ? percent_colour(local) : "", percent, paint(RESET),
		 p->home, p->state);
	printf("%7d %-15s", p->pid, p->comm);
	for (int n = 0; n < nr_nodes; n++) {
		if (n && n % per_line == 0)
			printf("%s\n%23s", n == per_line ? tail : "", "");
		printf("%s%6.0f%s %s%4.1f%s",
		       placed_colour(p->mb, p->running, n), p->mb[n], paint(RESET),
		       placed_colour(p->running, p->mb, n), p->running[n], paint(RESET));
	}
	printf("%s\n", nr_nodes <= per_line ? tail : "");
}

static void print_csv_header(void)
{
	fputs("time_s,pid,home,state,local_pct", csv);
	for (int n = 0; n < nr_nodes; n++)
		fprintf(csv, ",mb_n%d", node_ids[n]);
	for (int n = 0; n < nr_nodes; n++)
		fprintf(csv, ",running_n%d", node_ids[n]);
	fputs(",comm\n", csv);
}

/* A home such as 0,1 is written 0+1; comm, which may hold commas, comes last. */
static void print_csv(const struct process *p)
{
	double local = local_percent(p);
	struct timespec now;
	char home[sizeof(p->home)];

	strcpy(home, p->home);
	for (char *comma = strchr(home, ','); comma; comma = strchr(comma, ','))
		*comma = '+';
	clock_gettime(CLOCK_MONOTONIC, &now);
	fprintf(csv, "%.2f,%d,%s,%s,", now.tv_sec + now.tv_nsec / 1e9, p->pid, home, p->state);
	if (local >= 0)
		fprintf(csv, "%.1f", local);
	for (int n = 0; n < nr_nodes; n++)
		fprintf(csv, ",%.1f", p->mb[n]);
	for (int n = 0; n < nr_nodes; n++)
		fprintf(csv, ",%.2f", p->running[n]);
	fprintf(csv, ",%s\n", p->comm);
}

static void print_interval(bool first)
{
	int per_line = nodes_per_line();

	if (!csv_only && !nr_procs)
		printf("no process has %lu MB resident; see --min-rss\n", min_rss_mb);
	if (!csv_only && (headings == HEADINGS_ALWAYS || (headings == HEADINGS_ONCE && first)))
		print_headings(per_line);
	for (int i = 0; i < nr_procs; i++) {
		if (!csv_only)
			print_process(&procs[i], per_line);
		if (csv && !procs[i].gone && !procs[i].denied)
			print_csv(&procs[i]);
	}
	if (fflush(stdout) || (csv && fflush(csv)))
		die("cannot write: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	parse_options(argc, argv);
	read_nodes();
	if (csv)
		print_csv_header();
	for (unsigned long n = 0; !count || n < count; n++) {
		choose_processes();
		if (nr_given_pids && !nr_procs) {
			if (!n)
				die("none of the given PIDs is a process");
			return 0;
		}
		sample_interval();
		print_interval(!n);
	}
	return 0;
}
