// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/knumad: what knumad knows, decided and did, as text.
 *
 * Context: process context of the reader.  Formats what the other rooms hand out, and
 * decides nothing.  Every file has a header line or key-value lines, so that a column
 * can be found by its name.
 */
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/seq_file.h>
#include <linux/string_helpers.h>

#include "../compat/young.h"
#include "../engine/decisions.h"
#include "../engine/engine.h"
#include "../engine/exchange.h"
#include "../engine/exempt.h"
#include "../engine/kthread.h"
#include "../engine/load.h"
#include "../engine/node.h"
#include "../engine/numab.h"
#include "../engine/registry.h"
#include "../engine/stats.h"
#include "../engine/stuck.h"
#include "../kern/capability.h"
#include "../sched/bias.h"
#include "debugfs.h"
#include "params.h"

#define KN_PAGES_TO_MB(pages)	((pages) >> (20 - PAGE_SHIFT))

static struct dentry *kn_dir;

/* A node mask as "0,1", or "-" for none. */
static void kn_seq_nodes(struct seq_file *m, u64 nodes)
{
	const char *comma = "";

	if (!nodes)
		seq_puts(m, "-");
	for (; nodes; nodes &= nodes - 1) {
		seq_printf(m, "%s%lu", comma, (unsigned long)__ffs64(nodes));
		comma = ",";
	}
}

/* A process's name: blanks kept, what would break the line escaped. */
static void kn_seq_comm(struct seq_file *m, const char *comm)
{
	seq_puts(m, " ");
	seq_escape(m, comm, "\n\\\t\r");
	seq_puts(m, "\n");
}

