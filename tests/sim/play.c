// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hours of one host, in three ways at a time, and the table of what came of it.
 *
 * User space, called by main.c and check.c.
 */
#include <stdlib.h>
#include "host.h"

static double percent(double part, double whole)
{
	return whole > 0 ? part * 100 / whole : 0;
}

static void print_head(const struct options *o)
{
	printf("%u nodes, %u CPUs, about %u processes, a plan every %u ms, %s, seed %llu\n",
	       o->nodes, o->cpus, o->processes, o->period_ms,
	       o->calm ? "ill placed, then nobody comes, goes or changes" : "they come, go and change",
	       (unsigned long long)o->seed);
	printf("local: %% of the CPU time run that is beside the memory used; over: CPUs' worth of threads\n"
	       "that had to leave a full home for an idle CPU; back: in a home left within 10 minutes\n\n");
	printf("%5s %6s %5s | %6s %6s %6s | %6s %5s | %8s %8s %8s | %6s | %6s %6s\n", "hour", "procs",
	       "load", "local", "stay", "greedy", "homes", "back", "moved", "exchange", "greedy",
	       "over", "plan", "worst");
	printf("%5s %6s %5s | %6s %6s %6s | %6s %5s | %8s %8s %8s | %6s | %6s %6s\n", "", "", "%", "%",
	       "%", "%", "change", "again", "pages/p", "pages/p", "pages/p", "CPUs", "ms", "ms");
}

static void print_row(const struct options *o, const char *name, const struct sums s[NR_WAYS])
{
	const struct sums *p = &s[WAY_POLICY], *g = &s[WAY_GREEDY], *t = &s[WAY_STAY];
	/* All processes there were: those at the start of a row, and those that came. */
	double procs = (double)p->procs / p->passes + p->came;

	printf("%5s %6.0f %5.1f | %6.2f %6.2f %6.2f | %6llu %5llu | %8.0f %8.0f %8.0f | %6.2f | %6.3f %6.3f\n",
	       name, (double)p->procs / p->passes,
	       percent(p->demand_mcpu, (double)p->passes * o->cpus * 1000),
	       percent(p->local_mcpu, p->mcpu), percent(t->local_mcpu, t->mcpu),
	       percent(g->local_mcpu, g->mcpu), (unsigned long long)p->homes_changed,
	       (unsigned long long)p->back, p->moved_pages / procs, p->exchanged_pages / procs,
	       g->moved_pages / procs, p->over_mcpu / p->passes / 1000, p->plan_ms / p->passes,
	       p->worst_ms);
	fflush(stdout);
}

static bool play_hour(struct host *hosts, u32 passes, char *message)
{
	u32 way, pass;

	for (way = 0; way < NR_WAYS; way++) {
		if (hosts[way].sim.pass)	/* those from the start count in the first hour */
			hosts[way].hour = (struct sums){ 0 };
		else
			hosts[way].hour.came = 0;
		for (pass = 0; pass < passes; pass++)
			if (!host_pass(&hosts[way], message))
				return false;
		sums_add(&hosts[way].all, &hosts[way].hour);
	}
	return true;
}

bool play(const struct options *o, bool print, struct sums result[NR_WAYS], struct sums last[NR_WAYS],
	  char message[SIM_MESSAGE])
{
	struct host *hosts = calloc(NR_WAYS, sizeof(*hosts));
	u32 way, hour, passes = 3600000 / o->period_ms;
	char name[16];
	bool good = true;

	if (!hosts)
		return rule_broken(message, "out of memory");
	for (way = 0; way < NR_WAYS; way++)
		host_init(&hosts[way], o, way);
	if (print)
		print_head(o);
	for (hour = 0; hour < o->hours && good; hour++) {
		good = play_hour(hosts, passes, message);
		for (way = 0; way < NR_WAYS; way++) {
			last[way] = hosts[way].hour;
			result[way] = hosts[way].all;
		}
		snprintf(name, sizeof(name), "%u", hour + 1);
		if (print && good)
			print_row(o, name, last);
	}
	if (print && good)
		print_row(o, "all", result);
	for (way = 0; way < NR_WAYS; way++)
		host_free(&hosts[way]);
	free(hosts);
	return good;
}
