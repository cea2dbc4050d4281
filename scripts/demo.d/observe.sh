# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the demo measures: whether the processes have converged, and whether the
# system is as it was before knumad. Sourced by scripts/demo.d/inside in the
# guest. Nothing here asks the module: the numbers are the kernel's own.

readonly NUMA_BALANCING=/proc/sys/kernel/numa_balancing
readonly DEBUG_DIR=/sys/kernel/debug/knumad
readonly ENABLED_FUNCTIONS=/sys/kernel/tracing/enabled_functions

# converged CSV CPUS_PER_NODE: true when, in knumadtop's CSV, every process has
# 95 % of its memory and of its running threads on one and the same node, and no
# node has more running threads than CPUs. The latter, lest everything piled on
# one node passes for well placed.
converged() {
	awk -F, -v cpus="$2" '
	NR == 1 {
		for (i = 1; i <= NF; i++) {
			if ($i ~ /^mb_n/) { mb_column[++nodes] = i }
			if ($i ~ /^running_n/) { run_column[++runs] = i }
		}
		next
	}
	{
		seen++
		mb = run = best = 0
		for (n = 1; n <= nodes; n++) {
			mb += $mb_column[n]
			run += $run_column[n]
			load[n] += $run_column[n]
			if (!best || $mb_column[n] > $mb_column[best]) { best = n }
		}
		if (run <= 0 || $mb_column[best] < 0.95 * mb ||
		    $run_column[best] < 0.95 * run) { bad = 1 }
	}
	END {
		for (n = 1; n <= nodes; n++) { if (load[n] > cpus + 0.1) { bad = 1 } }
		exit bad || seen != 2
	}' "$1"
}

# The affinity of every thread of the given processes, one "TID MASK" a line.
affinity_masks() {
	local pid
	for pid; do
		taskset -ap "$pid" | sed "s/^pid \([0-9]*\)'s current affinity mask: /\1 /"
	done
}

kernel_threads() {
	ps -e -o ppid=,comm= | awk '$1 == 2 && $2 ~ /^knumad/ { print $2 }'
}

# Compares the system with what was noted before; prints a line for each point.
# Usage: check_reverted NUMA_BALANCING_BEFORE FUNCTIONS_BEFORE MASKS_BEFORE PID...
check_reverted() {
	local balancing_before=$1 functions_before=$2 masks_before=$3 bad=0 found
	shift 3

	check() { # OK? WHAT FOUND
		if [[ $1 == yes ]]; then
			passed "$2"
		else
			failed "$2; found: ${3//$'\n'/ }"
			bad=1
		fi
	}
	same() { if [[ $1 == "$2" ]]; then echo yes; else echo no; fi; }

	found=$(grep -w '^knumad' /proc/modules || true)
	check "$(same "$found" '')" "module gone from /proc/modules" "$found"
	found=$(kernel_threads)
	check "$(same "$found" '')" "no knumad kernel thread (ps)" "$found"
	found=$(cat "$ENABLED_FUNCTIONS")
	check "$(same "$found" "$functions_before")" \
		"ftrace's enabled_functions as before: ${functions_before:-empty}" "$found"
	found=$(find "$DEBUG_DIR" /sys/module/knumad /sys/kernel/tracing/events/knumad \
		-maxdepth 0 2>/dev/null || true)
	check "$(same "$found" '')" "no knumad in debugfs, /sys/module, trace events" "$found"
	found=$(<"$NUMA_BALANCING")
	check "$(same "$found" "$balancing_before")" \
		"kernel.numa_balancing is $balancing_before again" "$found"
	found=$(affinity_masks "$@")
	check "$(same "$found" "$masks_before")" \
		"taskset shows the same for all $(wc -l <<<"$masks_before") threads" "$found"
	return "$bad"
}
