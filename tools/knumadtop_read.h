/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What knumadtop reads: the machine's nodes from sysfs, each process's pages and
 * running threads from procfs, and knumad's verdicts from its debugfs file. User
 * space, single-threaded, called from knumadtop.c. A process that ends while it
 * is read is marked gone, never an error.
 */
#ifndef KNUMADTOP_READ_H
#define KNUMADTOP_READ_H

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NODES	64
#define MAX_CPUS	8192
#define MAX_PROCS	1024

#define KNUMAD_MODE	"/sys/module/knumad/parameters/mode"
#define KNUMAD_TABLE	"/sys/kernel/debug/knumad/processes"

struct process {
	int pid;
	bool gone;
	bool denied;			/* numa_maps may not be read */
	char comm[16];
	double mb[MAX_NODES];		/* both arrays by node index, not id */
	double running[MAX_NODES];	/* summed over samples, then averaged */
	char home[32];
	char state[32];
};

static int node_ids[MAX_NODES];	/* ascending */
static int nr_nodes;
static short node_of_cpu[MAX_CPUS];	/* index into node_ids, -1 unknown */

#define die(fmt, ...) do {						\
	fprintf(stderr, "knumadtop: " fmt "\n", ##__VA_ARGS__);		\
	exit(1);							\
} while (0)

/* Calls each() for every number of a list such as "0-3,8"; stops at what is none. */
static inline void visit_list(const char *list, void each(int number, int data),
			      int data)
{
	while (isdigit((unsigned char)*list)) {
		char *end;
		long first = strtol(list, &end, 10), last = first;

		if (*end == '-')
			last = strtol(end + 1, &end, 10);
		for (long number = first; number <= last && number < MAX_CPUS; number++)
			each(number, data);
		list = *end == ',' ? end + 1 : end;
	}
}

static inline bool read_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "r");
	bool ok = file && fgets(line, size, file);

	if (file)
		fclose(file);
	if (ok)
		line[strcspn(line, "\n")] = '\0';
	return ok;
}

static inline void add_node(int id, int unused)
{
	(void)unused;
	if (nr_nodes < MAX_NODES)
		node_ids[nr_nodes++] = id;
}

static inline void set_node_of_cpu(int cpu, int index)
{
	node_of_cpu[cpu] = index;
}

static inline void read_nodes(void)
{
	char path[64], line[4096];

	if (!read_line("/sys/devices/system/node/online", line, sizeof(line)))
		die("cannot read /sys/devices/system/node/online: %s; a kernel with CONFIG_NUMA and a mounted /sys are needed",
		    strerror(errno));
	visit_list(line, add_node, 0);
	memset(node_of_cpu, -1, sizeof(node_of_cpu));
	for (int i = 0; i < nr_nodes; i++) {
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpulist",
			 node_ids[i]);
		if (read_line(path, line, sizeof(line)))
			visit_list(line, set_node_of_cpu, i);
	}
}

static inline int index_of_node(int id)
{
	for (int i = 0; i < nr_nodes; i++)
		if (node_ids[i] == id)
			return i;
	return -1;
}

/* Pages of every mapping, file-backed ones too, as the kernel counts them for numa_maps. */
static inline void read_memory(struct process *p)
{
	char path[64], *line = NULL;
	size_t size = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/numa_maps", p->pid);
	file = fopen(path, "r");
	if (!file) {
		p->denied = errno == EACCES || errno == EPERM;
		p->gone = !p->denied;
		return;
	}
	errno = 0;	/* the permission is asked for at the first read, too */
	while (getline(&line, &size, file) > 0) {
		char *page_size = strstr(line, " kernelpagesize_kB=");
		double page_mb = page_size ? strtoul(page_size + 19, NULL, 10) / 1024.0 : 0;

		for (char *at = strstr(line, " N"); at; at = strstr(at + 2, " N")) {
			char *end;
			int index = index_of_node(strtol(at + 2, &end, 10));

			if (end > at + 2 && *end == '=' && index >= 0)
				p->mb[index] += strtoul(end + 1, NULL, 10) * page_mb;
		}
	}
	p->denied = errno == EACCES || errno == EPERM;
	free(line);
	fclose(file);
}

