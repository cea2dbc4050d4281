// SPDX-License-Identifier: GPL-2.0-only
/*
 * Small hosts: what the policy makes of them against the best placement there is.
 *
 * User space, called by main.c and check.c. On a host of two or three nodes and up to
 * eight processes every placement can be tried: each process on each node, its memory
 * with it or left where it was. What a placement costs is told in the policy's own unit:
 * ucpu lost to distance, and to queueing beside an idle CPU. The regret is what the
 * policy's placement, at rest, costs above the cheapest, as part of the host's demand.
 * Where no page is free the policy may even do better: it exchanges parts of memory, too.
 */
#include <stdlib.h>
#include <string.h>
#include "host.h"

#define MAX_PROCS	8
#define PASSES		150
#define NODE_PAGES	262144
#define MAX_PROC_PAGES	(NODE_PAGES / 16 * 15)	/* more the policy does not give a single node */
#define MAX_LOAD	90	/* percent; above the policy evens out instead */
#define QUEUE_UCPU	16000	/* for each mcpu, as in the policy */
#define BAD_PERCENT	10
#define WORST		5	/* printed */
#define UNBOUND_PART	5	/* where no page is free, one of so many is not bound */

struct search {
	struct sim *sim;
	u64 start[MAX_PROCS][POLICY_MAX_NODES];	/* pages before the first plan */
	s64 load[POLICY_MAX_NODES];
	u64 used[POLICY_MAX_NODES];
	s64 cap[POLICY_MAX_NODES];
	s64 best;
	u8 at[MAX_PROCS];
	u8 best_at[MAX_PROCS];	/* node, and FOLLOWS if memory goes along */
};

#define FOLLOWS	0x80

static u32 below(u64 *seed, u32 n)
{
	return (u32)(sim_random(seed) % n);
}

static void fill_nodes(struct sim *sim, u64 *seed)
{
	u32 n = sim->nr_nodes, a, b, cpus = 2 + below(seed, 7);
	bool even = below(seed, 3);

	for (a = 0; a < n; a++) {
		sim->nodes[a].cpu_mcpu = 1000 * (even ? cpus : 2 + below(seed, 7));
		sim->nodes[a].total_pages = NODE_PAGES;
		sim->nodes[a].free_pages = NODE_PAGES;
		for (b = 0; b < a; b++) {
			u8 d = n == 2 || below(seed, 2) ? 20 : 15 + below(seed, 17);

			sim->distance[a * n + b] = d;
			sim->distance[b * n + a] = d;
		}
	}
}

/* Up to @fill percent of all memory, each process's on one node or on two. */
static void fill_pages(struct sim *sim, u32 i, u32 fill, u64 *seed)
{
	u64 want = (u64)NODE_PAGES * sim->nr_nodes * fill / 100 / sim->max_procs;
	u32 tries, nid = below(seed, sim->nr_nodes);
	bool spread = !below(seed, 3);

	want = want / 2 + below(seed, want / 2 + 1);
	if (want > MAX_PROC_PAGES)
		want = MAX_PROC_PAGES;
	for (tries = 0; tries < sim->nr_nodes && want; tries++) {
		u64 part = spread && !tries ? want / 2 : want;

		part = part < sim->nodes[nid].free_pages ? part : sim->nodes[nid].free_pages;
		sim->pages[(size_t)i * sim->nr_nodes + nid] += part;
		sim->nodes[nid].free_pages -= part;
		want -= part;
		nid = (nid + 1) % sim->nr_nodes;
	}
}

/* No page is free, and most processes may run on one node only, wherever their memory is. */
static void fill_up(struct sim *sim, u64 *seed)
{
	u32 i, nid, n = sim->nr_nodes;

	for (nid = 0; nid < n; nid++)
		sim->nodes[nid].free_pages = 0;
	for (i = 0; i < sim->nr_procs; i++) {
		u32 at = below(seed, n);

		if (!below(seed, UNBOUND_PART))
			continue;
		sim->procs[i].p.cpu_nodes = BIT_ULL(at);
		for (nid = 0; nid < n; nid++)
			sim->run[(size_t)i * n + nid] = nid == at ? sim->procs[i].true_demand_mcpu : 0;
	}
}

