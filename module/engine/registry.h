/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The processes knumad looks after, one record per address space.
 *
 * A record holds a reference on its mm_struct (mm_count: the structure, not the
 * memory) and on its struct pid.  Who holds a struct kn_proc holds a kref;
 * kn_proc_put() is where everything is dropped.
 *
 * Who writes what:
 *   planner thread only:  home, past, state, verdict fields, demand, threads, masks
 *   the scanning worker:  scan (under scan.lock), and with it the page counts
 *   any worker:           page counts by the pages it moved (atomics), migrate[nid], but for
 *                         what the planner has there
 * Others read single values with READ_ONCE().
 */
#ifndef KNUMAD_ENGINE_REGISTRY_H
#define KNUMAD_ENGINE_REGISTRY_H

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "../../include/knumad.h"
#include "../policy/policy.h"
#include "leads.h"
#include "share.h"

struct kn_page_bits;
struct kn_use_map;
struct kn_uses;

enum kn_state {
	KN_STATE_NEW,		/* first scan not finished */
	KN_STATE_EXEMPT,	/* the operator said: leave it alone */
	KN_STATE_BOUND,		/* its user bound it; nothing to decide */
	KN_STATE_IDLE,		/* wants too little CPU to matter */
	KN_STATE_FREE,		/* no home would gain anything */
	KN_STATE_SETTLED,	/* threads and memory are at home */
	KN_STATE_CPU,		/* its threads are on their way home */
	KN_STATE_MEMORY,	/* its memory is on its way home */
	KN_NR_STATES
};

/* Page counts of one node, as the last finished scan found them and moves changed them. */
struct kn_node_pages {
	atomic_long_t movable;
	atomic_long_t fixed;
	atomic_long_t shared;		/* several processes map them, or KSM merged them */
	atomic_long_t active;		/* of all three; lately accessed, see scan.c */
	atomic_long_t astray;		/* elsewhere, but only this node's threads use them */
	/* Of movable and astray, what moves have changed where the pass under way had been. */
	atomic_long_t movable_since;
	atomic_long_t astray_since;
	long stuck;			/* pages that do not move, at most; see stuck.c */
};

/* What one pass over an address space has counted so far. */
struct kn_count {
	u64 movable;
	u64 fixed;
	u64 shared;
	u64 active;
	u64 astray;
};

/* A pass over an address space that moves pages, batch by batch. */
struct kn_pass {
	unsigned long cursor;		/* address the next batch starts from */
	u8 turn;			/* of the process's leads, which come first, the next one */
	unsigned long retry_at;		/* jiffies: a fruitless pass is not repeated before */
	long moved;			/* pages moved in the pass under way */
	bool hot;			/* it takes hot pages alone; the others come next */
	u32 looks;			/* hot_looks when it last began with them */
	unsigned long large_retry_at;	/* jiffies: no such large folios before */
	u8 no_order;			/* those of this order and above: they found no room */
	bool busy;			/* the pass under way met pages it could not isolate */
	bool no_room;			/* it left some as there was no room for them */
	u64 left;			/* pages it met that stay where they are */
	u8 fruitless;			/* passes that left all they met, though there was room */
};

/* One node's worker moving this process's pages into its node. */
struct kn_migration {
	struct kn_pass pass;
	atomic_long_t quota;		/* pages the plan still wants moved into the node */
	long astray;			/* the planner's: pages astray, as it last knew */
	bool gained;			/* set by it: there are more, a pass begins anew */
};

/* What scans do with accessed bits, see accessed.c; scan.lock, unless said otherwise. */
struct kn_accessed {
	bool takes;			/* the pass under way clears them */
	bool looks;			/* it says which pages were accessed since they were */
	bool cleared;			/* the bits were cleared before the next look */
	unsigned int rests;		/* passes that only count, before one that clears */
	bool owes;			/* some are cleared that the kernel is to have back */
	bool ended;			/* set by the planner: nothing is to be owed any more */
	struct kn_page_bits *owed;	/* these */
};

