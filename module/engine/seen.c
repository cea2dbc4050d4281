// SPDX-License-Identifier: GPL-2.0-only
/*
 * What memory running threads are about to use, without a fault and without the processor's
 * help: it looks where a thread was when it last entered the kernel (at the latest by the timer's
 * tick), and takes what the code there was about to read or write.
 *
 * Context: planner thread, may sleep.  A thread's registers are read while it may be entering the
 * kernel on another CPU, or exit: they may be torn, and its stack may be gone.  Reading cannot
 * fault in earnest, and a wrong sample is one of many.
 */
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/topology.h>
#include <linux/uaccess.h>

#include "../compat/housekeeping.h"
#include "../compat/runnable.h"
#include "../policy/uses.h"
#include "each_thread.h"
#include "peek.h"
#include "registry.h"
#include "seen.h"

/* How much code is read around where a thread was. */
#define KN_CODE_BEFORE	256
#define KN_CODE_BEHIND	128

/* Where a thread was. */
struct kn_place {
	u64 ip;
	u64 regs[POLICY_REGS];
};

/* Planner thread only. */
static struct kn_place kn_places[KN_SEEN_MAX];
static struct kn_seen kn_seen[KN_SEEN_MAX];

/* RCU.  @t's registers in user mode, and its node; false if they are not to be had. */
static bool kn_see(struct task_struct *t, struct kn_place *place, struct kn_seen *seen)
{
	struct pt_regs regs;
	int cpu = task_cpu(t);

	if (!kn_task_runnable(t) || !kn_cpu_is_balanced(cpu) || !t->stack)
		return false;
	if (copy_from_kernel_nofault(&regs, task_pt_regs(t), sizeof(regs)))
		return false;
	/* Nor 32-bit code; workers of io_uring and vhost have a user's registers, but no code. */
	if (regs.cs != __USER_CS || !regs.ip || !regs.sp)
		return false;
	*seen = (struct kn_seen) { .tid = t->pid, .nid = cpu_to_node(cpu) };
	*place = (struct kn_place) {
		.ip = regs.ip,
		.regs = {
			regs.ax, regs.cx, regs.dx, regs.bx, regs.sp, regs.bp, regs.si, regs.di,
			regs.r8, regs.r9, regs.r10, regs.r11, regs.r12, regs.r13, regs.r14,
			regs.r15,
		},
	};
	return true;
}

/* The address space is this thread's.  What is not in memory is not read. */
static bool kn_read_user(u8 *to, u64 from, u64 end)
{
	return from >= end ||
	       !copy_from_user_nofault(to, (const void __user *)(unsigned long)from, end - from);
}

/* mmap lock held.  The mapping of code at @ip, if it is one that is memory; or NULL. */
static const struct vm_area_struct *kn_code_vma(struct mm_struct *mm, u64 ip)
{
	const struct vm_area_struct *vma = ip < TASK_SIZE_MAX ? find_vma(mm, ip) : NULL;

	if (!vma || vma->vm_start > ip || !(vma->vm_flags & VM_EXEC) ||
	    (vma->vm_flags & (VM_IO | VM_PFNMAP)))
		return NULL;
	return vma;
}

/*
 * Reads the code around @ip into @bytes, in an address space that is this thread's.  Nobody is
 * waited for: where the mmap lock is taken, or the page not in memory, there is none.  Of two
 * pages it is the one with @ip that must be.
 */
static void kn_read_code(struct mm_struct *mm, u64 ip, struct policy_code *code, u8 *bytes)
{
	const struct vm_area_struct *vma;
	u64 start, edge, end, since;
	bool all = false;

	code->bytes = bytes;
	code->len = 0;
	if (!kn_peek_begin(mm, &since))
		return;
	vma = kn_code_vma(mm, ip);
	if (vma) {
		start = max_t(u64, vma->vm_start, ip - min_t(u64, ip, KN_CODE_BEFORE));
		end = min_t(u64, vma->vm_end, ip + KN_CODE_BEHIND);
		edge = min_t(u64, end, (start & PAGE_MASK) + PAGE_SIZE);
		if (edge <= ip) {
			if (!kn_read_user(bytes, start, edge))
				start = edge;
			all = kn_read_user(bytes + (edge - start), edge, end);
		} else {
			all = kn_read_user(bytes, start, edge);
			if (!kn_read_user(bytes + (edge - start), edge, end))
				end = edge;
		}
	}
	kn_peek_end(mm, since);
	if (!all)
		return;
	code->start = start;
	code->len = end - start;
}

static void kn_see_operands(struct mm_struct *mm, const struct kn_place *place,
			    struct kn_seen *seen)
{
	static u8 bytes[KN_CODE_BEFORE + KN_CODE_BEHIND];	/* planner thread only */
	struct policy_code code;

	kn_read_code(mm, place->ip, &code, bytes);
	seen->nr_addrs = policy_operands(&code, place->ip, place->regs, seen->addrs,
					 KN_SEEN_ADDRS);
}

/**
 * kn_see_threads - look what some of a process's threads are about to use
 * @proc: the caller has a reference on its address space
 * @skip: threads that had their turn, of those that can be seen
 * @seen: receives what was seen, good until the next look at any process
 *
 * Planner thread.  Return: how many threads were seen.
 */
u32 kn_see_threads(struct kn_proc *proc, u32 skip, const struct kn_seen **seen)
{
	struct task_struct *leader, *t;
	u32 nr = 0, walked = 0, i;

	rcu_read_lock();
	leader = pid_task(proc->pid, PIDTYPE_TGID);
	if (leader) {
		for_each_thread(leader, t) {
			if (nr == KN_SEEN_MAX || !kn_walk_goes_on(leader, t, &walked))
				break;
			if (!kn_see(t, &kn_places[nr], &kn_seen[nr]))
				continue;
			if (skip)
				skip--;
			else
				nr++;
		}
	}
	rcu_read_unlock();
	*seen = kn_seen;
	if (!nr)
		return 0;
	kthread_use_mm(proc->mm);
	for (i = 0; i < nr; i++)
		kn_see_operands(proc->mm, &kn_places[i], &kn_seen[i]);
	kthread_unuse_mm(proc->mm);
	return nr;
}
