/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One concept: an ftrace callback that sends execution somewhere else.
 *
 * The callback's last argument became struct ftrace_regs in "ftrace: Have the
 * callbacks receive a struct ftrace_regs instead of pt_regs" (v5.11); the setter's
 * name changed in "ftrace: rename ftrace_instruction_pointer_set() ->
 * ftrace_regs_set_instruction_pointer()" (v6.2).
 *
 * Any context: runs inside a ftrace callback.
 */
#ifndef KNUMAD_COMPAT_FTRACE_H
#define KNUMAD_COMPAT_FTRACE_H

#include <linux/ftrace.h>
#include <linux/version.h>

static __always_inline void kn_ftrace_redirect(struct ftrace_regs *fregs, unsigned long to)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	ftrace_regs_set_instruction_pointer(fregs, to);
#else
	ftrace_instruction_pointer_set(fregs, to);
#endif
}

#endif /* KNUMAD_COMPAT_FTRACE_H */