/* Adds one for the node of a thread in state R, running or waiting for its CPU. */
static inline void sample_thread(struct process *p, const char *tid)
{
	char path[64], line[1024], *at;
	int cpu;

	snprintf(path, sizeof(path), "/proc/%d/task/%.16s/stat", p->pid, tid);
	if (!read_line(path, line, sizeof(line)))
		return;
	at = strrchr(line, ')');	/* the command name may hold anything before it */
	if (!at || at[1] != ' ' || at[2] != 'R')
		return;
	at += 2;
	for (int field = 3; field < 39 && at; field++)
		at = strchr(at + 1, ' ');
	cpu = at ? atoi(at) : -1;
	if (cpu >= 0 && cpu < MAX_CPUS && node_of_cpu[cpu] >= 0)
		p->running[node_of_cpu[cpu]]++;
}

static inline void sample_threads(struct process *p)
{
	struct dirent *entry;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", p->pid);
	dir = opendir(path);
	if (!dir) {
		p->gone = true;
		return;
	}
	while ((entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			sample_thread(p, entry->d_name);
	closedir(dir);
}

/* False when there is no such process; *rss_mb is 0 for a kernel thread. */
static inline bool read_status(int pid, char comm[16], double *rss_mb)
{
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "r");
	if (!file)
		return false;
	comm[0] = '\0';
	*rss_mb = 0;
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "Name:\t", 6)) {
			line[strcspn(line, "\n")] = '\0';
			snprintf(comm, 16, "%.15s", line + 6);
		} else if (!strncmp(line, "VmRSS:", 6)) {
			*rss_mb = strtoul(line + 6, NULL, 10) / 1024.0;
			break;
		}
	}
	fclose(file);
	return true;
}

static inline double sum(const double *values)
{
	double total = 0;

	for (int n = 0; n < nr_nodes; n++)
		total += values[n];
	return total;
}

/* -1 when no thread ran or there is no memory. */
static inline double local_percent(const struct process *p)
{
	double mb = sum(p->mb), running = sum(p->running), local = 0;

	if (mb <= 0 || running <= 0)
		return -1;
	for (int n = 0; n < nr_nodes; n++)
		local += p->mb[n] / mb * (p->running[n] / running);
	return 100 * local;
}

static inline int column_of(char *header, const char *name)
{
	char *save;
	int column = 0;

	for (char *word = strtok_r(header, " \t\n", &save); word;
	     word = strtok_r(NULL, " \t\n", &save), column++)
		if (!strcmp(word, name))
			return column;
	return -1;
}

/* Fills home and state; the columns are found by the header's names. */
static inline void read_verdicts(struct process *procs, int nr_procs)
{
	int pid_column, home_column, state_column;
	char line[4096], header[4096];
	FILE *file = fopen(KNUMAD_TABLE, "r");

	if (!file)
		return;
	if (!fgets(header, sizeof(header), file)) {
		fclose(file);
		return;
	}
	pid_column = column_of(strcpy(line, header), "pid");
	home_column = column_of(strcpy(line, header), "home");
	state_column = column_of(strcpy(line, header), "state");
	while (fgets(line, sizeof(line), file)) {
		const char *home = NULL, *state = NULL;
		int pid = 0, column = 0;
		char *save;

		for (char *word = strtok_r(line, " \t\n", &save); word;
		     word = strtok_r(NULL, " \t\n", &save), column++) {
			if (column == pid_column)
				pid = atoi(word);
			else if (column == home_column)
				home = word;
			else if (column == state_column)
				state = word;
		}
		for (int i = 0; i < nr_procs; i++) {
			if (procs[i].pid != pid)
				continue;
			snprintf(procs[i].home, sizeof(procs[i].home), "%s", home ?: "?");
			snprintf(procs[i].state, sizeof(procs[i].state), "%s", state ?: "?");
		}
	}
	fclose(file);
}

#endif
