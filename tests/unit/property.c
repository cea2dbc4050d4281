// SPDX-License-Identifier: GPL-2.0-only
/*
 * Property test: random hosts, played forward until the plan has come to rest.
 *
 * User space, called by main.c. Whatever the host, every plan keeps the rules
 * (rules.c), no process wanders from home to home, no memory is copied to and
 * fro, and in the end no home changes and no page moves any more, though
 * measured demand stays noisy. Noise may, at long last, still show one process
 * of a crowded host a better home: that is allowed to one host in LATE_PART.
 */
#include <string.h>
#include "tests.h"

#define PASSES		160
#define QUIET_PASSES	16
#define MAX_CHANGES	5
#define MAX_COPIES	3	/* times that all of a host's memory may be moved in all */
#define LATE_PART	400
#define PAGES_PER_NODE	262144

static u32 below(u64 *seed, u32 n)
{
	return (u32)(sim_random(seed) % n);
}

static void random_nodes(struct sim *sim, u64 *seed)
{
	u32 n = sim->nr_nodes, a, b, cpus = 1 + below(seed, 8);
	bool even = below(seed, 3);

	for (a = 0; a < n; a++) {
		struct policy_node *node = &sim->nodes[a];

		node->cpu_mcpu = 1000 * (even ? cpus : 1 + below(seed, 8));
		node->total_pages = PAGES_PER_NODE;
		if (n > 1 && !below(seed, 20))
			node->cpu_mcpu = 0;
		else if (n > 1 && !below(seed, 30))
			node->total_pages = 0;
		if (!below(seed, 4))
			node->other_mcpu = below(seed, node->cpu_mcpu + 1);
		node->free_pages = node->total_pages;
		for (b = 0; b < a; b++) {
			u8 d = below(seed, 4) ? 20 : 11 + below(seed, 30);

			sim->distance[a * n + b] = d;
			sim->distance[b * n + a] = below(seed, 10) ? d : d + 1;
		}
	}
	if (!sim->nodes[0].cpu_mcpu)
		sim->nodes[0].cpu_mcpu = 2000;
}

/* Put up to @want of a process's pages where there is room. */
static void random_pages(struct sim *sim, u32 i, u64 want, u64 *seed)
{
	u32 tries, start = below(seed, sim->nr_nodes);
	bool spread = !below(seed, 3);

	for (tries = 0; tries < sim->nr_nodes && want; tries++) {
		u32 nid = (start + tries) % sim->nr_nodes;
		struct policy_node *node = &sim->nodes[nid];
		u64 part = spread ? want / 2 + 1 : want;
		bool fixed = !below(seed, 12);

		if (part > node->free_pages)
			part = node->free_pages;
		(fixed ? sim->fixed : sim->pages)[(size_t)i * sim->nr_nodes + nid] += part;
		node->free_pages -= part;
		want -= part;
	}
}

/* Some of what is free has page cache in it; some nodes are owed pages. */
static void random_cache(struct sim *sim, u64 *seed)
{
	u32 nid;

	for (nid = 0; nid < sim->nr_nodes; nid++) {
		struct policy_node *node = &sim->nodes[nid];

		if (!below(seed, 6)) {
			node->owed_pages = below(seed, 4096) % (node->free_pages + 1);
			node->free_pages -= node->owed_pages;
		}
		if (below(seed, 4))
			continue;
		node->cache_pages = node->free_pages / (1 + below(seed, 3));
		node->free_pages -= node->cache_pages;
	}
}

/* An affinity to a part of the nodes' CPUs; of a seed of its own, which changes no other host. */
static void random_own(struct sim *sim, u32 i, u64 seed)
{
	u32 *own = sim->own + (size_t)i * sim->nr_nodes, nid;

	if (below(&seed, 15))
		return;
	for (nid = 0; nid < sim->nr_nodes; nid++)
		own[nid] = 1000 * below(&seed, sim->nodes[nid].cpu_mcpu / 1000 + 1);
	sim->procs[i].p.cpus_mcpu = own;
}

/* Threads that run where they do, whatever the plan; likewise. */
static void random_stays(struct sim *sim, u32 i, u64 seed)
{
	sim->procs[i].p.stays = !below(&seed, 20);
}

