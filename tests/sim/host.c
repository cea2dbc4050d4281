// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's population: processes arrive, exit, change their demand and grow.
 *
 * User space, called by play.c and pass.c. All chances come from one seeded generator that
 * is asked for the same things whatever the policy does: the same host can be played in
 * several ways. Only where memory is first touched depends on what the nodes hold.
 */
#include <math.h>
#include <stdlib.h>
#include "host.h"

#define PAGES_PER_CPU	(4ULL << 18)	/* 4 GiB of memory for each CPU */
#define DEMAND_SHARE	0.62		/* of all CPUs, while two thirds are busy */
#define MEMORY_SHARE	0.62		/* of all memory */
#define BUSY_SHARE	0.67
/* A process is seen by the module only some passes after it has come. */
#define UNSEEN_PASSES	2

struct kind {
	const char *name;
	double procs;		/* share of the host's processes */
	double demand;		/* share of the host's CPU demand */
	double memory;		/* share of the host's used memory */
	double life_s;		/* mean */
	double phase_s;		/* mean; 0: always busy */
	double rest;		/* demand of a quiet phase, of the busy one's */
	double grow_s;		/* to its full memory; 0: at once */
	u32 batch_divisor;	/* arrive CPUs / this at a time; 0: one by one */
	u32 min_threads;
};

/* Guests, services, a database wider than a node, a compiler's children, and sleepers. */
static const struct kind kinds[] = {
	{ "guest", 0.020, 0.38, 0.55, 4 * 3600, 600, 0.10, 0, 0, 4 },
	{ "service", 0.240, 0.32, 0.30, 3600, 400, 0.20, 1800, 0, 2 },
	{ "wide", 0, 0.16, 0.08, 12 * 3600, 900, 0.15, 600, 0, 16 },
	{ "task", 0.010, 0.11, 0.03, 20, 0, 1, 5, 16, 1 },
	{ "sleeper", 0.730, 0.03, 0.04, 2 * 3600, 0, 1, 0, 0, 1 },
};

#define NR_KINDS	(sizeof(kinds) / sizeof(kinds[0]))
#define WIDE		2

static double unit(u64 *seed)
{
	return (double)(sim_random(seed) >> 11) / (double)(1ULL << 53);
}

static double exponential(u64 *seed, double mean)
{
	return -log(1 - unit(seed)) * mean;
}

static u32 poisson(u64 *seed, double mean)
{
	double sum = exponential(seed, 1);
	u32 n = 0;

	for (; sum < mean; n++)
		sum += exponential(seed, 1);
	return n;
}

static u32 to_passes(const struct host *h, double seconds)
{
	return (u32)(seconds * 1000 / h->o->period_ms) + 1;
}

static double count_of(const struct host *h, const struct kind *kind)
{
	double n = kind->procs * h->o->processes;

	return kind == &kinds[WIDE] ? 1 : n < 1 ? 1 : n;
}

/* First touch: on @nid while something is free there, else where most is. */
static void touch(struct host *h, u32 i, u32 nid, u64 pages)
{
	u32 n = h->sim.nr_nodes, k;

	while (pages) {
		struct policy_node *node = &h->sim.nodes[nid];
		u64 part = pages < node->free_pages ? pages : node->free_pages;

		h->sim.pages[(size_t)i * n + nid] += part;
		node->free_pages -= part;
		h->lives[i].now_pages += part;
		pages -= part;
		for (k = 0; pages && k < n; k++)
			if (h->sim.nodes[k].free_pages > h->sim.nodes[nid].free_pages)
				nid = k;
		if (!h->sim.nodes[nid].free_pages)
			return;		/* a real host would swap */
	}
}

static u32 runs_at(const struct host *h, u32 i)
{
	const u32 *run = h->sim.run + (size_t)i * h->sim.nr_nodes;
	u32 nid, best = h->lives[i].at;

	for (nid = 0; nid < h->sim.nr_nodes; nid++)
		if (run[nid] > run[best])
			best = nid;
	return best;
}

/* Half to one and a half of the kind's mean. */
static double vary(u64 *seed, double mean)
{
	return mean * (0.5 + unit(seed));
}

