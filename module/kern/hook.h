/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replacing a kernel function by one of ours, through ftrace, and undoing it.
 *
 * The replacement runs in the context of the function it replaces, and reaches the
 * original by KN_CALL(), which enters it past the patched call.
 */
#ifndef KNUMAD_KERN_HOOK_H
#define KNUMAD_KERN_HOOK_H

#include <linux/ftrace.h>

#include "calls.h"

struct kn_hook {
	enum kn_row row;	/* the hooked function */
	unsigned long to;	/* the replacement's address */
	bool armed;
	int last_err;		/* of the last attempt to arm it, so that it is said once */
	struct ftrace_ops ops;
};

int kn_hook_prepare(struct kn_hook *hook);
int kn_hook_arm(struct kn_hook *hook);
void kn_hook_disarm(struct kn_hook *hook);
void kn_hook_forget(struct kn_hook *hook);

#endif /* KNUMAD_KERN_HOOK_H */
