// SPDX-License-Identifier: GPL-2.0-only
/*
 * One period of a host: what comes and goes, the plan, where threads run, and the sums.
 *
 * User space, called by play.c. Threads follow at once: to their home, and from a full
 * home to an idle CPU elsewhere, as the module's hooks let them. Without a home they stay
 * where they are while there is room, else they go where most is, whatever their memory.
 */
#include <time.h>
#include "host.h"

#define PAGES_PER_MS	65536ULL / 1000	/* 256 MB a second into each node: the module's default */
#define BACK_MS		600000		/* back in a home left less than ten minutes ago */
#define MIN_FOLLOW_MCPU	20

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

u32 host_most_room(const struct host *h)
{
	u32 nid, best = 0;

	for (nid = 1; nid < h->sim.nr_nodes; nid++)
		if (h->room[nid] > h->room[best])
			best = nid;
	return best;
}

/* Run @mcpu of @i on the nodes of @set by the room there; returns what found none. */
static s64 run_where_room(struct host *h, u32 i, u64 set, s64 mcpu)
{
	u32 *run = h->sim.run + (size_t)i * h->sim.nr_nodes, nid;
	s64 rooms = 0, left = mcpu;

	for (nid = 0; nid < h->sim.nr_nodes; nid++)
		if ((set & BIT_ULL(nid)) && h->room[nid] > 0)
			rooms += h->room[nid];
	if (!rooms)
		return mcpu;
	if (mcpu > rooms)
		mcpu = rooms;
	for (nid = 0; nid < h->sim.nr_nodes; nid++) {
		s64 part;

		if (!(set & BIT_ULL(nid)) || h->room[nid] <= 0)
			continue;
		part = mcpu * h->room[nid] / rooms;
		run[nid] += part;
		h->room[nid] -= part;
		left -= part;
	}
	return left;
}

/* What no CPU is idle for waits where it is. */
static void wait_at(struct host *h, u32 i, u32 nid, s64 mcpu)
{
	h->sim.run[(size_t)i * h->sim.nr_nodes + nid] += mcpu;
	h->room[nid] -= mcpu;
}

static void run_at_home(struct host *h, u32 i)
{
	h->over[i] = run_where_room(h, i, h->sim.procs[i].p.home, h->sim.procs[i].true_demand_mcpu);
}

static void run_anywhere(struct host *h, u32 i)
{
	s64 demand = h->sim.procs[i].true_demand_mcpu;
	struct life *l = &h->lives[i];

	if (h->room[l->at] < demand) {
		l->at = host_most_room(h);
		if (h->room[l->at] < demand)
			demand = run_where_room(h, i, ~0ULL, demand);
	}
	wait_at(h, i, l->at, demand);
}

static u32 first_home(const struct host *h, u32 i)
{
	return __ffs64(h->sim.procs[i].p.home);
}

static void run_threads(struct sim *sim)
{
	struct host *h = (struct host *)sim;
	u32 i, nid;
	s64 left;

	for (nid = 0; nid < sim->nr_nodes; nid++)
		h->room[nid] = (s64)sim->nodes[nid].cpu_mcpu - sim->nodes[nid].other_mcpu;
	for (i = 0; i < sim->nr_procs; i++) {
		for (nid = 0; nid < sim->nr_nodes; nid++)
			sim->run[(size_t)i * sim->nr_nodes + nid] = 0;
		h->over[i] = 0;
		if (!sim->procs[i].gone && sim->procs[i].p.home)
			run_at_home(h, i);
	}
	for (i = 0; i < sim->nr_procs; i++)
		if (!sim->procs[i].gone && !sim->procs[i].p.home)
			run_anywhere(h, i);
	for (i = 0; i < sim->nr_procs; i++) {
		if (h->over[i] <= 0)
			continue;
		left = run_where_room(h, i, ~0ULL, h->over[i]);
		h->hour.over_mcpu += h->over[i] - left;
		wait_at(h, i, first_home(h, i), left);
	}
}

static void measure(struct host *h)
{
	u32 n = h->sim.nr_nodes, i, nid;

	for (i = 0; i < h->sim.nr_procs; i++) {
		const u64 *pages = h->sim.pages + (size_t)i * n;
		const u32 *run = h->sim.run + (size_t)i * n;
		u64 total = h->lives[i].now_pages, local = 0, mcpu = 0;

		if (h->sim.procs[i].gone)
			continue;
		h->hour.procs++;
		for (nid = 0; nid < n; nid++) {
			mcpu += run[nid];
			local += run[nid] ? run[nid] * pages[nid] : 0;
		}
		h->hour.demand_mcpu += h->sim.procs[i].true_demand_mcpu;
		h->hour.mcpu += mcpu;
		h->hour.local_mcpu += total ? (double)local / total : mcpu;
	}
	h->hour.passes++;
}