static void arrive(struct host *h, u32 k, bool from_start)
{
	const struct kind *kind = &kinds[k];
	double cpus = (double)h->o->cpus * 1000 * DEMAND_SHARE, pages, demand, life;
	double total = (double)h->o->cpus * PAGES_PER_CPU * MEMORY_SHARE;
	struct sim_proc *sp;
	struct life *l;
	u32 i;

	demand = vary(&h->seed, kind->demand * cpus / count_of(h, kind) /
		      (kind->phase_s > 0 ? BUSY_SHARE + (1 - BUSY_SHARE) * kind->rest : 1));
	pages = vary(&h->seed, kind->memory * total / count_of(h, kind));
	life = exponential(&h->seed, kind->life_s);
	/* A second one would ask for more CPUs than there are. */
	if (!h->nr_idle_slots || (k == WIDE && h->nr_wide))
		return;
	h->nr_wide += k == WIDE;
	i = h->idle_slots[--h->nr_idle_slots];
	if (i >= h->sim.nr_procs)
		h->sim.nr_procs = i + 1;
	sp = sim_renew(&h->sim, i, kind->name);
	l = &h->lives[i];
	*l = (struct life){ .kind = k, .busy = true, .at = host_most_room(h) };
	if (k == WIDE)
		demand = 1250.0 * h->o->cpus / h->o->nodes;
	if (from_start && kind->phase_s > 0 && !h->o->calm)
		l->busy = unit(&h->seed) < BUSY_SHARE;
	l->peak_mcpu = (u32)demand;
	l->rest_mcpu = (u32)(demand * kind->rest);
	l->full_pages = (u64)pages;
	l->grow_pages = kind->grow_s > 0 ? l->full_pages / 2 / to_passes(h, kind->grow_s) + 1 : 0;
	l->exit_pass = h->o->calm ? U32_MAX : h->sim.pass + to_passes(h, life);
	l->change_pass = U32_MAX;
	if (kind->phase_s > 0 && !h->o->calm)
		l->change_pass = h->sim.pass + to_passes(h, exponential(&h->seed, kind->phase_s));
	sp->p.nr_threads = kind->min_threads + l->peak_mcpu / 1000;
	sp->true_demand_mcpu = l->busy ? l->peak_mcpu : l->rest_mcpu;
	sp->from_pass = from_start ? 0 : h->sim.pass + UNSEEN_PASSES;
	/* A calm host starts ill placed, or there would be nothing to see. */
	touch(h, i, h->o->calm ? sim_random(&h->seed) % h->o->nodes : l->at,
	      l->grow_pages && !from_start ? l->full_pages / 2 : l->full_pages);
	h->room[l->at] -= sp->true_demand_mcpu;
	h->hour.came++;
}

static void come(struct host *h)
{
	u32 k, n, each;

	for (k = 0; k < NR_KINDS; k++) {
		const struct kind *kind = &kinds[k];

		each = kind->batch_divisor ? h->o->cpus / kind->batch_divisor : 1;
		each = each ? each : 1;
		n = poisson(&h->seed, count_of(h, kind) / kind->life_s / each *
			    h->o->period_ms / 1000);
		for (n *= each; n; n--)
			arrive(h, k, false);
	}
}

static void change(struct host *h, u32 i)
{
	const struct kind *kind = &kinds[h->lives[i].kind];
	struct life *l = &h->lives[i];
	double mean;

	l->busy = !l->busy;
	mean = l->busy ? kind->phase_s : kind->phase_s * (1 - BUSY_SHARE) / BUSY_SHARE;
	l->change_pass = h->sim.pass + to_passes(h, exponential(&h->seed, mean));
	h->sim.procs[i].true_demand_mcpu = l->busy ? l->peak_mcpu : l->rest_mcpu;
}

void host_events(struct host *h)
{
	u32 i;

	for (i = 0; i < h->sim.nr_procs; i++) {
		struct life *l = &h->lives[i];

		if (h->sim.procs[i].gone)
			continue;
		if (l->exit_pass <= h->sim.pass) {
			h->nr_wide -= l->kind == WIDE;
			sim_exit(&h->sim, i);
			h->idle_slots[h->nr_idle_slots++] = i;
			continue;
		}
		if (l->change_pass <= h->sim.pass)
			change(h, i);
		if (l->grow_pages && l->now_pages + l->grow_pages <= l->full_pages)
			touch(h, i, runs_at(h, i), l->grow_pages);
	}
	if (!h->o->calm)
		come(h);
}

static void *need(size_t n, size_t size)
{
	void *mem = calloc(n, size);

	if (!mem) {
		fprintf(stderr, "simulator: out of memory: expected %zu bytes\n", n * size);
		exit(2);
	}
	return mem;
}

void host_init(struct host *h, const struct options *o, enum way way)
{
	u32 slots = o->processes + o->processes / 8 + 64, k, n, nid;

	*h = (struct host){ .o = o, .way = way, .seed = o->seed };
	sim_init(&h->sim, o->nodes, slots, o->seed + 1);
	h->lives = need(slots, sizeof(*h->lives));
	h->over = need(slots, sizeof(*h->over));
	h->idle_slots = need(slots, sizeof(*h->idle_slots));
	while (h->nr_idle_slots < slots) {
		h->idle_slots[h->nr_idle_slots] = slots - 1 - h->nr_idle_slots;
		h->nr_idle_slots++;
	}
	h->sim.noise_percent = o->calm ? 5 : 2;
	for (nid = 0; nid < o->nodes; nid++) {
		struct policy_node *node = &h->sim.nodes[nid];

		node->cpu_mcpu = 1000 * (o->cpus / o->nodes + (nid < o->cpus % o->nodes));
		node->total_pages = PAGES_PER_CPU * node->cpu_mcpu / 1000;
		node->free_pages = node->total_pages;
		h->room[nid] = node->cpu_mcpu;
	}
	for (k = 0; k < NR_KINDS; k++)
		for (n = 0; n < (u32)count_of(h, &kinds[k]); n++)
			arrive(h, k, true);
}

void host_free(struct host *h)
{
	sim_free(&h->sim);
	free(h->lives);
	free(h->over);
	free(h->idle_slots);
}
