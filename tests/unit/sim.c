// SPDX-License-Identifier: GPL-2.0-only
/*
 * The simulated host: snapshots with noise, and a crude execution of plans.
 *
 * User space, single thread, called by the test's parts. Threads of a process
 * with a home run there; those of one without go where there is room. Memory
 * moves at a fixed rate, and only into pages that are really free.
 */
#include <stdlib.h>
#include <string.h>
#include "sim.h"

u64 sim_random(u64 *seed)
{
	u64 z = (*seed += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static void *need(size_t n, size_t size)
{
	void *mem = calloc(n ? n : 1, size);

	if (!mem) {
		fprintf(stderr, "unit: out of memory: expected %zu bytes\n", n * size);
		exit(2);
	}
	return mem;
}

void sim_init(struct sim *sim, u32 nr_nodes, u32 max_procs, u64 seed)
{
	size_t places = (size_t)nr_nodes * max_procs;
	u32 i;

	memset(sim, 0, sizeof(*sim));
	sim->nr_nodes = nr_nodes;
	sim->max_procs = max_procs;
	sim->seed = seed;
	sim->rate_pages = 16384;
	policy_tunables_default(&sim->tunables);
	sim->nodes = need(nr_nodes, sizeof(*sim->nodes));
	sim->distance = need((size_t)nr_nodes * nr_nodes, 1);
	for (i = 0; i < nr_nodes * nr_nodes; i++)
		sim->distance[i] = i / nr_nodes == i % nr_nodes ? 10 : 20;
	sim->procs = need(max_procs, sizeof(*sim->procs));
	sim->pages = need(places, sizeof(u64));
	sim->fixed = need(places, sizeof(u64));
	sim->left = need(places, sizeof(u64));
	sim->run = need(places, sizeof(u32));
	sim->own = need(places, sizeof(u32));
	sim->into = need(places, sizeof(u64));
	sim->into_again = need(places, sizeof(u64));
	sim->seen = need(max_procs, sizeof(*sim->seen));
	sim->verdicts = need(max_procs, sizeof(*sim->verdicts));
	sim->again = need(max_procs, sizeof(*sim->again));
	sim->exchanges.max = SIM_EXCHANGES;
	sim->exchanges.list = need(SIM_EXCHANGES, sizeof(struct policy_exchange));
	sim->exchanges_again.max = SIM_EXCHANGES;
	sim->exchanges_again.list = need(SIM_EXCHANGES, sizeof(struct policy_exchange));
	sim->index = need(max_procs, sizeof(u32));
	sim->scratch = need(1, policy_scratch_bytes(max_procs, nr_nodes));
}

void sim_free(struct sim *sim)
{
	free(sim->nodes);
	free(sim->distance);
	free(sim->procs);
	free(sim->pages);
	free(sim->fixed);
	free(sim->left);
	free(sim->run);
	free(sim->own);
	free(sim->into);
	free(sim->into_again);
	free(sim->seen);
	free(sim->verdicts);
	free(sim->again);
	free(sim->exchanges.list);
	free(sim->exchanges_again.list);
	free(sim->index);
	free(sim->scratch);
}

struct sim_proc *sim_renew(struct sim *sim, u32 i, const char *name)
{
	struct sim_proc *sp = &sim->procs[i];

	memset(sp, 0, sizeof(*sp));
	snprintf(sp->name, sizeof(sp->name), "%s", name);
	sp->p.id = ++sim->last_id;
	sp->p.nr_threads = 1;
	sp->p.cpu_nodes = ~0ULL;
	sp->p.mem_nodes = ~0ULL;
	sp->p.pages = sim->pages + (size_t)i * sim->nr_nodes;
	sp->p.fixed_pages = sim->fixed + (size_t)i * sim->nr_nodes;
	sp->p.run_mcpu = sim->run + (size_t)i * sim->nr_nodes;
	return sp;
}

struct sim_proc *sim_add(struct sim *sim, const char *name)
{
	return sim_renew(sim, sim->nr_procs++, name);
}

/* What is not free is page cache, which gives way. */
static void sim_fill(struct policy_node *node, u64 pages)
{
	if (pages > node->free_pages) {
		node->cache_pages -= pages - node->free_pages;
		node->free_pages = pages;
	}
	node->free_pages -= pages;
}

void sim_exit(struct sim *sim, u32 i)
{
	size_t row = (size_t)i * sim->nr_nodes;
	u32 nid;

	sim->procs[i].gone = true;
	for (nid = 0; nid < sim->nr_nodes; nid++) {
		sim->nodes[nid].free_pages += sim->pages[row + nid] + sim->fixed[row + nid];
		sim->pages[row + nid] = 0;
		sim->fixed[row + nid] = 0;
		sim->left[row + nid] = 0;
		sim->run[row + nid] = 0;
	}
}

static u32 noisy(struct sim *sim, u32 demand)
{
	s64 span = (s64)demand * sim->noise_percent / 100;

	if (!span)
		return demand;
	return (u32)(demand - span + (s64)(sim_random(&sim->seed) % (u64)(2 * span + 1)));
}

static u32 *run_of(struct sim *sim, u32 i)
{
	return sim->run + (size_t)i * sim->nr_nodes;
}

/* What @i may have of the room of a node. */
static s64 own_room(const struct sim *sim, u32 i, u32 nid, s64 room)
{
	const u32 *own = sim->procs[i].p.cpus_mcpu;

	return own && own[nid] < room ? own[nid] : room;
}

/* Put a process's demand on @set in the proportion of room[], or evenly. */
static void run_on(struct sim *sim, u32 i, u64 set, const s64 *room)
{
	struct sim_proc *sp = &sim->procs[i];
	u32 *run = run_of(sim, i), nid, count = 0;
	s64 sum = 0, here;

	for (nid = 0; nid < sim->nr_nodes; nid++) {
		run[nid] = 0;
		if (!(set & BIT_ULL(nid)) || !sim->nodes[nid].cpu_mcpu)
			continue;
		count++;
		here = own_room(sim, i, nid, room[nid]);
		sum += here > 0 ? here : 0;
	}
	for (nid = 0; nid < sim->nr_nodes; nid++) {
		if (!(set & BIT_ULL(nid)) || !sim->nodes[nid].cpu_mcpu)
			continue;
		here = own_room(sim, i, nid, room[nid]);
		if (sum)
			run[nid] = here > 0 ?
				(u32)(sp->true_demand_mcpu * (u64)here / (u64)sum) : 0;
		else
			run[nid] = sp->true_demand_mcpu / count;
	}
}

/* Threads that find no CPU at their only home that their affinity admits run elsewhere. */
static void spill(struct sim *sim, u32 i, u32 home)
{
	const struct policy_proc *p = &sim->procs[i].p;
	u32 *run = run_of(sim, i), nid, rest;
	u64 others = 0;

	if (!p->cpus_mcpu || run[home] <= p->cpus_mcpu[home])
		return;
	rest = run[home] - p->cpus_mcpu[home];
	run[home] -= rest;
	for (nid = 0; nid < sim->nr_nodes; nid++)
		if (nid != home && (p->cpu_nodes & BIT_ULL(nid)))
			others += p->cpus_mcpu[nid];
	for (nid = 0; nid < sim->nr_nodes && others; nid++)
		if (nid != home && (p->cpu_nodes & BIT_ULL(nid)))
			run[nid] = (u32)((u64)rest * p->cpus_mcpu[nid] / others);
}

static void run_threads(struct sim *sim)
{
	s64 room[POLICY_MAX_NODES];
	u32 i, nid;

	if (!sim->tunables.may_move_cpu)
		return;
	for (nid = 0; nid < sim->nr_nodes; nid++)
		room[nid] = (s64)sim->nodes[nid].cpu_mcpu - sim->nodes[nid].other_mcpu;
	for (i = 0; i < sim->nr_procs; i++) {
		struct sim_proc *sp = &sim->procs[i];

		if (sp->p.stays && !sp->gone)
			for (nid = 0; nid < sim->nr_nodes; nid++)
				room[nid] -= run_of(sim, i)[nid];
		if (sp->gone || sp->p.stays || !sp->p.home || (sp->p.home & (sp->p.home - 1)))
			continue;
		nid = __ffs64(sp->p.home);
		run_on(sim, i, sp->p.home, room);
		spill(sim, i, nid);
		for (nid = 0; nid < sim->nr_nodes; nid++)
			room[nid] -= run_of(sim, i)[nid];
	}
	for (i = 0; i < sim->nr_procs; i++) {
		struct sim_proc *sp = &sim->procs[i];
		u64 set = sp->p.home ? sp->p.home : sp->p.cpu_nodes;

		if (sp->gone || sp->p.stays || (sp->p.home && !(sp->p.home & (sp->p.home - 1))) ||
		    !set)
			continue;
		run_on(sim, i, set, room);
		for (nid = 0; nid < sim->nr_nodes; nid++)
			room[nid] -= run_of(sim, i)[nid];
	}
}

/* Node outside its home that is farthest from @to and still holds movable pages. */
static bool farthest(const struct sim *sim, u32 i, u32 to, u32 *from)
{
	const u64 *pages = sim->pages + (size_t)i * sim->nr_nodes;
	u32 nid, best = 0;

	for (nid = 0; nid < sim->nr_nodes; nid++) {
		u32 d = sim->distance[to * sim->nr_nodes + nid];

		if (pages[nid] && nid != to && !(sim->procs[i].p.home & BIT_ULL(nid)) &&
		    d > best) {
			best = d;
			*from = nid;
		}
	}
	return best;
}

u64 sim_move_pages(struct sim *sim, u32 i, const u64 *into)
{
	u64 *pages = sim->pages + (size_t)i * sim->nr_nodes, moved = 0;
	u64 rate = sim->rate_pages;
	u32 to, from;

	for (to = 0; to < sim->nr_nodes; to++) {
		u64 want = into[to] < rate ? into[to] : rate;

		if (sim->node_rate_pages && want > sim->node_rate_left[to])
			want = sim->node_rate_left[to];
		sim->node_rate_left[to] -= sim->node_rate_pages ? want : 0;
		while (want && farthest(sim, i, to, &from)) {
			u64 part = pages[from] < want ? pages[from] : want;

			pages[from] -= part;
			pages[to] += part;
			sim->nodes[from].free_pages += part;
			sim_fill(&sim->nodes[to], part);
			want -= part;
			rate -= part;
			moved += part;
		}
	}
	return moved;
}

/* @pages of the process in row @row changed places: counts those that are back where they were. */
static void note_left(struct sim *sim, size_t row, const struct policy_leg *leg, u64 pages)
{
	u64 *left = sim->left + row, back = left[leg->to] < pages ? left[leg->to] : pages;

	left[leg->to] -= back;
	left[leg->from] += pages;
	sim->returned_pages += back;
}

/* Every leg at the same rate: no node's free memory changes. */
static u64 exchange_pages(struct sim *sim, const struct policy_exchange *x)
{
	u64 part = x->pages < sim->rate_pages ? x->pages : sim->rate_pages;
	u32 k;

	/* Free pages may have been filled from the same place meanwhile. */
	for (k = 0; k < x->nr_legs; k++) {
		const u64 *pages = sim->pages + (size_t)sim->index[x->legs[k].proc] * sim->nr_nodes;

		part = pages[x->legs[k].from] < part ? pages[x->legs[k].from] : part;
	}
	for (k = 0; k < x->nr_legs; k++) {
		size_t row = (size_t)sim->index[x->legs[k].proc] * sim->nr_nodes;

		sim->pages[row + x->legs[k].from] -= part;
		sim->pages[row + x->legs[k].to] += part;
		note_left(sim, row, &x->legs[k], part);
	}
	if (x->kind == POLICY_REST) {
		sim->nodes[x->legs[0].to].owed_pages -= part;
		sim->nodes[x->legs[0].from].owed_pages += part;
	}
	return part * x->nr_legs;
}

struct policy_snapshot sim_look(struct sim *sim)
{
	struct policy_snapshot s = {
		.nr_nodes = sim->nr_nodes,
		.nodes = sim->nodes,
		.procs = sim->seen,
		.distance = sim->distance,
		.tunables = sim->tunables,
	};
	u32 i;

	for (i = 0; i < sim->nr_procs; i++) {
		struct sim_proc *sp = &sim->procs[i];

		if (sp->gone || sp->from_pass > sim->pass)
			continue;
		sim->seen[s.nr_procs] = sp->p;
		sim->seen[s.nr_procs].demand_mcpu = noisy(sim, sp->true_demand_mcpu);
		sim->verdicts[s.nr_procs].into = sim->into + (size_t)i * sim->nr_nodes;
		sim->again[s.nr_procs].into = sim->into_again + (size_t)i * sim->nr_nodes;
		sim->index[s.nr_procs++] = i;
	}
	return s;
}

void sim_carry_out(struct sim *sim, const struct policy_snapshot *s)
{
	bool quiet = true;
	u32 k;

	for (k = 0; k < sim->nr_nodes; k++)
		sim->node_rate_left[k] = sim->node_rate_pages;
	for (k = 0; k < s->nr_procs; k++) {
		struct sim_proc *sp = &sim->procs[sim->index[k]];
		const struct policy_verdict *v = &sim->verdicts[k];

		if (v->changed || v->move_pages || v->exchange_pages)
			quiet = false;
		if (v->changed && sp->p.home)
			sp->home_changes++;
		sp->last = *v;
		sp->p.home = v->home;
		sp->p.past = v->past;
		if (v->home && !(v->home & (v->home - 1)))
			sp->seen_homes_bits |= v->home;
		if (v->move_pages)
			sim->moved_pages += sim_move_pages(sim, sim->index[k], v->into);
	}
	for (k = 0; k < sim->exchanges.nr; k++) {
		u64 pages = exchange_pages(sim, &sim->exchanges.list[k]);

		sim->moved_pages += pages;
		sim->exchanged_pages += pages;
	}
	sim->quiet_passes = quiet ? sim->quiet_passes + 1 : 0;
	if (sim->run_threads)
		sim->run_threads(sim);
	else
		run_threads(sim);
	sim->pass++;
}

bool sim_step(struct sim *sim, char message[SIM_MESSAGE])
{
	struct policy_snapshot s = sim_look(sim);

	if (policy_plan(&s, sim->verdicts, &sim->exchanges, sim->scratch) ||
	    policy_plan(&s, sim->again, &sim->exchanges_again, sim->scratch)) {
		snprintf(message, SIM_MESSAGE, "policy_plan() refused the snapshot");
		return false;
	}
	if (!rules_hold(sim, &s, message))
		return false;
	sim_carry_out(sim, &s);
	return true;
}

void sim_print(const struct sim *sim, FILE *to)
{
	u32 i, nid;

	fprintf(to, "# pass %u\n", sim->pass);
	for (nid = 0; nid < sim->nr_nodes; nid++) {
		const struct policy_node *n = &sim->nodes[nid];

		fprintf(to, "#  node %u: cpu %u other %u pages %llu free %llu distance", nid,
			n->cpu_mcpu, n->other_mcpu, (unsigned long long)n->total_pages,
			(unsigned long long)n->free_pages);
		for (i = 0; i < sim->nr_nodes; i++)
			fprintf(to, " %u", sim->distance[nid * sim->nr_nodes + i]);
		fputc('\n', to);
	}
	for (i = 0; i < sim->nr_procs; i++) {
		const struct sim_proc *sp = &sim->procs[i];
		const struct policy_verdict *v = &sp->last;

		if (sp->gone)
			continue;
		fprintf(to, "#  %s: demand %u x%u cpus %llx mems %llx home %llx %s (%s) age %u changes %u gain %llu cost %llu move %llu |",
			sp->name, sp->true_demand_mcpu, sp->p.nr_threads,
			(unsigned long long)sp->p.cpu_nodes, (unsigned long long)sp->p.mem_nodes,
			(unsigned long long)v->home, policy_action_name(v->action),
			policy_reason_name(v->reason), sp->p.past.age, sp->p.past.changes,
			(unsigned long long)v->gain_ucpu, (unsigned long long)v->cost_ucpu,
			(unsigned long long)v->move_pages);
		for (nid = 0; nid < sim->nr_nodes; nid++)
			fprintf(to, " %llu+%llu@%u", (unsigned long long)sp->p.pages[nid],
				(unsigned long long)sp->p.fixed_pages[nid],
				sp->p.run_mcpu[nid]);
		fputc('\n', to);
	}
}