/* All fit their node, and all the nodes: what is lost is lost by the placement. */
static void random_small(struct sim *sim, enum small_kind kind, u64 seed)
{
	u32 n = 2 + below(&seed, 2), procs = 2 + below(&seed, MAX_PROCS - 1), i, nid;
	u32 fill = kind == SMALL_ROOMY && below(&seed, 3) ? 60 : 95, load = 40 + below(&seed, 50);
	u64 cpus = 0, least = U64_MAX, left;

	sim_init(sim, n, procs, seed);
	sim->noise_percent = 1;
	sim->rate_pages = 32768;
	fill_nodes(sim, &seed);
	for (nid = 0; nid < n; nid++) {
		cpus += sim->nodes[nid].cpu_mcpu;
		least = sim->nodes[nid].cpu_mcpu < least ? sim->nodes[nid].cpu_mcpu : least;
	}
	left = cpus * MAX_LOAD / 100;
	for (i = 0; i < procs; i++) {
		struct sim_proc *sp = sim_add(sim, "p");
		u32 mean = cpus * load / 100 / procs;

		snprintf(sp->name, sizeof(sp->name), "p%u", i);
		sp->true_demand_mcpu = mean / 4 + below(&seed, mean * 3 / 2 + 1);
		if (sp->true_demand_mcpu > least * 9 / 10)
			sp->true_demand_mcpu = least * 9 / 10;
		if (sp->true_demand_mcpu > left)
			sp->true_demand_mcpu = left;
		left -= sp->true_demand_mcpu;
		sp->p.nr_threads = 1 + sp->true_demand_mcpu / 1000 + below(&seed, 2);
		fill_pages(sim, i, fill, &seed);
		for (nid = 0; nid < n; nid++)
			sim->run[(size_t)i * n + nid] = sp->true_demand_mcpu / n;
	}
	if (kind != SMALL_ROOMY)
		fill_up(sim, &seed);
	if (kind == SMALL_NO_EXCHANGE)
		sim->exchanges.max = sim->exchanges_again.max = 0;
}

static u64 pages_of(const struct search *f, u32 i)
{
	u64 sum = 0;
	u32 nid;

	for (nid = 0; nid < f->sim->nr_nodes; nid++)
		sum += f->start[i][nid];
	return sum;
}

/* ucpu that @mcpu on @cpu lose to memory as in @pages. */
static s64 distance_cost(const struct sim *sim, u64 mcpu, u32 cpu, const u64 *pages, u64 total)
{
	u64 sum = 0;
	u32 nid;

	for (nid = 0; nid < sim->nr_nodes; nid++)
		sum += pages[nid] * (sim->distance[cpu * sim->nr_nodes + nid] - 10);
	return total ? (s64)(mcpu * 100 * sum / total) : 0;
}

static s64 queue_cost(const struct sim *sim, const s64 *load, u32 slack_percent)
{
	s64 over, sum = 0;
	u32 nid;

	for (nid = 0; nid < sim->nr_nodes; nid++) {
		over = load[nid] - (s64)sim->nodes[nid].cpu_mcpu * (100 + slack_percent) / 100;
		sum += over > 0 ? over * QUEUE_UCPU : 0;
	}
	return sum;
}

/* What the host costs as it is: threads where they run, memory where it is. */
static s64 cost_now(const struct sim *sim)
{
	s64 load[POLICY_MAX_NODES] = { 0 }, sum = 0;
	u32 i, nid, n = sim->nr_nodes;

	for (i = 0; i < sim->nr_procs; i++) {
		const u64 *pages = sim->pages + (size_t)i * n;
		u64 total = 0;

		for (nid = 0; nid < n; nid++)
			total += pages[nid];
		for (nid = 0; nid < n; nid++) {
			load[nid] += sim->run[(size_t)i * n + nid];
			sum += distance_cost(sim, sim->run[(size_t)i * n + nid], nid, pages, total);
		}
	}
	return sum + queue_cost(sim, load, sim->tunables.slack_percent);
}

static void search_from(struct search *f, u32 i, s64 cost);

static void search_at(struct search *f, u32 i, u32 nid, bool follows, s64 cost)
{
	u32 n = f->sim->nr_nodes, k;
	u64 pages[POLICY_MAX_NODES] = { 0 }, total = pages_of(f, i);
	bool fits = true;

	if (!(f->sim->procs[i].p.cpu_nodes & BIT_ULL(nid)))
		return;
	if (follows)
		pages[nid] = total;
	else
		memcpy(pages, f->start[i], n * sizeof(u64));
	cost += distance_cost(f->sim, f->sim->procs[i].true_demand_mcpu, nid, pages, total);
	f->at[i] = nid | (follows ? FOLLOWS : 0);
	f->load[nid] += f->sim->procs[i].true_demand_mcpu;
	for (k = 0; k < n; k++) {
		f->used[k] += pages[k];
		fits &= f->used[k] <= f->sim->nodes[k].total_pages;
	}
	if (fits)
		search_from(f, i + 1, cost);
	for (k = 0; k < n; k++)
		f->used[k] -= pages[k];
	f->load[nid] -= f->sim->procs[i].true_demand_mcpu;
}