struct kn_scan {
	struct mutex lock;		/* the cursor and the counts under way */
	unsigned long cursor;		/* address the next slice starts from */
	unsigned long due;		/* jiffies: the next pass starts no sooner */
	unsigned long look_due;		/* jiffies: owed accessed bits are put back no sooner */
	unsigned int interval_ms;	/* between passes; grows while nothing changes */
	bool begun;			/* a pass is under way, be the cursor still at the start */
	bool complete;			/* at least one pass has finished */
	bool hurries;			/* set by the planner: it waits for a pass */
	bool at_once;			/* so it does for one that begins after now */
	bool hurried;			/* so it does for the pass under way */
	struct kn_accessed accessed;
	struct kn_count *count;		/* [nr_node_ids], the pass under way */
	struct kn_share shares[KN_MAX_SHARES];	/* the pass under way */
};

struct kn_proc {
	struct list_head list;		/* kn_registry_lock; empty once removed */
	u64 seq;			/* in order of creation, as the list is */
	struct hlist_node hash;		/* kn_registry_lock */
	struct kref ref;

	struct pid *pid;		/* of the thread group */
	struct mm_struct *mm;
	pid_t tgid;
	char comm[TASK_COMM_LEN];

	struct kn_scan scan;
	struct kn_node_pages *pages;	/* [nr_node_ids] */
	struct kn_migration *migrate;	/* [nr_node_ids] */
	unsigned long stuck_until;	/* jiffies, see stuck.c */
	u32 stuck_rest_s;		/* so long it was the last time; 0: something moves */
	spinlock_t share_lock;		/* shares; a leaf */
	struct kn_share shares[KN_MAX_SHARES];	/* by the last pass */
	struct kn_lead lead[KN_MAX_LEADS];	/* hints, see leads.c */
	struct kn_page_bits __rcu *hot;	/* accessed before the last look; may be NULL */
	u32 hot_looks;			/* scans that have filled it; 0: not known yet */
	struct kn_uses *uses;		/* planner thread; NULL unless its home has several nodes */
	struct kn_use_map __rcu *use_map;	/* what the scan goes by; may be NULL */

	/* sampled by the planner */
	u64 sampled_ns;			/* time of the last sample, 0 before the first */
	u64 run_ns;			/* of all threads, at the last sample */
	u64 wait_ns;
	u64 stays_ns;			/* of run_ns, of threads that are not moved */
	u64 run_delta_us;		/* since the sample before */
	u32 demand_mcpu;		/* smoothed */
	u32 nr_threads;
	u32 stays_permille;		/* part of stays_ns in what it ran, smoothed */
	u32 throttled_permille;		/* of its runnable threads, by a CPU quota, smoothed */
	u32 away_skip;			/* threads away from home that have had their turn */
	u32 *threads_running;		/* [nr_node_ids] runnable at the last sample */
	u32 *run_mcpu;			/* [nr_node_ids] demand by node, smoothed */
	u32 *cpus_mcpu;			/* [nr_node_ids] where it has_part: capacity it may use */
	u64 cpu_nodes;
	u64 mem_nodes;
	int scan_nid;			/* whose worker scans it */
	bool exempt;
	bool stays;			/* most of what it runs is of threads that are not moved */
	bool has_part;			/* it may use part of its nodes' CPUs alone */
	bool by_use;			/* its quotas are of pages astray, see uses.c */

	/* decided by the policy */
	u64 home;
	struct policy_past past;
	enum policy_reason reason;
	enum kn_state state;
	bool sampled;			/* demand_mcpu means something */
	bool seen;			/* in the discovery under way */
};

void kn_registry_exit(void);

struct kn_proc *kn_registry_next(struct kn_proc *prev);
struct kn_proc *kn_registry_after(struct kn_proc *prev, int nid, u32 *left);
struct kn_proc *kn_registry_find(const struct mm_struct *mm);
u32 kn_registry_count(void);

struct kn_proc *kn_proc_create(struct pid *pid, struct task_struct *leader, struct mm_struct *mm);
void kn_proc_remove(struct kn_proc *proc);
void kn_proc_put(struct kn_proc *proc);

const char *kn_state_name(enum kn_state state);

#endif /* KNUMAD_ENGINE_REGISTRY_H */
