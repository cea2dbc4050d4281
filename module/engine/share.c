// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that several processes map: tmpfs and memfd, as between QEMU and its vhost-user
 * back ends, and what a fork has left to parent and child.
 *
 * The rule.  Such pages count, in equal parts, for each process looked after that shares
 * their object.  Where most of those processes' CPU demand is of some that have the same home,
 * the object is theirs: it counts for them alone, and a page may be moved to their home if no more
 * page tables map it than processes share the object: then most of its users are known.  Whose
 * tables these are is not looked up: a page that a process nobody looks after maps instead of
 * one of them moves, too.
 *
 * Context: the scan counts under scan.lock (and page-table locks) and publishes; the planner
 * weighs homes; workers ask before they take a page.  share_lock is a leaf.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/rmap.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/spinlock.h>

#include "registry.h"
#include "share.h"

/* So much of the demand of all who share an object decides where it is to be. */
#define KN_DOMINANT_PERCENT	80

/* One process's part in an object, while homes are compared. */
struct kn_share_user {
	unsigned long key;
	struct kn_proc *proc;
};

static int kn_share_array_alloc(struct kn_share *shares)
{
	u64 *pages = kcalloc(KN_MAX_SHARES * nr_node_ids, sizeof(*pages), GFP_KERNEL);
	int i;

	for (i = 0; i < KN_MAX_SHARES && pages; i++)
		shares[i].pages = pages + i * nr_node_ids;
	return pages ? 0 : -ENOMEM;
}

/**
 * kn_shares_alloc - make room for what a new record's process shares
 * @proc: the record
 *
 * Return: 0, or -ENOMEM; kn_shares_free() frees what there is in either case.
 */
int kn_shares_alloc(struct kn_proc *proc)
{
	spin_lock_init(&proc->share_lock);
	return kn_share_array_alloc(proc->shares) ?: kn_share_array_alloc(proc->scan.shares);
}

void kn_shares_free(struct kn_proc *proc)
{
	kfree(proc->shares[0].pages);
	kfree(proc->scan.shares[0].pages);
}

/**
 * kn_share_key - what a mapping is a mapping of
 * @vma: of tmpfs, or with private pages; the mmap lock is held
 *
 * Return: the same for those who share pages with it, 0 for none.
 */
unsigned long kn_share_key(const struct vm_area_struct *vma)
{
	if (vma->vm_flags & VM_MAYSHARE)
		return vma->vm_file ? (unsigned long)vma->vm_file->f_mapping : 0;
	return vma->anon_vma ? (unsigned long)vma->anon_vma->root : 0;
}

/**
 * kn_share_count - count pages in the pass under way
 * @proc: the process; scan.lock held
 * @key: of what they belong to
 * @nid: where they are
 * @nr_pages: how many
 */
void kn_share_count(struct kn_proc *proc, unsigned long key, int nid, unsigned int nr_pages)
{
	struct kn_share *s = proc->scan.shares;
	int i;

	for (i = 0; i < KN_MAX_SHARES && s[i].key && s[i].key != key; i++)
		;
	if (i == KN_MAX_SHARES || !key)
		return;
	s[i].key = key;
	s[i].pages[nid] += nr_pages;
}

static struct kn_share *kn_share_find(struct kn_share *s, unsigned long key)
{
	int i;

	for (i = 0; i < KN_MAX_SHARES; i++)
		if (s[i].key == key)
			return &s[i];
	return NULL;
}

/**
 * kn_shares_publish - the pass has ended: its counts replace the old ones
 * @proc: the process; scan.lock held
 */
void kn_shares_publish(struct kn_proc *proc)
{
	struct kn_share *new = proc->scan.shares;
	int i;

	spin_lock(&proc->share_lock);
	for (i = 0; i < KN_MAX_SHARES; i++) {
		const struct kn_share *was = new[i].key ? kn_share_find(proc->shares, new[i].key) :
							  NULL;

		new[i].parts = was ? was->parts : 1;
		new[i].together = was ? was->together : 0;
	}
	for (i = 0; i < KN_MAX_SHARES; i++) {
		swap(proc->shares[i], new[i]);
		new[i].key = 0;
		memset(new[i].pages, 0, nr_node_ids * sizeof(u64));
	}
	spin_unlock(&proc->share_lock);
}

/**
 * kn_share_together - how many page tables may map a page that is to be moved
 * @proc: the process
 * @key: of what the page belongs to
 *
 * Return: 0 if it does not come to this process's home.
 */
u32 kn_share_together(struct kn_proc *proc, unsigned long key)
{
	const struct kn_share *share;
	u32 together;

	if (!key)
		return 0;
	spin_lock(&proc->share_lock);
	share = kn_share_find(proc->shares, key);
	together = share ? share->together : 0;
	spin_unlock(&proc->share_lock);
	return together;
}

