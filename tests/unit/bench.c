// SPDX-License-Identifier: GPL-2.0-only
/*
 * Benchmark: how long a plan takes on an 8-node host.
 *
 * User space, called by main.c for --bench; built without sanitizers. Prints
 * the first plan (everyone is new), the worst of a run, and a settled one.
 */
#include <time.h>
#include "tests.h"

#define NODES	8
#define PASSES	40

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void fill(struct sim *sim, u32 procs, u64 seed)
{
	u32 nid, i;

	for (nid = 0; nid < NODES; nid++) {
		sim->nodes[nid].cpu_mcpu = 64000;
		sim->nodes[nid].total_pages = 1ULL << 25;
		sim->nodes[nid].free_pages = 1ULL << 23;
	}
	for (i = 0; i < procs; i++) {
		struct sim_proc *sp = sim_add(sim, "p");

		sp->p.nr_threads = 4;
		sp->true_demand_mcpu = sim_random(&seed) % (2 * NODES * 60000 / procs + 40);
		for (nid = 0; nid < NODES; nid++) {
			sim->pages[(size_t)i * NODES + nid] = sim_random(&seed) % 3 ? 0 :
				sim_random(&seed) % ((1U << 27) / procs);
			sim->run[(size_t)i * NODES + nid] = sim_random(&seed) % 1000;
		}
	}
}

static void bench_one(u32 procs)
{
	struct sim sim;
	double first = 0, worst = 0, last = 0;
	u32 pass;

	sim_init(&sim, NODES, procs, 1);
	fill(&sim, procs, 2);
	for (pass = 0; pass < PASSES; pass++) {
		char message[SIM_MESSAGE];
		struct policy_snapshot s = {
			.nr_nodes = NODES, .nr_procs = procs, .nodes = sim.nodes,
			.procs = sim.seen, .distance = sim.distance, .tunables = sim.tunables,
		};
		double start;

		sim.noise_percent = 2;
		if (!sim_step(&sim, message)) {
			printf("# bench: %s\n", message);
			break;
		}
		start = now_ms();
		policy_plan(&s, sim.again, &sim.exchanges_again, sim.scratch);
		last = now_ms() - start;
		first = pass ? first : last;
		worst = last > worst ? last : worst;
	}
	printf("# %u nodes, %6u processes: first plan %7.3f ms, worst %7.3f ms, settled %7.3f ms\n",
	       NODES, procs, first, worst, last);
	sim_free(&sim);
}

void bench_run(void)
{
	bench_one(100);
	bench_one(1000);
	bench_one(10000);
	bench_one(100000);
}
