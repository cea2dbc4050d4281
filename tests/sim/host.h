/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The simulator's parts: a host with its processes, three ways to place them, and small
 * hosts whose best placement is known.
 *
 * User space, single thread. struct sim (tests/unit/sim.h) holds what the policy sees;
 * around it a host keeps what only the simulator knows.
 */
#ifndef SIM_HOST_H
#define SIM_HOST_H

#include <linux/kernel.h>
#include "sim.h"

#define HOST_MAX_NODES	8
#define HOST_MAX_CPUS	512
#define HOST_MAX_PROCS	10000
#define HOST_PASTS	4	/* homes that a process is remembered to have had */

/**
 * enum small_kind - what kind of small hosts
 * @SMALL_ROOMY: with free memory, nothing bound
 * @SMALL_FULL: no page is free, and most processes are bound to a node
 * @SMALL_NO_EXCHANGE: the same hosts, but the policy may not exchange any memory
 */
enum small_kind {
	SMALL_ROOMY,
	SMALL_FULL,
	SMALL_NO_EXCHANGE,
};

struct options {
	u64 seed;
	u32 hours;
	u32 nodes;
	u32 cpus;
	u32 processes;
	u32 period_ms;		/* between two plans; the module's scan_period_ms */
	bool calm;		/* nobody comes, goes or changes */
	u32 small;		/* that many small hosts instead */
	enum small_kind kind;	/* and of this kind */
	bool check;		/* the short version with marks */
};

/* Who places memory and threads. */
enum way {
	WAY_POLICY,	/* the policy */
	WAY_STAY,	/* memory stays where it was first touched */
	WAY_GREEDY,	/* each process's memory goes to where it runs */
	NR_WAYS
};

/* What a process is like, and what it is doing. */
struct life {
	u8 kind;
	u8 at;			/* node where it runs unless it has a home */
	bool busy;
	u32 exit_pass;
	u32 change_pass;	/* of its demand */
	u32 peak_mcpu;
	u32 rest_mcpu;
	u64 full_pages;		/* it grows up to that */
	u64 now_pages;
	u64 grow_pages;		/* in a pass */
	u32 nr_past;
	u64 past_home[HOST_PASTS];
	u32 past_left[HOST_PASTS];	/* pass in which it left it */
};

/* Sums over passes. */
struct sums {
	u32 passes;
	double mcpu;		/* all CPU time run */
	double local_mcpu;	/* of it, by the share of the process's memory that is local */
	double demand_mcpu;
	double over_mcpu;	/* had to leave a full home for an idle CPU elsewhere */
	u64 procs;
	u64 homes_changed;
	u64 back;		/* of these, to a home left a few minutes ago */
	u64 moved_pages;	/* with those that changed places */
	u64 exchanged_pages;
	u64 came;
	double plan_ms;
	double worst_ms;
};

struct host {
	struct sim sim;		/* first, so that its hook finds the host */
	const struct options *o;
	enum way way;
	u64 seed;
	struct life *lives;
	u32 *idle_slots;
	u32 nr_idle_slots;
	u32 nr_wide;		/* processes wider than a node */
	s64 *over;		/* mcpu of each process that found no room at home */
	s64 room[POLICY_MAX_NODES];
	struct sums hour;
	struct sums all;
};

/* host.c: who comes, goes and changes */
void host_init(struct host *h, const struct options *o, enum way way);
void host_free(struct host *h);
void host_events(struct host *h);

/* pass.c: one period under one of the ways */
bool host_pass(struct host *h, char message[SIM_MESSAGE]);
u32 host_most_room(const struct host *h);
void sums_add(struct sums *to, const struct sums *s);

/* play.c: hours of the same host in all three ways */
bool play(const struct options *o, bool print, struct sums result[NR_WAYS], struct sums last[NR_WAYS],
	  char message[SIM_MESSAGE]);

/**
 * struct regret - by how much the policy's hosts are worse than the best there is
 * @hosts: played
 * @mean_percent: of the demand, lost to distance and queueing above the best placement
 * @worst_percent: likewise, of the worst host
 * @worst_seed: that host
 * @bad: hosts that lose more than a tenth of their demand
 * @first_touch_percent: mean of the same hosts with all memory where it was
 */
struct regret {
	u32 hosts;
	double mean_percent;
	double worst_percent;
	u64 worst_seed;
	u32 bad;
	double first_touch_percent;
};

/* small.c: small hosts against an exhaustive search */
bool small_run(enum small_kind kind, u64 seed, u32 hosts, bool print, struct regret *r,
	       char message[SIM_MESSAGE]);

/* check.c: the marks */
int check_run(const struct options *o);

#endif /* SIM_HOST_H */
