/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where remote_ram puts things: the usable nodes, each process's node by the
 * placement's rules, binding its buffer and threads, and undoing that for a
 * --start. User space; find_nodes() and check_memory_suffices() run once before
 * any fork, place_buffer() in each process's main thread, the others also in its
 * worker threads.
 */
#ifndef REMOTE_RAM_PLACEMENT_H
#define REMOTE_RAM_PLACEMENT_H

#include <errno.h>
#include <numa.h>
#include <numaif.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "remote_ram_options.h"
#include "remote_ram_pattern.h"
#include "remote_ram_report.h"

#define BUFFER_ALIGN	(2UL << 20)

static struct options opt;
static int self = -1;		/* this process's index; -1 in the parent */
static cpu_set_t all_cpus;	/* the affinity remote_ram was started with */
static int nodes[MAX_NODES];	/* nodes with CPUs and memory we may use, ascending */
static int nr_nodes;

#define die(fmt, ...) do {						\
	if (self >= 0)							\
		fprintf(stderr, "remote_ram: process %d: " fmt "\n",	\
			self, ##__VA_ARGS__);				\
	else								\
		fprintf(stderr, "remote_ram: " fmt "\n", ##__VA_ARGS__); \
	_exit(1);							\
} while (0)

static void find_nodes(void)
{
	struct bitmask *cpus;

	if (sched_getaffinity(0, sizeof(all_cpus), &all_cpus))
		die("cannot read my CPU affinity: %s", strerror(errno));
	if (numa_available() < 0)
		die("the kernel has no NUMA system calls; a kernel with CONFIG_NUMA is needed");
	if (numa_max_node() >= MAX_NODES)
		die("node %d found, at most %d is supported", numa_max_node(), MAX_NODES - 1);
	cpus = numa_allocate_cpumask();
	for (int node = 0; node <= numa_max_node(); node++) {
		bool has_cpu = false;

		if (!numa_bitmask_isbitset(numa_all_nodes_ptr, node) ||
		    numa_node_to_cpus(node, cpus))
			continue;
		for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
			has_cpu |= CPU_ISSET(cpu, &all_cpus) &&
				   numa_bitmask_isbitset(cpus, cpu);
		if (has_cpu)
			nodes[nr_nodes++] = node;
	}
	numa_free_cpumask(cpus);
	if (!nr_nodes)
		die("no node has both CPUs and memory this process may use; look at numactl -H and numactl -s");
	if (nr_nodes < 2 && opt.placement->memory == NODE_NEXT)
		die("%s needs two nodes with CPUs and memory, found %d; look at numactl -H",
		    opt.placement->name, nr_nodes);
}

static bool is_usable_node(int node)
{
	for (int i = 0; i < nr_nodes; i++)
		if (nodes[i] == node)
			return true;
	return false;
}

/* Of the process's @threads this is the thread, or the part of memory, @index. */
static int node_for(enum node_rule rule, int index, int threads)
{
	switch (rule) {
	case NODE_OWN:
		return nodes[self % nr_nodes];
	case NODE_NEXT:
		return nodes[(self + 1) % nr_nodes];
	case NODE_FIRST:
		return nodes[0];
	case NODE_SPREAD:
		return nodes[index * nr_nodes / threads];
	case NODE_ANY:
		break;
	}
	return -1;
}

static void check_policy_is_default(void *address)
{
	int mode = -1;

	if (get_mempolicy(&mode, NULL, 0, address, address ? MPOL_F_ADDR : 0) ||
	    mode != MPOL_DEFAULT)
		die("expected the default memory policy after release, found mode %d", mode);
}

/* Too big a buffer would be the whole machine's out-of-memory, not just ours. */
static void check_memory_suffices(void)
{
	unsigned long wanted_mb = 0, wanted_kb, available_kb = 0;
	char line[128];
	FILE *meminfo = fopen("/proc/meminfo", "r");

	for (int i = 0; i < opt.procs; i++)
		wanted_mb += opt.size_bytes[i] >> 20;
	wanted_kb = wanted_mb << 10;
	if (!meminfo)
		die("cannot read /proc/meminfo: %s", strerror(errno));
	while (fgets(line, sizeof(line), meminfo))
		if (sscanf(line, "MemAvailable: %lu kB", &available_kb) == 1)
			break;
	fclose(meminfo);
	if (wanted_kb > available_kb)
		die("%lu MB are needed, %lu MB are available; choose a smaller --size",
		    wanted_mb, available_kb >> 10);
	if (opt.placement->memory == NODE_FIRST &&
	    wanted_mb > (unsigned long)numa_node_size64(nodes[0], NULL) >> 20)
		die("%lu MB are needed on node %d, which has %lld MB; choose a smaller --size",
		    wanted_mb, nodes[0], numa_node_size64(nodes[0], NULL) >> 20);
}

/*
 * Aligned for huge pages, and with unusable space on both sides: the kernel then
 * cannot merge it with another mapping, and numa_maps has a line for it alone.
 */
static char *map_buffer(size_t size_bytes)
{
	char *space = mmap(NULL, size_bytes + 2 * BUFFER_ALIGN, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *buffer;

	if (space == MAP_FAILED)
		die("cannot map %zu MB: %s; choose a smaller --size", size_bytes >> 20,
		    strerror(errno));
	buffer = (char *)(((uintptr_t)space / BUFFER_ALIGN + 1) * BUFFER_ALIGN);
	if (mprotect(buffer, size_bytes, PROT_READ | PROT_WRITE))
		die("cannot make %zu MB writable: %s", size_bytes >> 20, strerror(errno));
	return buffer;
}

/* Where thread @index's part of a half begins, for @index up to the number of threads. */
static size_t part_begin(size_t half_bytes, int index, int threads)
{
	return half_bytes / PATTERN_PAGE * index / threads * PATTERN_PAGE;
}

/*
 * Over all nodes: where each thread has its own part of both halves that to its node,
 * else page by page in turn.
 */
static void bind_spread(char *buffer, size_t half_bytes, int threads)
{
	struct bitmask *mask = numa_allocate_nodemask();

	if (!opt.own_part) {
		for (int i = 0; i < nr_nodes; i++)
			numa_bitmask_setbit(mask, nodes[i]);
		if (mbind(buffer, 2 * half_bytes, MPOL_INTERLEAVE, mask->maskp, mask->size + 1, 0))
			die("cannot interleave memory: %s", strerror(errno));
		numa_bitmask_free(mask);
		return;
	}
	for (int i = 0; i < 2 * threads; i++) {
		size_t begin = part_begin(half_bytes, i % threads, threads);
		size_t end = part_begin(half_bytes, i % threads + 1, threads);
		int node = node_for(NODE_SPREAD, i % threads, threads);

		numa_bitmask_clearall(mask);
		numa_bitmask_setbit(mask, node);
		if (begin < end && mbind(buffer + i / threads * half_bytes + begin, end - begin,
					 MPOL_BIND, mask->maskp, mask->size + 1, 0))
			die("cannot bind memory to node %d: %s", node, strerror(errno));
	}
	numa_bitmask_free(mask);
}

/*
 * A hard placement binds the buffer itself. A start binds the touching thread
 * instead, so that afterwards nothing of the policy is left on the mapping.
 */
static char *place_buffer(void (*fill)(char *lower, char *upper, size_t half_bytes))
{
	size_t size_bytes = opt.size_bytes[self];
	struct bitmask *mask = numa_allocate_nodemask();
	char *buffer = map_buffer(size_bytes);
	int node = -1;

	if (opt.thp != THP_DEFAULT &&
	    madvise(buffer, size_bytes,
		    opt.thp == THP_ON ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
		die("--thp: madvise failed: %s; this kernel seems to have no transparent huge pages",
		    strerror(errno));
	if (opt.placement->memory == NODE_SPREAD)
		bind_spread(buffer, size_bytes / 2, opt.threads[self]);
	else
		node = node_for(opt.placement->memory, 0, 1);
	if (node >= 0) {
		long rc;

		numa_bitmask_setbit(mask, node);
		if (opt.placement->is_start)
			rc = set_mempolicy(MPOL_BIND, mask->maskp, mask->size + 1);
		else
			rc = mbind(buffer, size_bytes, MPOL_BIND, mask->maskp,
				   mask->size + 1, 0);
		if (rc)
			die("cannot bind memory to node %d: %s", node, strerror(errno));
	}
	fill(buffer, buffer + size_bytes / 2, size_bytes / 2);
	if (opt.placement->is_start) {
		if (set_mempolicy(MPOL_DEFAULT, NULL, 0))
			die("cannot reset the memory policy: %s", strerror(errno));
		check_policy_is_default(NULL);
		check_policy_is_default(buffer);
	}
	numa_bitmask_free(mask);
	return buffer;
}

/*
 * From numa_maps, not move_pages(): that reports pages absent while the kernel's
 * own NUMA balancing has them marked for a hinting fault.
 */
static void count_pages(const char *buffer, struct proc_result *result)
{
	FILE *file = fopen("/proc/self/numa_maps", "r");
	uint64_t found = 0;
	char *line = NULL, *at;
	size_t size = 0;

	if (!file)
		die("cannot read /proc/self/numa_maps: %s", strerror(errno));
	while (getline(&line, &size, file) > 0) {
		unsigned long begin = strtoul(line, &at, 16);

		if (*at != ' ' || begin < (unsigned long)buffer ||
		    begin >= (unsigned long)buffer + opt.size_bytes[self])
			continue;
		for (at = strstr(line, " N"); at; at = strstr(at + 2, " N")) {
			int node;
			unsigned long pages;

			if (sscanf(at, " N%d=%lu", &node, &pages) == 2 && is_usable_node(node)) {
				result->pages[node] += pages;
				found += pages;
			}
		}
	}
	free(line);
	result->pages_other = (opt.size_bytes[self] >> 12) - found;
	fclose(file);
}

static void bind_thread(int index)
{
	int node = node_for(opt.placement->threads, index, opt.threads[self]);

	if (node >= 0 && numa_run_on_node(node))
		die("cannot bind a thread to node %d: %s", node, strerror(errno));
}

static void release_thread(void)
{
	cpu_set_t now;

	if (sched_setaffinity(0, sizeof(all_cpus), &all_cpus) ||
	    sched_getaffinity(0, sizeof(now), &now) || !CPU_EQUAL(&now, &all_cpus))
		die("cannot give a thread its CPU affinity back: %s", strerror(errno));
	check_policy_is_default(NULL);
}

#endif
