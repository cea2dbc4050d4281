// SPDX-License-Identifier: GPL-2.0-only
/*
 * The short version with marks: KTAP, for the project's test runner.
 *
 * User space, called by main.c for --check. README.md tells what makes each mark fail.
 */
#include "host.h"

/*
 * A host that is left alone is at rest after an hour, and better than it was. Few processes:
 * the noise of many evens out, and hides what would wander.
 */
#define CALM_HOURS		2
#define CALM_ABOVE_STAY		15	/* percent points of local accesses */
/* One on which all is in motion. */
#define BUSY_HOURS		2
#define BUSY_ABOVE_STAY		5
#define BUSY_ABOVE_GREEDY	4
#define MAX_BACK_PERCENT	10	/* of the changes of homes; demand comes back, too */
#define MAX_OVER_PERCENT	2	/* of the demand leaves a full home for an idle CPU */
/* Small hosts, against the best there is. */
#define SMALL_HOSTS		4000
#define MAX_MEAN_REGRET		0.3	/* percent of the demand */
#define MAX_BAD_PERMILLE	10	/* of the hosts lose a tenth of their demand */
/* Those without a free page: what exchanges save, in percent points of the demand. */
#define FULL_HOSTS		2000
#define LEAST_BY_EXCHANGE	25

static u32 number, failed;

static void mark(bool good, const char *name, const char *message)
{
	if (!good)
		printf("# %s\n", message);
	printf("%s %u %s\n", good ? "ok" : "not ok", ++number, name);
	fflush(stdout);
	failed += !good;
}

static double local(const struct sums *s)
{
	return s->mcpu > 0 ? s->local_mcpu * 100 / s->mcpu : 0;
}

static void check_calm(const struct options *given)
{
	struct options o = {
		.seed = given->seed, .hours = CALM_HOURS, .nodes = 4, .cpus = 24,
		.processes = 60, .period_ms = 1000, .calm = true,
	};
	struct sums all[NR_WAYS], last[NR_WAYS], *p = &last[WAY_POLICY];
	char message[SIM_MESSAGE] = "";
	double above;

	if (!play(&o, false, all, last, message)) {
		mark(false, "a calm host", message);
		return;
	}
	above = local(p) - local(&last[WAY_STAY]);
	printf("# calm: in the last hour %.2f%% local, %.2f above staying, %llu homes changed, %llu pages moved\n",
	       local(p), above, p->homes_changed, p->moved_pages);
	snprintf(message, sizeof(message), "expected no home to change and no page to move in the last hour, found %llu and %llu",
		 p->homes_changed, p->moved_pages);
	mark(!p->homes_changed && !p->moved_pages, "a calm host is at rest after an hour", message);
	snprintf(message, sizeof(message), "expected %u points above staying, found %.2f",
		 CALM_ABOVE_STAY, above);
	mark(above >= CALM_ABOVE_STAY, "an ill placed host becomes local", message);
}

static void check_busy(const struct options *given)
{
	struct options o = {
		.seed = given->seed, .hours = BUSY_HOURS, .nodes = 4, .cpus = 128,
		.processes = 1500, .period_ms = 1000,
	};
	struct sums all[NR_WAYS], last[NR_WAYS], *p = &all[WAY_POLICY], *g = &all[WAY_GREEDY];
	char message[SIM_MESSAGE] = "";
	double over;

	if (!play(&o, false, all, last, message)) {
		mark(false, "a busy host", message);
		return;
	}
	over = p->over_mcpu * 100 / p->demand_mcpu;
	printf("# busy: %.2f%% local, staying %.2f%%, greedy %.2f%%; %llu homes changed, %llu back; %llu pages moved, greedy %llu; %.2f%% over\n",
	       local(p), local(&all[WAY_STAY]), local(g), p->homes_changed, p->back,
	       p->moved_pages, g->moved_pages, over);
	snprintf(message, sizeof(message), "expected %u points above staying and %u above greedy, found %.2f and %.2f",
		 BUSY_ABOVE_STAY, BUSY_ABOVE_GREEDY, local(p) - local(&all[WAY_STAY]),
		 local(p) - local(g));
	mark(local(p) >= local(&all[WAY_STAY]) + BUSY_ABOVE_STAY &&
	     local(p) >= local(g) + BUSY_ABOVE_GREEDY,
	     "a busy host is more local than one where memory stays, or follows blindly", message);
	snprintf(message, sizeof(message), "expected more than none and fewer than %llu pages moved, found %llu",
		 g->moved_pages, p->moved_pages);
	mark(p->moved_pages && p->moved_pages < g->moved_pages,
	     "memory moves, but less than follows blindly", message);
	snprintf(message, sizeof(message), "expected at most %u%% of %llu changes to go back, found %llu",
		 MAX_BACK_PERCENT, p->homes_changed, p->back);
	mark(p->back * 100 <= p->homes_changed * MAX_BACK_PERCENT,
	     "homes are not left and entered again within minutes", message);
	snprintf(message, sizeof(message), "expected at most %u%% of the demand to find its home full beside idle CPUs, found %.2f%%",
		 MAX_OVER_PERCENT, over);
	mark(over <= MAX_OVER_PERCENT, "homes are not full beside idle CPUs", message);
}

static void check_small(const struct options *given)
{
	char message[SIM_MESSAGE] = "";
	struct regret r;

	if (!small_run(SMALL_ROOMY, given->seed * 1000003, SMALL_HOSTS, false, &r, message)) {
		mark(false, "small hosts", message);
		return;
	}
	printf("# small: %u hosts, regret in %% of the demand: mean %.3f, worst %.1f (seed %llu), above a tenth: %u; before the first plan %.1f\n",
	       r.hosts, r.mean_percent, r.worst_percent, r.worst_seed, r.bad,
	       r.first_touch_percent);
	snprintf(message, sizeof(message), "expected a mean of at most %.2f%% and %u hosts above a tenth, found %.3f%% and %u",
		 MAX_MEAN_REGRET, r.hosts * MAX_BAD_PERMILLE / 1000, r.mean_percent, r.bad);
	mark(r.mean_percent <= MAX_MEAN_REGRET && r.bad * 1000 <= r.hosts * MAX_BAD_PERMILLE,
	     "small hosts come near the best placement there is", message);
}

static void check_full(const struct options *given)
{
	char message[SIM_MESSAGE] = "";
	struct regret with, without;

	if (!small_run(SMALL_FULL, given->seed * 1000003, FULL_HOSTS, false, &with, message) ||
	    !small_run(SMALL_NO_EXCHANGE, given->seed * 1000003, FULL_HOSTS, false, &without, message)) {
		mark(false, "full small hosts", message);
		return;
	}
	printf("# full: %u hosts, in %% of the demand against the best placement of whole processes: mean %.3f (worst %.1f, seed %llu), without exchanges %.3f; before the first plan %.1f\n",
	       with.hosts, with.mean_percent, with.worst_percent, with.worst_seed,
	       without.mean_percent, with.first_touch_percent);
	snprintf(message, sizeof(message), "expected exchanges to save %u points, found %.3f",
		 LEAST_BY_EXCHANGE, without.mean_percent - with.mean_percent);
	mark(without.mean_percent - with.mean_percent >= LEAST_BY_EXCHANGE,
	     "small hosts without a free page gain by exchanges", message);
}

int check_run(const struct options *o)
{
	printf("KTAP version 1\n1..8\n");
	check_calm(o);
	check_busy(o);
	check_small(o);
	check_full(o);
	return failed != 0;
}
