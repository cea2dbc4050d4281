#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# rmmod at full work, threads overcommitted and pages moving both ways, reverts
# everything: no thread, hook, file, tracepoint, reference; the setting, the masks
# and the memory's content as before. Also with debugfs files held open and with
# tracepoints in use a moment ago.
# Time limit: 200 s
. "$(dirname "$0")/lib.sh"

moving() {
	(($(stat_of migrate_pages_ok) > 2000 && $(stat_of threads_moved) + $(stat_of threads_swapped) > 0))
}

# The kernel folds its per-CPU counters once a second, and others isolate pages, too.
none_isolated() {
	(($(awk '/^nr_isolated_(anon|file) / { sum += $2 } END { print sum }' /proc/vmstat) == 0))
}

for round in 1 2 3; do
	start_load load --start crossed --threads 4 --size 128M --verify --seconds 1000
	masks=$(for pid in "${PIDS[@]}"; do cpus_allowed "$pid"; done)
	load mode=full scan_period_ms=100 migrate_mb_per_sec=64
	# Memory moves once the threads have been taken away from it.
	for pid in "${PIDS[@]}"; do
		taskset -acp "$(<"/sys/devices/system/node/node0/cpulist")" "$pid" >/dev/null
	done
	sleep 3
	for pid in "${PIDS[@]}"; do
		taskset -acp 0-3 "$pid" >/dev/null
	done
	if within 15 moving; then
		pass "round $round: threads and pages move ($(stat_of migrate_pages_ok) pages)"
	else
		fail "round $round: threads and pages move" "$(cat "$DEBUG/stats")"
	fi
	echo 1 >/sys/kernel/tracing/events/knumad/enable
	sleep 0.5
	echo 0 >/sys/kernel/tracing/events/knumad/enable
	exec {held}<"$DEBUG/processes"
	now_ds start
	if ((round == 1)); then
		# An open file is a reference; rmmod must say so and change nothing.
		if unload 2>"$SCRATCH/error"; then
			diag "rmmod went through with a debugfs file open"
		else
			check "round $round: rmmod with an open debugfs file says it is in use" grep -q "in use" "$SCRATCH/error"
		fi
	fi
	exec {held}<&-
	[[ ! -e /sys/module/knumad ]] || check "round $round: rmmod" unload
	now_ds now
	diag "rmmod took $((now - start)) tenths of a second"
	is "round $round: nothing remains" "" "$(remains)"
	is "round $round: kernel.numa_balancing is back" 1 "$(<"$NUMAB")"
	is "round $round: affinity masks are as before" "$masks" "$(for pid in "${PIDS[@]}"; do cpus_allowed "$pid"; done)"
	check "round $round: no page is left isolated" within 8 none_isolated
	stop_load
	is "round $round: the memory's content is right" 0 "$LOAD_STATUS"
done
finish
