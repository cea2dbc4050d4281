/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Walks over the threads of a process, of which one can have very many.
 */
#ifndef KNUMAD_ENGINE_EACH_THREAD_H
#define KNUMAD_ENGINE_EACH_THREAD_H

#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/types.h>

/* A walk looks so often whether somebody else wants the CPU, in threads. */
#define KN_THREADS_PER_LOOK	256

/**
 * kn_walk_goes_on - let others have the CPU for a moment, now and then
 * @leader: the process's
 * @t: the thread where for_each_thread() is
 * @walked: of this walk, 0 at first
 *
 * May sleep: RCU read section of the walk's own, left and entered again.  What was found of other
 * threads under RCU is good no more.  Return: false if the walk has to end here, as one of the two
 * is gone.
 */
static inline bool kn_walk_goes_on(struct task_struct *leader, struct task_struct *t, u32 *walked)
{
	bool here;

	if (++*walked % KN_THREADS_PER_LOOK || !need_resched())
		return true;
	get_task_struct(leader);
	get_task_struct(t);
	rcu_read_unlock();
	cond_resched();
	rcu_read_lock();
	here = pid_alive(leader) && pid_alive(t);
	put_task_struct(t);
	put_task_struct(leader);
	return here;
}

#endif /* KNUMAD_ENGINE_EACH_THREAD_H */
