/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One concept: an ftrace callback that sends execution somewhere else.
 *
 * The callback's last argument became struct ftrace_regs in "ftrace: Have the
 * callbacks receive a struct ftrace_regs instead of pt_regs" (v5.11).  Callbacks were
 * guarded against recursion unless they declared themselves safe until "ftrace: Reverse
 * what the RECURSION flag means in the ftrace_ops" (v5.11).  The setter's name changed
 * in "ftrace: rename ftrace_instruction_pointer_set() ->
 * ftrace_regs_set_instruction_pointer()" (v6.2).
 *
 * Any context: runs inside a ftrace callback.
 */
#ifndef KNUMAD_COMPAT_FTRACE_H
#define KNUMAD_COMPAT_FTRACE_H

#include <linux/ftrace.h>
#include <linux/version.h>

#include "../kern/calls.h"

/*
 * A callback that sees the arguments may also change where to go on; all registers need
 * not be saved for it.  On x86 since "x86/ftrace: Allow for arguments to be passed in to
 * ftrace_regs by default" (v5.11).
 */
#ifdef CONFIG_HAVE_DYNAMIC_FTRACE_WITH_ARGS
#define KN_FTRACE_SAVES		0
#else
#define KN_FTRACE_SAVES		FTRACE_OPS_FL_SAVE_REGS
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 11, 0)
#define KN_FTRACE_REGS		ftrace_regs
#define KN_FTRACE_UNGUARDED	0
#else
#define KN_FTRACE_REGS		pt_regs
#define KN_FTRACE_UNGUARDED	FTRACE_OPS_FL_RECURSION_SAFE
#endif

/*
 * Where the patched call of the function at @start is, or 0.  It is the function's first
 * instruction, unless that is an ENDBR, which only kernels built for IBT have.
 */
static inline unsigned long kn_ftrace_site(unsigned long start)
{
#ifdef CONFIG_X86_KERNEL_IBT
	return KN_CALL(ftrace_location)(start);
#else
	return start;
#endif
}

static __always_inline void kn_ftrace_redirect(struct KN_FTRACE_REGS *regs, unsigned long to)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	ftrace_regs_set_instruction_pointer(regs, to);
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(5, 11, 0)
	ftrace_instruction_pointer_set(regs, to);
#else
	regs->ip = to;
#endif
}

#endif /* KNUMAD_COMPAT_FTRACE_H */
