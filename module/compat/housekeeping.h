/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One concept: the CPUs the load balancer works on (not isolcpus=), and those kernel
 * threads may use (not nohz_full=).
 *
 * enum hk_flags became enum hk_type in "sched/isolation: Use single feature type while
 * referring to housekeeping cpumask" (v5.18).
 *
 * Any context; the masks do not change after boot.
 */
#ifndef KNUMAD_COMPAT_HOUSEKEEPING_H
#define KNUMAD_COMPAT_HOUSEKEEPING_H

#include <linux/sched/isolation.h>
#include <linux/version.h>

static inline const struct cpumask *kn_balanced_cpus(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 18, 0)
	return housekeeping_cpumask(HK_TYPE_DOMAIN);
#else
	return housekeeping_cpumask(HK_FLAG_DOMAIN);
#endif
}

static inline const struct cpumask *kn_kthread_cpus(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 18, 0)
	return housekeeping_cpumask(HK_TYPE_KTHREAD);
#else
	return housekeeping_cpumask(HK_FLAG_KTHREAD);
#endif
}

#endif /* KNUMAD_COMPAT_HOUSEKEEPING_H */