/* The memory of each process goes to where it runs most, as far as that has free pages. */
static void follow(struct host *h)
{
	u64 into[POLICY_MAX_NODES] = { 0 };
	u32 n = h->sim.nr_nodes, i, nid, best;

	for (nid = 0; nid < n; nid++)
		h->sim.node_rate_left[nid] = h->sim.node_rate_pages;
	for (i = 0; i < h->sim.nr_procs; i++) {
		const u32 *run = h->sim.run + (size_t)i * n;
		u64 away;

		if (h->sim.procs[i].gone || h->sim.procs[i].true_demand_mcpu < MIN_FOLLOW_MCPU)
			continue;
		best = 0;
		for (nid = 1; nid < n; nid++)
			if (run[nid] > run[best])
				best = nid;
		away = h->lives[i].now_pages - h->sim.pages[(size_t)i * n + best];
		if (!away)
			continue;
		into[best] = away < h->sim.nodes[best].free_pages ? away :
			     h->sim.nodes[best].free_pages;
		h->sim.moved_pages += sim_move_pages(&h->sim, i, into);
		into[best] = 0;
	}
}

/* Whether @i had @home before and left it lately; remembers the one it leaves now. */
static bool comes_back(struct host *h, u32 i, u64 from, u64 home)
{
	struct life *l = &h->lives[i];
	u32 within = BACK_MS / h->o->period_ms, k;
	bool back = false;

	for (k = 0; k < HOST_PASTS && k < l->nr_past; k++)
		back |= home && l->past_home[k] == home && h->sim.pass - l->past_left[k] < within;
	k = l->nr_past++ % HOST_PASTS;
	l->past_home[k] = from;
	l->past_left[k] = h->sim.pass;
	return back;
}

static bool note_plan(struct host *h, const struct policy_snapshot *s, char *message)
{
	u64 into[POLICY_MAX_NODES] = { 0 };
	u32 k, nid;

	for (k = 0; k < s->nr_procs; k++) {
		const struct policy_verdict *v = &h->sim.verdicts[k];

		for (nid = 0; v->move_pages && nid < s->nr_nodes; nid++)
			into[nid] += v->into[nid];
		if (!v->changed || !s->procs[k].home)
			continue;
		h->hour.homes_changed++;
		h->hour.back += comes_back(h, h->sim.index[k], s->procs[k].home, v->home);
	}
	for (nid = 0; nid < s->nr_nodes; nid++)
		if (into[nid] > s->nodes[nid].free_pages)
			return rule_broken(message, "pass %u: %llu pages planned into node %u, %llu are free",
					   h->sim.pass, into[nid], nid, s->nodes[nid].free_pages);
	return true;
}

static bool plan_and_do(struct host *h, char *message)
{
	struct policy_snapshot s = sim_look(&h->sim);
	double start = now_ms(), ms;

	if (policy_plan(&s, h->sim.verdicts, &h->sim.exchanges, h->sim.scratch))
		return rule_broken(message, "policy_plan() refused the snapshot");
	ms = now_ms() - start;
	h->hour.plan_ms += ms;
	h->hour.worst_ms = ms > h->hour.worst_ms ? ms : h->hour.worst_ms;
	if (!note_plan(h, &s, message))
		return false;
	sim_carry_out(&h->sim, &s);
	return true;
}

bool host_pass(struct host *h, char message[SIM_MESSAGE])
{
	u64 moved = h->sim.moved_pages, exchanged = h->sim.exchanged_pages;

	h->sim.tunables.pass_ms = h->o->period_ms;
	h->sim.run_threads = run_threads;
	h->sim.node_rate_pages = PAGES_PER_MS * h->o->period_ms;
	h->sim.rate_pages = h->sim.node_rate_pages;
	host_events(h);
	if (h->way == WAY_POLICY) {
		if (!plan_and_do(h, message))
			return false;
	} else {
		run_threads(&h->sim);
		if (h->way == WAY_GREEDY)
			follow(h);
		h->sim.pass++;
	}
	h->hour.moved_pages += h->sim.moved_pages - moved;
	h->hour.exchanged_pages += h->sim.exchanged_pages - exchanged;
	measure(h);
	return true;
}

void sums_add(struct sums *to, const struct sums *s)
{
	to->passes += s->passes;
	to->mcpu += s->mcpu;
	to->local_mcpu += s->local_mcpu;
	to->demand_mcpu += s->demand_mcpu;
	to->over_mcpu += s->over_mcpu;
	to->procs += s->procs;
	to->homes_changed += s->homes_changed;
	to->back += s->back;
	to->moved_pages += s->moved_pages;
	to->exchanged_pages += s->exchanged_pages;
	to->came += s->came;
	to->plan_ms += s->plan_ms;
	to->worst_ms = s->worst_ms > to->worst_ms ? s->worst_ms : to->worst_ms;
}