static int kn_compare_users(const void *a, const void *b)
{
	const struct kn_share_user *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

/* The weight of a process among those who share something; where all are idle each has one. */
static u64 kn_user_weight(const struct kn_share_user *user)
{
	return user->proc->demand_mcpu + 1ULL;
}

/* The home that outweighs all others together, if there is one; or else any, or none. */
static u64 kn_users_majority(const struct kn_share_user *users, u32 nr)
{
	u64 home = 0, lead = 0;
	u32 i;

	for (i = 0; i < nr; i++) {
		u64 weight = kn_user_weight(&users[i]);

		if (users[i].proc->home == home) {
			lead += weight;
		} else if (lead >= weight) {
			lead -= weight;
		} else {
			home = users[i].proc->home;
			lead = weight - lead;
		}
	}
	return home;
}

/* The home that an object's users have it come to, or none; @parts receives how many live there. */
static u64 kn_users_home(const struct kn_share_user *users, u32 nr, u32 *parts)
{
	u64 home = kn_users_majority(users, nr), all = 0, there = 0;
	u32 i;

	*parts = 0;
	for (i = 0; i < nr; i++) {
		u64 weight = kn_user_weight(&users[i]);

		all += weight;
		if (users[i].proc->home != home)
			continue;
		there += weight;
		++*parts;
	}
	return nr > 1 && there * 100 >= all * KN_DOMINANT_PERCENT ? home : 0;
}

/* The users of one object: has each know for how many it counts, and whether it is theirs. */
static void kn_users_compare(const struct kn_share_user *users, u32 nr)
{
	u32 parts, i;
	u64 home = kn_users_home(users, nr, &parts);

	for (i = 0; i < nr; i++) {
		struct kn_proc *proc = users[i].proc;
		bool theirs = home && proc->home == home;
		struct kn_share *share;

		spin_lock(&proc->share_lock);
		share = kn_share_find(proc->shares, users[i].key);
		if (share) {
			share->parts = !home ? nr : theirs ? parts : 0;
			share->together = theirs ? nr : 0;
		}
		spin_unlock(&proc->share_lock);
	}
}

/* Adds what @proc shares to @users, which have room for it; returns how many it added. */
static u32 kn_users_add(struct kn_share_user *users, struct kn_proc *proc)
{
	u32 nr = 0;
	int i;

	spin_lock(&proc->share_lock);
	for (i = 0; i < KN_MAX_SHARES; i++)
		if (proc->shares[i].key)
			users[nr++] = (struct kn_share_user){ proc->shares[i].key, proc };
	spin_unlock(&proc->share_lock);
	return nr;
}

/**
 * kn_shares_plan - find out who shares with whom, and where that is to be
 * @procs: the processes looked after
 * @nr: how many
 *
 * Planner thread, before a snapshot: by the demands and homes of the plan before.  Without memory
 * all stays as it was.
 */
void kn_shares_plan(struct kn_proc *const *procs, u32 nr)
{
	struct kn_share_user *users = kvcalloc(nr, KN_MAX_SHARES * sizeof(*users), GFP_KERNEL);
	u32 nr_users = 0, i, first;

	if (!users)
		return;
	for (i = 0; i < nr; i++)
		nr_users += kn_users_add(users + nr_users, procs[i]);
	sort(users, nr_users, sizeof(*users), kn_compare_users, NULL);
	for (first = 0; first < nr_users; first = i) {
		for (i = first + 1; i < nr_users && users[i].key == users[first].key; i++)
			;
		kn_users_compare(users + first, i - first);
		cond_resched();
	}
	kvfree(users);
}

/**
 * kn_shares_snapshot - a process's part of what it shares
 * @proc: the process
 * @movable: [nr_node_ids] pages that may be moved are added
 * @fixed: [nr_node_ids] and those that may not
 */
void kn_shares_snapshot(struct kn_proc *proc, u64 *movable, u64 *fixed)
{
	int i, nid;

	spin_lock(&proc->share_lock);
	for (nid = 0; nid < nr_node_ids; nid++) {
		long rest = atomic_long_read(&proc->pages[nid].shared);

		for (i = 0; i < KN_MAX_SHARES; i++) {
			const struct kn_share *s = &proc->shares[i];
			u64 part = s->parts ? s->pages[nid] / s->parts : 0;

			if (!s->key)
				continue;
			rest -= s->pages[nid];
			if (s->together)
				movable[nid] += part;
			else
				fixed[nid] += part;
		}
		fixed[nid] += max(0L, rest);
	}
	spin_unlock(&proc->share_lock);
}
