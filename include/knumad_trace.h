/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * knumad's tracepoints, for perf and bpftrace (system "knumad").
 *
 * Nodes of a home are a bit mask (bit n is node n); pages are base pages.  Fired from
 * process context by engine/ only, never from a scheduler hook.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM knumad

#if !defined(KNUMAD_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define KNUMAD_TRACE_H

#include <linux/sched.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

/* Room for the name of an action or a reason. */
#define KNUMAD_TRACE_WORD	16

/* The home of a process changed. */
TRACE_EVENT(knumad_plan,
	TP_PROTO(int pid, const char *comm, u64 from, u64 to, const char *action,
		 const char *reason, u64 gain_ucpu, u64 cost_ucpu, u64 move_pages),
	TP_ARGS(pid, comm, from, to, action, reason, gain_ucpu, cost_ucpu, move_pages),
	TP_STRUCT__entry(
		__field(int, pid)
		__array(char, comm, TASK_COMM_LEN)
		__field(u64, from)
		__field(u64, to)
		__array(char, action, KNUMAD_TRACE_WORD)
		__array(char, reason, KNUMAD_TRACE_WORD)
		__field(u64, gain_ucpu)
		__field(u64, cost_ucpu)
		__field(u64, move_pages)
	),
	TP_fast_assign(
		__entry->pid = pid;
		strscpy(__entry->comm, comm, sizeof(__entry->comm));
		__entry->from = from;
		__entry->to = to;
		strscpy(__entry->action, action, sizeof(__entry->action));
		strscpy(__entry->reason, reason, sizeof(__entry->reason));
		__entry->gain_ucpu = gain_ucpu;
		__entry->cost_ucpu = cost_ucpu;
		__entry->move_pages = move_pages;
	),
	TP_printk("pid=%d comm=%s from=0x%llx to=0x%llx action=%s reason=%s gain_ucpu=%llu cost_ucpu=%llu move_pages=%llu",
		  __entry->pid, __entry->comm, __entry->from, __entry->to, __entry->action,
		  __entry->reason, __entry->gain_ucpu, __entry->cost_ucpu, __entry->move_pages)
);

/*
 * A thread was to go to its home, alone (partner 0) or in exchange for another, which is no farther
 * from its own by that.  @ret is 0, or the error for which both are where they were.
 */
TRACE_EVENT(knumad_thread_move,
	TP_PROTO(int pid, int tid, int from_cpu, int to_cpu, int from_nid, int to_nid,
		 int partner, int ret),
	TP_ARGS(pid, tid, from_cpu, to_cpu, from_nid, to_nid, partner, ret),
	TP_STRUCT__entry(
		__field(int, pid)
		__field(int, tid)
		__field(int, from_cpu)
		__field(int, to_cpu)
		__field(int, from_nid)
		__field(int, to_nid)
		__field(int, partner)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->pid = pid;
		__entry->tid = tid;
		__entry->from_cpu = from_cpu;
		__entry->to_cpu = to_cpu;
		__entry->from_nid = from_nid;
		__entry->to_nid = to_nid;
		__entry->partner = partner;
		__entry->ret = ret;
	),
	TP_printk("pid=%d tid=%d cpu=%d->%d node=%d->%d partner=%d ret=%d",
		  __entry->pid, __entry->tid, __entry->from_cpu, __entry->to_cpu,
		  __entry->from_nid, __entry->to_nid, __entry->partner, __entry->ret)
);

/* An address space was scanned from end to end. */
TRACE_EVENT(knumad_scan,
	TP_PROTO(int pid, u64 movable_pages, u64 fixed_pages, u32 next_ms),
	TP_ARGS(pid, movable_pages, fixed_pages, next_ms),
	TP_STRUCT__entry(
		__field(int, pid)
		__field(u64, movable_pages)
		__field(u64, fixed_pages)
		__field(u32, next_ms)
	),
	TP_fast_assign(
		__entry->pid = pid;
		__entry->movable_pages = movable_pages;
		__entry->fixed_pages = fixed_pages;
		__entry->next_ms = next_ms;
	),
	TP_printk("pid=%d movable_pages=%llu fixed_pages=%llu next_ms=%u", __entry->pid,
		  __entry->movable_pages, __entry->fixed_pages, __entry->next_ms)
);

/* A batch of pages was migrated into a node. */
TRACE_EVENT(knumad_migrate,
	TP_PROTO(int pid, int nid, u64 isolated, u64 migrated, u64 headroom_before,
		 u64 headroom_after, u64 ns),
	TP_ARGS(pid, nid, isolated, migrated, headroom_before, headroom_after, ns),
	TP_STRUCT__entry(
		__field(int, pid)
		__field(int, nid)
		__field(u64, isolated)
		__field(u64, migrated)
		__field(u64, headroom_before)
		__field(u64, headroom_after)
		__field(u64, ns)
	),
	TP_fast_assign(
		__entry->pid = pid;
		__entry->nid = nid;
		__entry->isolated = isolated;
		__entry->migrated = migrated;
		__entry->headroom_before = headroom_before;
		__entry->headroom_after = headroom_after;
		__entry->ns = ns;
	),
	TP_printk("pid=%d nid=%d isolated=%llu migrated=%llu headroom_before=%llu headroom_after=%llu ns=%llu",
		  __entry->pid, __entry->nid, __entry->isolated, __entry->migrated,
		  __entry->headroom_before, __entry->headroom_after, __entry->ns)
);

/*
 * A batch of an exchange: pages of @pid went to @to, those of @partner come from there next.  Where
 * nothing was free to begin with, @to is a node beside the exchange, and they come for what @from
 * has free now.
 */
TRACE_EVENT(knumad_exchange,
	TP_PROTO(const char *kind, int pid, int partner, int from, int to, u64 pages,
		 u64 free_before, u64 free_after, long put_on, u64 gain_ucpu),
	TP_ARGS(kind, pid, partner, from, to, pages, free_before, free_after, put_on, gain_ucpu),
	TP_STRUCT__entry(
		__array(char, kind, KNUMAD_TRACE_WORD)
		__field(int, pid)
		__field(int, partner)
		__field(int, from)
		__field(int, to)
		__field(u64, pages)
		__field(u64, free_before)
		__field(u64, free_after)
		__field(long, put_on)
		__field(u64, gain_ucpu)
	),
	TP_fast_assign(
		strscpy(__entry->kind, kind, sizeof(__entry->kind));
		__entry->pid = pid;
		__entry->partner = partner;
		__entry->from = from;
		__entry->to = to;
		__entry->pages = pages;
		__entry->free_before = free_before;
		__entry->free_after = free_after;
		__entry->put_on = put_on;
		__entry->gain_ucpu = gain_ucpu;
	),
	TP_printk("kind=%s pid=%d partner=%d node=%d->%d pages=%llu free_before=%llu free_after=%llu put_on=%ld gain_ucpu=%llu",
		  __entry->kind, __entry->pid, __entry->partner, __entry->from, __entry->to,
		  __entry->pages, __entry->free_before, __entry->free_after, __entry->put_on,
		  __entry->gain_ucpu)
);

#endif /* KNUMAD_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE knumad_trace
#include <trace/define_trace.h>