/* stats: one "name value" a line; see docs/stats.md for what each counts. */
static int stats_show(struct seq_file *m, void *unused)
{
	int i;
	static const char * const engine[] = {
#define KN_STAT_NAME(name, what)	#name,
		KN_STATS(KN_STAT_NAME)
	};
	static const char * const bias[] = {
		KN_BIAS_COUNTERS(KN_STAT_NAME)
	};

	seq_printf(m, "mode %s\n", kn_mode_name(kn_mode()));
	seq_printf(m, "hooks_armed %d\n", kn_bias_armed());
	seq_printf(m, "numa_balancing %s\n", kn_numab_state());
	seq_printf(m, "processes %u\n", kn_registry_count());
	for (i = 0; i < KN_NR_STATS; i++)
		seq_printf(m, "%s %lld\n", engine[i], (s64)atomic64_read(&kn_stats[i]));
	for (i = 0; i < KN_NR_BIAS_COUNTERS; i++)
		seq_printf(m, "%s %llu\n", bias[i], kn_bias_counter(i));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static void kn_show_active(struct seq_file *m, const struct kn_proc *proc)
{
	const char *comma = "";
	int nid;

	if (!READ_ONCE(proc->hot_looks)) {
		seq_puts(m, "-");
		return;
	}
	for_each_online_node(nid) {
		seq_printf(m, "%s%ld", comma,
			   KN_PAGES_TO_MB(atomic_long_read(&proc->pages[nid].active)));
		comma = ",";
	}
}

static void kn_show_proc(struct seq_file *m, const struct kn_proc *proc)
{
	/* By a policy of the whole process. */
	bool all_fixed = READ_ONCE(proc->state) != KN_STATE_NEW && !READ_ONCE(proc->mem_nodes);
	const char *comma = "";
	long fixed = 0, shared;
	int nid;

	seq_printf(m, "%d ", proc->tgid);
	kn_seq_nodes(m, READ_ONCE(proc->home));
	seq_printf(m, " %s %s %u ", kn_state_name(READ_ONCE(proc->state)),
		   READ_ONCE(proc->state) == KN_STATE_NEW ? "-" :
		   policy_reason_name(READ_ONCE(proc->reason)), READ_ONCE(proc->demand_mcpu));
	for_each_online_node(nid) {
		long pages = atomic_long_read(&proc->pages[nid].movable);

		fixed += all_fixed ? pages : kn_stuck_pages(proc, nid, max(0L, pages));
		fixed += atomic_long_read(&proc->pages[nid].fixed);
		pages += atomic_long_read(&proc->pages[nid].fixed);
		pages += atomic_long_read(&proc->pages[nid].shared);
		seq_printf(m, "%s%ld", comma, KN_PAGES_TO_MB(max(0L, pages)));
		comma = ",";
	}
	comma = " ";
	for_each_online_node(nid) {
		seq_printf(m, "%s%u", comma, READ_ONCE(proc->threads_running[nid]));
		comma = ",";
	}
	seq_printf(m, " %ld ", KN_PAGES_TO_MB(fixed));
	kn_show_active(m, proc);
	comma = " ";
	for_each_online_node(nid) {
		shared = atomic_long_read(&proc->pages[nid].shared);
		seq_printf(m, "%s%ld", comma, KN_PAGES_TO_MB(shared));
		comma = ",";
	}
	comma = " ";
	for_each_online_node(nid) {
		if (!rcu_access_pointer(proc->use_map)) {
			seq_puts(m, " -");
			break;
		}
		seq_printf(m, "%s%ld", comma,
			   KN_PAGES_TO_MB(max(0L, atomic_long_read(&proc->pages[nid].astray))));
		comma = ",";
	}
	kn_seq_comm(m, proc->comm);
}

/*
 * processes: home is a node list; cpu_mcpu the CPU demand (1000 is one CPU);
 * mb_per_node and threads_per_node one figure per online node (MiB; runnable threads
 * at the last sample); bound_mb the part that may not be moved; active_mb_per_node what was
 * accessed between the last two scans, "-" while that is not known; shared_mb_per_node the part
 * of mb_per_node that other processes map as well, or that KSM has merged; astray_mb_per_node
 * what is elsewhere though only the node's threads use it, "-" while that is not known.
 */
static int processes_show(struct seq_file *m, void *unused)
{
	struct kn_proc *proc;

	seq_puts(m,
		 "pid home state reason cpu_mcpu mb_per_node threads_per_node bound_mb active_mb_per_node shared_mb_per_node astray_mb_per_node comm\n");
	for (proc = kn_registry_next(NULL); proc; proc = kn_registry_next(proc))
		kn_show_proc(m, proc);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(processes);

/* CPU demand of the processes whose home is exactly or partly @nid; wide ones in parts. */
static u32 kn_homed_mcpu(int nid)
{
	struct kn_proc *proc;
	u32 mcpu = 0;

	for (proc = kn_registry_next(NULL); proc; proc = kn_registry_next(proc)) {
		u64 home = READ_ONCE(proc->home);

		if (home & BIT_ULL(nid))
			mcpu += READ_ONCE(proc->demand_mcpu) / hweight64(home);
	}
	return mcpu;
}

/*
 * nodes: headroom_mb is what knumad may still put there (free above the high watermark);
 * other_mcpu the CPU time of tasks knumad does not look after; homed_mcpu the demand of
 * those whose home it is.
 */
static int nodes_show(struct seq_file *m, void *unused)
{
	int nid;

	seq_puts(m,
		 "nid cpus total_mb free_mb high_wmark_mb headroom_mb other_mcpu homed_mcpu worker\n");
	for_each_online_node(nid) {
		bool worker = kn_kthread_exists(KN_KTHREAD_WORKER, nid);

		seq_printf(m, "%d %u %llu %llu %llu %llu %u %u %s\n", nid, kn_node_nr_cpus(nid),
			   KN_PAGES_TO_MB(kn_node_present_pages(nid)),
			   KN_PAGES_TO_MB(kn_node_free_pages(nid)),
			   KN_PAGES_TO_MB(kn_node_high_wmark_pages(nid)),
			   KN_PAGES_TO_MB(kn_node_headroom_pages(nid)), kn_load_other_mcpu(nid),
			   kn_homed_mcpu(nid), worker ? "yes" : "no");
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(nodes);

static void kn_show_row(struct seq_file *m, enum kn_row row)
{
	static const char * const kinds[] = {
		[KN_KIND_DATA] = "data",
		[KN_KIND_CALL] = "call",
		[KN_KIND_HOOK] = "hook",
		[KN_KIND_FIELD] = "field",
		[KN_KIND_VAR] = "per-cpu",
	};
	static const char * const verdicts[] = {
		[KN_BTF_UNCHECKED] = "-",
		[KN_BTF_NONE] = "none",
		[KN_BTF_OK] = "ok",
		[KN_BTF_MISSING] = "missing",
		[KN_BTF_DIFFERENT] = "different",
	};
	const struct kn_cap_row *r = kn_cap_row(row);
	char name[48];

	snprintf(name, sizeof(name), "%s%s%s", r->type ?: "", r->type ? "." : "", r->name);
	seq_printf(m, "%-22s %-7s %-8s %-9s %-5s %-9s ", name, kinds[r->kind],
		   kn_cap_name(r->cap), kn_cap_essential(r->cap) ? "yes" : "no",
		   r->found ? "yes" : "no", verdicts[r->btf]);
	if (r->kind == KN_KIND_HOOK)
		seq_printf(m, "%-6s %llu\n", kn_bias_armed() ? "yes" : "no", kn_bias_hits(row));
	else
		seq_puts(m, "-      -\n");
}

/*
 * capabilities: every private symbol and field, whether it was found, what the kernel's
 * BTF says of it, whether it is hooked now and how often the hook was called; then what
 * of knumad works.
 */
static int capabilities_show(struct seq_file *m, void *unused)
{
	int i;

	seq_puts(m,
		 "symbol                 kind    needed   essential found btf       hooked hits\n");
	for (i = 0; i < KN_NR_ROWS; i++)
		if (kn_cap_row_matters(i))
			kn_show_row(m, i);
	seq_puts(m, "\ncapability works  without it\n");
	for (i = 0; i < KN_NR_CAPS; i++)
		seq_printf(m, "%-10s %-6s %s\n", kn_cap_name(i), kn_capable(i) ? "yes" : "no",
			   kn_cap_without(i));
	seq_printf(m, "\naccessed bits: %s\n", KN_KERNEL_HAS_YOUNG ?
		   "kept for the kernel in its young flag (CONFIG_PAGE_IDLE_FLAG)" :
		   "put back after a scan period (no CONFIG_PAGE_IDLE_FLAG)");
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(capabilities);

static void kn_show_decision(struct seq_file *m, const struct kn_decision *d)
{
	seq_printf(m, "%llu.%03llu %d ", d->at_ms / 1000, d->at_ms % 1000, d->tgid);
	kn_seq_nodes(m, d->from);
	seq_puts(m, " ");
	kn_seq_nodes(m, d->to);
	seq_printf(m, " %s %s %s %llu %llu %llu %u %u %u", kn_mode_name(d->mode),
		   policy_action_name(d->action), policy_reason_name(d->reason), d->gain_ucpu,
		   d->cost_ucpu, KN_PAGES_TO_MB(d->move_pages), d->demand_mcpu,
		   d->mem_home_permille, d->cpu_home_permille);
	kn_seq_comm(m, d->comm);
}

/*
 * decisions: the latest changes of a home, oldest first.  time is seconds since boot;
 * gain and cost are in ucpu, millionths of a CPU; the permilles are the parts of its
 * memory and of its CPU demand that were at the new home when it was given.
 */
static int decisions_show(struct seq_file *m, void *unused)
{
	struct kn_decision *ring = kvcalloc(KN_DECISIONS, sizeof(*ring), GFP_KERNEL);
	u32 nr, i;

	if (!ring)
		return -ENOMEM;
	seq_puts(m,
		 "time pid from to mode action reason gain_ucpu cost_ucpu move_mb cpu_mcpu mem_home_permille cpu_home_permille comm\n");
	nr = kn_decisions_copy(ring);
	for (i = 0; i < nr; i++)
		kn_show_decision(m, &ring[i]);
	kvfree(ring);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(decisions);

static void kn_show_exchange(struct seq_file *m, const struct kn_exchange_record *r)
{
	const char *comma = " ";
	u32 k;

	seq_printf(m, "%llu.%03llu ", r->begun_ms / 1000, r->begun_ms % 1000);
	if (r->ended_ms)
		seq_printf(m, "%llu.%03llu", r->ended_ms / 1000, r->ended_ms % 1000);
	else
		seq_puts(m, "-");
	seq_printf(m, " %s %s %llu", policy_exchange_name(r->kind),
		   r->done ? "done" : r->ended_ms ? "dropped" : "running", r->gain_ucpu);
	for (k = 0; k < r->nr_legs; k++) {
		seq_printf(m, "%s%d:%u>%u:%llu:%llu>%llu:%llu", comma, r->legs[k].tgid,
			   r->legs[k].from, r->legs[k].to, r->legs[k].moved,
			   r->legs[k].free_before, r->legs[k].free_now, r->legs[k].bounced);
		comma = ",";
	}
	seq_puts(m, "\n");
}

/*
 * exchanges: the latest that moved pages and have ended, oldest first, then those under
 * way.  Times are seconds since boot; gain is in ucpu; legs has one part per process,
 * PID:FROM>TO:PAGES:BEFORE>NOW:BOUNCED, the pages moved from node to node, the free pages of
 * the node they went to when the exchange began, and at its end or now, and pages that were put
 * on a node with room, where the exchange could not begin otherwise.
 */
static int exchanges_show(struct seq_file *m, void *unused)
{
	struct kn_exchange_record *all = kvcalloc(2 * KN_MAX_EXCHANGES, sizeof(*all), GFP_KERNEL);
	u32 nr, i;

	if (!all)
		return -ENOMEM;
	seq_puts(m, "begun ended kind result gain_ucpu legs\n");
	nr = kn_exchanges_copy(all);
	for (i = 0; i < nr; i++)
		kn_show_exchange(m, &all[i]);
	kvfree(all);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(exchanges);

static void kn_show_exempt(void *m, pid_t tgid)
{
	seq_printf(m, "%d\n", tgid);
}

/* exempt: the processes that are left alone, one a line; the parameter of this name changes it. */
static int exempt_show(struct seq_file *m, void *unused)
{
	kn_exempt_for_each(kn_show_exempt, m);
	return 0;
}

DEFINE_SHOW_ATTRIBUTE(exempt);

/**
 * kn_debugfs_init - create the directory and its files
 *
 * A kernel without debugfs loses the files, not the module.
 */
int kn_debugfs_init(void)
{
	kn_dir = debugfs_create_dir("knumad", NULL);
	debugfs_create_file("stats", 0444, kn_dir, NULL, &stats_fops);
	debugfs_create_file("processes", 0444, kn_dir, NULL, &processes_fops);
	debugfs_create_file("nodes", 0444, kn_dir, NULL, &nodes_fops);
	debugfs_create_file("capabilities", 0444, kn_dir, NULL, &capabilities_fops);
	debugfs_create_file("decisions", 0444, kn_dir, NULL, &decisions_fops);
	debugfs_create_file("exchanges", 0444, kn_dir, NULL, &exchanges_fops);
	debugfs_create_file("exempt", 0444, kn_dir, NULL, &exempt_fops);
	return 0;
}

/**
 * kn_debugfs_exit - remove them; returns when no reader is inside any more
 */
void kn_debugfs_exit(void)
{
	debugfs_remove_recursive(kn_dir);
}
