// SPDX-License-Identifier: GPL-2.0-only
/*
 * meter-mark: speaks to the meter (tests/meter) from a guest's shell, and sets it up
 * when the guest starts. User space, in the guest; see the help text. Without a meter
 * the marks do nothing.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <numa.h>
#include <numaif.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mark.h"

#define SRAT		"/sys/firmware/acpi/tables/SRAT"
#define SRAT_HEADER	48
#define SRAT_MEMORY	1
#define PROBE_BYTES	(4ul << 20)
#define LINE_BYTES	64
/* The lab's own failures, see scripts/lab help. */
#define EXIT_LAB	122

static const char help_text[] =
"Usage: meter-mark start LABEL      begins a region; ends one that is open\n"
"       meter-mark stop\n"
"       meter-mark snapshot [NOTE]  a row in the region's time series\n"
"       meter-mark run LABEL COMMAND [ARGUMENT...]\n"
"                                   COMMAND in a region; with its exit status\n"
"       meter-mark setup COMMAND [ARGUMENT...]\n"
"                                   tells the meter where each node's memory is,\n"
"                                   proves it, and becomes COMMAND; done by\n"
"                                   'scripts/lab run --meter'\n"
"\n"
"LABEL and NOTE: up to 96 printable characters, no comma or quote.\n";

#define die(fmt, ...) do {						\
	fprintf(stderr, "meter-mark: " fmt "\n", ##__VA_ARGS__);	\
	exit(EXIT_LAB);							\
} while (0)

#define usage_error(fmt, ...) do {					\
	fprintf(stderr, "meter-mark: " fmt "; see meter-mark --help\n",	\
		##__VA_ARGS__);						\
	exit(2);							\
} while (0)

static void send_mark(enum meter_op op, const char *text)
{
	int error = meter_mark(op, text);

	if (error)
		die("cannot send a mark: %s", strerror(-error));
}

static const char *checked(const char *label)
{
	if (strlen(label) > METER_TEXT_MAX)
		usage_error("expected at most %d characters, found %zu", METER_TEXT_MAX,
			    strlen(label));
	for (const char *c = label; *c; c++)
		if (*c < ' ' || *c > '~' || *c == ',' || *c == '"')
			usage_error("expected printable characters without comma and quote, found '%s'",
				    label);
	return label;
}

static uint64_t number_at(const unsigned char *at, unsigned int bytes)
{
	uint64_t value = 0;

	memcpy(&value, at, bytes);
	return value;
}

/* ACPI 6.5, 5.2.16: entries of type, length, and for memory domain, base, length, flags. */
static void send_map(void)
{
	unsigned char table[65536];
	FILE *file = fopen(SRAT, "r");
	size_t size, at = SRAT_HEADER;
	char text[METER_TEXT_MAX];

	if (!file)
		die("cannot read %s: %s", SRAT, strerror(errno));
	size = fread(table, 1, sizeof(table), file);
	fclose(file);
	while (at + 2 <= size && table[at + 1] >= 2) {
		const unsigned char *entry = table + at;

		at += entry[1];
		if (at > size || entry[0] != SRAT_MEMORY || entry[1] < 40 ||
		    !(number_at(entry + 28, 4) & 1) || !number_at(entry + 16, 8))
			continue;
		snprintf(text, sizeof(text), "%" PRIx64 " %" PRIx64 " %" PRIx64,
			 number_at(entry + 2, 4), number_at(entry + 8, 8),
			 number_at(entry + 16, 8));
		send_mark(METER_MAP, text);
	}
}

/* Each line is written once, after the pages are there. */
static void probe_node(int node)
{
	unsigned long mask[16] = { 0 };
	char text[8];
	char *memory;

	if (numa_run_on_node(node))
		die("cannot run on node %d: %s", node, strerror(errno));
	memory = mmap(NULL, PROBE_BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		die("cannot map %lu bytes: %s", PROBE_BYTES, strerror(errno));
	mask[node / 64] = 1ul << node % 64;
	if (mbind(memory, PROBE_BYTES, MPOL_BIND, mask, sizeof(mask) * 8, 0))
		die("cannot bind memory to node %d: %s", node, strerror(errno));
	memset(memory, 1, PROBE_BYTES);
	snprintf(text, sizeof(text), "%x", node);
	send_mark(METER_PROBE, text);
	for (unsigned long at = 0; at < PROBE_BYTES; at += LINE_BYTES)
		*(volatile char *)(memory + at) = 2;
	send_mark(METER_PROBED, text);
	munmap(memory, PROBE_BYTES);
}

static void set_up(void)
{
	if (numa_available() < 0)
		die("expected a kernel with NUMA");
	send_map();
	for (int node = 0; node <= numa_max_node(); node++)
		probe_node(node);
	if (numa_run_on_node(-1))
		die("cannot run on all nodes again: %s", strerror(errno));
	send_mark(METER_READY, "");
}

static int run_command(char **command)
{
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		die("cannot fork: %s", strerror(errno));
	if (!pid) {
		execvp(command[0], command);
		fprintf(stderr, "meter-mark: cannot run %s: %s\n", command[0], strerror(errno));
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("cannot wait for %s: %s", command[0], strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int status = 0;

	if (!strcmp(what, "--help") || !strcmp(what, "-h")) {
		fputs(help_text, stdout);
		return 0;
	}
	if (!strcmp(what, "setup") && argc > 2) {
		set_up();
		execvp(argv[2], argv + 2);
		die("cannot run %s: %s", argv[2], strerror(errno));
	}
	if (!strcmp(what, "start") && argc == 3) {
		send_mark(METER_START, checked(argv[2]));
	} else if (!strcmp(what, "stop") && argc == 2) {
		send_mark(METER_STOP, "");
	} else if (!strcmp(what, "snapshot") && argc <= 3) {
		send_mark(METER_SNAPSHOT, argc == 3 ? checked(argv[2]) : "");
	} else if (!strcmp(what, "run") && argc > 3) {
		send_mark(METER_START, checked(argv[2]));
		status = run_command(argv + 3);
		send_mark(METER_STOP, "");
	} else {
		usage_error("expected start LABEL, stop, snapshot, run LABEL COMMAND or setup COMMAND");
	}
	return status;
}
