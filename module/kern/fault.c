// SPDX-License-Identifier: GPL-2.0-only
/*
 * A fault in the capability table, asked for on modprobe's command line.
 *
 * It can only take a capability away, as a kernel would that lacks the row; tests use
 * it for every row, and an operator may, to do without a hook.
 *
 * Context: process context during module load, single threaded.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "fault.h"

/*
 * fault - ROW=missing, ROW=different or ROW=split: load as on a kernel without that row
 * of the capability table (debugfs "capabilities" has their names).  At load only,
 * default none.
 */
static char *kn_fault_text = "";
module_param_named(fault, kn_fault_text, charp, 0444);
MODULE_PARM_DESC(fault, "ROW=missing|different|split: load as if this kernel lacked a row of the capability table (for tests; default: none)");

static const char * const kn_fault_names[KN_NR_FAULTS] = {
	[KN_FAULT_MISSING] = "missing",
	[KN_FAULT_DIFFERENT] = "different",
	[KN_FAULT_SPLIT] = "split",
};

/* Whether the parameter begins with the row's name; sets @kind to what follows "=". */
static bool kn_fault_names_row(const struct kn_cap_row *r, const char **kind)
{
	const char *at = kn_fault_text;
	size_t len;

	if (r->type) {
		len = str_has_prefix(at, r->type);
		if (!len || at[len] != '.')
			return false;
		at += len + 1;
	}
	len = str_has_prefix(at, r->name);
	*kind = at + len + 1;
	return len && at[len] == '=';
}

/**
 * kn_fault - whether a row is to fail
 * @r: the row
 * @kind: in which way
 */
bool kn_fault(const struct kn_cap_row *r, enum kn_fault_kind kind)
{
	const char *text;

	return kn_fault_names_row(r, &text) && !strcmp(text, kn_fault_names[kind]);
}

/* Some kinds of fault some rows cannot have. */
static bool kn_fault_possible(const struct kn_cap_row *r, enum kn_fault_kind kind)
{
	if (kind == KN_FAULT_SPLIT)
		return r->kind == KN_KIND_HOOK;
	return kind != KN_FAULT_DIFFERENT || r->kind != KN_KIND_DATA;
}

/**
 * kn_fault_check - refuse a parameter that would do nothing
 *
 * Return: 0, or -EINVAL with the reason logged.
 */
int kn_fault_check(void)
{
	int row, kind;

	if (!*kn_fault_text)
		return 0;
	for (row = 0; row < KN_NR_ROWS; row++) {
		for (kind = 0; kind < KN_NR_FAULTS; kind++) {
			const struct kn_cap_row *r = kn_cap_row(row);

			if (kn_fault(r, kind) && kn_fault_possible(r, kind))
				return 0;
		}
	}
	pr_err("not loaded: fault: expected ROW=missing, ROW=different or, of a hook, ROW=split, got '%s'\n",
	       kn_fault_text);
	return -EINVAL;
}
