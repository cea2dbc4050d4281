/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The private kernel functions, fields and variables knumad uses, in three tables.
 *
 * A row names the symbol, its prototype and the capability that needs it.  The
 * prototype is used twice: the compiler builds the static call from it, and its
 * spelling is compared with the running kernel's BTF.  Callers write
 * KN_CALL(migrate_pages)(...); they may do so only while kn_capable() says that the
 * row's capability works.  A static call is a patched direct call: any context the
 * called function itself allows.
 */
#ifndef KNUMAD_KERN_CALLS_H
#define KNUMAD_KERN_CALLS_H

#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/pagewalk.h>
#include <linux/sched.h>
#include <linux/static_call.h>

#include "../compat/protos.h"

struct lb_env;

/* What knumad can do; a kernel that lacks a row loses the row's capability. */
enum kn_capability {
	KN_CAP_REACH,	/* look up and check the rest: without it nothing loads */
	KN_CAP_SCAN,	/* walk page tables: without it nothing loads */
	KN_CAP_BIAS,	/* ftrace hooks in the scheduler (CPU follows memory) */
	KN_CAP_MOVE,	/* move running threads (CPU follows memory) */
	KN_CAP_MIGRATE,	/* move pages (memory follows CPU) */
	KN_CAP_CACHE,	/* have page cache dropped for memory that is moved */
	KN_CAP_QUOTA,	/* see which threads a CPU quota holds back */
	KN_CAP_YOUNG,	/* ask KVM and other MMUs which pages were accessed */
	KN_NR_CAPS
};

/*
 * X(symbol, return type, (parameter types), capability): a function that is called.
 *
 * OR(key, symbol, return type, (parameter types), capability): the same thing as other
 * kernels have it, under another name or with another prototype.  Of an X row and the
 * OR rows after it the first one that the running kernel's BTF confirms is used; only
 * where none is, the capability is lost.  KN_HAS(key) says which.
 *
 * mmput_async() is exported in later kernels only (5.15.85 has it, 5.19 has not).
 */
#define KN_CALLS(X, OR) \
	X(kallsyms_lookup_name, unsigned long, (const char *), REACH) \
	X(walk_page_range, int, (struct mm_struct *, unsigned long, unsigned long, \
		const struct mm_walk_ops *, void *), SCAN) \
	X(vm_normal_page, struct page *, (struct vm_area_struct *, unsigned long, pte_t), SCAN) \
	X(vm_normal_page_pmd, struct page *, \
		(struct vm_area_struct *, unsigned long, pmd_t), SCAN) \
	X(mmput_async, void, (struct mm_struct *), SCAN) \
	KN_LOCATE(X) \
	X(idle_cpu, int, (int), BIAS) \
	X(migrate_task_to, int, (struct task_struct *, int), MOVE) \
	X(migrate_swap, int, (struct task_struct *, struct task_struct *, int, int), MOVE) \
	KN_ISOLATE(X, OR) \
	KN_MIGRATE_PAGES(X, OR) \
	X(putback_movable_pages, void, (struct list_head *), MIGRATE) \
	X(lru_add_drain_all, void, (void), MIGRATE) \
	X(drain_local_pages, void, (struct zone *), MIGRATE) \
	X(reclaim_pages, unsigned long, (struct list_head *), CACHE) \
	KN_CLEAR_YOUNG(X, OR)

/*
 * X and OR: functions that are replaced.  select_task_rq_fair() lost sd_flag in "sched:
 * Remove select_task_rq()'s sd_flag parameter" (v5.11).
 */
#define KN_HOOKS(X, OR) \
	X(can_migrate_task, int, (struct task_struct *, struct lb_env *), BIAS) \
	X(select_task_rq_fair, int, (struct task_struct *, int, int), BIAS) \
	OR(select_task_rq_fair_sd, select_task_rq_fair, int, \
		(struct task_struct *, int, int, int), BIAS)

/* X(structure, member, type of it, capability): private fields that are read */
#define KN_FIELDS(X) \
	X(lb_env, sd, struct sched_domain *, BIAS) \
	X(lb_env, src_cpu, int, BIAS) \
	X(lb_env, dst_cpu, int, BIAS) \
	X(lb_env, idle, enum cpu_idle_type, BIAS) \
	X(rq, nr_running, unsigned int, MOVE) \
	X(cfs_rq, throttle_count, int, QUOTA)

/* X(per-CPU variable, capability): private variables that are read */
#define KN_VARS(X) \
	X(runqueues, MOVE)

/* X(symbol, capability): data found by address alone */
#define KN_DATA(X) \
	X(__start_BTF, REACH) \
	X(__stop_BTF, REACH) \
	X(fair_sched_class, MOVE)

/* The tables' rows as numbers, all kinds in one sequence. */
enum kn_row {
#define KN_ROW_CALL(name, ...)		KN_ROW_##name,
#define KN_ROW_FIELD(type, member, ...)	KN_ROW_##type##_##member,
	KN_DATA(KN_ROW_CALL)
	KN_CALLS(KN_ROW_CALL, KN_ROW_CALL)
	KN_HOOKS(KN_ROW_CALL, KN_ROW_CALL)
	KN_FIELDS(KN_ROW_FIELD)
	KN_VARS(KN_ROW_CALL)
	KN_NR_ROWS
};

#define KN_DECLARE_CALL(name, ret, params, cap) \
	typedef ret kn_fn_##name params; \
	DECLARE_STATIC_CALL(kn_##name, kn_fn_##name);
#define KN_DECLARE_OTHER(key, name, ret, params, cap) \
	KN_DECLARE_CALL(key, ret, params, cap)
KN_CALLS(KN_DECLARE_CALL, KN_DECLARE_OTHER)
KN_HOOKS(KN_DECLARE_CALL, KN_DECLARE_OTHER)

/* For a hooked function this is the original, entered past the hook. */
#define KN_CALL(name)	static_call(kn_##name)

/*
 * What the lookup found for each row: the address of a function or variable, or the
 * offset of a field.  Written once at load, valid while the row's capability works.
 */
extern unsigned long kn_row_value[KN_NR_ROWS];

/* Whether a row was found, verified, and is the one of its alternatives to be used. */
extern bool kn_row_used[KN_NR_ROWS];

#define KN_HAS(name)	(kn_row_used[KN_ROW_##name])

#define KN_FIELD(base, type, member, ctype) \
	(*(ctype *)((char *)(base) + kn_row_value[KN_ROW_##type##_##member]))

#endif /* KNUMAD_KERN_CALLS_H */
