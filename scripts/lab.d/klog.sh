# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What counts as trouble in a guest's kernel log. Sourced by scripts/lab; runs
# on the host, over the console and over the log the guest sent at its end (the
# console lacks what a test hid with dmesg -n, the log what its ring lost).

# Extended regular expressions, matched case by case as kernels print them.
readonly LAB_KLOG_BAD=(
	'\bBUG\b'
	'\bWARNING\b'
	'\bOops\b'
	'Call Trace:'
	'Kernel panic'
	'general protection'
	'[Uu]nable to handle'
	'divide error:'
	'invalid opcode:'
	'stack segment:'
	'double fault'
	'detected stall'
	'self-detected stall'
	'rcu.*\bstall'
	'starved for [0-9]+ jiffies'
	'soft lockup'
	'[Hh]ard (lockup|LOCKUP)'
	'workqueue lockup'
	'hung_task'
	'blocked for more than [0-9]+ seconds'
	'possible (circular|recursive|irq lock|deadlock|unsafe)'
	'inconsistent lock state'
	'refcount_t:'
	'\b(KASAN|KCSAN|KMSAN|UBSAN|KFENCE)\b'
	'Bad (page|rss-counter|swap)'
	'bad (pmd|pte|pud)'
	'page still charged'
	'[Oo]bjects remaining'
	'still has objects'
	'Busy inodes after'
	'(list_add|list_del) corruption'
	'scheduling while atomic'
	'sleeping function called'
	'unreferenced object'
	'\b[Ll]eak(s|ed|ing)?\b'
	'Stack corrupt|stack-protector|corrupted stack'
	'NMI watchdog: Watchdog detected'
)

# Lines that match the above in an untroubled boot of a stock kernel.
readonly LAB_KLOG_HARMLESS=(
	# CPU bug notices: "data leak possible", "WARNING: ... mitigation"
	'data leak possible'
	'(Spectre|MDS|TAA|MMIO|RETBleed|SRSO|GDS|ITS|TSA|VMSCAPE).*(WARNING|leak|BUG)'
	'Spectre V2 : WARNING'
	# "BUG" as firmware tables' own word
	'\[Firmware (Bug|Warn|Info)\]'
)

# klog_trouble VAR LOG…: sets VAR to the lines of trouble, each once, with the
# stack traces left out (the console file has them).
klog_trouble() {
	local -n _lines=$1
	local bad harmless
	shift
	bad=$(IFS='|' && echo "${LAB_KLOG_BAD[*]}")
	harmless=$(IFS='|' && echo "${LAB_KLOG_HARMLESS[*]}")
	# The ring's raw form has "<6>" in front; a serial console ends lines in \r\n.
	_lines=$(cat -- "$@" 2>/dev/null | tr -d '\r\000' | sed -E 's/^<[0-9]+>//' |
		grep -aE -- "$bad" | grep -avE -- "$harmless" | awk '!seen[$0]++' || true)
}
