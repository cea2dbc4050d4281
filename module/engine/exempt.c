// SPDX-License-Identifier: GPL-2.0-only
/*
 * The list of exempted processes, each held by a reference on its struct pid, so that
 * a reused number is never exempt by accident.
 *
 * Context: process context, may sleep.  Written through the parameter, read by the planner.
 */
#include <linux/errno.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "exempt.h"

#define KN_EXEMPT_MAX	4096

struct kn_exempt {
	struct list_head list;
	struct pid *pid;
};

static DEFINE_MUTEX(kn_exempt_lock);	/* the list and its length; a leaf */
static LIST_HEAD(kn_exempt_list);
static unsigned int kn_exempt_len;

static struct kn_exempt *kn_exempt_find(const struct pid *pid)
{
	struct kn_exempt *e;

	list_for_each_entry(e, &kn_exempt_list, list)
		if (e->pid == pid)
			return e;
	return NULL;
}

static void kn_exempt_drop(struct kn_exempt *e)
{
	list_del(&e->list);
	kn_exempt_len--;
	put_pid(e->pid);
	kfree(e);
}

static bool kn_is_thread_group(struct pid *pid)
{
	bool is;

	rcu_read_lock();
	is = pid_task(pid, PIDTYPE_TGID);
	rcu_read_unlock();
	return is;
}

/* kn_exempt_lock held. */
static void kn_exempt_prune_locked(void)
{
	struct kn_exempt *e, *next;

	list_for_each_entry_safe(e, next, &kn_exempt_list, list)
		if (!kn_is_thread_group(e->pid))
			kn_exempt_drop(e);
}

/**
 * kn_exempt_add - leave a process alone from now on
 * @tgid: its process id as the caller sees it
 *
 * Return: 0 (also when it is exempt already); -ESRCH without such a process; -ENOSPC
 * when the list is full; -ENOMEM.
 */
int kn_exempt_add(pid_t tgid)
{
	struct pid *pid = find_get_pid(tgid);
	struct kn_exempt *e;
	int err = 0;

	if (!pid || !kn_is_thread_group(pid)) {
		put_pid(pid);
		return -ESRCH;
	}
	mutex_lock(&kn_exempt_lock);
	if (kn_exempt_find(pid))
		goto out;
	err = -ENOSPC;
	if (kn_exempt_len >= KN_EXEMPT_MAX)	/* in mode=off no planner prunes it */
		kn_exempt_prune_locked();
	if (kn_exempt_len >= KN_EXEMPT_MAX)
		goto out;
	err = -ENOMEM;
	e = kmalloc(sizeof(*e), GFP_KERNEL);
	if (!e)
		goto out;
	e->pid = get_pid(pid);
	list_add_tail(&e->list, &kn_exempt_list);
	kn_exempt_len++;
	err = 0;
out:
	mutex_unlock(&kn_exempt_lock);
	put_pid(pid);
	return err;
}

/**
 * kn_exempt_remove - look after a process again
 * @tgid: its process id as the caller sees it
 *
 * Return: 0, or -ESRCH where it is not on the list.
 */
int kn_exempt_remove(pid_t tgid)
{
	struct pid *pid = find_get_pid(tgid);
	struct kn_exempt *e;

	mutex_lock(&kn_exempt_lock);
	e = pid ? kn_exempt_find(pid) : NULL;
	if (e)
		kn_exempt_drop(e);
	mutex_unlock(&kn_exempt_lock);
	put_pid(pid);
	return e ? 0 : -ESRCH;
}

/**
 * kn_exempt_has - whether a process is to be left alone
 * @pid: of its thread group
 */
bool kn_exempt_has(const struct pid *pid)
{
	bool has;

	if (!READ_ONCE(kn_exempt_len))
		return false;
	mutex_lock(&kn_exempt_lock);
	has = kn_exempt_find(pid);
	mutex_unlock(&kn_exempt_lock);
	return has;
}

/**
 * kn_exempt_for_each - hand every exempted process to a function
 * @show: called with the list locked; must not come back here
 * @arg: handed to @show
 */
void kn_exempt_for_each(void (*show)(void *arg, pid_t tgid), void *arg)
{
	struct kn_exempt *e;

	mutex_lock(&kn_exempt_lock);
	kn_exempt_prune_locked();
	list_for_each_entry(e, &kn_exempt_list, list)
		show(arg, pid_vnr(e->pid));
	mutex_unlock(&kn_exempt_lock);
}

/**
 * kn_exempt_prune - forget processes that have exited
 */
void kn_exempt_prune(void)
{
	mutex_lock(&kn_exempt_lock);
	kn_exempt_prune_locked();
	mutex_unlock(&kn_exempt_lock);
}

/**
 * kn_exempt_exit - drop the whole list
 *
 * The parameter may still be read: its file goes after the module's exit.
 */
void kn_exempt_exit(void)
{
	struct kn_exempt *e, *next;

	mutex_lock(&kn_exempt_lock);
	list_for_each_entry_safe(e, next, &kn_exempt_list, list)
		kn_exempt_drop(e);
	mutex_unlock(&kn_exempt_lock);
}