/* A new home is entered with half the slack left: the best placement may do the same. */
static void search_from(struct search *f, u32 i, s64 cost)
{
	u32 nid;

	if (cost + queue_cost(f->sim, f->load, f->sim->tunables.slack_percent / 2) >= f->best)
		return;
	if (i == f->sim->nr_procs) {
		f->best = cost + queue_cost(f->sim, f->load, f->sim->tunables.slack_percent / 2);
		memcpy(f->best_at, f->at, sizeof(f->at));
		return;
	}
	for (nid = 0; nid < f->sim->nr_nodes; nid++)
		search_at(f, i, nid, true, cost);
	for (nid = 0; nid < f->sim->nr_nodes; nid++)
		search_at(f, i, nid, false, cost);
}

static void search_best(struct search *f, struct sim *sim)
{
	u32 i, nid;

	memset(f, 0, sizeof(*f));
	f->sim = sim;
	f->best = S64_MAX;
	/* What is neither free nor of a process stays. */
	for (nid = 0; nid < sim->nr_nodes; nid++) {
		f->used[nid] = sim->nodes[nid].total_pages - sim->nodes[nid].free_pages;
		for (i = 0; i < sim->nr_procs; i++)
			f->used[nid] -= sim->pages[(size_t)i * sim->nr_nodes + nid];
	}
	for (i = 0; i < sim->nr_procs; i++)
		memcpy(f->start[i], sim->pages + (size_t)i * sim->nr_nodes,
		       sim->nr_nodes * sizeof(u64));
	search_from(f, 0, 0);
}

/* Regret of one host in percent of its demand, and what leaving all as it was costs. */
static bool small_one(enum small_kind kind, u64 seed, bool print, double *regret,
		      double *untouched, char *message)
{
	struct search f;
	struct sim sim;
	double demand = 0;
	bool good = true;
	u32 i;

	random_small(&sim, kind, seed);
	search_best(&f, &sim);
	for (i = 0; i < sim.nr_procs; i++)
		demand += sim.procs[i].true_demand_mcpu * 1000.0;
	*untouched = (cost_now(&sim) - f.best) * 100.0 / demand;
	while (good && sim.pass < PASSES)
		good = sim_step(&sim, message);
	*regret = (cost_now(&sim) - f.best) * 100.0 / demand;
	if (print && good) {
		printf("\nseed %llu: costs %.1f%% of its demand, the best %.1f%%: on node",
		       (unsigned long long)seed, cost_now(&sim) * 100.0 / demand,
		       f.best * 100.0 / demand);
		for (i = 0; i < sim.nr_procs; i++)
			printf(" %u%s", f.best_at[i] & ~FOLLOWS,
			       f.best_at[i] & FOLLOWS ? "" : "(memory stays)");
		printf("\n");
		sim_print(&sim, stdout);
	}
	sim_free(&sim);
	return good;
}

bool small_run(enum small_kind kind, u64 seed, u32 hosts, bool print, struct regret *r,
	       char message[SIM_MESSAGE])
{
	double worst[WORST + 1] = { 0 }, regret, untouched;
	u64 seeds[WORST + 1] = { 0 };
	u32 k, at;

	*r = (struct regret){ .hosts = hosts };
	for (k = 0; k < hosts; k++) {
		if (!small_one(kind, seed + k, false, &regret, &untouched, message))
			return false;
		if (kind == SMALL_ROOMY && regret < 0)
			regret = 0;
		r->mean_percent += regret / hosts;
		r->first_touch_percent += (untouched > 0 ? untouched : 0) / hosts;
		r->bad += regret > BAD_PERCENT;
		for (at = WORST; at && worst[at - 1] < regret; at--) {
			worst[at] = worst[at - 1];
			seeds[at] = seeds[at - 1];
		}
		worst[at] = regret;
		seeds[at] = seed + k;
	}
	r->worst_percent = worst[0];
	r->worst_seed = seeds[0];
	if (!print)
		return true;
	printf("%u small hosts from seed %llu, %u passes each: regret in %% of the demand: mean %.2f, worst %.1f, above %u%%: %u hosts; before the first plan the mean was %.1f\n",
	       hosts, (unsigned long long)seed, PASSES, r->mean_percent, r->worst_percent,
	       BAD_PERCENT, r->bad, r->first_touch_percent);
	for (k = 0; k < WORST && k < hosts; k++)
		if (!small_one(kind, seeds[k], true, &regret, &untouched, message))
			return false;
	return true;
}