static void random_proc(struct sim *sim, u32 i, u32 scale, u64 *seed)
{
	struct sim_proc *sp;
	char name[16];
	u32 nid;

	snprintf(name, sizeof(name), "p%u", i);
	sp = sim_add(sim, name);
	sp->p.nr_threads = 1 + below(seed, below(seed, 4) ? 3 : 12);
	sp->true_demand_mcpu = below(seed, 3) ? sp->p.nr_threads * 1000 :
			       below(seed, sp->p.nr_threads * 1000);
	if (!below(seed, 10))
		sp->p.cpu_nodes = sim_random(seed);
	if (!below(seed, 12))
		sp->p.mem_nodes = sim_random(seed);
	if (!below(seed, 10))
		sp->p.home = 1ULL << below(seed, sim->nr_nodes);
	random_own(sim, i, *seed ^ 0x706172746c79ULL);
	random_stays(sim, i, *seed ^ 0x7374617973ULL);
	random_pages(sim, i, below(seed, 2) ? below(seed, scale) : scale / 2, seed);
	for (nid = 0; nid < sim->nr_nodes; nid++)
		sim->run[(size_t)i * sim->nr_nodes + nid] = below(seed, 1000);
}

static void random_host(struct sim *sim, u64 seed)
{
	u32 nr_nodes = 1 + below(&seed, 8), nr_procs = below(&seed, 14), i;

	if (!below(&seed, 50))
		nr_procs = 100;
	sim_init(sim, nr_nodes, nr_procs, seed);
	sim->noise_percent = below(&seed, 4);
	sim->rate_pages = 32768;
	random_nodes(sim, &seed);
	if (!below(&seed, 6))
		sim->tunables.may_move_memory = false;
	else if (!below(&seed, 6))
		sim->tunables.may_move_cpu = false;
	for (i = 0; i < nr_procs; i++)
		random_proc(sim, i, PAGES_PER_NODE * nr_nodes / nr_procs, &seed);
	random_cache(sim, &seed);
}

static u64 movable(const struct sim *sim)
{
	size_t k;
	u64 sum = 0;

	for (k = 0; k < (size_t)sim->nr_procs * sim->nr_nodes; k++)
		sum += sim->pages[k];
	return sum;
}

static bool play(struct sim *sim, char message[SIM_MESSAGE])
{
	u32 i;

	while (sim->pass < PASSES)
		if (!sim_step(sim, message))
			return false;
	for (i = 0; i < sim->nr_procs; i++) {
		if (sim->procs[i].home_changes > MAX_CHANGES) {
			snprintf(message, SIM_MESSAGE, "%s: home changed %u times, expected at most %u",
				 sim->procs[i].name, sim->procs[i].home_changes, MAX_CHANGES);
			return false;
		}
	}
	if (sim->moved_pages > movable(sim) * MAX_COPIES) {
		snprintf(message, SIM_MESSAGE, "%llu pages moved of %llu, expected at most %u times as many",
			 (unsigned long long)sim->moved_pages, (unsigned long long)movable(sim),
			 MAX_COPIES);
		return false;
	}
	return true;
}

bool property_run(u64 seed, u32 hosts, char message[SIM_MESSAGE])
{
	char first[SIM_MESSAGE] = "";
	u32 k, failed = 0, late = 0;

	for (k = 0; k < hosts; k++) {
		char why[SIM_MESSAGE];
		struct sim sim;

		random_host(&sim, seed + k);
		if (!play(&sim, why)) {
			if (!failed++) {
				sim_print(&sim, stdout);
				snprintf(first, sizeof(first), "seed %llu: %.200s",
					 (unsigned long long)(seed + k), why);
			}
		} else if (sim.quiet_passes < QUIET_PASSES) {
			printf("# seed %llu: a change in the last %u of %u passes\n",
			       (unsigned long long)(seed + k), QUIET_PASSES, PASSES);
			late++;
		}
		sim_free(&sim);
	}
	if (failed)
		snprintf(message, SIM_MESSAGE, "%u of %u hosts; the first: %.200s", failed, hosts,
			 first);
	else if (late > 1 + hosts / LATE_PART)
		snprintf(message, SIM_MESSAGE, "%u of %u hosts not at rest for the last %u of %u passes, expected at most %u",
			 late, hosts, QUIET_PASSES, PASSES, 1 + hosts / LATE_PART);
	else
		return true;
	return false;
}
