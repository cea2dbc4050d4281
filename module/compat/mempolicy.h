/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One concept: a memory policy that is only "where I run".
 *
 * MPOL_LOCAL was stored as MPOL_PREFERRED with MPOL_F_LOCAL until "mm/mempolicy: don't
 * handle MPOL_LOCAL like a fake MPOL_PREFERRED policy" (v5.14).
 *
 * Under whatever keeps the policy from going away.
 */
#ifndef KNUMAD_COMPAT_MEMPOLICY_H
#define KNUMAD_COMPAT_MEMPOLICY_H

#include <linux/mempolicy.h>
#include <linux/version.h>

/* Whether @policy, which may be NULL, says more than to allocate where one runs. */
static inline bool kn_policy_binds(const struct mempolicy *policy)
{
	if (!policy || policy->mode == MPOL_DEFAULT || policy->mode == MPOL_LOCAL)
		return false;
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 14, 0)
	if (policy->mode == MPOL_PREFERRED && (policy->flags & MPOL_F_LOCAL))
		return false;
#endif
	return true;
}

#endif /* KNUMAD_COMPAT_MEMPOLICY_H */
